import type { ObjectMeta, OwnedObject, RoleBinding, Secret } from '../api/objects.ts';
import type {
  DesiredObject,
  DesiredRoleBinding,
  DesiredSecret,
  ObjectChange,
  PatchObject,
} from './change.ts';
import { refOf } from './ownership.ts';

/** Whether every wanted entry is there with the wanted value; others do not matter. */
export function covers(
  have: Readonly<Record<string, string>> | undefined,
  want: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(want).every(([key, value]) => entry(have, key) === value);
}

/** An entry of a record of any keys: `constructor` is one only where it was put there. */
export function entry<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function metadataMatches(have: ObjectMeta, want: DesiredObject['metadata']): boolean {
  const owner = want.owner;
  const owned = owner === undefined || have.ownerReferences?.some(({ uid }) => uid === owner.uid) === true;
  return owned && covers(have.labels, want.labels) && covers(have.annotations, want.annotations);
}

function secretMatches(have: Secret, want: DesiredSecret): boolean {
  return Object.entries(want.data).every(([key, value]) => value.equals(entry(have.data, key)));
}

/** Whether a binding gives exactly what it should: who and what, apart from labels. */
export function bindsTheSame(have: RoleBinding, want: DesiredRoleBinding): boolean {
  const subjects = (list: RoleBinding['subjects']) =>
    JSON.stringify(list.map(({ kind, name, namespace }) => [kind, name, namespace]));
  return sameRoleRef(have, want) && subjects(have.subjects) === subjects(want.subjects);
}

/** Whether a binding's roleRef, which cannot be changed, is the wanted one. */
export function sameRoleRef(have: RoleBinding, want: DesiredRoleBinding): boolean {
  return have.roleRef.kind === want.roleRef.kind && have.roleRef.name === want.roleRef.name;
}

function contentMatches(have: OwnedObject, want: DesiredObject): boolean {
  if (have.kind === 'Secret' && want.kind === 'Secret') return secretMatches(have, want);
  if (have.kind === 'RoleBinding' && want.kind === 'RoleBinding') return bindsTheSame(have, want);
  return true;
}

/** Keys that our field manager owns on the object and that are no longer wanted. */
function leftovers(have: OwnedObject, want: DesiredObject): PatchObject | undefined {
  const managed = have.metadata.managed;
  if (managed === undefined) return undefined;
  const unwanted = (keys: readonly string[], wanted: object) =>
    keys.filter(key => !Object.hasOwn(wanted, key));
  const removeLabels = unwanted(managed.labels, want.metadata.labels);
  const removeAnnotations = unwanted(managed.annotations, want.metadata.annotations);
  const removeData =
    want.kind === 'Secret' && want.type === 'Opaque' ? unwanted(managed.data, want.data) : [];
  if (removeLabels.length + removeAnnotations.length + removeData.length === 0) return undefined;
  return { kind: 'PatchObject', ref: refOf(have), removeLabels, removeAnnotations, removeData };
}

/** Whether values of a Secret of ours have to change and somebody has made them immutable. */
function isFrozen(have: OwnedObject, want: DesiredObject, patch: PatchObject | undefined): boolean {
  if (have.kind !== 'Secret' || have.immutable === undefined || have.metadata.managed === undefined)
    return false;
  return !contentMatches(have, want) || (patch?.removeData ?? []).length > 0;
}

/** For what no write can change. */
export function remade(have: OwnedObject, want: DesiredObject): readonly ObjectChange[] {
  return [
    { kind: 'DeleteObject', ref: refOf(have) },
    { kind: 'CreateObject', object: want },
  ];
}

/**
 * The changes that turn what is observed of one object into what is wanted: none where every field that we
 * manage is as it should be. Fields that we do not manage are not looked at.
 */
export function diffObject(have: OwnedObject | undefined, want: DesiredObject): readonly ObjectChange[] {
  if (have === undefined) return [{ kind: 'CreateObject', object: want }];
  const changes: ObjectChange[] = [];
  // One that bears our marks but was not written by us, as after a forced replacement, would not be cleaned up.
  const ours = have.metadata.managed !== undefined;
  if (!ours || !metadataMatches(have.metadata, want.metadata) || !contentMatches(have, want)) {
    changes.push({ kind: 'ApplyObject', object: want, uid: have.metadata.uid });
  }
  const patch = leftovers(have, want);
  if (patch !== undefined) changes.push(patch);
  return isFrozen(have, want, patch) ? remade(have, want) : changes;
}
