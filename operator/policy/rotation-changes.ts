import type { Change, SharedChange } from './change.ts';
import { hasEnded } from './client-secret-view.ts';
import type { KeycloakClient } from './keycloak-types.ts';
import type { Observation } from './observation.ts';
import { remembered } from './remembered.ts';
import { planRotation, type RotationPlan } from './rotation.ts';
import { overlapOf } from './rotation-due.ts';
import { rotationView } from './rotation-observed.ts';
import { rehearseRotation, rollTo } from './rotation-rehearsal.ts';

/** The client that rotates, and the next step of its rotation. */
export interface Rotation extends RotationPlan {
  readonly client: KeycloakClient;
}

/** Where the rotation stands; undefined where there is no client to be seen, or it is not the policy's. */
export const rotationOf = remembered((observation: Observation): Rotation | undefined => {
  const { keycloak } = observation;
  const view = rotationView(observation);
  if (view === undefined || keycloak.state !== 'Observed' || keycloak.client === undefined) return undefined;
  return { ...planRotation(view), client: keycloak.client };
});

/** The write to Keycloak that the next step asks for; what the Secret needs comes with its own plan. */
export function planSecretStep(observation: Observation): readonly Change[] {
  const rotation = rotationOf(observation);
  if (rotation === undefined) return [];
  const { step, client } = rotation;
  const seen = { id: client.id, clientId: client.clientId, life: client.secretLife };
  if (step.kind === 'RegenerateSecret')
    return [...rehearseRotation(observation), { kind: step.kind, ...seen, cause: step.cause }];
  return step.kind === 'EndOverlap' ? [{ kind: step.kind, ...seen }] : [];
}

/** The restart of Argo Server, where it has read something else than it would now. */
export function planRollout(observation: Observation): readonly SharedChange[] {
  const { deployment } = observation.server;
  const step = rotationOf(observation)?.step;
  if (step?.kind !== 'Roll' || deployment?.state !== 'found') return [];
  return [rollTo(deployment.object, step.mark)];
}

/**
 * Whether updates of the client have to wait. Where no policy of the realm covers it any more, an update ends
 * the old secret at once, although pods may still use it (keycloak, `ClientSecretRotationExecutor`).
 */
export function updatesWait(observation: Observation): boolean {
  const view = rotationView(observation);
  if (view === undefined || view.keycloak.coverage !== undefined) return false;
  // One without an end is refused by Keycloak already, and one whose time is over too.
  return view.keycloak.rotated?.expiresAt !== undefined && overlapOf(view) !== undefined;
}

/** The client's changes, but none before those of a secret that has ended: they would be refused, or rotate it. */
export function clientInSafeOrder(
  observation: Observation,
  client: readonly Change[],
  secret: readonly Change[],
): readonly Change[] {
  return secret.length > 0 && hasEnded(observation) ? [] : client;
}
