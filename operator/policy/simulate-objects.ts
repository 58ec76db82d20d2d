import type { ManagedKeys, ObjectMeta, OwnedObject, OwnerReference, ServiceAccount } from '../api/objects.ts';
import { formatTime } from '../api/time.ts';
import type { DesiredObject, ObjectRef, PatchObject } from './change.ts';
import { ANNOTATION_TOKEN_OF, TOKEN_TYPE } from './desired.ts';
import type { Observation } from './observation.ts';
import type { Effect } from './simulate-effect.ts';
import { unknownText } from './simulate-unknown.ts';

type Keys = readonly string[];

const union = (a: Keys, b: Keys): Keys => [...new Set([...a, ...b])];
const without = (list: Keys, removed: Keys | undefined): Keys => list.filter(key => !removed?.includes(key));

const NOTHING_MANAGED: ManagedKeys = { labels: [], annotations: [], data: [] };

/** The object of a kind and name as observed. */
export function objectAt(
  { accounts, secrets, bindings }: Observation,
  { kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>,
): OwnedObject | undefined {
  const lists = { ServiceAccount: accounts, Secret: secrets, RoleBinding: bindings };
  const list: readonly OwnedObject[] = lists[kind];
  return list.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

/** An object as the API server has it after it was created, or applied with force. */
export function writtenObject(observation: Observation, want: DesiredObject): OwnedObject {
  const { namespace, name } = want.metadata;
  const have = objectAt(observation, { kind: want.kind, namespace, name });
  const metadata = writtenMeta(want, have?.metadata);
  switch (want.kind) {
    case 'ServiceAccount':
      return { kind: want.kind, metadata, secrets: have?.kind === 'ServiceAccount' ? have.secrets : [] };
    case 'RoleBinding': {
      const roleRef = have?.kind === 'RoleBinding' ? have.roleRef : want.roleRef;
      return { kind: want.kind, metadata, roleRef, subjects: want.subjects };
    }
    case 'Secret': {
      const before = have?.kind === 'Secret' ? have : undefined;
      const tokenFilled = before?.tokenFilled ?? isFilledSoon(observation.accounts, want);
      const data = { ...before?.data, ...want.data };
      return { kind: want.kind, metadata, type: before?.type ?? want.type, data, tokenFilled };
    }
  }
}

/** Kubernetes fills the token of an account that is there. */
function isFilledSoon(accounts: readonly ServiceAccount[], { type, metadata }: DesiredSecret): boolean {
  const account = metadata.annotations[ANNOTATION_TOKEN_OF];
  return type === TOKEN_TYPE && accounts.some(each => each.metadata.name === account);
}

type DesiredSecret = Extract<DesiredObject, { readonly kind: 'Secret' }>;

function writtenMeta(want: DesiredObject, have: ObjectMeta | undefined): ObjectMeta {
  const { name, namespace, labels, annotations, owner } = want.metadata;
  const managed = have?.managed ?? NOTHING_MANAGED;
  const data = want.kind === 'Secret' ? Object.keys(want.data) : [];
  return {
    ...(have ?? { uid: unknownText(want.kind, namespace, name), resourceVersion: '' }),
    name,
    namespace,
    labels: { ...have?.labels, ...labels },
    annotations: { ...have?.annotations, ...annotations },
    ...(owner !== undefined && { ownerReferences: withOwner(have?.ownerReferences ?? [], owner) }),
    managed: {
      labels: union(managed.labels, Object.keys(labels)),
      annotations: union(managed.annotations, Object.keys(annotations)),
      data: union(managed.data, data),
    },
  };
}

function withOwner(owners: readonly OwnerReference[], owner: OwnerReference): readonly OwnerReference[] {
  return [...owners.filter(({ uid }) => uid !== owner.uid), owner];
}

function omit<T>(record: Readonly<Record<string, T>> | undefined, keys: Keys | undefined) {
  return Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => !keys?.includes(key)));
}

function patchedMeta(have: ObjectMeta, patch: PatchObject): ObjectMeta {
  const { removeLabels, removeAnnotations, removeData, setAnnotations = {}, removeOwnerUid } = patch;
  const managed = have.managed ?? NOTHING_MANAGED;
  const set = Object.keys(setAnnotations);
  return {
    ...have,
    labels: omit(have.labels, removeLabels),
    annotations: { ...omit(have.annotations, removeAnnotations), ...setAnnotations },
    ownerReferences: (have.ownerReferences ?? []).filter(({ uid }) => uid !== removeOwnerUid),
    managed: {
      labels: without(managed.labels, removeLabels),
      annotations: union(without(managed.annotations, removeAnnotations), set),
      data: without(managed.data, removeData),
    },
  };
}

/** An object after a patch; undefined where it is not there, or another of its name. */
export function patchedObject(observation: Observation, patch: PatchObject): OwnedObject | undefined {
  const have = objectAt(observation, patch.ref);
  if (have?.metadata.uid !== patch.ref.uid) return undefined;
  const metadata = patchedMeta(have.metadata, patch);
  switch (have.kind) {
    case 'ServiceAccount':
      return { ...have, metadata, secrets: without(have.secrets, patch.removeSecrets) };
    case 'Secret':
      return { ...have, metadata, data: omit(have.data, patch.removeData) };
    case 'RoleBinding':
      return { ...have, metadata };
  }
}

/** What becomes of an object that is deleted: somebody's finalizer may hold it. */
export function deletedObject(observation: Observation, ref: ObjectRef): Effect {
  const have = objectAt(observation, ref);
  if (have?.metadata.uid !== ref.uid || !have.metadata.finalizers?.length) return { kind: 'ObjectGone', ref };
  const metadata = { ...have.metadata, deletionTimestamp: formatTime(observation.now) };
  return { kind: 'Object', object: { ...have, metadata } };
}
