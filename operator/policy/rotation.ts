import type { Progress } from '../api/objects.ts';
import { endsSoon, isExpired, nextDue, overlapOf } from './rotation-due.ts';
import { differs, rotatedAt, sameMarks, wantedMarks } from './rotation-marks.ts';
import { overlapLack } from './rotation-notes.ts';
import type { PostponeCause, RotationStep } from './rotation-step.ts';
import type { RotationView } from './rotation-view.ts';

/** How soon to look again at what cannot be waited for in a better way, in milliseconds. */
const RETRY = 60_000;

/** One rule of the planner: the step that it asks for, or undefined where it has nothing to say. */
export type RotationRule = (view: RotationView) => RotationStep | undefined;

/** The Secret follows Keycloak, whatever else is going on: no step is worth having Argo start with a wrong value. */
function takeOver(view: RotationView): RotationStep | undefined {
  return differs(view) ? { kind: 'TakeOver', marks: wantedMarks(view) } : undefined;
}

/** A Secret that cannot tell since when it has its value learns it. */
function recordMarks(view: RotationView): RotationStep | undefined {
  const marks = wantedMarks(view);
  const known = view.secret !== undefined && sameMarks(view.secret.marks, marks);
  return known ? undefined : { kind: 'RecordMarks', marks };
}

/** A value is proved before anything rests on it. One that is refused because its life is over is replaced. */
function prove(view: RotationView): RotationStep | undefined {
  const { secret, keycloak, issuerAnswers } = view;
  if (secret === undefined || secret.proof === 'proved') return undefined;
  if (!keycloak.enabled) return postpone('Proof', 'ClientDisabled');
  if (!issuerAnswers) return postpone('Proof', 'IssuerSilent');
  if (secret.proof === 'missing') return { kind: 'Prove' };
  if (secret.proof === 'unknown') return postpone('Proof', 'TokenEndpointUnclear');
  return isExpired(view) ? undefined : { kind: 'Failed', cause: 'SecretRefused' };
}

/** Pods that have read something else are replaced; never while they could not start for want of the issuer. */
function roll(view: RotationView): RotationStep | undefined {
  const { deployment, secret } = view;
  if (deployment === undefined || secret === undefined || isExpired(view)) return undefined;
  if (deployment.state === 'missing') return postpone('Rollout', 'DeploymentMissing');
  if (deployment.mark === secret.mark) return undefined;
  if (deployment.reverted) return postpone('Rollout', 'RolloutReverted');
  if (deployment.paused) return postpone('Rollout', 'DeploymentPaused');
  if (view.serverObstacle !== undefined) return postpone('Rollout', view.serverObstacle);
  if (!view.issuerAnswers) return postpone('Rollout', 'IssuerSilent');
  return { kind: 'Roll', mark: secret.mark };
}

/**
 * A rollout under way, ours or anybody's, is waited for: its pods may have read either secret. Where it was complete
 * and pods are missing since, those that come read the present one.
 */
function awaitRollout({ now, deployment, rolloutDeadline }: RotationView): RotationStep | undefined {
  if (deployment?.state !== 'found') return undefined;
  const { startedAt, progress, why } = deployment;
  if (progress !== 'rolling' && progress !== 'failed') return undefined;
  const until = startedAt === undefined ? undefined : startedAt + rolloutDeadline;
  const late = progress === 'failed' || (until !== undefined && now >= until);
  return { kind: 'AwaitRollout', until, late, why };
}

/** The old secret ends when its time is over, and only then may there be another. */
function endOverlap(view: RotationView): RotationStep | undefined {
  const overlap = overlapOf(view);
  if (overlap === undefined) return undefined;
  if (view.now < overlap.over) return { kind: 'AwaitOverlap', until: overlap.over };
  return view.leading ? { kind: 'EndOverlap' } : postpone('Rotation', 'NotLeading');
}

/** Most of the time nothing is due. */
function wait(view: RotationView): RotationStep | undefined {
  const due = nextDue(view);
  if (due !== undefined && due.from <= view.now) return undefined;
  return isExpired(view) ? { kind: 'Failed', cause: 'SecretExpired' } : { kind: 'Nothing' };
}

/** Something that a new secret has to wait for, where it does. */
type Obstacle = PostponeCause | false | undefined;

/** Pods are missing though nothing is rolled out: those of a restart might be, too. */
const NOT_READY: ReadonlySet<Progress> = new Set(['degraded', 'down']);

/** What keeps Argo Server from reading a new secret. */
function serverObstacles({ deployment, serverObstacle }: RotationView): readonly Obstacle[] {
  if (deployment === undefined) return [];
  const found = deployment.state === 'found';
  return [
    !found && 'DeploymentMissing',
    found && deployment.paused && 'DeploymentPaused',
    found && deployment.reverted && 'RolloutReverted',
    serverObstacle,
    found && NOT_READY.has(deployment.progress) && 'PodsNotReady',
  ];
}

/** What keeps the old secret from staying valid for as long as is demanded. */
function overlapObstacle(view: RotationView): Obstacle {
  const isHidden = view.overlap !== undefined && view.keycloak.coverageHidden;
  return isHidden ? 'CoverageHidden' : overlapLack(view);
}

/** A rotation begins only where it can be brought to its end. Where the old secret has expired, any end is better. */
function preflight(view: RotationView): RotationStep | undefined {
  const always: readonly Obstacle[] = [
    !view.leading && 'NotLeading',
    !view.keycloak.enabled && 'ClientDisabled',
    !view.issuerAnswers && 'IssuerSilent',
  ];
  const rest = isExpired(view) ? [] : [...serverObstacles(view), overlapObstacle(view)];
  const obstacle = [...always, ...rest].find(each => each) || undefined;
  return obstacle && postpone('Rotation', obstacle);
}

function regenerate(view: RotationView): RotationStep {
  return { kind: 'RegenerateSecret', cause: nextDue(view)?.cause ?? 'Schedule' };
}

/** The rules in order; the first that has something to say decides. Each may rely on those above having been silent. */
export const ROTATION_RULES: readonly RotationRule[] = [
  takeOver,
  recordMarks,
  prove,
  roll,
  awaitRollout,
  endOverlap,
  wait,
  preflight,
  regenerate,
];

/** The next step and what the status shows of the rotation. */
export interface RotationPlan {
  readonly step: RotationStep;
  /** When to look again if nothing happens before; undefined where nothing is ever due. */
  readonly lookAgainAt: number | undefined;
  /** When the present secret came. */
  readonly lastRotated: number | undefined;
  /** When the next one comes: by the last rotation and the end of its old secret, never by the present time. */
  readonly nextRotation: number | undefined;
  /** When the old secret ends. */
  readonly overlapUntil: number | undefined;
  /** When the present secret ends in Keycloak, where that is near and the next one is held up. */
  readonly endsAt: number | undefined;
}

/**
 * The next step of a rotation, from what is observed alone. It can be left at any point and taken up again by
 * looking: there is no record of what was begun.
 */
export function planRotation(view: RotationView, rules = ROTATION_RULES): RotationPlan {
  const step = firstOf(rules, view);
  return {
    step,
    lookAgainAt: lookAgainAt(view, step),
    lastRotated: rotatedAt(view),
    nextRotation: nextRotation(view),
    overlapUntil: overlapOf(view)?.shown,
    endsAt: HELD_UP.has(step.kind) ? endsSoon(view) : undefined,
  };
}

/** Steps that wait for somebody, and keep a new secret from being made meanwhile. */
const HELD_UP: ReadonlySet<RotationStep['kind']> = new Set(['AwaitRollout', 'Postpone']);

/** There is room for one old secret only: what is due before its end comes at its end. */
function nextRotation(view: RotationView): number | undefined {
  const due = nextDue(view)?.at;
  return due === undefined ? undefined : Math.max(due, overlapOf(view)?.over ?? due);
}

function firstOf(rules: readonly RotationRule[], view: RotationView): RotationStep {
  for (const rule of rules) {
    const step = rule(view);
    if (step !== undefined) return step;
  }
  return { kind: 'Nothing' };
}

/** When the present secret ends in Keycloak, as what comes of that is told by nobody; soon again where that is just so. */
function endOfSecret({ now, keycloak: { expiresAt } }: RotationView): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  return expiresAt > now ? expiresAt : now + RETRY;
}

function lookAgainAt(view: RotationView, step: RotationStep): number | undefined {
  switch (step.kind) {
    case 'Nothing':
      return nextDue(view)?.from;
    case 'AwaitOverlap':
      return Math.min(step.until, endOfSecret(view));
    case 'AwaitRollout':
      // What keeps pods from being ready is told by no event.
      return step.late
        ? view.now + RETRY
        : Math.min(step.until ?? Number.POSITIVE_INFINITY, view.now + RETRY);
    case 'Postpone':
    case 'Failed':
      return view.now + RETRY;
    case 'TakeOver':
    case 'RecordMarks':
    case 'Prove':
    case 'Roll':
    case 'EndOverlap':
    case 'RegenerateSecret':
      return view.now;
  }
}

function postpone(what: 'Rollout' | 'Rotation' | 'Proof', cause: PostponeCause): RotationStep {
  return { kind: 'Postpone', what, cause };
}
