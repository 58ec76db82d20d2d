/** Runs tasks, at most so many at a time; the others wait their turn in order. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** A {@link Limit} of `max` tasks at a time. */
export function createLimit(max: number): Limit {
  const waiting: (() => void)[] = [];
  let free = max;

  async function acquire(): Promise<void> {
    if (free > 0) free -= 1;
    else await new Promise<void>(resolve => waiting.push(resolve));
  }

  function release(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return async task => {
    await acquire();
    try {
      return await task();
    } finally {
      release();
    }
  };
}
