import type { ConfigMap, Deployment, SharedObject } from '../api/objects.ts';
import type { Sighting } from '../policy/observation.ts';
import type { KubernetesClient } from './client.ts';
import type { RawObject } from './decode.ts';
import { decodeConfigMap, decodeDeployment } from './decode-server.ts';
import { SHARED } from './paths.ts';
import { type Reflector, type ReflectorState, startReflector } from './reflector.ts';
import { createStore, type Store } from './store.ts';

/** Objects of others that are followed in one namespace, by exact name. */
export interface NamedObjects {
  readonly namespace: string;
  readonly configMaps: readonly string[];
  readonly deployments: readonly string[];
}

/** What is known of the objects of others in which policies manage one field. */
export interface SharedObjects {
  readonly configMap: (namespace: string, name: string) => Sighting<ConfigMap>;
  readonly deployment: (namespace: string, name: string) => Sighting<Deployment>;
  readonly onChange: (listener: (namespace: string) => void) => void;
  /** Whether each has been listed, or was refused. */
  readonly hasSettled: () => boolean;
  /** Takes in an object as a write has answered it; one that is not followed is left out. */
  readonly put: (object: SharedObject) => void;
  readonly stop: () => void;
}

/** What to follow. */
export interface SharedOptions {
  readonly client: KubernetesClient;
  readonly named: readonly NamedObjects[];
  /** Told when an object, as `namespace/configmaps/name`, is read again, or cannot be read. */
  readonly onState: (object: string, state: ReflectorState, message: string) => void;
}

interface Followed<T extends SharedObject> {
  readonly store: Store<T>;
  readonly reflector: Reflector;
  readonly message: () => string;
}

/** Starts to follow single objects, each by a list and a watch of its own: the rights to them go by name. */
export function followShared({ client, named, onState }: SharedOptions): SharedObjects {
  const listeners: ((namespace: string) => void)[] = [];

  function follow<T extends SharedObject>(
    kind: T['kind'],
    namespace: string,
    name: string,
    decode: (raw: RawObject) => T,
  ): Followed<T> {
    const store = createStore<T>();
    const tell = () => {
      for (const listener of listeners) listener(namespace);
    };
    let said = '';
    let known = false;
    const reflector = startReflector({
      client,
      resource: SHARED[kind],
      namespace,
      name,
      store,
      decode,
      onState: (state, message) => {
        said = message;
        onState(`${namespace}/${SHARED[kind].plural}/${name}`, state, message);
        const wasKnown = known;
        known = state === 'synced' || (state === 'disconnected' && wasKnown);
        // That an object is missing, or can no longer be read, is told by no event.
        if (state === 'forbidden' || known !== wasKnown) tell();
      },
    });
    store.onChange(tell);
    return { store, reflector, message: () => said };
  }

  /** Follows all objects of a kind, by namespace and name. */
  function followAll<T extends SharedObject>(
    kind: T['kind'],
    namesOf: (each: NamedObjects) => readonly string[],
    decode: (raw: RawObject) => T,
  ): ReadonlyMap<string, Followed<T>> {
    const wanted = named.flatMap(each => namesOf(each).map(name => ({ namespace: each.namespace, name })));
    const byKey = new Map(wanted.map(object => [keyOf(object), object]));
    return new Map(
      [...byKey].map(([key, { namespace, name }]) => [key, follow(kind, namespace, name, decode)]),
    );
  }

  const configMaps = followAll('ConfigMap', each => each.configMaps, decodeConfigMap);
  const deployments = followAll('Deployment', each => each.deployments, decodeDeployment);
  const reflectors = [...configMaps.values(), ...deployments.values()].map(({ reflector }) => reflector);
  return {
    configMap: (namespace, name) => sight(configMaps, 'configMaps', namespace, name),
    deployment: (namespace, name) => sight(deployments, 'deployments', namespace, name),
    onChange: listener => {
      listeners.push(listener);
    },
    hasSettled: () => reflectors.every(each => each.hasSynced() || each.state() === 'forbidden'),
    put: object => {
      if (object.kind === 'ConfigMap') configMaps.get(keyOf(object.metadata))?.store.put(object);
      else deployments.get(keyOf(object.metadata))?.store.put(object);
    },
    stop: () => {
      for (const reflector of reflectors) reflector.stop();
    },
  };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** What was seen stays while the API server is away; not so where it refuses, for then nothing of it is ours to know. */
function sight<T extends SharedObject>(
  followed: ReadonlyMap<string, Followed<T>>,
  setting: string,
  namespace: string,
  name: string,
): Sighting<T> {
  const found = followed.get(keyOf({ namespace, name }));
  if (found === undefined) {
    const message = `the operator's configuration does not name ${name} in namespaces[${namespace}].${setting}`;
    return { state: 'unread', forbidden: true, message };
  }
  const { store, reflector, message } = found;
  const forbidden = reflector.state() === 'forbidden';
  if (forbidden || !reflector.hasSynced()) return { state: 'unread', forbidden, message: message() };
  const object = store.get(namespace, name);
  return object === undefined ? { state: 'missing' } : { state: 'found', object };
}
