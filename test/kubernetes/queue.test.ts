import { describe, expect, it, vi } from 'vitest';
import { type Clock, createQueue, type QueueOptions, SYSTEM_CLOCK } from '../../operator/kubernetes/queue.ts';

/** Lets everything run that is ready to. */
const settle = () => new Promise(resolve => setImmediate(resolve));

function fakeClock() {
  let now = 0;
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  const clock: Clock = {
    now: () => now,
    after: (ms, callback) => {
      const timer = { due: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return {
    clock,
    /** When timers fire, in order. */
    due: () => [...timers].map(timer => timer.due).toSorted((a, b) => a - b),
    advance: async (ms: number) => {
      now += ms;
      for (const timer of timers) {
        if (timer.due > now) continue;
        timers.delete(timer);
        timer.callback();
      }
      await settle();
    },
  };
}

/** A queue whose work is under the test's control: each piece goes on until it is finished. */
function setUp(options: Partial<QueueOptions> = {}) {
  const time = fakeClock();
  const begun: string[] = [];
  const open: { readonly key: string; readonly end: () => void; readonly fail: () => void }[] = [];
  const work = (key: string) => {
    begun.push(key);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    open.push({ key, end: resolve, fail: () => reject(new Error('failed')) });
    return promise;
  };
  const queue = createQueue({ workers: 1, work, clock: time.clock, random: () => 1, ...options });
  const finish = async (key: string, how: 'end' | 'fail' = 'end') => {
    const index = open.findIndex(piece => piece.key === key);
    const [piece] = index < 0 ? [] : open.splice(index, 1);
    if (piece === undefined) throw new Error(`${key} is not being worked on`);
    piece[how]();
    await settle();
  };
  return { queue, begun, finish, ...time };
}

describe('a queue', () => {
  it('works on keys in the order in which they came, each once however often it was added', async () => {
    const { queue, begun, finish } = setUp();
    for (const key of ['a', 'b', 'c', 'b', 'a']) queue.add(key);
    await settle();
    expect(begun).toEqual(['a']);
    for (const key of ['a', 'b', 'c']) await finish(key);
    // `a` was added again while it was being worked on.
    expect(begun).toEqual(['a', 'b', 'c', 'a']);
    await finish('a');
    expect(queue.size()).toBe(0);
    expect(begun).toHaveLength(4);
  });

  it('works on as many keys at a time as it has workers', async () => {
    const { queue, begun, finish } = setUp({ workers: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    expect(queue.size()).toBe(1);
    await finish('b');
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('never works on a key twice at a time, and once more after it was added meanwhile', async () => {
    const { queue, begun, finish } = setUp({ workers: 4 });
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(begun).toEqual(['a']);
    expect(queue.size()).toBe(1);
    await finish('a');
    expect(begun).toEqual(['a', 'a']);
    await finish('a');
    expect(begun).toEqual(['a', 'a']);
  });

  it('does not work on a key twice at a time when the work itself adds it at once', async () => {
    let running = 0;
    let most = 0;
    let count = 0;
    const work = async (key: string) => {
      count += 1;
      running += 1;
      most = Math.max(most, running);
      if (count === 1) queue.add(key);
      await settle();
      running -= 1;
    };
    const queue = createQueue({ workers: 4, work });
    queue.add('a');
    await vi.waitFor(() => expect(count).toBe(2));
    expect(most).toBe(1);
  });

  it('goes on after work that failed, also where it threw before it gave a promise', async () => {
    const seen: string[] = [];
    const work = (key: string) => {
      seen.push(key);
      if (key === 'a') throw new Error('at once');
      return Promise.reject(new Error('later'));
    };
    const queue = createQueue({ workers: 1, work });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await vi.waitFor(() => expect(seen).toEqual(['a', 'b', 'c']));
  });
});

describe('a delayed key', () => {
  it('is worked on once its time has come', async () => {
    const { queue, begun, advance } = setUp();
    queue.addAfter('a', 1000);
    await advance(999);
    expect(begun).toEqual([]);
    await advance(1);
    expect(begun).toEqual(['a']);
  });

  it.each([
    { first: 1000, second: 400 },
    { first: 400, second: 1000 },
  ])('is worked on once, at the earliest of its times ($first ms, $second ms)', async ({ first, second }) => {
    const { queue, begun, finish, due, advance } = setUp();
    queue.addAfter('a', first);
    queue.addAfter('a', second);
    expect(due()).toEqual([400]);
    await advance(400);
    await finish('a');
    await advance(10_000);
    expect(begun).toEqual(['a']);
  });

  it('is worked on at once when something happens to it, and not again at its time', async () => {
    const { queue, begun, finish, due } = setUp();
    queue.addAfter('a', 100_000);
    queue.add('a');
    await settle();
    expect(begun).toEqual(['a']);
    expect(due()).toEqual([]);
    await finish('a');
    expect(begun).toEqual(['a']);
  });

  it('waits for the work under way when its time comes', async () => {
    const { queue, begun, finish, advance } = setUp();
    queue.add('a');
    await settle();
    queue.addAfter('a', 10);
    await advance(10);
    expect(begun).toEqual(['a']);
    await finish('a');
    expect(begun).toEqual(['a', 'a']);
  });

  it('gives way to work that begins before its time, which decides anew when to look again', async () => {
    const { queue, begun, finish, due } = setUp();
    queue.add('a');
    await settle();
    queue.retry('a');
    queue.add('a');
    await finish('a');
    expect(begun).toEqual(['a', 'a']);
    expect(due()).toEqual([]);
  });

  it('of a far future comes early rather than at once: timers end at 24 days', () => {
    vi.useFakeTimers();
    try {
      const called = vi.fn();
      const cancel = SYSTEM_CLOCK.after(90 * 86_400_000, called);
      vi.advanceTimersByTime(24 * 86_400_000);
      expect(called).not.toHaveBeenCalled();
      expect(vi.getTimerCount()).toBe(1);
      cancel();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a retry', () => {
  const backOff = { first: 500, most: 4000 };

  /** Lets the key be tried again, and gives how long that takes. */
  async function wait({ queue, due, advance, finish, clock }: ReturnType<typeof setUp>): Promise<number> {
    queue.retry('a');
    const [next = Number.NaN] = due();
    const ms = next - clock.now();
    await advance(ms);
    await finish('a');
    return ms;
  }

  it('waits twice as long each time, up to a limit', async () => {
    const world = setUp({ backOff });
    const waits: number[] = [];
    for (let count = 0; count < 6; count += 1) waits.push(await wait(world));
    expect(waits).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
  });

  it('still waits no longer than the limit after thousands of failures', async () => {
    const world = setUp({ backOff });
    for (let count = 0; count < 2000; count += 1) world.queue.retry('a');
    await world.advance(4000);
    await world.finish('a');
    expect(await wait(world)).toBe(4000);
  });

  it.each([
    { random: 0, expected: 250 },
    { random: 0.5, expected: 375 },
    { random: 1, expected: 500 },
  ])('is spread over half of its time (random $random)', async ({ random, expected }) => {
    expect(await wait(setUp({ backOff, random: () => random }))).toBe(expected);
  });

  it('starts anew once the key was fine, and for each key by itself', async () => {
    const world = setUp({ backOff });
    await wait(world);
    await wait(world);
    world.queue.retry('b');
    expect(world.due()).toEqual([world.clock.now() + 500]);
    world.queue.forget('a');
    world.queue.forget('b');
    await world.advance(500);
    await world.finish('b');
    expect(await wait(world)).toBe(500);
  });

  it('far away does not hold up a key to which something happens', async () => {
    const { queue, begun, due } = setUp();
    for (let count = 0; count < 20; count += 1) queue.retry('a');
    expect(due()).not.toEqual([]);
    queue.add('a');
    await settle();
    expect(begun).toEqual(['a']);
  });
});

describe('a queue that is stopped', () => {
  it('waits for the work under way, and begins nothing more', async () => {
    const { queue, begun, finish, due, advance } = setUp({ workers: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    queue.add('a');
    queue.addAfter('d', 100);
    let stopped = false;
    const stop = queue.stop().then(() => {
      stopped = true;
    });
    queue.add('e');
    queue.addAfter('f', 100);
    queue.retry('g');
    expect(due()).toEqual([]);
    await finish('a');
    expect(stopped).toBe(false);
    await finish('b', 'fail');
    await stop;
    await advance(100_000);
    expect(begun).toEqual(['a', 'b']);
    expect(queue.size()).toBe(0);
  });
});
