import { ANNOTATION_REVISION, ANNOTATION_ROLLED } from '../api/names.ts';
import type { Secret } from '../api/objects.ts';
import { SecretValue } from '../api/secret-value.ts';
import { entry } from './compare.ts';
import type { Observation, Proof } from './observation.ts';
import { markedRevision } from './rotation-hash.ts';
import { isServerTaken } from './server-taken.ts';

/** The Secret that the policy names, as observed. */
export function clientSecret({ policy, secrets }: Observation): Secret | undefined {
  const name = policy.spec.client?.secret.name;
  return secrets.find(({ metadata }) => metadata.name === name);
}

/** Counts the values that the Secret has held; undefined where the annotation is missing or damaged. */
export function revisionOf(secret: Secret): number | undefined {
  const text = secret.metadata.annotations?.[ANNOTATION_REVISION] ?? '';
  return /^[1-9][0-9]{0,7}$/.test(text) ? Number(text) : undefined;
}

/** The revision that Argo Server's pods have read, or are being given; undefined where no Deployment tells. */
export function rolledRevision(observation: Observation): number | undefined {
  const { deployment } = observation.server;
  // The mark on the one of an older policy counts that one's values.
  if (deployment?.state !== 'found' || isServerTaken(observation)) return undefined;
  return markedRevision(entry(deployment.object.templateAnnotations, ANNOTATION_ROLLED));
}

/** Whether the Secret holds what Keycloak has just now: the client's secret, and its id. */
export function holdsValue({ policy, keycloak }: Observation, { data }: Secret): boolean {
  const { clientId = '', secret } = policy.spec.client ?? {};
  if (secret === undefined || keycloak.state !== 'Observed' || keycloak.client?.secret === undefined)
    return false;
  return (
    keycloak.client.secret.equals(entry(data, secret.clientSecretKey)) &&
    new SecretValue(clientId).equals(entry(data, secret.clientIdKey))
  );
}

/** Whether nobody else has written what the Secret holds of these since the operator did. */
export function isUntouched({ policy }: Observation, { metadata }: Secret): boolean {
  const { clientIdKey = '', clientSecretKey = '' } = policy.spec.client?.secret ?? {};
  return [clientIdKey, clientSecretKey].every(key => metadata.managed?.data.includes(key));
}

/** Whether Keycloak's own end of the secret is past: it is refused then, and so is any update of the client. */
export function hasEnded({ now, keycloak }: Observation): boolean {
  const expiresAt = keycloak.state === 'Observed' ? keycloak.client?.secretLife.expiresAt : undefined;
  return expiresAt !== undefined && expiresAt <= now;
}

/** What the token endpoint said of a revision, now or as the status remembers; of what has ended it is asked anew. */
export function proofOf(observation: Observation, revision: number): Proof['result'] | 'missing' {
  const { policy, proof } = observation;
  if (proof?.revision === revision) return proof.result;
  const remembered = policy.status?.secret?.provedRevision === revision && !hasEnded(observation);
  return remembered ? 'proved' : 'missing';
}

/** Whether the token endpoint has accepted this revision, now or as the status remembers. */
export function isProved(observation: Observation, revision: number): boolean {
  return proofOf(observation, revision) === 'proved';
}
