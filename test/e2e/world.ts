import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Condition, PolicyStatus } from '../../operator/api/status-schema.ts';
import { parseConfig } from '../../operator/config.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { KubernetesError } from '../../operator/kubernetes/errors.ts';
import { type RightsObject, renderRights } from '../../operator/rbac.ts';
import type { KeycloakAdmin, TestUser } from '../env/keycloak-admin.ts';
import { type Kubernetes, kubeconfig, startKubernetes } from '../env/kubernetes.ts';
import { eventually } from '../env/process.ts';
import { type FaultProxy, isLasting, type Seen, startProxy } from '../env/proxy.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { sharedEnvironment, uniqueName } from '../env/shared.ts';
import type { TestClock } from './clock.ts';
import { applyRights, install, tokenOf } from './install.ts';
import { startOperatorHere } from './operator-here.ts';
import { launchOperatorProcess, type OperatorProcess, startOperatorProcess } from './operator-process.ts';

/** Namespace of the policies in these tests, and that of a team to which they may grant. */
export const HOME = 'argo';
export const TEAM = 'team-a';
export const OPERATOR_NAMESPACE = 'argo-access';
const ACCOUNT = { name: 'argo-access-operator', namespace: OPERATOR_NAMESPACE };

/** An object as the API server gives it, as far as tests look at it. */
export interface Got {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly roleRef?: { readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
}

/** A policy as the API server gives it. */
export interface GotPolicy extends Got {
  readonly status?: PolicyStatus;
}

/** A cluster, a realm and an operator of one test file's own, with a proxy before each server. */
export interface World {
  readonly kubernetes: Kubernetes;
  readonly api: FaultProxy;
  readonly keycloak: FaultProxy;
  readonly admin: KeycloakAdmin;
  readonly realm: string;
  readonly folder: string;
  readonly configPath: string;
  /** Requests as the cluster's administrator. */
  readonly send: (method: Method, path: string, body?: unknown, contentType?: string) => Promise<unknown>;
  /** An object by its path, as administrator; undefined where there is none. */
  readonly get: <T = Got>(path: string) => Promise<T | undefined>;
  readonly list: <T = Got>(path: string) => Promise<readonly T[]>;
  /** Fails where kubectl does. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  readonly startOperator: () => Promise<OperatorProcess>;
  /** Starts the operator in the test's own process, with a clock of the test's. */
  readonly startOperatorHere: (clock: TestClock) => Promise<OperatorProcess>;
  /** Starts the operator without waiting for it to begin. */
  readonly launchOperator: () => OperatorProcess;
  /** The operator that runs now. */
  readonly operator: () => OperatorProcess;
  /** Lines of all operators of this world so far. */
  readonly output: () => Promise<string>;
  /** Every state of a policy that a test has looked at, as JSON, also of policies that are gone. */
  readonly seen: ReadonlySet<string>;
  /** Rewrites the operator's configuration, which it takes up by itself at its next start. */
  readonly configure: (change: (config: WorldConfig) => WorldConfig) => Promise<void>;
  readonly stop: () => Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The operator's configuration file as data. */
export type WorldConfig = Readonly<Record<string, unknown>> & {
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly namespaces: readonly Readonly<Record<string, unknown>>[];
};

/** What a world begins with. */
export interface WorldOptions {
  readonly groups?: readonly string[];
  readonly users?: readonly TestUser[];
  readonly configure?: (config: WorldConfig) => WorldConfig;
  readonly resyncPeriod?: string;
  /** Namespaces that are there from the start besides {@link HOME} and {@link TEAM}. */
  readonly namespaces?: readonly string[];
  /** Roles of the operator's account in Keycloak, where they are others than usual. */
  readonly operatorRoles?: readonly string[];
}

/** Path of a policy. */
export function policyPath(name: string, namespace = HOME): string {
  return `/apis/argo-access.io/v1alpha1/namespaces/${namespace}/argoaccesspolicies/${name}`;
}

/** Path of a core object of namespace `argo`, or another. */
export function corePath(plural: string, name: string, namespace = HOME): string {
  return `/api/v1/namespaces/${namespace}/${plural}/${name}`;
}

/** Path of the RoleBindings of a namespace. */
export function bindingsPath(namespace: string): string {
  return `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
}

function defaultConfig(realm: string, url: string, secretPath: string, resyncPeriod: string): WorldConfig {
  const everywhere = [HOME, TEAM];
  return {
    instanceId: 'test',
    connections: [
      {
        name: 'default',
        url,
        realm,
        clientId: 'argo-access-operator',
        clientSecretFile: secretPath,
        resyncPeriod,
      },
    ],
    namespaces: [
      {
        name: HOME,
        connections: [{ name: 'default' }],
        clientIds: ['argo-*'],
        urls: ['https://*.example.com'],
        groups: ['/platform/*', '/teams/*'],
        clusterRoles: ['argo-access-admin', 'argo-access-submitter', 'argo-access-viewer'].map(name => ({
          name,
          namespaces: everywhere,
        })),
        adopt: true,
        everyone: true,
      },
    ],
  };
}

async function kubectl(kubernetes: Kubernetes, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await kubernetes.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The operator's rights: exactly those that are rendered from its configuration. */
function rightsOf(text: string, path: string): readonly RightsObject[] {
  return renderRights(parseConfig(text, path), {
    operatorNamespace: ACCOUNT.namespace,
    serviceAccount: ACCOUNT.name,
  });
}

/** Requests as the cluster's administrator. */
function senderOf(admin: KubernetesClient): World['send'] {
  return (method, where, body, contentType) => {
    const [path = '', query = ''] = where.split('?');
    return admin.request({
      method,
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      signal: AbortSignal.timeout(90_000),
      ...(body !== undefined && { body }),
      ...(contentType !== undefined && { contentType }),
    });
  };
}

/** Starts a cluster, makes a realm, and installs the operator's rights; the operator itself is not started yet. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { keycloak } = await sharedEnvironment();
  const say = () => {};
  const folder = await mkdtemp(join(tmpdir(), 'argo-access-world-'));
  const kubernetes = await startKubernetes(folder, say);
  const realm = uniqueName('world');
  await keycloak.admin.createRealm(realm, options.groups ?? [], options.users ?? []);
  const { secret } = await keycloak.admin.createOperator(realm, options.operatorRoles);
  const [cert, key] = await Promise.all([
    readFile(kubernetes.tls.certPath, 'utf8'),
    readFile(kubernetes.tls.keyPath, 'utf8'),
  ]);
  const api = await startProxy({ target: kubernetes.url, tls: { cert, key, ca: kubernetes.ca } });
  const keycloakProxy = await startProxy({ target: keycloak.url });
  // What is written without a field manager gets the name of the user agent, which must not be the operator's.
  const admin = createKubernetesClient({
    kubeconfigPath: kubernetes.kubeconfigPath,
    userAgent: 'administrator',
  });
  const send = senderOf(admin);
  await install(send, [HOME, TEAM, OPERATOR_NAMESPACE, ...(options.namespaces ?? [])], ACCOUNT);
  const path = (name: string) => join(folder, name);
  await writeFile(path('keycloak-secret'), secret, { mode: 0o600 });
  let config = defaultConfig(realm, keycloakProxy.url, path('keycloak-secret'), options.resyncPeriod ?? '5m');
  const configure = async (change: (config: WorldConfig) => WorldConfig) => {
    config = change(config);
    await writeFile(path('config.yaml'), stringify(config));
    await applyRights(send, rightsOf(stringify(config), path('config.yaml')), ACCOUNT);
  };
  await configure(options.configure ?? (each => each));
  const token = await tokenOf(send, ACCOUNT);
  const access = kubeconfig(api.url, kubernetes.ca, token, OPERATOR_NAMESPACE);
  await writeFile(path('kubeconfig-operator'), access, { mode: 0o600 });
  const ruleEnginePath = await ruleEngineWasm(say);
  let operator: OperatorProcess | undefined;
  const seen = new Set<string>();
  const logs: string[] = [];
  const operatorFiles = () => {
    const logPath = path(`operator-${logs.length}.log`);
    logs.push(logPath);
    return {
      configPath: path('config.yaml'),
      kubeconfigPath: path('kubeconfig-operator'),
      ruleEnginePath,
      logPath,
    };
  };
  return {
    kubernetes,
    api,
    keycloak: keycloakProxy,
    admin: keycloak.admin,
    realm,
    folder,
    configPath: path('config.yaml'),
    send,
    get: async <T>(where: string) => {
      try {
        const found = await send('GET', where);
        if (where.startsWith('/apis/argo-access.io/')) seen.add(JSON.stringify(found));
        return found as T;
      } catch (error) {
        if (error instanceof KubernetesError && error.kind === 'NotFound') return undefined;
        throw error;
      }
    },
    list: async <T>(where: string) => ((await send('GET', where)) as { items: readonly T[] }).items,
    kubectl: (args, input) => kubectl(kubernetes, args, input),
    startOperator: async () => {
      operator = await startOperatorProcess(operatorFiles());
      return operator;
    },
    startOperatorHere: async clock => {
      operator = await startOperatorHere(operatorFiles(), clock.now);
      return operator;
    },
    launchOperator: () => {
      operator = launchOperatorProcess(operatorFiles());
      return operator;
    },
    operator: () => {
      if (operator === undefined) throw new Error('no operator has been started');
      return operator;
    },
    seen,
    output: async () => (await Promise.all(logs.map(log => readFile(log, 'utf8').catch(() => '')))).join(''),
    configure,
    stop: async () => {
      await operator?.stop();
      await Promise.all([api.close(), keycloakProxy.close(), admin.close()]);
      await kubernetes.stop();
      await keycloak.admin.removeRealm(realm);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The spec of a policy that uses everything that is common. */
export function usualSpec(
  overrides: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    client: {
      clientId: 'argo-workflows',
      url: 'https://workflows.example.com',
      secret: { name: 'argo-server-sso' },
    },
    roles: [
      {
        name: 'admin',
        groups: ['/platform/admins'],
        grants: [{ clusterRole: 'argo-access-admin', namespaces: [HOME, TEAM] }],
      },
      { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] },
    ],
    ...overrides,
  };
}

/** Applies a policy as somebody's git tooling does; gives the stored object. */
export async function applyPolicy(
  world: World,
  spec: unknown,
  name = 'workflows',
  namespace = HOME,
): Promise<GotPolicy> {
  const body = {
    apiVersion: 'argo-access.io/v1alpha1',
    kind: 'ArgoAccessPolicy',
    metadata: { name, namespace },
    spec,
  };
  const where = `${policyPath(name, namespace)}?fieldManager=git&force=true&fieldValidation=Strict`;
  return (await world.send('PATCH', where, body, 'application/apply-patch+yaml')) as GotPolicy;
}

/** Waits until a policy's present generation has been judged and something holds of it; gives it. */
export async function awaitPolicy(
  world: World,
  what: string,
  holds: (policy: GotPolicy, condition: (type: string) => Condition | undefined) => boolean,
  name = 'workflows',
  namespace = HOME,
): Promise<GotPolicy> {
  let last: GotPolicy | undefined;
  try {
    return await eventually(
      `policy ${name}: ${what}`,
      async () => {
        last = await world.get<GotPolicy>(policyPath(name, namespace));
        if (last?.status?.observedGeneration !== last?.metadata.generation || last === undefined)
          return undefined;
        const conditions = last.status?.conditions ?? [];
        return holds(last, type => conditions.find(each => each.type === type)) ? last : undefined;
      },
      90_000,
      30,
    );
  } catch (error) {
    const said = `${JSON.stringify(last?.status, null, 1)}\n${(await world.output()).slice(-3000)}`;
    throw new Error(`${error instanceof Error ? error.message : error}; at last: ${said}`);
  }
}

/** Waits until a policy's present generation is Ready. */
export function awaitReady(world: World, name = 'workflows', namespace = HOME): Promise<GotPolicy> {
  return awaitPolicy(
    world,
    'is Ready',
    (_, condition) => condition('Ready')?.status === 'True' && condition('Reconciling') === undefined,
    name,
    namespace,
  );
}

/** Waits until a policy is gone. */
export async function awaitGone(world: World, name = 'workflows', namespace = HOME): Promise<void> {
  await eventually(
    `policy ${name} is gone`,
    async () => (await world.get(policyPath(name, namespace))) === undefined,
    90_000,
    30,
  );
}

/** Deletes all policies of a namespace and waits until they are gone. */
export async function removePolicies(world: World, namespace = HOME): Promise<void> {
  const policies = await world.list<Got>(policyPath('', namespace).slice(0, -1));
  const names = policies.map(({ metadata }) => metadata.name);
  await Promise.all(names.map(name => world.send('DELETE', policyPath(name, namespace))));
  for (const name of names) await awaitGone(world, name, namespace);
}

/** Requests that change something; asking who one is, what one may do, or what would come of a write, does not. */
export function writesOf(proxy: FaultProxy): readonly Seen[] {
  return proxy.requests.filter(isLasting);
}

/** How often the operator has looked at a policy to the end. */
export async function reconciles(world: World, name = 'workflows', namespace = HOME): Promise<number> {
  const lines = await world.operator().log();
  return lines.filter(({ msg, policy }) => msg === 'reconciled' && policy === `${namespace}/${name}`).length;
}

/** Changes an annotation of a policy, and waits until a look at it has ended since. */
async function prod(world: World, name: string, namespace: string): Promise<void> {
  const before = await reconciles(world, name, namespace);
  const body = { metadata: { annotations: { 'example.com/touched': `${before}` } } };
  await world.send('PATCH', policyPath(name, namespace), body, 'application/merge-patch+json');
  await eventually(
    `policy ${name} is looked at again`,
    async () => (await reconciles(world, name, namespace)) > before,
    90_000,
    20,
  );
}

/**
 * Makes the operator look at a policy once more; resolves when it has. Its requests are counted from here, without
 * those of a look that was under way: after its status, a look may still be sending an event.
 */
export async function touch(world: World, name = 'workflows', namespace = HOME): Promise<void> {
  await prod(world, name, namespace);
  world.api.reset();
  world.keycloak.reset();
  await prod(world, name, namespace);
}
