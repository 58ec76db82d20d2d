import type { Change, Rehearsable } from './change.ts';
import { takeOverToCome } from './client-secret.ts';
import type { Observation } from './observation.ts';
import { sharedRefOf } from './ownership.ts';
import { wantedMarks } from './rotation-marks.ts';
import { rotationView } from './rotation-observed.ts';

/** Pods are never marked with it: it is rehearsed alone. */
const REHEARSED_MARK = 'rehearsal';

/**
 * Asks the API server, before Keycloak makes a new secret, whether the Secret and Argo Server could follow: a field that
 * another manager holds, a right that was taken away or a quota would otherwise be met when there is no way back.
 */
export function rehearseRotation(observation: Observation): readonly Change[] {
  const view = rotationView(observation);
  if (view === undefined) return [];
  const writes = [...takeOverToCome(observation, wantedMarks(view)), ...rolloutToCome(observation)];
  return writes.map(change => ({ kind: 'Rehearse', change }));
}

function rolloutToCome(observation: Observation): readonly Rehearsable[] {
  const { deployment } = observation.server;
  if (rotationView(observation)?.deployment === undefined || deployment?.state !== 'found') return [];
  return [{ kind: 'RollDeployment', ref: sharedRefOf(deployment.object), mark: REHEARSED_MARK }];
}
