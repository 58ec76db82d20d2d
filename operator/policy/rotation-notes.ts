import { expiryDueAt, scheduledAt } from './rotation-due.ts';
import { isOutdated } from './rotation-marks.ts';
import type { RotationView } from './rotation-view.ts';

/** Something about a rotation that does not stop it, and that its user should know. */
export type RotationNote =
  /** No old secret overlaps: logins under way during a rotation fail. */
  | 'NoOverlap'
  /** The old secret may end before the rollout does. */
  | 'OverlapShorterThanRollout'
  /** The realm keeps an old secret for longer than the schedule waits, so that its end is what decides. */
  | 'OverlapOutlastsSchedule'
  /** Keycloak ends the secret before the schedule asks for a new one, so that the schedule is not what decides. */
  | 'ExpiresBeforeSchedule'
  /** No Deployment is named: restarting Argo Server is left to the user. */
  | 'RestartLeftToUser'
  /** The request to rotate is not a time, and is not met. */
  | 'RequestUnreadable'
  /** The request to rotate is older than the last one that was met, and is not met. */
  | 'RequestOutdated';

/** What the user should know, in a fixed order. */
export function rotationNotes(view: RotationView): readonly RotationNote[] {
  const { rules, overlap, keycloak, deployment, request, rolloutDeadline } = view;
  const period = keycloak.coverage?.rotatedPeriod;
  const overlapLeftToRealm = rules !== undefined && overlap === undefined;
  const scheduled = scheduledAt(view);
  const expires = expiryDueAt(view);
  const notes: readonly (readonly [RotationNote, boolean])[] = [
    ['NoOverlap', overlapLeftToRealm && period === undefined],
    ['OverlapShorterThanRollout', overlapLeftToRealm && period !== undefined && period < rolloutDeadline],
    ['OverlapOutlastsSchedule', overlapLeftToRealm && period !== undefined && period > rules.shortestPeriod],
    ['ExpiresBeforeSchedule', scheduled !== undefined && expires !== undefined && expires < scheduled],
    ['RestartLeftToUser', rules !== undefined && deployment === undefined],
    ['RequestUnreadable', request !== undefined && request.at === undefined],
    ['RequestOutdated', isOutdated(view)],
  ];
  return notes.filter(([, stands]) => stands).map(([note]) => note);
}

/** The least time between two rotations, in milliseconds: each must be over before the next one is due. */
export function leastPeriod(overlap: number | undefined, rolloutDeadline: number): number {
  return (overlap ?? 0) + rolloutDeadline;
}
