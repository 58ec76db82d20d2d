import { FINALIZER } from '../api/names.ts';
import type { OwnedObject } from '../api/objects.ts';
import type { Change } from './change.ts';
import { mayHaveClient } from './checks-permission.ts';
import { clientOwner, isAdopted, releaseClient } from './client.ts';
import { lastTakeOver, ownedClientSecrets, retainSecret } from './client-secret.ts';
import { withoutGoing } from './going.ts';
import type { KeycloakClient } from './keycloak-types.ts';
import type { Observation } from './observation.ts';
import { isOursToDelete, refOf } from './ownership.ts';
import { Reason } from './reasons.ts';
import { planRoles } from './roles.ts';

function ourClient(observation: Observation): KeycloakClient | undefined {
  const { keycloak } = observation;
  if (keycloak.state !== 'Observed' || keycloak.client === undefined) return undefined;
  return clientOwner(observation, keycloak.client) === 'ours' ? keycloak.client : undefined;
}

/** What becomes of client and Secret: as the policy says, else a client that existed before us stays. */
export function effectiveDeletionPolicy(observation: Observation): 'Delete' | 'Retain' {
  const { policy } = observation;
  if (policy.spec.deletionPolicy !== undefined) return policy.spec.deletionPolicy;
  const client = ourClient(observation);
  const adopted = client === undefined ? policy.status?.client?.adopted === true : isAdopted(client);
  return adopted ? 'Retain' : 'Delete';
}

function clientRemoval(observation: Observation): readonly Change[] {
  const client = ourClient(observation);
  if (client === undefined) return [];
  return effectiveDeletionPolicy(observation) === 'Retain'
    ? [releaseClient(client)]
    : [{ kind: 'DeleteClient', id: client.id, clientId: client.clientId }];
}

/**
 * A client that goes takes its Secret with it. Where both stay, the Secret gets what Keycloak has, and is released first:
 * the mark on the client is what says, after a crash, that both are to stay.
 */
function credentialsRemoval(observation: Observation): readonly Change[] {
  const secrets = ownedClientSecrets(observation);
  if (effectiveDeletionPolicy(observation) === 'Retain') {
    const lastValue = ourClient(observation) === undefined ? [] : lastTakeOver(observation);
    const release = secrets.map(secret => retainSecret(observation, secret));
    return [...lastValue, ...release, ...clientRemoval(observation)];
  }
  const removals = secrets.map((secret): Change => ({ kind: 'DeleteObject', ref: refOf(secret) }));
  return [...clientRemoval(observation), ...removals];
}

/**
 * Whether Keycloak has been asked, or need not be. A realm that does not exist has no client; where the status
 * tells of one all the same, it may be the connection's address that is wrong.
 */
function keycloakSettled(observation: Observation): boolean {
  const { policy, keycloak } = observation;
  if (!mayHaveClient(observation) || keycloak.state === 'Observed') return true;
  const noRealm = keycloak.state === 'Failed' && keycloak.reason === Reason.RealmNotFound;
  return noRealm && policy.status?.client === undefined;
}

/**
 * While the CRD itself goes, every policy goes with it. Nothing else is deleted then: owner references come
 * off, so that garbage collection leaves the objects alone, and logins go on working.
 */
function letGo(observation: Observation): readonly Change[] {
  const { uid } = observation.policy.metadata;
  const objects: readonly OwnedObject[] = [
    ...observation.accounts,
    ...observation.secrets,
    ...observation.bindings,
  ];
  return objects
    .filter(({ metadata }) => metadata.ownerReferences?.some(owner => owner.uid === uid))
    .map(object => ({ kind: 'PatchObject', ref: refOf(object), removeOwnerUid: uid }));
}

function removals(observation: Observation): readonly Change[] {
  if (observation.crdEnding) return letGo(observation);
  if (observation.allowance === undefined) return [];
  const rest = keycloakSettled(observation) ? credentialsRemoval(observation) : [];
  return [...planRoles(observation), ...rest];
}

/**
 * Whether objects may be there that are not seen. While the CRD goes, what the operator has no right to read is not
 * waited for: nobody could delete the CRD then.
 */
function isBlind({ allowance, crdEnding, unread }: Observation): boolean {
  return allowance !== undefined && unread.some(({ forbidden }) => !crdEnding || !forbidden);
}

/**
 * The same line with nothing desired: rules first, then what they led to, then the client and its Secret.
 * The finalizer goes once a later look finds nothing left.
 */
export function planDeletion(observation: Observation): readonly Change[] {
  if (!observation.policy.metadata.finalizers?.includes(FINALIZER)) return [];
  const served = observation.allowance !== undefined && !observation.crdEnding;
  if (isBlind(observation)) return [];
  const changes = withoutGoing(observation, removals(observation));
  if (changes.length > 0) return changes;
  if (served && isLeft(observation)) return [];
  return [{ kind: 'RemoveFinalizer' }];
}

/** Whether something of the policy is still there, or may be. */
function isLeft(observation: Observation): boolean {
  const { outOfSight } = observation;
  return !keycloakSettled(observation) || remaining(observation).length > 0 || outOfSight.length > 0;
}

/** Objects that the policy still owns while it is being deleted, for people to see what is awaited. */
export function remaining(observation: Observation): readonly OwnedObject[] {
  return [...observation.accounts, ...observation.secrets, ...observation.bindings].filter(({ metadata }) =>
    isOursToDelete(observation, metadata),
  );
}
