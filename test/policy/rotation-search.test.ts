import { describe, expect, it } from 'vitest';
import { SOUND } from './rotation-model.ts';
import { MUTANTS } from './rotation-mutants.ts';
import { search } from './rotation-search.ts';

/**
 * Moves from any step of an undisturbed rotation, and how many disturbances may be among them. With variable
 * `TEST_DEEP` one move more with two of them, which takes about ten seconds more.
 */
const SEARCHES = [
  { depth: 7, trouble: 0, atLeast: 60_000 },
  { depth: 5, trouble: 1, atLeast: 200_000 },
  process.env.TEST_DEEP === undefined
    ? { depth: 3, trouble: 2, atLeast: 100_000 }
    : { depth: 4, trouble: 2, atLeast: 400_000 },
];

/** A broken planner is caught by the first of these that finds something. */
const HUNTS = [
  { depth: 4, trouble: 0 },
  { depth: 3, trouble: 1 },
  { depth: 4, trouble: 1 },
  { depth: 3, trouble: 2 },
] as const;

describe('the model of a rotation', () => {
  it.each(SEARCHES)(
    'no state within $depth moves and $trouble disturbances breaks an invariant',
    { timeout: 180_000 },
    ({ depth, trouble, atLeast }) => {
      const { states, moves, longestWay, broken } = search({ planner: SOUND, depth, trouble });
      console.info(
        `depth ${depth}, disturbances ${trouble}: ${states} states by ${moves} moves; ` +
          `from each it takes at most ${longestWay} steps to be in sync`,
      );
      expect(broken).toBeUndefined();
      // Fewer would mean that the model has lost some of what can happen.
      expect(states).toBeGreaterThan(atLeast);
    },
  );

  it.each(Object.entries(MUTANTS))('a planner is caught that %s', { timeout: 180_000 }, (_, planner) => {
    const caught = HUNTS.some(hunt => search({ ...hunt, planner }).broken !== undefined);
    expect(caught).toBe(true);
  });
});
