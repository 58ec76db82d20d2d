import type { Change } from './change.ts';
import { check, checkCluster } from './checks.ts';
import type { Observation } from './observation.ts';
import { changesOf, isLeftAlone, NO_CHANGES, type Plan, plan } from './plan.ts';
import type { Violation } from './reasons.ts';
import { effectOf } from './simulate.ts';
import { overhear, take } from './simulate-take.ts';

/** A change to come, with what is observed right before it. */
export interface PlannedChange {
  readonly change: Change;
  readonly before: Observation;
}

/** All that is to come of one policy. */
export interface Prospect {
  /** What is observed now. */
  readonly start: Observation;
  /** What will be observed once all is done. */
  readonly end: Observation;
  /** In the order in which they are made. */
  readonly changes: readonly PlannedChange[];
  /** What stands against the policy even then, and warnings. */
  readonly violations: readonly Violation[];
  /** Whether there is an end to it. */
  readonly quiet: boolean;
}

/** One look at one policy: what is wrong with it, and what is to be done. */
interface Look {
  readonly violations: readonly Violation[];
  readonly plan: Plan;
}

/** After this many passes without an end, nothing more is expected of a policy. */
const MAX_PASSES = 32;
/** Policies answer to each other: so often each is looked at again after the others. */
const MAX_ROUNDS = 16;

/** What the operator decides where it sees all of this. */
function look(observation: Observation): Look {
  const early = checkCluster(observation);
  if (isLeftAlone(observation.policy, early)) return { violations: early, plan: NO_CHANGES };
  const violations = check(observation);
  return { violations, plan: plan(observation, violations) };
}

/** A world in memory: what each policy observes, and what has been changed for it. */
interface World {
  readonly states: readonly Observation[];
  readonly made: readonly (readonly PlannedChange[])[];
}

function afterChange({ states, made }: World, index: number, change: Change): World {
  const before = states[index];
  if (before === undefined) return { states, made };
  const effect = effectOf(before, change);
  return {
    states: states.map((state, at) => (at === index ? take(state, effect) : overhear(state, before, effect))),
    made: made.map((list, at) => (at === index ? [...list, { change, before }] : list)),
  };
}

/** Looks and changes in turn, as one reconcile does after the other, until nothing is left to do for a policy. */
function settleOne(start: World, index: number): World {
  let world = start;
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const state = world.states[index];
    const changes = state === undefined ? [] : changesOf(look(state).plan);
    if (changes.length === 0) return world;
    for (const change of changes) world = afterChange(world, index, change);
  }
  return world;
}

/**
 * What the operator would do for policies, one after the other, until nothing is left to do: its own line, with each
 * change made in memory. Of policies that share a namespace, each sees what the others have done.
 */
export function planUntilQuiet(observations: readonly Observation[]): readonly Prospect[] {
  let world: World = { states: observations, made: observations.map(() => []) };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = world;
    for (const index of observations.keys()) world = settleOne(world, index);
    if (before === world) break;
  }
  return observations.map((start, index) => {
    const end = world.states[index] ?? start;
    const last = look(end);
    return {
      start,
      end,
      changes: world.made[index] ?? [],
      violations: last.violations,
      quiet: changesOf(last.plan).length === 0,
    };
  });
}
