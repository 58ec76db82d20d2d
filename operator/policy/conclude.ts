import type { Policy } from '../api/objects.ts';
import type { Condition, PolicyStatus, RotationCause } from '../api/status-schema.ts';
import type { Change } from './change.ts';
import { conclusions, healsByTrying, wholeViolation } from './conclusions.ts';
import { type Conclusion, setConditions, shortened } from './conditions.ts';
import type { Observation } from './observation.ts';
import type { Plan } from './plan.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { rotationOf } from './rotation-changes.ts';
import type { DueCause } from './rotation-due.ts';
import { describeCause } from './rotation-words.ts';
import { unseenStatus, viewStatus } from './status-view.ts';

/** A write that did not succeed. */
export interface Failure {
  readonly change: Change;
  readonly reason: Reason;
  readonly message: string;
  /** Whether waiting can heal it. */
  readonly transient: boolean;
}

/** How a reconcile ended: what is still to be done, and what stopped it. */
export interface Ending {
  readonly left: Plan;
  /** One of each chain at most. */
  readonly failures: readonly Failure[];
  /** Kinds and names of what was changed. */
  readonly changed: readonly string[];
  /** Whether Keycloak has made a new secret, now or earlier where no status tells of it yet. */
  readonly regenerated: DueCause | undefined;
  /** Whether an earlier look has told so. */
  readonly isTold?: boolean;
}

/** An event for people, with the reason of the condition that it tells of. */
export interface PolicyEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: Reason;
  readonly message: string;
}

/** What is to be told of a policy. */
export interface Verdict {
  readonly status: PolicyStatus;
  /** What was done, to be told whatever becomes of the status: no later look knows of it. */
  readonly deeds: readonly PolicyEvent[];
  /** What has changed in the status. */
  readonly events: readonly PolicyEvent[];
  /** Whether trying again soon can help. */
  readonly retry: boolean;
  /** When to look again although nothing was seen to change, in milliseconds since the epoch. */
  readonly lookAgainAt: number | undefined;
}

/** Events are for a first look; the status has the whole message. In UTF-16 units. */
const MAX_EVENT = 1000;

/** Policies that were in sync say that Keycloak does not answer only after this time, in milliseconds. */
export const OUTAGE_SILENCE = 5 * 60_000;

/** During a short outage of Keycloak a policy that was in sync, and whose roles still are, keeps saying so. */
function keepsSilent({ policy, keycloak, now }: Observation, list: readonly Conclusion[]): boolean {
  if (keycloak.state !== 'Failed' || !keycloak.transient) return false;
  const ready = policy.status?.conditions?.find(({ type }) => type === 'Ready');
  const current = ready?.observedGeneration === policy.metadata.generation && ready?.status === 'True';
  const roles = list.some(({ type, status }) => type === 'RolesReady' && status === 'True');
  return current && roles && now - keycloak.since < OUTAGE_SILENCE;
}

/**
 * What had to be changed although the policy was in sync, and has not changed itself: whoever did it by hand is to
 * see why it did not last, and whoever did not, that somebody did.
 */
function corrections({ metadata, status }: Policy, { changed }: Ending): readonly PolicyEvent[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const wasInSync = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  if (changed.length === 0 || !wasInSync || metadata.deletionTimestamp !== undefined) return [];
  const message = shortened(`had changed and was brought back in line: ${changed.join(', ')}`, MAX_EVENT);
  return [{ type: 'Normal', reason: Reason.Corrected, message }];
}

/** The one step of a rotation that no condition lasts to tell of. */
function rotation({ spec }: Policy, why: string): PolicyEvent {
  const { clientId = '', secret } = spec.client ?? {};
  const message = `client ${clientId} got a new secret, which Secret ${secret?.name ?? ''} takes over: ${why}`;
  return { type: 'Normal', reason: Reason.Rotating, message };
}

/** A new secret that the operator has had made, and that nobody has been told of. */
function newlyMade(policy: Policy, { regenerated, isTold = false }: Ending): readonly PolicyEvent[] {
  return regenerated === undefined || isTold ? [] : [rotation(policy, describeCause(regenerated))];
}

/** Who made a secret that this reconcile did not make. */
const MADE_ELSEWHERE =
  'it was made in Keycloak, by hand or at a request of the operator whose answer was lost';

/** Whether the Secret has taken over a value that came since the status was last written. */
function hasTakenOver({ secret: before }: PolicyStatus, { secret: after }: PolicyStatus): boolean {
  if (before?.lastRotated === undefined || after === undefined) return false;
  return after.revision !== before.revision && after.lastRotated !== before.lastRotated;
}

/** The status with why the present value came, where that is known by this very look. */
function withCause(status: PolicyStatus, regenerated: DueCause | undefined, isForeign: boolean) {
  const { secret } = status;
  const cause: RotationCause | undefined = regenerated ?? (isForeign ? 'ByHand' : undefined);
  return secret === undefined || cause === undefined ? status : { ...status, secret: { ...secret, cause } };
}

/** Reasons of conditions that are as they should be. */
const CALM: ReadonlySet<Reason> = new Set([
  Reason.Suspended,
  Reason.Deleting,
  Reason.AwaitingRollout,
  Reason.Overlapping,
]);

/** What of a part was told before, and is told of the whole again once a rotation is over. */
function isTold(before: readonly Condition[], { status, reason }: Condition): boolean {
  return status === 'True' && before.some(each => each.status === 'True' && each.reason === reason);
}

/** The event for a condition that has come to say something else. */
function eventOf(before: readonly Condition[], condition: Condition): PolicyEvent {
  const { status, reason, message } = condition;
  const fine = status === 'True' && reason === Reason.InSync;
  if (!fine && isTold(before, condition)) {
    const again = `everything is as the policy says; what was told of it still holds: ${message}`;
    return { type: 'Normal', reason: Reason.InSync, message: shortened(again, MAX_EVENT) };
  }
  const calm = fine || CALM.has(reason as Reason);
  return {
    type: calm ? 'Normal' : 'Warning',
    reason: reason as Reason,
    message: shortened(message, MAX_EVENT),
  };
}

/** An event where a condition that matters has come to say something else. */
function transitions(before: readonly Condition[], after: readonly Condition[]): readonly PolicyEvent[] {
  return after.flatMap(condition => {
    const was = before.find(({ type }) => type === condition.type);
    if (condition.type !== 'Ready' || condition.reason === Reason.Progressing) return [];
    if (was?.status === condition.status && was.reason === condition.reason) return [];
    return [eventOf(before, condition)];
  });
}

/**
 * Turns what was found and done into status and events. Pure: the same observation always gives the same status,
 * and nothing in it changes by time alone.
 */
export function conclude(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
  nowText: string,
): Verdict {
  const { policy } = observation;
  const before = policy.status ?? {};
  const list = conclusions(observation, violations, ending);
  const { regenerated } = ending;
  const made = newlyMade(policy, ending);
  if (keepsSilent(observation, list))
    return { status: before, deeds: made, events: [], retry: true, lookAgainAt: undefined };
  const generation = policy.metadata.generation ?? 0;
  const conditions = setConditions(before.conditions ?? [], list, generation, nowText);
  const looked = isLookedAt(observation, violations);
  const view = looked ? viewStatus(observation) : unseenStatus(observation);
  const foreign =
    regenerated === undefined && hasTakenOver(before, view) ? [rotation(policy, MADE_ELSEWHERE)] : [];
  const isRotated = regenerated !== undefined || foreign.length > 0;
  return {
    status: {
      ...withCause(view, regenerated, foreign.length > 0),
      observedGeneration: generation,
      conditions: [...conditions],
    },
    deeds: [...made, ...(isRotated ? [] : corrections(policy, ending))],
    events: [...foreign, ...transitions(before.conditions ?? [], conditions)],
    retry: canHeal(list, violations),
    lookAgainAt: looked ? lookAgainAt(observation, violations) : undefined,
  };
}

/** Whether the observation tells how the policy's parts stand; otherwise what was last known of them stays. */
function isLookedAt({ policy }: Observation, violations: readonly Violation[]): boolean {
  const idle = policy.spec.suspend || policy.metadata.deletionTimestamp !== undefined;
  return !idle && wholeViolation(violations) === undefined;
}

/** What was due and could not be done is looked at again after this time, in milliseconds, unless a retry is sooner. */
const LEFT_UNDONE = 60_000;

/** When the rotation has something to do; what is blocked has not, and what failed is not tried in a hurry. */
function lookAgainAt(observation: Observation, violations: readonly Violation[]): number | undefined {
  if (violations.some(({ blocks }) => blocks.includes('secret'))) return undefined;
  const at = rotationOf(observation)?.lookAgainAt;
  return at !== undefined && at <= observation.now ? observation.now + LEFT_UNDONE : at;
}

function canHeal(list: readonly Conclusion[], violations: readonly Violation[]): boolean {
  return (
    list.some(({ status, reason }) => status !== 'True' && healsByTrying(reason)) ||
    violations.some(({ reason }) => healsByTrying(reason))
  );
}
