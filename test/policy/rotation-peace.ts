import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import { isInSync, TOLERATED } from './rotation-judge.ts';
import { PERIOD, type Planner, viewOf, type World } from './rotation-model.ts';
import { later, perform, rolloutMoves } from './rotation-moves.ts';
import { keyOf } from './rotation-worlds.ts';

const MINUTE = 60_000;
/** A world left in peace is in sync after at most this many steps of anybody. */
const MAX_STEPS = 40;
/** More secrets than this are not made on the way there. */
const MAX_SECRETS = 2;
/** Clocks may be five minutes apart without being taken for wrong. */
const SOON = 6;
const TOO_LONG = 'does not come to rest';

/**
 * With everything mended and nobody doing anything: the next state on the way to rest, or undefined at rest. Where a
 * clock is wrong by far, the end of an old secret may seem to be far away: that is rest, too.
 */
export function peacefully(world: World, planner: Planner): World | undefined {
  const { step, lookAgainAt } = planner(viewOf(world));
  const after = perform(world, step);
  // Kubernetes does its part whatever the operator waits for.
  const pods = isWaiting(step) ? rolloutMoves(after)[0]?.world : undefined;
  if (pods !== undefined) return pods;
  switch (step.kind) {
    case 'AwaitRollout':
      return later(after, 1);
    case 'AwaitOverlap':
      if (Math.abs(world.skew) > TOLERATED) return undefined;
      if (isUnending(world)) return undefined;
      return later(after, Math.max(1, Math.ceil((lookAgainAt ?? 0) / MINUTE) - world.now), true);
    case 'Nothing':
      // What is due soon is due: a secret that was made just now, by whichever clock, is left for seconds.
      return lookAgainAt !== undefined && lookAgainAt < (world.now + SOON) * MINUTE
        ? later(after, 1, true)
        : undefined;
    case 'Postpone':
      return undefined;
    case 'Failed':
      // Where clocks are far apart, what is refused for its age is taken for that only once both say so.
      return later(after, 10);
    case 'RegenerateSecret':
    case 'TakeOver':
    case 'RecordMarks':
    case 'Prove':
    case 'Roll':
    case 'EndOverlap':
      return after;
  }
}

/** Whether nothing is done until something else comes. */
function isWaiting({ kind }: RotationStep): boolean {
  return ['AwaitRollout', 'AwaitOverlap', 'Nothing', 'Postpone', 'Failed'].includes(kind);
}

/** Whether the realm keeps each old secret until the new one is due, so that there always is one; nobody asks meanwhile. */
function isUnending({ overlap, rotatedPeriod, request, secret }: World): boolean {
  const asked = request !== undefined && request > (secret?.handled ?? Number.NEGATIVE_INFINITY);
  return overlap === undefined && rotatedPeriod > PERIOD && !asked;
}

/** Ends every disturbance that is under way, but for clocks; the operator starts anew. */
function mended(world: World): World {
  const { deployment } = world;
  return {
    ...world,
    issuer: true,
    keycloak: { ...world.keycloak, locked: false },
    trouble: 0,
    proof: undefined,
    deployment: deployment && { ...deployment, paused: false, broken: false, unfit: false },
  };
}

/** Why a state, mended and left in peace, does not come to rest in sync; or else how many steps it takes. */
export function settle(world: World, planner: Planner, known: Map<string, number>): string | number {
  const way = follow(mended(world), { planner, known, made: 0, steps: 0 });
  return typeof way === 'number' && way > MAX_STEPS ? TOO_LONG : way;
}

interface Way {
  readonly planner: Planner;
  /** Lengths of ways that are known already, by their beginning. */
  readonly known: Map<string, number>;
  readonly made: number;
  readonly steps: number;
}

function follow(world: World, way: Way): string | number {
  const { planner, known, made, steps } = way;
  if (made > MAX_SECRETS) return 'makes one secret after the other';
  if (steps > MAX_STEPS) return TOO_LONG;
  // Secrets are counted from a beginning: what is known of one holds for no way on which some were made before.
  const key = made === 0 ? keyOf(world) : undefined;
  const length = key === undefined ? undefined : known.get(key);
  if (length !== undefined) return length;
  const next = peacefully(world, planner);
  if (next === undefined) return restless(world, planner) ?? 0;
  const isSame = next.keycloak.secret === world.keycloak.secret;
  const rest = follow(next, { planner, known, made: made + (isSame ? 0 : 1), steps: steps + 1 });
  if (typeof rest === 'string') return rest;
  if (key !== undefined) known.set(key, rest + 1);
  return rest + 1;
}

/** What is not as it should be in a state of rest. */
function restless(world: World, planner: Planner): string | undefined {
  const { overlap, keycloak, request, secret, now } = world;
  if (!isInSync(world)) return 'comes to rest out of sync';
  const { step } = planner(viewOf(world));
  const needsPolicy = overlap !== undefined && !keycloak.covered;
  if (step.kind === 'Postpone') return needsPolicy ? undefined : `keeps postponing: ${step.cause}`;
  const isForgotten =
    request !== undefined && request <= now && request > (secret?.handled ?? Number.NEGATIVE_INFINITY);
  return isForgotten && step.kind === 'Nothing' ? 'forgets a request to rotate' : undefined;
}
