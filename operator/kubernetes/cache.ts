import type {
  ConfigMap,
  Deployment,
  OwnedObject,
  Policy,
  RoleBinding,
  Secret,
  ServiceAccount,
  SharedObject,
} from '../api/objects.ts';
import type { ObjectRef } from '../policy/change.ts';
import type { Sighting, UnreadCollection } from '../policy/observation.ts';
import type { KubernetesClient } from './client.ts';
import {
  decodePolicy,
  decodeRoleBinding,
  decodeSecret,
  decodeServiceAccount,
  type RawObject,
} from './decode.ts';
import { POLICIES, RESOURCES, type Resource } from './paths.ts';
import { type Reflector, type ReflectorState, startReflector } from './reflector.ts';
import { followShared, type NamedObjects } from './shared-objects.ts';
import { createStore, type Store, type Stored } from './store.ts';

/** What the operator knows of the cluster without asking: policies everywhere, objects where it serves. */
export interface ClusterCache {
  readonly policies: Store<Policy>;
  readonly accounts: Store<ServiceAccount>;
  readonly secrets: Store<Secret>;
  readonly bindings: Store<RoleBinding>;
  /** A ConfigMap with Argo's settings; one that the configuration does not name is `unread` and forbidden. */
  readonly configMap: (namespace: string, name: string) => Sighting<ConfigMap>;
  /** Argo Server's Deployment; one that the configuration does not name is `unread` and forbidden. */
  readonly deployment: (namespace: string, name: string) => Sighting<Deployment>;
  /** Told the namespace when one of its ConfigMaps or Deployments has changed, or can no longer be read. */
  readonly onServerChange: (listener: (namespace: string) => void) => void;
  /** Collections of the namespaces that have never been listed, with the reason as far as it is known. */
  readonly unread: (namespaces: Iterable<string>) => readonly UnreadCollection[];
  /** Whether a namespace is followed at all: those that the configuration names are. */
  readonly follows: (namespace: string) => boolean;
  /** Whether the policies of the whole cluster are known. */
  readonly hasSynced: () => boolean;
  /** Resolves once everything that is followed has been listed, or was refused. */
  readonly whenSettled: () => Promise<void>;
  /** Takes in an object as a write has answered it. */
  readonly put: (object: OwnedObject) => void;
  /** Takes in an object of others as a write has answered it. */
  readonly putShared: (object: SharedObject) => void;
  /** Takes out an object that was deleted. */
  readonly remove: (ref: ObjectRef) => void;
  readonly stop: () => void;
}

/** What a cache follows. */
export interface CacheOptions {
  readonly client: KubernetesClient;
  /** Namespaces whose policies are served. */
  readonly served: readonly string[];
  /** Namespaces in which policies may grant roles. */
  readonly targets: readonly string[];
  /** ConfigMaps and Deployments of others, by exact name. */
  readonly named: readonly NamedObjects[];
  /** Told when a collection is read again, or cannot be read. */
  readonly onState: (collection: string, state: ReflectorState, message: string) => void;
}

interface Followed {
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly reflector: Reflector;
  readonly message: () => string;
}

/** Starts to follow the cluster. */
export function startCache({ client, served, targets, named, onState }: CacheOptions): ClusterCache {
  const policies = createStore<Policy>();
  const accounts = createStore<ServiceAccount>();
  const secrets = createStore<Secret>();
  const bindings = createStore<RoleBinding>();
  const waiting: (() => void)[] = [];
  const wakeAll = () => {
    for (const wake of waiting.splice(0)) wake();
  };
  /** The reflector's own state follows its call. */
  const wakeAfter = () => queueMicrotask(wakeAll);

  function follow<T extends Stored>(
    resource: Resource,
    namespace: string | undefined,
    store: Store<T>,
    decode: (raw: RawObject) => T,
  ): Followed {
    const collection = namespace === undefined ? resource.plural : `${namespace}/${resource.plural}`;
    let said = '';
    const reflector = startReflector({
      client,
      resource,
      namespace,
      store,
      decode,
      onState: (state, message) => {
        said = message;
        onState(collection, state, message);
        wakeAfter();
      },
    });
    return { namespace, plural: resource.plural, reflector, message: () => said };
  }

  const followed: readonly Followed[] = [
    follow(POLICIES, undefined, policies, decodePolicy),
    ...served.flatMap(namespace => [
      follow(RESOURCES.ServiceAccount, namespace, accounts, decodeServiceAccount),
      follow(RESOURCES.Secret, namespace, secrets, decodeSecret),
    ]),
    ...[...new Set([...served, ...targets])].map(namespace =>
      follow(RESOURCES.RoleBinding, namespace, bindings, decodeRoleBinding),
    ),
  ];
  const shared = followShared({
    client,
    named,
    onState: (object, state, message) => {
      onState(object, state, message);
      wakeAfter();
    },
  });
  const settled = ({ reflector }: Followed) => reflector.hasSynced() || reflector.state() === 'forbidden';

  return {
    policies,
    accounts,
    secrets,
    bindings,
    configMap: shared.configMap,
    deployment: shared.deployment,
    onServerChange: shared.onChange,
    unread: namespaces => {
      const asked = new Set<string | undefined>(namespaces);
      return followed.flatMap(({ namespace, plural, reflector, message }) =>
        namespace === undefined || !asked.has(namespace) || reflector.hasSynced()
          ? []
          : [{ namespace, plural, forbidden: reflector.state() === 'forbidden', message: message() }],
      );
    },
    follows: namespace => followed.some(each => each.namespace === namespace),
    hasSynced: () =>
      followed.every(({ namespace, reflector }) => namespace !== undefined || reflector.hasSynced()),
    whenSettled: async () => {
      while (!followed.every(settled) || !shared.hasSettled())
        await new Promise<void>(resolve => waiting.push(resolve));
    },
    put: object => {
      switch (object.kind) {
        case 'ServiceAccount':
          return accounts.put(object);
        case 'Secret':
          return secrets.put(object);
        case 'RoleBinding':
          return bindings.put(object);
      }
    },
    putShared: shared.put,
    remove: ({ kind, namespace, name, uid }) => {
      const stores = { ServiceAccount: accounts, Secret: secrets, RoleBinding: bindings };
      stores[kind].remove(namespace, name, uid);
    },
    stop: () => {
      for (const { reflector } of followed) reflector.stop();
      shared.stop();
      wakeAll();
    },
  };
}
