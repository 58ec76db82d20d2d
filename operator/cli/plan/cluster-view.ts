import type {
  ConfigMap,
  Deployment,
  Policy,
  RoleBinding,
  Secret,
  ServiceAccount,
} from '../../api/objects.ts';
import type { OperatorConfig } from '../../config.ts';
import type { ClusterCache } from '../../kubernetes/cache.ts';
import { decodeRoleBinding, decodeServiceAccount, type RawObject } from '../../kubernetes/decode.ts';
import { decodeConfigMap, decodeDeployment } from '../../kubernetes/decode-server.ts';
import { RESOURCES, SHARED } from '../../kubernetes/paths.ts';
import { createStore, type Store, type Stored } from '../../kubernetes/store.ts';
import type { Sighting, UnreadCollection } from '../../policy/observation.ts';
import type { Cluster } from '../live/cluster.ts';
import { isKind } from '../live/failure.ts';
import { readSecrets, secretOf } from './secrets.ts';
import { type Holders, holdersOf, sharedKey } from './taken.ts';

/** What was read of a cluster at one moment, in the form in which the operator keeps what it watches. */
export interface ClusterView {
  readonly cache: ClusterCache;
  /** Namespaces whose Secrets may not be listed, so that only what must be there is known. */
  readonly secretsHidden: ReadonlySet<string>;
  readonly holders: Holders;
  /** Why a collection could not be read, by {@link collectionKey}. */
  readonly refusals: ReadonlyMap<string, unknown>;
}

/** Tells one collection of a namespace from others. */
export function collectionKey({ namespace, plural }: Pick<UnreadCollection, 'namespace' | 'plural'>): string {
  return `${namespace}/${plural}`;
}

/** What a view is made of. */
interface Gathered {
  readonly accounts: Store<ServiceAccount>;
  readonly secrets: Store<Secret>;
  readonly bindings: Store<RoleBinding>;
  readonly configMaps: Map<string, Sighting<ConfigMap>>;
  readonly deployments: Map<string, Sighting<Deployment>>;
  readonly holders: Map<string, readonly string[]>;
  readonly secretsHidden: Set<string>;
  readonly refusals: Map<string, unknown>;
}

function stored<T extends Stored>(objects: Iterable<T>): Store<T> {
  const store = createStore<T>();
  for (const object of objects) store.put(object);
  return store;
}

/** Keeps a refusal for whoever needs what was asked for; all else ends the command. */
async function unlessRefused(gathered: Gathered, key: string, reading: Promise<void>): Promise<void> {
  try {
    await reading;
  } catch (error) {
    if (!isKind(error, 'Forbidden')) throw error;
    gathered.refusals.set(key, error);
  }
}

async function readAccounts(cluster: Cluster, namespace: string, { accounts }: Gathered): Promise<void> {
  const found = await cluster.list<RawObject>(RESOURCES.ServiceAccount, namespace);
  for (const raw of found) accounts.put(decodeServiceAccount(raw));
}

async function readBindings(cluster: Cluster, namespace: string, { bindings }: Gathered): Promise<void> {
  const found = await cluster.list<RawObject>(RESOURCES.RoleBinding, namespace);
  for (const raw of found) bindings.put(decodeRoleBinding(raw));
}

async function readSecretsOf(
  cluster: Cluster,
  namespace: string,
  { secrets, secretsHidden }: Gathered,
): Promise<void> {
  const found = await readSecrets(cluster, namespace);
  if (found === undefined) secretsHidden.add(namespace);
  // Argo's own is then taken to be there, and to be well.
  const all = found ?? [secretOf({ metadata: { name: 'sso', namespace, uid: '-', resourceVersion: '1' } })];
  for (const secret of all) secrets.put(secret);
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function sightingOf<T>(raw: RawObject | undefined, decode: (raw: RawObject) => T): Sighting<T> {
  return raw === undefined ? { state: 'missing' } : { state: 'found', object: decode(raw) };
}

/** Argo Server's objects that policies name, as far as the configuration lets the operator see them. */
async function readServer(
  cluster: Cluster,
  config: OperatorConfig,
  { spec, metadata }: Policy,
  { configMaps, deployments, holders }: Gathered,
): Promise<void> {
  const { namespace } = metadata;
  const allowed = config.namespaces.find(({ name }) => name === namespace);
  const configMap = spec.server?.configMap?.name;
  const deployment = spec.server?.deployment;
  if (configMap !== undefined && allowed?.configMaps.includes(configMap)) {
    const raw = await cluster.get<RawObject>(SHARED.ConfigMap, namespace, configMap);
    configMaps.set(keyOf(namespace, configMap), sightingOf(raw, decodeConfigMap));
    holders.set(sharedKey('ConfigMap', { namespace, name: configMap }), holdersOf('ConfigMap', raw ?? {}));
  }
  if (deployment !== undefined && allowed?.deployments.includes(deployment)) {
    const raw = await cluster.get<RawObject>(SHARED.Deployment, namespace, deployment);
    deployments.set(keyOf(namespace, deployment), sightingOf(raw, decodeDeployment));
    holders.set(sharedKey('Deployment', { namespace, name: deployment }), holdersOf('Deployment', raw ?? {}));
  }
}

function unnamed(namespace: string, name: string, setting: string): Sighting<never> {
  const message = `the operator's configuration does not name ${name} in namespaces[${namespace}].${setting}`;
  return { state: 'unread', forbidden: true, message };
}

/** Namespaces that the configuration names: the operator looks into these, and no others. */
function followed({ namespaces }: OperatorConfig): ReadonlySet<string> {
  const targets = namespaces.flatMap(({ clusterRoles, roles }) =>
    [...clusterRoles, ...roles].flatMap(each => each.namespaces),
  );
  return new Set([...namespaces.map(({ name }) => name), ...targets]);
}

/**
 * Reads, once and with the user's own rights, what the operator would know of the cluster.
 *
 * @param policies all of the cluster as they are to be
 * @param homes namespaces whose policies are planned
 */
export async function viewCluster(
  cluster: Cluster,
  config: OperatorConfig,
  policies: readonly Policy[],
  homes: ReadonlySet<string>,
): Promise<ClusterView> {
  const gathered: Gathered = {
    accounts: createStore(),
    secrets: createStore(),
    bindings: createStore(),
    configMaps: new Map(),
    deployments: new Map(),
    holders: new Map(),
    secretsHidden: new Set(),
    refusals: new Map(),
  };
  const visible = followed(config);
  const read = (namespace: string, plural: string, reading: Promise<void>) =>
    unlessRefused(gathered, collectionKey({ namespace, plural }), reading);
  const served = [...homes].filter(home => config.namespaces.some(({ name }) => name === home));
  await Promise.all([
    ...served.map(home => read(home, 'serviceaccounts', readAccounts(cluster, home, gathered))),
    ...served.map(home => readSecretsOf(cluster, home, gathered)),
    ...[...visible].map(each => read(each, 'rolebindings', readBindings(cluster, each, gathered))),
    ...policies
      .filter(({ metadata }) => homes.has(metadata.namespace))
      .map(policy => readServer(cluster, config, policy, gathered)),
  ]);
  return { ...gathered, cache: cacheOf(gathered, policies, visible) };
}

function cacheOf(
  gathered: Gathered,
  policies: readonly Policy[],
  visible: ReadonlySet<string>,
): ClusterCache {
  const { accounts, secrets, bindings, configMaps, deployments, refusals } = gathered;
  const nothing = () => {};
  return {
    policies: stored(policies),
    accounts,
    secrets,
    bindings,
    configMap: (namespace, name) =>
      configMaps.get(keyOf(namespace, name)) ?? unnamed(namespace, name, 'configMaps'),
    deployment: (namespace, name) =>
      deployments.get(keyOf(namespace, name)) ?? unnamed(namespace, name, 'deployments'),
    unread: namespaces =>
      [...new Set(namespaces)].flatMap(namespace =>
        ['serviceaccounts', 'rolebindings']
          .filter(plural => refusals.has(collectionKey({ namespace, plural })))
          .map(plural => ({ namespace, plural, forbidden: true, message: '' })),
      ),
    follows: namespace => visible.has(namespace),
    hasSynced: () => true,
    whenSettled: async () => {},
    onServerChange: nothing,
    put: nothing,
    putShared: nothing,
    remove: nothing,
    stop: nothing,
  };
}
