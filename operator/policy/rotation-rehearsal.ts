import type { Deployment } from '../api/objects.ts';
import type { Change, Rehearsable, SharedChange } from './change.ts';
import { takeOverToCome } from './client-secret.ts';
import type { Observation } from './observation.ts';
import { sharedRefOf } from './ownership.ts';
import { wantedMarks } from './rotation-marks.ts';
import { rotationView } from './rotation-observed.ts';
import { planSettings } from './server-settings.ts';
import { settingsServe } from './server-view.ts';

/** Pods are never marked with it: it is rehearsed alone. */
const REHEARSED_MARK = 'rehearsal';

/**
 * Asks the API server, before Keycloak makes a new secret, whether the Secret and Argo Server could follow: a field that
 * another manager holds, a right that was taken away or a quota would otherwise be met when there is no way back.
 */
export function rehearseRotation(observation: Observation): readonly Change[] {
  const view = rotationView(observation);
  if (view === undefined) return [];
  const writes = [
    ...takeOverToCome(observation, wantedMarks(view)),
    ...settingsToCome(observation),
    ...rolloutToCome(observation),
  ];
  return writes.map(change => ({ kind: 'Rehearse', change }));
}

/** Where a Deployment is named, the planner has waited for settings that serve; where not, a restart may come any time. */
function settingsToCome(observation: Observation): readonly Rehearsable[] {
  if (observation.policy.spec.server?.deployment !== undefined || settingsServe(observation)) return [];
  return planSettings(observation);
}

function rolloutToCome(observation: Observation): readonly Rehearsable[] {
  const { deployment } = observation.server;
  if (rotationView(observation)?.deployment === undefined || deployment?.state !== 'found') return [];
  return [rollTo(deployment.object, REHEARSED_MARK)];
}

type Roll = Extract<SharedChange, { readonly kind: 'RollDeployment' }>;

/** The write of a mark to a Deployment as it was observed. */
export function rollTo(deployment: Deployment, mark: string): Roll {
  const { markHeld, metadata } = deployment;
  const taken = markHeld === 'Update' ? { takenIn: metadata.resourceVersion } : {};
  return { kind: 'RollDeployment', ref: sharedRefOf(deployment), mark, ...taken };
}
