import type { Clock } from './queue.ts';

/** What is done again and again. */
export interface Rounds {
  /** Begins the next round at once, or after the one under way; whether that one came to what it is for. */
  readonly next: () => Promise<boolean>;
  /** Ends once no round is under way any more. */
  readonly ended: Promise<void>;
}

/** How rounds follow one another. */
export interface RoundsOptions {
  readonly clock: Pick<Clock, 'after'> & { readonly elapsed: () => number };
  /** Whether the round came to what it is for. Must not throw. */
  readonly round: () => Promise<boolean>;
  /** Milliseconds from the beginning of a round to that of the next, unless it takes longer. */
  readonly period: () => number;
  /** Ends them. */
  readonly signal: AbortSignal;
}

/** Does one round after another until it is told to end. */
export function startRounds({ clock, round, period, signal }: RoundsOptions): Rounds {
  const asked: ((done: boolean) => void)[] = [];
  let wake = () => {};
  const answer = (done: boolean, those: typeof asked) => {
    for (const tell of those) tell(done);
  };
  const pause = async (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    wake = end;
    const stopTimer = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
    await promise;
    stopTimer();
    signal.removeEventListener('abort', end);
  };
  const run = async () => {
    while (!signal.aborted) {
      const began = clock.elapsed();
      // Who asks from here on may have something new to be written.
      const those = asked.splice(0);
      answer(await round(), those);
      if (signal.aborted || asked.length > 0) continue;
      await pause(Math.max(period() - (clock.elapsed() - began), 0));
    }
    answer(false, asked.splice(0));
  };
  const ended = run();
  return {
    ended,
    next: () => {
      if (signal.aborted) return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      asked.push(resolve);
      wake();
      return promise;
    },
  };
}
