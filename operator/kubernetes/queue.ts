/** Time, for what waits; tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Calls back after some milliseconds; the result takes it back. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Node's longest timer; one that is longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's clock. Calls back after 24 days at the latest. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A queue of keys: each at most once, never worked on twice at a time, and again after a change meanwhile. */
export interface Queue {
  readonly add: (key: string) => void;
  /** Adds the key after a time; of several, the earliest counts. Work that begins before takes its place. */
  readonly addAfter: (key: string, ms: number) => void;
  /** Adds the key after a time that doubles with each call, up to a limit, with jitter. */
  readonly retry: (key: string) => void;
  /** The key is fine: the next retry starts anew. */
  readonly forget: (key: string) => void;
  /** Keys that wait, or are to be done again. */
  readonly size: () => number;
  /** Ends when no key is being worked on any more; nothing new is begun. `work` must come to an end by itself. */
  readonly stop: () => Promise<void>;
}

/** How a queue works. */
export interface QueueOptions {
  readonly workers: number;
  readonly work: (key: string) => Promise<void>;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** First and longest wait before a retry, in milliseconds. */
  readonly backOff?: { readonly first: number; readonly most: number };
}

interface Timer {
  readonly due: number;
  readonly cancel: () => void;
}

/** Makes a queue. `work` tells of its failures itself: what it throws is dropped. */
export function createQueue({
  workers,
  work,
  clock = SYSTEM_CLOCK,
  random = Math.random,
  backOff = { first: 500, most: 120_000 },
}: QueueOptions): Queue {
  const ready = new Set<string>();
  const working = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const timers = new Map<string, Timer>();
  const failures = new Map<string, number>();
  let stopped = false;

  const unschedule = (key: string) => {
    timers.get(key)?.cancel();
    timers.delete(key);
  };
  const begin = (key: string) => {
    ready.delete(key);
    unschedule(key);
    // Not called at once: what it does first may add the key, which must count as being worked on by then.
    const done = Promise.resolve(key)
      .then(work)
      .catch(() => {})
      .then(() => {
        working.delete(key);
        if (again.delete(key)) ready.add(key);
        fill();
      });
    working.set(key, done);
  };
  const fill = () => {
    for (const key of ready) {
      if (stopped || working.size >= workers) return;
      begin(key);
    }
  };
  const add = (key: string) => {
    if (stopped) return;
    if (working.has(key)) again.add(key);
    else ready.add(key);
    fill();
  };
  const addAfter = (key: string, ms: number) => {
    const due = clock.now() + ms;
    const waiting = timers.get(key);
    if (stopped || (waiting !== undefined && waiting.due <= due)) return;
    waiting?.cancel();
    const cancel = clock.after(ms, () => {
      timers.delete(key);
      add(key);
    });
    timers.set(key, { due, cancel });
  };
  return {
    add,
    addAfter,
    retry: key => {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      const wait = Math.min(backOff.first * 2 ** count, backOff.most);
      addAfter(key, wait * (0.5 + random() / 2));
    },
    forget: key => {
      failures.delete(key);
    },
    size: () => ready.size + again.size,
    stop: async () => {
      stopped = true;
      for (const key of [...timers.keys()]) unschedule(key);
      ready.clear();
      again.clear();
      await Promise.all(working.values());
    },
  };
}
