import { expiryDueAt, scheduledAt, servesFor } from './rotation-due.ts';
import { CLOCK_SKEW, isOutdated } from './rotation-marks.ts';
import type { RotationView } from './rotation-view.ts';

/** Something about a rotation that does not stop it, and that its user should know. */
export type RotationNote =
  /** An overlap is asked for, and no policy of the realm keeps an old secret. */
  | 'OverlapNeedsPolicy'
  /** An overlap is asked for, and the realm keeps old secrets for less than that and a rollout. */
  | 'RotatedPeriodTooShort'
  /** No old secret overlaps: logins under way during a rotation fail. */
  | 'NoOverlap'
  /** The old secret may end before the rollout does. */
  | 'OverlapShorterThanRollout'
  /** The realm keeps an old secret for longer than the schedule waits, so that its end is what decides. */
  | 'OverlapOutlastsSchedule'
  /** Keycloak ends the secret before the schedule asks for a new one, so that the schedule is not what decides. */
  | 'ExpiresBeforeSchedule'
  /** The realm keeps an old secret until the new one is due to be replaced, or for longer. */
  | 'OverlapOutlastsLife'
  /** The realm ends a secret before the rotation that made it is surely over. */
  | 'LifeShorterThanRotation'
  /** The overlap that is asked for needs a policy of the realm, and there is none. */
  | 'OverlapNeedsPolicy'
  /** The realm keeps old secrets for less than the overlap that is asked for. */
  | 'RotatedPeriodTooShort'
  /** No Deployment is named: restarting Argo Server is left to the user. */
  | 'RestartLeftToUser'
  /** A restart takes all pods away before new ones are ready. */
  | 'RestartInterrupts'
  /** The request to rotate is not a time, and is not met. */
  | 'RequestUnreadable'
  /** The request to rotate is older than the last one that was met, and is not met. */
  | 'RequestOutdated';

type Notes = readonly (readonly [RotationNote, boolean])[];

/** How what the realm's policy keeps and ends fits the policy. */
function periodNotes(view: RotationView): Notes {
  const { rules, overlap, keycloak, rolloutDeadline } = view;
  if (rules === undefined) return [];
  const lack = overlapLack(view);
  const period = keycloak.coverage?.rotatedPeriod ?? Number.NEGATIVE_INFINITY;
  const isLeftToRealm = overlap === undefined;
  const isCovered = isLeftToRealm && keycloak.coverage !== undefined;
  const serves = servesFor(view) ?? Number.POSITIVE_INFINITY;
  const isTooShort = serves < leastPeriod(overlap, rolloutDeadline);
  return [
    ['OverlapNeedsPolicy', lack === 'OverlapNeedsPolicy'],
    ['RotatedPeriodTooShort', lack === 'RotatedPeriodTooShort'],
    ['NoOverlap', isLeftToRealm && !isCovered],
    ['OverlapShorterThanRollout', isCovered && period < rolloutDeadline],
    ['LifeShorterThanRotation', isTooShort],
    ['OverlapOutlastsLife', isLeftToRealm && !isTooShort && period + CLOCK_SKEW > serves],
    ['OverlapOutlastsSchedule', isLeftToRealm && period > rules.shortestPeriod],
  ];
}

/** What the user should know, in a fixed order. */
export function rotationNotes(view: RotationView): readonly RotationNote[] {
  const { rules, deployment, request } = view;
  const scheduled = scheduledAt(view);
  const expires = expiryDueAt(view);
  const notes: Notes = [
    ...periodNotes(view),
    ['ExpiresBeforeSchedule', scheduled !== undefined && expires !== undefined && expires < scheduled],
    ['RestartLeftToUser', rules !== undefined && deployment === undefined],
    [
      'RestartInterrupts',
      rules !== undefined && deployment?.state === 'found' && deployment.interrupts === true,
    ],
    ['RequestUnreadable', request !== undefined && request.at === undefined],
    ['RequestOutdated', isOutdated(view)],
  ];
  return notes.filter(([, stands]) => stands).map(([note]) => note);
}

/** What the realm's policy lacks for the overlap that is asked for; without that, no rotation begins. */
export function overlapLack({
  overlap,
  keycloak: { coverage, coverageHidden },
  rolloutDeadline,
}: RotationView): 'OverlapNeedsPolicy' | 'RotatedPeriodTooShort' | undefined {
  if (overlap === undefined || coverageHidden) return undefined;
  if (coverage === undefined) return 'OverlapNeedsPolicy';
  return coverage.rotatedPeriod < leastPeriod(overlap, rolloutDeadline) ? 'RotatedPeriodTooShort' : undefined;
}

/** The least time between two rotations, in milliseconds: each must be over before the next one is due. */
export function leastPeriod(overlap: number | undefined, rolloutDeadline: number): number {
  return (overlap ?? 0) + rolloutDeadline;
}
