import { FIELD_MANAGER } from '../../operator/api/names.ts';
import type {
  ObjectMeta,
  OwnedObject,
  RoleBinding,
  Secret,
  ServiceAccount,
} from '../../operator/api/objects.ts';
import type { Change, DesiredObject, PatchObject } from '../../operator/policy/change.ts';

/** The objects of a cluster, by kind, namespace and name. Never changed in place. */
export type Cluster = ReadonlyMap<string, OwnedObject>;

const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;

/** The key of an object in a {@link Cluster}. */
export function objectKey(object: OwnedObject): string {
  return keyOf(object.kind, object.metadata.namespace, object.metadata.name);
}

let uids = 0;

function bodyOf(want: DesiredObject, metadata: ObjectMeta, have: OwnedObject | undefined): OwnedObject {
  switch (want.kind) {
    case 'ServiceAccount':
      return { kind: want.kind, metadata, secrets: have?.kind === 'ServiceAccount' ? have.secrets : [] };
    case 'Secret': {
      const filled = have?.kind === 'Secret' && have.tokenFilled;
      return { kind: want.kind, metadata, type: want.type, data: want.data, tokenFilled: filled };
    }
    case 'RoleBinding':
      return { kind: want.kind, metadata, roleRef: want.roleRef, subjects: want.subjects };
  }
}

function written(want: DesiredObject, have: OwnedObject | undefined): OwnedObject {
  const { name, namespace, labels, annotations, owner } = want.metadata;
  uids += have === undefined ? 1 : 0;
  const merged = { ...have?.metadata.annotations, ...annotations };
  const metadata: ObjectMeta = {
    name,
    namespace,
    uid: have?.metadata.uid ?? `${FIELD_MANAGER}-${uids}`,
    resourceVersion: '1',
    labels: { ...have?.metadata.labels, ...labels },
    annotations: merged,
    ...(owner && { ownerReferences: [owner] }),
    managed: {
      labels: Object.keys(labels),
      annotations: Object.keys(annotations),
      data: want.kind === 'Secret' ? Object.keys(want.data) : [],
    },
  };
  return bodyOf(want, metadata, have);
}

function omit<T>(record: Readonly<Record<string, T>> | undefined, keys: readonly string[] | undefined) {
  return Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => !keys?.includes(key)));
}

function patched(have: OwnedObject, patch: PatchObject): OwnedObject {
  const managed = have.metadata.managed ?? { labels: [], annotations: [], data: [] };
  const metadata: ObjectMeta = {
    ...have.metadata,
    labels: omit(have.metadata.labels, patch.removeLabels),
    annotations: { ...omit(have.metadata.annotations, patch.removeAnnotations), ...patch.setAnnotations },
    ownerReferences: (have.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== patch.removeOwnerUid),
    managed: {
      ...managed,
      annotations: managed.annotations.filter(key => !patch.removeAnnotations?.includes(key)),
      data: managed.data.filter(key => !patch.removeData?.includes(key)),
    },
  };
  if (have.kind === 'ServiceAccount') return { ...have, metadata, secrets: [] };
  return { ...have, metadata };
}

/** The cluster after one write, as the API server would have it. */
export function applyToCluster(cluster: Cluster, change: Change): Cluster {
  const next = new Map(cluster);
  switch (change.kind) {
    case 'CreateObject': {
      const object = written(change.object, undefined);
      if (next.has(objectKey(object))) throw new Error(`${objectKey(object)} exists`);
      return next.set(objectKey(object), object);
    }
    case 'ApplyObject': {
      const { kind, metadata } = change.object;
      const have = next.get(keyOf(kind, metadata.namespace, metadata.name));
      if (have?.metadata.uid !== change.uid) throw new Error(`uid mismatch at ${kind} ${metadata.name}`);
      return next.set(objectKey(have), written(change.object, have));
    }
    case 'PatchObject':
    case 'DeleteObject': {
      const { kind, namespace, name, uid } = change.ref;
      const have = next.get(keyOf(kind, namespace, name));
      if (have?.metadata.uid !== uid) throw new Error(`uid mismatch at ${kind} ${name}`);
      if (change.kind === 'PatchObject') return next.set(objectKey(have), patched(have, change));
      next.delete(objectKey(have));
      return next;
    }
    default:
      return next;
  }
}

/** What the token controller does: fills every token Secret. */
export function fillTokens(cluster: Cluster): Cluster {
  return new Map(
    [...cluster].map(([key, object]) => [
      key,
      object.kind === 'Secret' && object.type === 'kubernetes.io/service-account-token'
        ? { ...object, tokenFilled: true }
        : object,
    ]),
  );
}

/** The objects of a cluster by kind, as an observation holds them. */
export function objectsOf(cluster: Cluster) {
  const all = [...cluster.values()];
  return {
    accounts: all.filter((object): object is ServiceAccount => object.kind === 'ServiceAccount'),
    secrets: all.filter((object): object is Secret => object.kind === 'Secret'),
    bindings: all.filter((object): object is RoleBinding => object.kind === 'RoleBinding'),
  };
}
