/** A clock that runs with the machine's, and that a test moves. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Moves it by some milliseconds, backwards too. */
  readonly advance: (ms: number) => void;
  /** Moves it to a time in milliseconds since the epoch, from which it runs on. */
  readonly set: (time: number) => void;
}

/** A clock that is the machine's until it is moved. */
export function createTestClock(): TestClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    advance: ms => {
      offset += ms;
    },
    set: time => {
      offset = time - Date.now();
    },
  };
}
