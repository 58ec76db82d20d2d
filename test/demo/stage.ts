import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createRuleEngine, type RuleEngine } from '../../operator/argo/engine.ts';
import { rbac } from '../../operator/cli/rbac/render.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { type OperatorProcess, startOperatorProcess } from '../e2e/operator-process.ts';
import { type Environment, startEnvironment } from '../env/environment.ts';
import { exampleConfig, GROUPS, PEOPLE } from '../env/example.ts';
import { ROTATING_OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { eventually } from '../env/process.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { expect } from './expect.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { awaiting, command, duration, heading, output, say } from './print.ts';

/** Realm of the demo; in a Keycloak that was there before, none that anybody else has. */
const REALM = `demo-${randomBytes(3).toString('hex')}`;
/** Level of pino. */
const WARNING = 40;
const ACCOUNT = { operatorNamespace: 'argo-access-system', serviceAccount: 'argo-access-operator' };

/** Everything that the steps of the demo play with. */
export interface Stage {
  readonly signal: AbortSignal;
  /** Stops what was started, the last first. */
  readonly cleanup: AsyncDisposableStack;
  readonly environment: Environment;
  readonly realm: string;
  /** The operator's configuration. */
  readonly configPath: string;
  /** Requests as the cluster's administrator. */
  readonly api: KubernetesClient;
  readonly kubectl: Kubectl;
  readonly operator: OperatorProcess;
  /** Argo's rule engine. */
  readonly engine: RuleEngine;
}

/** Starts the servers. */
async function startServers(cleanup: AsyncDisposableStack): Promise<Environment> {
  heading('Two servers');
  const started = Date.now();
  const environment = await awaiting(
    'etcd, kube-apiserver and Keycloak are starting',
    startEnvironment(say, { mayExist: true }),
  );
  cleanup.defer(environment.stop);
  const { kubernetes, keycloak } = environment;
  say(`Kubernetes  ${kubernetes.url}`);
  say(`Keycloak    ${keycloak.url}`);
  say(`They are the real programs, and were ready after ${duration(Date.now() - started)}.`);
  return environment;
}

/** Makes the realm, and the operator's own client in it; gives that client's secret. */
async function makeRealm(
  { keycloak: { admin } }: Environment,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  heading('A realm with people in it');
  // Fails where the realm has not come about yet.
  cleanup.defer(() => admin.removeRealm(REALM).catch(() => {}));
  await admin.createRealm(REALM, GROUPS);
  for (const person of PEOPLE) {
    const { username, groups } = person;
    await admin.createUser(REALM, person);
    say(`${username.padEnd(5)} ${groups.length === 0 ? 'is in no group' : `is in ${groups.join(', ')}`}`);
  }
  const { clientId, secret } = await admin.createOperator(REALM, ROTATING_OPERATOR_ROLES);
  say(
    `The operator has a client of its own there, ${clientId}: a service account with the roles\n` +
      `${ROTATING_OPERATOR_ROLES.join(', ')}. It is no administrator.`,
  );
  return secret;
}

/** Installs CRD, roles and the operator's rights, as README and config/ say. */
async function install(kubectl: Kubectl, configPath: string): Promise<void> {
  heading('The operator, with no more rights than its configuration asks for');
  await kubectl('apply', '-k', 'crds');
  await kubectl('apply', '-k', 'config/clusterroles');
  await kubectl('apply', '-f', 'config/base/namespace.yaml', '-f', 'config/base/serviceaccount.yaml');
  for (const name of ['argo', 'team-a']) await kubectl('create', 'namespace', name);
  await kubectl.quiet(
    ...['wait', '--for=condition=Established', 'crd/argoaccesspolicies.argo-access.io', '--timeout=30s'],
  );
  say(
    '\nWhat policies may ask for is in its configuration, here that of config/example with the address of this\n' +
      'Keycloak. Its own rights in Kubernetes are printed from the same file.',
  );
  command('argo-access rbac --config config.yaml | kubectl apply -f -');
  output(await kubectl.feed(await rbac(configPath, ACCOUNT), 'apply', '-f', '-'));
}

async function startOperator(
  { folder, kubernetes }: Environment,
  kubectl: Kubectl,
  cleanup: AsyncDisposableStack,
): Promise<OperatorProcess> {
  const { operatorNamespace, serviceAccount } = ACCOUNT;
  const user = `system:serviceaccount:${operatorNamespace}:${serviceAccount}`;
  await eventually('the API server has taken up the rights', () =>
    kubectl.quiet('auth', 'can-i', 'create', 'rolebindings', '-n', 'team-a', `--as=${user}`),
  );
  const token = (await kubectl.quiet('create', 'token', serviceAccount, '-n', operatorNamespace)).trim();
  const kubeconfigPath = join(folder, 'kubeconfig-operator');
  await writeFile(kubeconfigPath, kubeconfig(kubernetes.url, kubernetes.ca, token, operatorNamespace), {
    mode: 0o600,
  });
  command('argo-access-operator --config config.yaml');
  const operator = await startOperatorProcess({
    configPath: join(folder, 'config.yaml'),
    kubeconfigPath,
    ruleEnginePath: await ruleEngineWasm(say),
    logPath: join(folder, 'operator.log'),
  });
  cleanup.defer(async () => void (await operator.stop()));
  say(`It runs as a process of its own, with the token of ServiceAccount ${serviceAccount}.`);
  const warnings = (await operator.log()).filter(({ level }) => level >= WARNING).map(({ msg }) => msg);
  expect('it has all the rights that it needs, and nothing to complain of', warnings, []);
  return operator;
}

/** Starts and installs everything; what was started is stopped by the given stack. */
export async function setStage(cleanup: AsyncDisposableStack, signal: AbortSignal): Promise<Stage> {
  const environment = await startServers(cleanup);
  signal.throwIfAborted();
  const { folder, kubernetes, keycloak } = environment;
  const secret = await makeRealm(environment, cleanup);
  const [configPath, clientSecretFile] = [join(folder, 'config.yaml'), join(folder, 'keycloak-secret')];
  await writeFile(clientSecretFile, secret, { mode: 0o600 });
  const config = await exampleConfig({
    url: keycloak.url,
    realm: REALM,
    clientSecretFile,
    resyncPeriod: '1s',
  });
  await writeFile(configPath, stringify(config));
  const kubectl = createKubectl(kubernetes, signal);
  await install(kubectl, configPath);
  const operator = await startOperator(environment, kubectl, cleanup);
  const api = createKubernetesClient({ kubeconfigPath: kubernetes.kubeconfigPath });
  cleanup.defer(api.close);
  const engine = createRuleEngine({ wasmPath: await ruleEngineWasm(say) });
  cleanup.defer(engine.close);
  return { signal, cleanup, environment, realm: REALM, configPath, api, kubectl, operator, engine };
}
