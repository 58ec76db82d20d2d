import {
  ANNOTATION_ADOPT_BY,
  ANNOTATION_REVISION,
  LABEL_POLICY,
  LABEL_POLICY_NAMESPACE,
  LABEL_POLICY_UID,
} from '../api/names.ts';
import type { Secret } from '../api/objects.ts';
import { SecretValue } from '../api/secret-value.ts';
import type { Change, ObjectChange } from './change.ts';
import { redirectUri } from './client.ts';
import { clientSecret, holdsValue, isProved, revisionOf, rolledRevision } from './client-secret-view.ts';
import { diffObject } from './compare.ts';
import { desiredClientSecret } from './desired.ts';
import { formerKeys, formerSecrets, isStillRead } from './former-secrets.ts';
import type { Observation } from './observation.ts';
import { isOursToDelete, refOf } from './ownership.ts';
import { differs, wantedMarks } from './rotation-marks.ts';
import { annotationsOf, rotationView } from './rotation-observed.ts';
import type { RotationMarks } from './rotation-view.ts';

/** The highest revision; one that is higher is damage, or somebody's invention. */
const MAX_REVISION = 99_999_999;

/**
 * The revision that the Secret has, or takes on with Keycloak's value. Never one that it had before: what was
 * proved of that value would count for this one, and pods that have read that one for pods that have read this.
 */
function nextRevision(observation: Observation, have: Secret | undefined, holdsValue: boolean): number {
  const { revision: last = 0, provedRevision } = observation.policy.status?.secret ?? {};
  // From the highest the Secret may have begun anew, before the status came to say so.
  const remembered = last < MAX_REVISION ? last : 0;
  const known = Math.max((have && revisionOf(have)) ?? 0, remembered);
  if (holdsValue) return Math.max(known, 1);
  // What pods have read of another Secret bears another mark.
  const taken = [provedRevision, have && rolledRevision(observation)];
  return (
    [1, 2, 3].map(step => ((known + step - 1) % MAX_REVISION) + 1).find(each => !taken.includes(each)) ?? 1
  );
}

/**
 * The writes that make the Secret hold what Keycloak accepts: the value with its revision counter and its marks in one
 * write, then its proof, and only then the removal of a Secret under a former name, once Argo Server can do without.
 */
export function planClientSecret(observation: Observation): readonly Change[] {
  const { policy, keycloak } = observation;
  const spec = policy.spec.client;
  const view = rotationView(observation);
  if (spec === undefined || view === undefined) return [];
  if (keycloak.state !== 'Observed' || keycloak.client?.secret === undefined) return [];
  const { client } = keycloak;
  const value = keycloak.client.secret;
  const revision = nextRevision(observation, clientSecret(observation), !differs(view));
  const changes = secretAt(observation, revision, wantedMarks(view));
  if (isProved(observation, revision)) return [...changes, ...removals(observation)];
  if (client?.enabled === false || observation.proof?.revision === revision) return changes;
  const proof: Change = {
    kind: 'ProveSecret',
    clientId: spec.clientId,
    secret: value,
    redirectUri: redirectUri(spec.url),
    revision,
  };
  return [...changes, proof];
}

/** The writes that give the Secret what Keycloak has, as a revision with marks. */
function secretAt(observation: Observation, revision: number, marks: RotationMarks): readonly ObjectChange[] {
  const { policy, keycloak } = observation;
  const spec = policy.spec.client;
  const secret = keycloak.state === 'Observed' ? keycloak.client?.secret : undefined;
  if (spec === undefined || secret === undefined) return [];
  const credentials = { clientId: new SecretValue(spec.clientId), secret };
  const annotations = { [ANNOTATION_REVISION]: String(revision), ...annotationsOf(marks) };
  const want = desiredClientSecret(policy, spec.secret, credentials, annotations);
  const data = { ...formerKeys(observation, credentials), ...want.data };
  return diffObject(clientSecret(observation), { ...want, data });
}

/** The write that a new value will ask for, with the present one in its place. */
export function takeOverToCome(observation: Observation, marks: RotationMarks): readonly ObjectChange[] {
  return secretAt(observation, nextRevision(observation, clientSecret(observation), false), marks);
}

function removals(observation: Observation): readonly Change[] {
  return formerSecrets(observation)
    .filter(secret => !isStillRead(observation, secret))
    .map(secret => ({ kind: 'DeleteObject', ref: refOf(secret) }));
}

/** All Secrets with credentials that the policy owns, for its deletion. */
export function ownedClientSecrets(observation: Observation): readonly Secret[] {
  return observation.secrets.filter(
    ({ metadata, type }) => type === 'Opaque' && isOursToDelete(observation, metadata),
  );
}

/** A Secret that is to stay beyond its policy gets Keycloak's value before: nobody follows Keycloak afterwards. */
export function lastTakeOver(observation: Observation): readonly ObjectChange[] {
  const secret = clientSecret(observation);
  const view = rotationView(observation);
  if (secret === undefined || view === undefined || !isOursToDelete(observation, secret.metadata)) return [];
  return holdsValue(observation, secret) ? [] : takeOverToCome(observation, wantedMarks(view));
}

/** Keeps a Secret beyond its policy: no longer ours, and marked so that a policy of that name may take it up. */
export function retainSecret({ policy }: Observation, secret: Secret): Change {
  return {
    kind: 'PatchObject',
    ref: refOf(secret),
    setAnnotations: { [ANNOTATION_ADOPT_BY]: policy.metadata.name },
    removeLabels: [LABEL_POLICY, LABEL_POLICY_NAMESPACE, LABEL_POLICY_UID, 'app.kubernetes.io/managed-by'],
    removeOwnerUid: policy.metadata.uid,
  };
}
