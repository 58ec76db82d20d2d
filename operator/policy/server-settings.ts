import type { SharedChange } from './change.ts';
import { clientOwner } from './client.ts';
import { clientSecret } from './client-secret-view.ts';
import type { Observation } from './observation.ts';
import { sharedRefOf } from './ownership.ts';
import { mergedSso, needsNoWriting } from './server-compare.ts';
import { renderSso } from './server-sso.ts';
import { observedSettings, settingsConfigMap, wantedSso } from './server-view.ts';

/** Argo stops at its start where the Secret, or a key in it, is not there. */
function credentialsReady(observation: Observation): boolean {
  const { keycloak, policy } = observation;
  const names = policy.spec.client?.secret;
  const secret = clientSecret(observation);
  if (keycloak.state !== 'Observed' || keycloak.client === undefined) return false;
  if (names === undefined || secret === undefined) return false;
  return (
    clientOwner(observation, keycloak.client) === 'ours' &&
    [names.clientIdKey, names.clientSecretKey].every(key => Object.hasOwn(secret.data, key))
  );
}

/** Whether the operator may write the settings, and can: it leaves alone what it cannot read, and the key `config`. */
export function isWritable(observation: Observation): boolean {
  const reading = observedSettings(observation);
  return (
    observation.policy.spec.server?.configMap?.manage === true &&
    reading?.form === 'sections' &&
    reading.sso.state !== 'broken'
  );
}

/**
 * The write that brings Argo's settings to what the policy says: one or none, never one that makes the ConfigMap, and
 * none before there are credentials that they can point at.
 */
export function planSettings(observation: Observation): readonly SharedChange[] {
  const configMap = settingsConfigMap(observation);
  const reading = observedSettings(observation);
  const want = wantedSso(observation);
  if (configMap === undefined || want === undefined || reading?.form !== 'sections') return [];
  if (!isWritable(observation) || !credentialsReady(observation)) return [];
  if (observation.server.groupFilter.invalid.length > 0) return [];
  const { sso } = reading;
  const { block, unknown } = sso.state === 'read' ? sso : { block: {}, unknown: [] };
  if (needsNoWriting(want, block, unknown)) return [];
  return [{ kind: 'ApplySettings', ref: sharedRefOf(configMap), sso: renderSso(mergedSso(block, want)) }];
}
