import type { ObjectMeta } from '../api/objects.ts';

/** Anything that a store can hold. */
export interface Stored {
  readonly metadata: ObjectMeta;
}

/** A change of what a store holds. */
export interface StoreEvent<T> {
  /** The object as it now is, or was last. */
  readonly object: T;
  /** What was held before: it may bear marks that are gone, or be another object of the same name. */
  readonly before: T | undefined;
  readonly deleted: boolean;
}

/** The objects of one kind as last seen, by namespace and name. */
export interface Store<T extends Stored> {
  readonly get: (namespace: string, name: string) => T | undefined;
  readonly list: (namespace: string) => readonly T[];
  readonly all: () => readonly T[];
  /**
   * Takes in an object from a watch or as a write has answered it; an older version never replaces a newer one, and
   * an object that was taken out does not come back.
   */
  readonly put: (object: T) => void;
  /** Takes out the object with this uid; another one of the same name stays. */
  readonly remove: (namespace: string, name: string, uid: string) => void;
  /** Replaces what is held of one namespace (of all, where none is given) by a list as of a resource version. */
  readonly replace: (namespace: string | undefined, objects: readonly T[], resourceVersion: string) => void;
  readonly onChange: (listener: (event: StoreEvent<T>) => void) => void;
}

const MAX_TOMBSTONES = 1000;

/** Whether one version of an object is later than another; the API server's versions grow (KEP-5504). */
function isLater(version: string, than: string): boolean {
  return BigInt(version || 0) > BigInt(than || 0);
}

/** An empty store. */
export function createStore<T extends Stored>(): Store<T> {
  const byNamespace = new Map<string, Map<string, T>>();
  const removed = new Set<string>();
  const listeners: ((event: StoreEvent<T>) => void)[] = [];
  const tell = (event: StoreEvent<T>) => {
    for (const listener of listeners) listener(event);
  };
  const get = (namespace: string, name: string) => byNamespace.get(namespace)?.get(name);
  const list = (namespace: string) => [...(byNamespace.get(namespace)?.values() ?? [])];
  const all = () => [...byNamespace.keys()].flatMap(list);
  const bury = (uid: string) => {
    removed.add(uid);
    const [oldest] = removed;
    if (removed.size > MAX_TOMBSTONES && oldest !== undefined) removed.delete(oldest);
  };
  const put = (object: T) => {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const before = get(namespace, name);
    if (removed.has(uid)) return;
    if (before !== undefined && !isLater(resourceVersion, before.metadata.resourceVersion)) return;
    if (before !== undefined && before.metadata.uid !== uid) bury(before.metadata.uid);
    const objects = byNamespace.get(namespace) ?? new Map<string, T>();
    byNamespace.set(namespace, objects.set(name, object));
    tell({ object, before, deleted: false });
  };
  const remove = (namespace: string, name: string, uid: string) => {
    bury(uid);
    const before = get(namespace, name);
    if (before?.metadata.uid !== uid) return;
    const objects = byNamespace.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) byNamespace.delete(namespace);
    tell({ object: before, before, deleted: true });
  };
  return {
    get,
    list,
    all,
    put,
    remove,
    replace: (namespace, objects, resourceVersion) => {
      const listed = new Set(objects.map(({ metadata }) => metadata.uid));
      for (const { metadata } of namespace === undefined ? all() : list(namespace)) {
        const older = !isLater(metadata.resourceVersion, resourceVersion);
        if (older && !listed.has(metadata.uid)) remove(metadata.namespace, metadata.name, metadata.uid);
      }
      for (const object of objects) put(object);
    },
    onChange: listener => {
      listeners.push(listener);
    },
  };
}
