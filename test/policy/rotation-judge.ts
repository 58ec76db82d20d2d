import { formatTime } from '../../operator/api/time.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import {
  accepts,
  isComplete,
  LIFE,
  lastDue,
  markOf,
  overlaps,
  type Planner,
  proofOf,
  viewOf,
  type World,
} from './rotation-model.ts';

/** Clocks that differ by no more than this, in minutes, must do no harm. */
export const TOLERATED = 2;
/** A secret made up to five minutes before a tick serves it, whichever clock told so. */
const SKEW = 5;
const SERVED = SKEW - TOLERATED;
const HANDLED_TOLERANCE = 12;

/** Whether the Secret has what Keycloak has, and Argo Server has read it. */
export function isInSync(world: World): boolean {
  const { secret, keycloak, deployment } = world;
  if (secret?.value !== keycloak.secret) return false;
  return (
    deployment === undefined ||
    (deployment.mark === markOf(secret) &&
      isComplete(deployment) &&
      deployment.pods.every(pod => pod.value === keycloak.secret))
  );
}

/** Whether pods of an older template or mark are still to be replaced. */
function isRolloutPending({ deployment, secret }: World): boolean {
  if (deployment === undefined) return false;
  return !deployment.served || secret === undefined || deployment.mark !== markOf(secret);
}

function hasExpired({ keycloak, now, skew }: World): boolean {
  return keycloak.expires !== undefined && keycloak.expires < now + skew;
}

/** Whether clocks that differ as far as is allowed may take the secret's life for over. */
function isAboutToExpire({ keycloak, now, skew }: World): boolean {
  return keycloak.expires !== undefined && keycloak.expires <= now + Math.max(skew, 0) + SKEW;
}

/** Whether what is refused may be taken for refused because its life is over. */
function seemsOver(world: World): boolean {
  return world.proof?.result === 'refused' && isAboutToExpire(world);
}

/** Whether the new secret itself is about to be replaced, before Keycloak ends it. */
function isDueBefore({ keycloak, now, skew }: World): boolean {
  return keycloak.expires !== undefined && keycloak.expires <= now + skew + LIFE / 4 + SKEW;
}

/** What is wrong with making a new secret while the present one still serves. */
function judgeBeginning(world: World): readonly (string | false)[] {
  const { deployment, overlap, keycloak } = world;
  return [
    isRolloutPending(world) && 'regenerates while a rollout is pending',
    deployment !== undefined && !isComplete(deployment) && 'regenerates while pods are missing',
    deployment?.paused === true && 'regenerates while the Deployment is paused',
    deployment?.unfit === true && 'regenerates what Argo Server could not read',
    overlap !== undefined && !keycloak.covered && 'regenerates without the overlap that is asked for',
  ];
}

/** What is wrong with making a new secret now. */
function judgeRegeneration(world: World): readonly (string | false)[] {
  const { keycloak, now, ghost, request, secret, issuer } = world;
  const clocksAgree = Math.abs(world.skew) <= TOLERATED;
  const expiring = keycloak.expires !== undefined && keycloak.expires - now <= 30;
  const wanted = expiring || lastDue(now) > ghost.made + SERVED || (request !== undefined && !ghost.used);
  return [
    clocksAgree &&
      world.proof?.result === 'refused' &&
      !seemsOver(world) &&
      'regenerates what is refused for another reason',
    clocksAgree && overlaps(world) && !seemsOver(world) && 'regenerates while an old secret overlaps',
    ...(hasExpired(world) ? [] : judgeBeginning(world)),
    secret?.value !== keycloak.secret && 'regenerates while the Secret differs from Keycloak',
    !issuer && 'regenerates while the issuer does not answer',
    !ghost.jumped && clocksAgree && !wanted && 'regenerates though nothing asks for it',
  ];
}

function judgeRoll(world: World): readonly (string | false)[] {
  const { issuer, secret, keycloak, deployment } = world;
  const proved = secret !== undefined && proofOf(world, secret) === 'proved';
  return [
    !issuer && 'rolls while the issuer does not answer',
    !proved && 'rolls out what is not proved',
    secret?.value !== keycloak.secret && 'rolls out a Secret that differs from Keycloak',
    deployment?.paused === true && 'rolls a Deployment that is paused',
    deployment?.unfit === true && 'rolls what could not start',
  ];
}

function judgeEnd(world: World): readonly (string | false)[] {
  const { overlap, now, ghost, deployment } = world;
  const begun = Math.max(ghost.made, deployment?.completedAt ?? ghost.made);
  const early = overlap !== undefined && !ghost.jumped && now - begun < overlap;
  return [
    isRolloutPending(world) && 'ends the old secret while a rollout is pending',
    early &&
      !isDueBefore(world) &&
      Math.abs(world.skew) <= TOLERATED &&
      'ends the old secret before its time',
  ];
}

function judgeMarks(world: World, handled: string | undefined): readonly (string | false)[] {
  const { secret, request, ghost } = world;
  const newly =
    request !== undefined && handled === formatTime(request * 60_000) && secret?.handled !== request;
  const answered = ghost.madeSinceTakeOver || ghost.made >= (request ?? 0) - HANDLED_TOLERANCE;
  return [newly && !ghost.jumped && !answered && 'counts a request as met though no secret was made'];
}

/** What is wrong with a step of the operator in a state; undefined where nothing is. */
export function judgeStep(world: World, step: RotationStep): string | undefined {
  const found = (list: readonly (string | false)[]) => list.find(item => item !== false) || undefined;
  switch (step.kind) {
    case 'RegenerateSecret':
      return found(judgeRegeneration(world));
    case 'Roll':
      return found(judgeRoll(world));
    case 'EndOverlap':
      return found(judgeEnd(world));
    case 'TakeOver':
    case 'RecordMarks':
      return found(judgeMarks(world, step.marks.handled));
    case 'Nothing':
    case 'Prove':
    case 'AwaitRollout':
    case 'AwaitOverlap':
    case 'Postpone':
    case 'Failed':
      return undefined;
  }
}

/** What is wrong with a state, whatever led to it; undefined where nothing is. */
export function judgeState(world: World, planner: Planner, step: RotationStep): string | undefined {
  const { secret, deployment, ghost } = world;
  if (!(secret !== undefined && secret.value === world.keycloak.secret) && step.kind !== 'TakeOver') {
    return 'does not bring the Secret to what Keycloak has in the next reconcile';
  }
  if (!ghost.excused && deployment?.pods.some(pod => !accepts(world, pod.value))) {
    return 'a running pod holds credentials that Keycloak refuses';
  }
  if (step.kind === 'RegenerateSecret' || step.kind === 'EndOverlap') {
    const other = planner({ ...viewOf(world), leading: false }).step.kind;
    if (other === step.kind) return 'writes to Keycloak without the lease';
  }
  return undefined;
}

/** The same state with the blame forgotten once all is well again. */
export function forgiven(world: World): World {
  const calm =
    world.ghost.excused && isInSync(world) && !overlaps(world) && Math.abs(world.skew) <= TOLERATED;
  return calm && !world.keycloak.locked && !hasExpired(world)
    ? { ...world, ghost: { ...world.ghost, excused: false } }
    : world;
}
