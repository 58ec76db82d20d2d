import type { OwnedObject, Policy, RoleBinding, Secret, ServiceAccount } from '../api/objects.ts';
import type { ObjectRef } from '../policy/change.ts';
import type { UnreadCollection } from '../policy/observation.ts';
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
import { createStore, type Store, type Stored } from './store.ts';

/** What the operator knows of the cluster without asking: policies everywhere, objects where it serves. */
export interface ClusterCache {
  readonly policies: Store<Policy>;
  readonly accounts: Store<ServiceAccount>;
  readonly secrets: Store<Secret>;
  readonly bindings: Store<RoleBinding>;
  /** Collections of the namespaces that have never been listed, with the reason as far as it is known. */
  readonly unread: (namespaces: Iterable<string>) => readonly UnreadCollection[];
  /** Whether a namespace is followed at all: those that the configuration names are. */
  readonly follows: (namespace: string) => boolean;
  /** Whether the policies of the whole cluster are known. */
  readonly hasSynced: () => boolean;
  /** Resolves once every collection has been listed, or was refused. */
  readonly whenSettled: () => Promise<void>;
  /** Takes in an object as a write has answered it. */
  readonly put: (object: OwnedObject) => void;
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
export function startCache({ client, served, targets, onState }: CacheOptions): ClusterCache {
  const policies = createStore<Policy>();
  const accounts = createStore<ServiceAccount>();
  const secrets = createStore<Secret>();
  const bindings = createStore<RoleBinding>();
  const waiting: (() => void)[] = [];

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
        // The reflector's own state follows this call.
        queueMicrotask(() => {
          for (const wake of waiting.splice(0)) wake();
        });
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
  const settled = ({ reflector }: Followed) => reflector.hasSynced() || reflector.state() === 'forbidden';

  return {
    policies,
    accounts,
    secrets,
    bindings,
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
      while (!followed.every(settled)) await new Promise<void>(resolve => waiting.push(resolve));
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
    remove: ({ kind, namespace, name, uid }) => {
      const stores = { ServiceAccount: accounts, Secret: secrets, RoleBinding: bindings };
      stores[kind].remove(namespace, name, uid);
    },
    stop: () => {
      for (const { reflector } of followed) reflector.stop();
      for (const wake of waiting.splice(0)) wake();
    },
  };
}
