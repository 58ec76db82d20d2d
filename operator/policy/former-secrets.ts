import type { Secret } from '../api/objects.ts';
import type { SecretValue } from '../api/secret-value.ts';
import { clientSecret } from './client-secret-view.ts';
import type { Observation } from './observation.ts';
import { isOursToDelete } from './ownership.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { rotationView } from './rotation-observed.ts';
import type { SsoBlock } from './server-sso.ts';
import { isServerTaken } from './server-taken.ts';
import { observedBlock } from './server-view.ts';

/** Secrets with credentials that the policy owns under a name that it no longer uses. */
export function formerSecrets(observation: Observation): readonly Secret[] {
  const name = observation.policy.spec.client?.secret.name;
  return observation.secrets.filter(
    ({ metadata, type }) =>
      type === 'Opaque' && metadata.name !== name && isOursToDelete(observation, metadata),
  );
}

/** Argo's settings as they stand, of the policy's own Argo Server. */
function standingBlock(observation: Observation): SsoBlock | undefined {
  return isServerTaken(observation) ? undefined : observedBlock(observation);
}

/** Whether Argo Server would read a Secret of this name at its next start, or that is not known. */
function settingsName(observation: Observation, name: string): boolean {
  const { configMap } = observation.server;
  if (configMap === undefined || configMap.state === 'missing' || isServerTaken(observation)) return false;
  const block = standingBlock(observation);
  return block === undefined || [block.clientId, block.clientSecret].some(each => each?.name === name);
}

/** Whether pods may be left, or to come, that were begun with what was there before the present Secret. */
function isBeingRolled(observation: Observation): boolean {
  const { deployment, secret } = rotationView(observation) ?? {};
  if (deployment === undefined) return false;
  if (deployment.state !== 'found') return observation.server.deployment?.state === 'unread';
  return (
    deployment.mark !== secret?.mark || deployment.progress === 'rolling' || deployment.progress === 'failed'
  );
}

/** Whether a former Secret has to stay: an Argo Server that names it does not start without it. */
export function isStillRead(observation: Observation, { metadata }: Secret): boolean {
  return settingsName(observation, metadata.name) || isBeingRolled(observation);
}

/**
 * Former keys of the Secret that Argo's settings still name, with what belongs there: an Argo Server that is started
 * before they name the new ones finds its credentials, and the present ones.
 */
export function formerKeys(
  observation: Observation,
  credentials: { readonly clientId: SecretValue; readonly secret: SecretValue },
): Readonly<Record<string, SecretValue>> {
  const have = clientSecret(observation);
  const block = standingBlock(observation);
  if (have === undefined || block === undefined) return {};
  const named = [
    [block.clientId, credentials.clientId],
    [block.clientSecret, credentials.secret],
  ] as const;
  return Object.fromEntries(
    named.flatMap(([reference, value]) => {
      const { name, key = '' } = reference ?? {};
      const isManaged = have.metadata.managed?.data.includes(key) === true;
      return name === have.metadata.name && isManaged ? [[key, value] as const] : [];
    }),
  );
}

/** A former Secret that Argo Server may still need is there for longer than its policy names it. */
export function formerSecretKept(observation: Observation): Violation | undefined {
  const { policy } = observation;
  const kept = formerSecrets(observation).filter(secret => isStillRead(observation, secret));
  if (kept.length === 0 || clientSecret(observation) === undefined) return undefined;
  const { configMap, deployment } = policy.spec.server ?? {};
  const isNamed = kept.some(({ metadata }) => settingsName(observation, metadata.name));
  const until = isNamed
    ? `ConfigMap ${policy.metadata.namespace}/${configMap?.name ?? ''} is known to name it no longer`
    : `the rollout of Deployment ${deployment ?? ''} with the present one is complete`;
  return {
    reason: Reason.FormerSecretKept,
    message: `Secret ${kept.map(({ metadata }) => metadata.name).join(', ')}, of a former spec.client.secret.name, stays until ${until}; it no longer follows Keycloak`,
    part: 'secret',
    blocks: [],
  };
}
