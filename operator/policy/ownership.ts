import { ANNOTATION_ADOPT_BY, LABEL_POLICY_UID } from '../api/names.ts';
import type { ObjectMeta, OwnedObject, SharedObject } from '../api/objects.ts';
import { KIND } from '../api/schema.ts';
import type { ObjectRef, SharedRef } from './change.ts';
import { bindingHome } from './desired.ts';
import type { Observation } from './observation.ts';

/** uids of policies that an object names as its owner, by label or owner reference. */
function claimedBy(metadata: ObjectMeta): readonly string[] {
  const label = metadata.labels?.[LABEL_POLICY_UID];
  const owners = (metadata.ownerReferences ?? [])
    .filter(owner => owner.kind === KIND)
    .map(owner => owner.uid);
  return label === undefined ? owners : [label, ...owners];
}

/** Whether an object says, in whatever way, that some policy made it. */
export function bearsMark(metadata: ObjectMeta): boolean {
  return metadata.managed !== undefined || claimedBy(metadata).length > 0;
}

/** Whether an object was let go when its policy went, to be taken up by whom its annotation names. */
function isReleased(metadata: ObjectMeta): boolean {
  return claimedBy(metadata).length === 0 && metadata.annotations?.[ANNOTATION_ADOPT_BY] !== undefined;
}

/**
 * Whether an object under one of our deterministic names is the policy's: it carries the policy's uid, or our
 * field manager wrote it and no other live policy claims it (its marks were stripped, or are of a policy that
 * was recreated).
 */
export function isOurs(observation: Observation, metadata: ObjectMeta): boolean {
  const claims = claimedBy(metadata);
  const { uid } = observation.policy.metadata;
  if (claims.includes(uid)) return true;
  if (metadata.managed === undefined || isReleased(metadata)) return false;
  return !claims.some(claim => observation.livePolicyUids.has(claim));
}

/** Whether the policy may have made an object at all: in its own namespace, or a binding named after that. */
function isWithinReach({ policy }: Observation, metadata: ObjectMeta): boolean {
  const { namespace } = policy.metadata;
  return metadata.namespace === namespace || bindingHome(metadata) === namespace;
}

/**
 * Whether an object that is no longer wanted may be deleted. Stricter than {@link isOurs}: a copy that somebody
 * made of one of our objects carries our label but not our field manager; a Secret that was released to stay
 * carries the annotation by which it can be adopted again; what another live policy claims too is left to that
 * one; and what bears no mark of the policy must be listed in its inventory, which alone proves nothing, for
 * others may write it.
 */
export function isOursToDelete(observation: Observation, metadata: ObjectMeta): boolean {
  if (metadata.managed === undefined || isReleased(metadata)) return false;
  if (!isWithinReach(observation, metadata)) return false;
  const { uid } = observation.policy.metadata;
  const claims = claimedBy(metadata);
  if (claims.some(claim => claim !== uid && observation.livePolicyUids.has(claim))) return false;
  return claims.includes(uid) || isListed(observation, metadata);
}

function isListed({ policy }: Observation, metadata: ObjectMeta): boolean {
  return policy.status?.inventory?.some(entry => entry.uid === metadata.uid) ?? false;
}

/** Whether whoever may edit the object has consented to its take-over by this policy. */
export function consentsToAdoption(observation: Observation, metadata: ObjectMeta): boolean {
  return (
    metadata.annotations?.[ANNOTATION_ADOPT_BY] === observation.policy.metadata.name &&
    !claimedBy(metadata).some(claim => observation.livePolicyUids.has(claim))
  );
}

/** The reference with which one field of somebody else's object is written. */
export function sharedRefOf({ metadata: { namespace, name, uid } }: SharedObject): SharedRef {
  return { namespace, name, uid };
}

/** The reference with which an observed object is patched or deleted. */
export function refOf(object: OwnedObject): ObjectRef {
  const { namespace, name, uid } = object.metadata;
  return { kind: object.kind, namespace, name, uid };
}
