// `npm run env`: starts the real servers, says how to use them, and stops them at Ctrl-C.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { connectionOf } from './connection.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { exampleConfig, GROUPS, PEOPLE } from './example.ts';
import { ROTATING_OPERATOR_ROLES, USER_PASSWORD } from './keycloak-admin.ts';
import { ruleEngineWasm } from './rule-engine.ts';

const REALM = 'platform';

/** A configuration for an operator at these servers, the example's; its file. */
async function writeConfig({ folder, keycloak }: Environment): Promise<string> {
  const { secret } = await keycloak.admin.createOperator(REALM, ROTATING_OPERATOR_ROLES);
  const clientSecretFile = join(folder, 'client-secret');
  await writeFile(clientSecretFile, secret, { mode: 0o600 });
  const config = await exampleConfig({ url: keycloak.url, realm: REALM, clientSecretFile });
  const path = join(folder, 'config.yaml');
  await writeFile(path, stringify(config));
  return path;
}

function describe(environment: Environment, configPath: string, rulesPath: string): string {
  const { kubernetes, keycloak } = environment;
  const users = PEOPLE.map(({ username, groups }) => `${username} (${groups.join(', ') || 'in no group'})`);
  return `
Kubernetes  ${kubernetes.url}
            export KUBECONFIG=${kubernetes.kubeconfigPath}
            kubectl get namespaces            # without a kubectl: ${kubernetes.kubectlPath} kubectl get namespaces
            audit log: ${kubernetes.auditLogPath || '(not known)'}
Keycloak    ${keycloak.url}/admin/
            administrator ${keycloak.username}, password ${keycloak.password}
            realm ${REALM}, users ${users.join(', ')}, password ${USER_PASSWORD}
Operator    kubectl apply -k crds && kubectl apply -k config/clusterroles
            kubectl create namespace argo; kubectl create namespace team-a
            npm start -- --config ${configPath} --rule-engine ${rulesPath} --kubeconfig ${kubernetes.kubeconfigPath}
            kubectl apply -f examples/login.yaml

Ctrl-C stops everything.`;
}

const say = (line: string) => console.log(line);
const { values } = parseArgs({ options: { write: { type: 'string' } } });
const interrupted = new Promise<void>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
});
const environment = await Promise.race([startEnvironment(say, { mayExist: true }), interrupted]);
if (environment === undefined) process.exit(130);
try {
  await environment.keycloak.admin.createRealm(REALM, GROUPS, PEOPLE);
  if (values.write !== undefined) {
    await writeFile(values.write, `${JSON.stringify(connectionOf(environment), null, 2)}\n`, { mode: 0o600 });
  }
  const configPath = await writeConfig(environment);
  console.log(describe(environment, configPath, await ruleEngineWasm(say)));
  await interrupted;
  console.log('stopping');
} finally {
  await environment.stop();
}
