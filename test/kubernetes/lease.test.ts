import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MARGIN_MS } from '../../operator/kubernetes/lease.ts';
import type { LeaseSpec } from '../../operator/kubernetes/lease-record.ts';
import { createWorld, type Machine, type Network, type StoredLease, type World } from './lease-world.ts';

const LEASE_MS = 15_000;
const RENEW_MS = 10_000;
const MINUTES_5 = 300_000;
/** The longest wait between two looks of one who does not lead, with the way there and back. */
const RETRY_MS = 3_100;
const FIRST_TERM_MS = LEASE_MS + RETRY_MS;

const words = ({ told }: Machine) => told.map(({ what }) => what);
const messages = ({ log }: Machine) => log.map(({ msg }) => msg);

/** A world in which `a` leads, and `b` looks on. */
async function led(): Promise<{ world: World; a: Machine; b: Machine }> {
  const world = createWorld();
  const a = world.join('a');
  await world.run(FIRST_TERM_MS);
  const b = world.join('b');
  await world.run(RETRY_MS);
  expect(world.leaders()).toEqual(['a']);
  return { world, a, b };
}

/** Changes fields of the spec by hand. */
function editSpec(world: World, fields: LeaseSpec): void {
  world.edit(lease => lease && { ...lease, spec: { ...lease.spec, ...fields } });
}

/** Lets time pass until something is so; gives how long that took. */
async function until(world: World, limit: number, isSo: () => boolean): Promise<number> {
  const begin = world.now();
  await world.run(limit, isSo);
  if (!isSo()) throw new Error(`not so within ${limit} ms`);
  return world.now() - begin;
}

/** Lets time pass until a renewal has just reached the server, whose answer is still under way. */
async function untilRenewal(world: World): Promise<void> {
  const { length } = world.requests;
  await until(world, 5_000, () => world.requests.slice(length).some(({ what }) => what === 'PUT'));
}

describe('an election', () => {
  it('has one leader, who says so in the Lease and renews it every two seconds', async () => {
    const { world, a, b } = await led();
    expect([words(a), words(b)]).toEqual([['lead'], []]);
    const before = world.lease()?.spec;
    expect(before).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 1 });
    expect(before?.acquireTime).toMatch(/^1970-01-01T00:00:1[5-8]\.\d{3}000Z$/);
    const from = world.requests.length;
    await world.run(60_000);
    const after = world.lease()?.spec;
    const renewals = world.requests
      .slice(from)
      .filter(({ from: who, what }) => who === 'a' && what === 'PUT');
    expect(renewals.length).toBeGreaterThanOrEqual(29);
    expect(renewals.length).toBeLessThanOrEqual(30);
    expect(Date.parse(after?.renewTime ?? '') - Date.parse(before?.renewTime ?? '')).toBeGreaterThan(55_000);
    expect(after).toEqual({ ...before, renewTime: after?.renewTime });
    expect([words(a), words(b)]).toEqual([['lead'], []]);
  });

  it('waits out a lease after the first of those who find none has made it without a holder', async () => {
    const world = createWorld();
    const [a, b] = [world.join('a'), world.join('b')];
    await world.run(100);
    expect(world.requests.map(({ what }) => what).toSorted()).toEqual([
      'GET NotFound',
      'GET NotFound',
      'POST',
      'POST AlreadyExists',
    ]);
    expect(world.lease()?.spec).toEqual({ leaseDurationSeconds: 15 });
    await world.run(LEASE_MS - 200);
    expect(world.leaders()).toEqual([]);
    await world.run(RETRY_MS);
    expect(world.leaders()).toHaveLength(1);
    expect([...words(a), ...words(b)]).toEqual(['lead']);
  });

  it('keeps what others have written into the Lease beside what it is for', async () => {
    const { world } = await led();
    world.edit(lease => lease && { ...lease, metadata: { ...lease.metadata, labels: { team: 'x' } } });
    await world.run(5_000);
    expect(world.lease()?.metadata.labels).toEqual({ team: 'x' });
    expect(world.leaders()).toEqual(['a']);
  });
});

describe('a leader', () => {
  it.each(['refuse', 'hang', 'lose', 'forbid'] as const)(
    'whose requests %s stops ten seconds after the last renewal, five before another begins',
    async kind => {
      const { world, a, b } = await led();
      a.network = { kind };
      await until(world, 40_000, () => b.told.length > 0);
      const renewed = world.requests.findLast(({ from, what }) => from === 'a' && what === 'PUT')?.at ?? 0;
      const lost = a.told.find(({ what }) => what === 'lost');
      const next = b.told[0]?.at ?? 0;
      expect(lost?.signal.aborted).toBe(true);
      if (kind !== 'lose') expect((lost?.at ?? 0) - renewed).toBeLessThanOrEqual(RENEW_MS);
      expect(next - (lost?.at ?? 0)).toBeGreaterThanOrEqual(MARGIN_MS);
      expect(world.leaders()).toEqual(['b']);
      expect(world.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 });
    },
  );

  it('no longer leads at the instant when its time is up, although no timer has run', async () => {
    const { world, a } = await led();
    await untilRenewal(world);
    const sent = world.now() - 5;
    await world.run(5);
    a.freeze(60_000);

    await world.run(sent + RENEW_MS - 1 - world.now());
    expect([a.election.isLeader(), words(a)]).toEqual([true, ['lead']]);
    await world.run(1);
    expect([a.election.isLeader(), words(a)]).toEqual([false, ['lead']]);
    await world.run(60_000);
    expect(words(a)).toEqual(['lead', 'lost']);
  });

  it('no longer leads after its machine was suspended, though its steady clock stood still', async () => {
    const { world, a } = await led();
    a.freeze(RENEW_MS, true);
    await world.run(RENEW_MS);
    expect(a.election.isLeader()).toBe(false);
  });

  it('leads no longer for a clock that was set back', async () => {
    const { world, a } = await led();
    a.network = { kind: 'hang' };
    a.setClock(-MINUTES_5);
    await world.run(RENEW_MS);
    expect([a.election.isLeader(), words(a)]).toEqual([false, ['lead', 'lost']]);
  });

  it('that had an answer only after its time was up begins another term', async () => {
    const { world, a } = await led();
    const first = a.told[0]?.signal;
    await untilRenewal(world);
    a.network = { kind: 'hang' };
    await world.run(5_000);
    a.network = { kind: 'open' };
    // A renewal is sent before its time is up, and the machine does nothing until after that.
    await untilRenewal(world);
    a.freeze(5_000);
    await world.run(6_000);
    expect([words(a), a.election.isLeader()]).toEqual([['lead', 'lost', 'lead'], true]);
    expect([first?.aborted, a.told.at(-1)?.signal.aborted]).toEqual([true, false]);
  });

  it('whose request not even its signal ends takes part again once others are answered', async () => {
    const { world, a, b } = await led();
    a.network = { kind: 'deaf' };
    await until(world, 40_000, () => b.election.isLeader());
    a.network = { kind: 'open' };
    await world.run(6_000);
    b.kill();
    await until(world, 40_000, () => a.election.isLeader());
    expect(words(a)).toEqual(['lead', 'lost', 'lead']);
  });

  it('whose renewal was done but not answered goes on', async () => {
    const { world, a, b } = await led();
    a.network = { kind: 'lose' };
    await untilRenewal(world);
    a.network = { kind: 'open' };
    await world.run(60_000);
    expect([words(a), words(b)]).toEqual([['lead'], []]);
  });
});

describe('a leader that stops', () => {
  it('lets the Lease go, so that another leads within one retry', async () => {
    const { world, a, b } = await led();
    const stopped = a.election.stop();
    expect([a.election.isLeader(), words(a)]).toEqual([false, ['lead', 'lost']]);
    await world.run(50);
    await stopped;
    const { spec } = world.lease() ?? {};
    expect(spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 1 });
    expect(await until(world, RETRY_MS, () => b.election.isLeader())).toBeLessThanOrEqual(RETRY_MS);
    expect(world.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 });
  });

  it('in the middle of a renewal lets go of what that has written', async () => {
    const { world, a } = await led();
    await untilRenewal(world);
    await world.run(1_999);
    const renewals = () => world.requests.filter(({ from, what }) => from === 'a' && what === 'PUT').length;
    const before = renewals();
    const stopped = a.election.stop();
    await world.run(100);
    await stopped;
    expect(renewals() - before).toBeGreaterThanOrEqual(1);
    expect(world.lease()?.spec?.holderIdentity).toBe('');
  });

  it('while the API server hangs comes to an end, and says that others have to wait', async () => {
    const { world, a, b } = await led();
    a.network = { kind: 'hang' };
    const stopped = a.election.stop();
    await world.run(4_000);
    await stopped;
    expect(messages(a).at(-1)).toMatch(/not let go, others wait until it has run out: GET .* no answer/);
    expect(await until(world, FIRST_TERM_MS, () => b.election.isLeader())).toBeGreaterThan(RENEW_MS - 4_000);
  });

  it('asks for nothing after that, and a second stop is the first', async () => {
    const { world, a, b } = await led();
    const stopped = a.election.stop();
    expect(a.election.stop()).toBe(stopped);
    await world.run(100);
    await Promise.all([stopped, b.election.stop(), world.run(100)]);
    const { length } = world.requests;
    await world.run(60_000);
    expect(world.requests).toHaveLength(length);
  });

  it('leaves a Lease alone that another holds', async () => {
    const { world, b } = await led();
    const before = world.lease()?.spec?.holderIdentity;
    const stopped = b.election.stop();
    await world.run(100);
    await stopped;
    expect([before, world.lease()?.spec?.holderIdentity]).toEqual(['a', 'a']);
  });
});

/** What comes of something while time passes. */
async function outcome<T>(world: World, ms: number, begin: () => Promise<T>): Promise<T | 'not yet'> {
  let came: T | 'not yet' = 'not yet';
  void begin().then(value => {
    came = value;
  });
  await world.run(ms);
  return came;
}

describe('a leader that may have something on its way when it ends', () => {
  const MINUTE = 60_000;

  /** A world whose leader has said that nobody is to follow it within a minute. */
  async function announced() {
    const all = await led();
    all.a.outlastMs = MINUTE;
    expect(await outcome(all.world, 20, all.a.election.renew)).toBe(true);
    return all;
  }

  it('says so in the Lease at once when it is told to, and as long as that is so', async () => {
    const { world, a } = await led();
    a.outlastMs = MINUTE;
    const before = world.requests.length;
    expect(await outcome(world, 20, a.election.renew)).toBe(true);
    expect(world.requests.slice(before).map(({ what }) => what)).toEqual(['PUT']);
    expect(world.lease()?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 60 });
    a.outlastMs = 20_500;
    await world.run(2_100);
    expect(world.lease()?.spec?.leaseDurationSeconds).toBe(21);
    a.outlastMs = 0;
    await world.run(2_100);
    expect(world.lease()?.spec?.leaseDurationSeconds).toBe(15);
  });

  it('is not followed within that time when it is killed', async () => {
    const { world, a, b } = await announced();
    a.kill();
    const took = await until(world, 2 * MINUTE, () => b.election.isLeader());
    expect(took).toBeGreaterThan(MINUTE - 100);
    expect(took).toBeLessThan(MINUTE + RETRY_MS);
    expect(world.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15 });
  });

  it('is followed as usual when that is over', async () => {
    const { world, a, b } = await announced();
    a.outlastMs = 0;
    await world.run(2_100);
    a.kill();
    expect(await until(world, MINUTE, () => b.election.isLeader())).toBeLessThan(FIRST_TERM_MS);
  });

  it('leaves the Lease held for what is left of it when it stops, also to one that comes later', async () => {
    const { world, a, b } = await announced();
    a.outlastMs = 40_000;
    const stopped = a.election.stop();
    await world.run(50);
    await stopped;
    expect(world.lease()?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 40 });
    const c = world.join('a');
    const took = await until(world, MINUTE, () => b.election.isLeader() || c.election.isLeader());
    expect(took).toBeGreaterThan(39_900);
    expect(took).toBeLessThan(40_000 + RETRY_MS);
  });

  it('is not followed sooner where it could not even do that', async () => {
    const { world, a, b } = await announced();
    a.network = { kind: 'refuse' };
    const stopped = a.election.stop();
    await world.run(50);
    await stopped;
    expect(await until(world, 2 * MINUTE, () => b.election.isLeader())).toBeGreaterThan(MINUTE - 200);
  });

  it('knows where the Lease does not tell it: the API server is out of reach, another has it, or we stop', async () => {
    const { world, a, b } = await led();
    expect(await outcome(world, 20, b.election.renew)).toBe(false);
    a.network = { kind: 'refuse' };
    expect(await outcome(world, 20, a.election.renew)).toBe(false);
    a.network = { kind: 'hang' };
    expect(await outcome(world, 4_000, a.election.renew)).toBe(false);
    a.network = { kind: 'open' };
    await world.run(3_000);
    editSpec(world, { holderIdentity: 'somebody' });
    expect(await outcome(world, 50, a.election.renew)).toBe(false);
  });

  it('that is told to stop meanwhile has said nothing', async () => {
    const { world, a } = await led();
    a.network = { kind: 'hang' };
    const renewed = a.election.renew();
    void a.election.stop();
    await world.run(5_000);
    expect([await renewed, await a.election.renew()]).toEqual([false, false]);
  });
});

describe('who takes part', () => {
  it('tells how it stands: not yet known, leading, or who leads', async () => {
    const world = createWorld();
    const a = world.join('a');
    expect(a.election.standing()).toEqual({ state: 'Undecided' });
    await world.run(100);
    // The Lease is there, and nobody holds it.
    expect(a.election.standing()).toEqual({ state: 'Undecided' });
    await world.run(FIRST_TERM_MS);
    const b = world.join('b');
    expect(b.election.standing()).toEqual({ state: 'Undecided' });
    await world.run(100);
    expect([a.election.standing(), b.election.standing()]).toEqual([
      { state: 'Leads' },
      { state: 'Follows', lease: 'ns/lease', holder: 'a' },
    ]);
  });

  it('tells why it cannot, once it does not lead any more, until it can', async () => {
    const { world, a } = await led();
    a.network = { kind: 'forbid' };
    await world.run(5_000);
    expect(a.election.standing()).toEqual({ state: 'Leads' });
    await world.run(RENEW_MS);
    expect(a.election.standing()).toEqual({
      state: 'Barred',
      lease: 'ns/lease',
      message: expect.stringContaining('Forbidden'),
    });
    a.network = { kind: 'open' };
    await world.run(5_000);
    expect(a.election.standing()).toMatchObject({ state: 'Follows', holder: 'b' });
  });
});

describe('a Lease that is changed by hand', () => {
  it('and deleted is made again by the leader, who goes on', async () => {
    const { world, a, b } = await led();
    world.edit(() => undefined);
    await world.run(30_000);
    expect(world.lease()?.spec?.holderIdentity).toBe('a');
    expect([words(a), words(b)]).toEqual([['lead'], []]);
  });

  it('and deleted while the leader is cut off does not let another begin before that has stopped', async () => {
    const { world, a, b } = await led();
    await untilRenewal(world);
    a.network = { kind: 'hang' };
    world.edit(() => undefined);
    const c = world.join('c');
    await until(world, 40_000, () => words(b).length + words(c).length > 0);
    expect(words(a)).toEqual(['lead', 'lost']);
    expect(world.leaders()).toHaveLength(1);
  });

  it('so that nobody holds it is taken back by the leader, and by nobody else', async () => {
    const { world, a, b } = await led();
    editSpec(world, { holderIdentity: '' });
    await world.run(30_000);
    expect([words(a), words(b), world.lease()?.spec?.holderIdentity]).toEqual([['lead'], [], 'a']);
  });

  it.each(['somebody', 'b'])('so that %s holds it ends the term, and is waited out', async holderIdentity => {
    const { world, a, b } = await led();
    editSpec(world, { holderIdentity });
    await world.run(RETRY_MS);
    expect([words(a), words(b), world.leaders()]).toEqual([['lead', 'lost'], [], []]);
    expect(messages(a).at(-1)).toContain(`${holderIdentity} holds the Lease`);
    await world.run(LEASE_MS);
    expect(world.leaders()).toHaveLength(1);
  });

  it('and put back as it was while the leader held it is waited out by that as by all', async () => {
    const { world, a, b } = await led();
    const before = world.lease();
    editSpec(world, { holderIdentity: 'somebody' });
    await world.run(RETRY_MS);
    world.edit(() => before);
    await world.run(RETRY_MS);
    expect([before?.spec?.holderIdentity, words(a), words(b)]).toEqual(['a', ['lead', 'lost'], []]);
    await world.run(LEASE_MS);
    expect(world.leaders()).toHaveLength(1);
  });

  it('so that it lasts longer is waited for as long as it says, shorter no less than usual', async () => {
    for (const [leaseDurationSeconds, least] of [
      [1, LEASE_MS],
      [40, 40_000],
    ] as const) {
      const { world, a, b } = await led();
      a.kill();
      editSpec(world, { leaseDurationSeconds });
      const took = await until(world, 60_000, () => b.election.isLeader());
      expect(took).toBeGreaterThanOrEqual(least);
      expect(took).toBeLessThan(least + 2 * RETRY_MS);
    }
  });

  it('without a spec is waited out, and then held', async () => {
    const world = createWorld();
    world.edit(() => ({ metadata: { uid: 'u', resourceVersion: '' } }));
    const a = world.join('a');
    expect(await until(world, FIRST_TERM_MS, () => a.election.isLeader())).toBeGreaterThan(LEASE_MS);
  });

  it('in its metadata only is no sign of life', async () => {
    const { world, a, b } = await led();
    a.kill();
    const touch = setLabels(world);
    const took = await until(world, 30_000, () => {
      touch();
      return b.election.isLeader();
    });
    expect(took).toBeLessThan(FIRST_TERM_MS + RETRY_MS);
  });
});

/** Changes a label about once a second. */
function setLabels(world: World): () => void {
  let last = 0;
  return () => {
    if (world.now() - last < 1_000) return;
    last = world.now();
    world.edit(lease => lease && { ...lease, metadata: { ...lease.metadata, labels: { at: `${last}` } } });
  };
}

describe('others', () => {
  it.each([
    ['five minutes ahead', MINUTES_5],
    ['five minutes behind', -MINUTES_5],
  ])('%s neither take the Lease early nor late', async (_, ahead) => {
    const world = createWorld();
    const a = world.join('a', { ahead: -ahead });
    await world.run(FIRST_TERM_MS);
    const b = world.join('b', { ahead });
    await world.run(60_000);
    expect([words(a), words(b)]).toEqual([['lead'], []]);
    a.kill();
    const took = await until(world, 30_000, () => b.election.isLeader());
    expect(took).toBeGreaterThan(LEASE_MS - 2_100);
    expect(took).toBeLessThan(FIRST_TERM_MS);
  });

  it('of the same identity are others', async () => {
    const { world, a } = await led();
    const twin = world.join('a');
    await world.run(60_000);
    expect([words(a), words(twin)]).toEqual([['lead'], []]);
  });

  it('that may not read the Lease say so once, try on, and take part once they may', async () => {
    const world = createWorld();
    const a = world.join('a', { network: { kind: 'forbid' } });
    await world.run(60_000);
    expect(world.requests.length).toBeGreaterThan(15);
    expect(a.log).toEqual([
      expect.objectContaining({ level: 40, reason: 'Forbidden', msg: expect.stringContaining('Forbidden') }),
    ]);
    a.network = { kind: 'open' };
    await world.run(FIRST_TERM_MS + RETRY_MS);
    expect(messages(a).slice(1)).toEqual(['the Lease is reached again', 'leads']);
  });
});

/** What may happen to a machine or to the Lease, at some second. */
const mishap = fc.record({
  at: fc.integer({ min: 0, max: 1_400 }),
  who: fc.nat(2),
  lasts: fc.integer({ min: 1, max: 250 }),
  kind: fc.constantFrom(
    'refuse',
    'hang',
    'lose',
    'slow',
    'freeze',
    'time',
    'kill',
    'stop',
    'announce',
    'answer',
    'delete',
    'unhold',
    'rename',
    'give',
    'shorten',
    'touch',
  ),
});

const schedule = fc.record({
  seed: fc.integer(),
  rates: fc.array(fc.double({ min: 0.99, max: 1.01, noNaN: true }), { minLength: 3, maxLength: 3 }),
  ahead: fc.array(fc.integer({ min: -MINUTES_5, max: MINUTES_5 }), { minLength: 3, maxLength: 3 }),
  /** A clock that is set back while its machine is suspended would hide how long that was. */
  time: fc.constantFrom('set', 'suspend'),
  /** Whether the Lease is edited by hand: whoever does so may take out of it what was announced. */
  edited: fc.boolean(),
  mishaps: fc.array(mishap, { minLength: 5, maxLength: 40 }),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;
type Mishap = Schedule['mishaps'][number];

/** Numbers from 0 to 1 that a seed gives (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), 61 | bits);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EDITS: Readonly<Record<string, (lease: StoredLease, who: string) => StoredLease | undefined>> = {
  delete: () => undefined,
  // With the duration of a lease: the other one would say that the holder let go.
  unhold: lease => ({ ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 15 } }),
  rename: lease => ({ ...lease, spec: { ...lease.spec, holderIdentity: 'somebody' } }),
  give: (lease, who) => ({ ...lease, spec: { ...lease.spec, holderIdentity: who } }),
  shorten: lease =>
    lease.spec?.holderIdentity ? { ...lease, spec: { ...lease.spec, leaseDurationSeconds: 1 } } : lease,
  touch: lease => ({ ...lease, metadata: { ...lease.metadata, labels: { touched: 'yes' } } }),
};

/** A world in which three candidates have mishaps; the slots hold who runs on each of the three machines now. */
function troubled({ seed, rates, ahead, time, edited }: Schedule) {
  const random = numbers(seed);
  const world = createWorld(random);
  const usual: Network = { kind: 'open', delay: () => 1 + random() ** 4 * 400 };
  let count = 0;
  const join = (slot: number) => {
    count += 1;
    return world.join(`${'abc'[slot]}${count}`, {
      rate: rates[slot] ?? 1,
      ahead: ahead[slot] ?? 0,
      network: usual,
    });
  };
  const slots = [0, 1, 2].map(join);
  /** Until when nobody else may lead, as a machine has been assured of; to the last percent by which clocks differ. */
  const announced = new Map<Machine, number>();
  const heal = () => {
    for (const machine of slots) machine.network = usual;
  };
  const answer = (machine: Machine) => {
    machine.outlastMs = 0;
    announced.delete(machine);
  };
  const joinAnew = (slot: number) => {
    slots[slot] = join(slot);
  };
  const blows: Readonly<Record<string, (machine: Machine, blow: Mishap) => void>> = {
    freeze: (machine, { lasts }) => machine.freeze(lasts * 100),
    time: (machine, { lasts }) =>
      time === 'suspend' ? machine.freeze(lasts * 100, true) : machine.setClock((random() - 0.5) * MINUTES_5),
    kill: (machine, { who }) => {
      machine.kill();
      joinAnew(who);
    },
    stop: (machine, { who }) => {
      void machine.election.stop();
      joinAnew(who);
    },
    announce: machine => {
      machine.outlastMs = 60_000;
      void machine.election.renew().then(isTold => {
        const isEnding = machine.outlastMs === 0;
        if (isTold && !isEnding && !edited) announced.set(machine, world.now() + 0.98 * machine.outlastMs);
      });
    },
    answer,
  };
  const networks: Readonly<Record<string, Network>> = {
    refuse: { ...usual, kind: 'refuse' },
    hang: { ...usual, kind: 'hang' },
    lose: { ...usual, kind: 'lose' },
    slow: { kind: 'open', delay: () => random() * 14_000 },
  };
  const strike = (blow: Mishap) => {
    const { kind, who } = blow;
    const machine = slots[who];
    if (machine === undefined) return;
    const edit = EDITS[kind];
    if (edit !== undefined && edited) world.edit(lease => lease && edit(lease, machine.name));
    machine.network = networks[kind] ?? machine.network;
    blows[kind]?.(machine, blow);
  };
  /** Who leads although another one was assured that nobody would. */
  const intruders = () =>
    world
      .leaders()
      .filter(name => [...announced].some(([who, until]) => who.name !== name && world.now() < until));
  const end = () => {
    heal();
    slots.forEach(answer);
  };
  return { world, strike, heal, end, intruders, announcements: () => announced.size };
}

/** Whether what a candidate was told alternates, and its signals follow. */
function expectOrder({ told }: Machine): void {
  expect(told.map(({ what }) => what)).toEqual(told.map((_, index) => (index % 2 === 0 ? 'lead' : 'lost')));
  for (const [index, { signal }] of told.entries())
    expect(signal.aborted, 'signal').toBe(index < told.length - (told.length % 2));
}

describe('whatever happens to machines, clocks, requests and the Lease', () => {
  it('never two lead at one instant, and one leads once all is well', { timeout: 120_000 }, async () => {
    let terms = 0;
    let looks = 0;
    let announced = 0;
    await fc.assert(
      fc.asyncProperty(schedule, async plan => {
        const { world, strike, heal, end, intruders, announcements } = troubled(plan);
        const look = () => {
          looks += 1;
          const leaders = world.leaders();
          if (leaders.length > 1) throw new Error(`at ${world.now()}: ${leaders.join(' and ')} lead`);
          if (intruders().length > 0) throw new Error(`at ${world.now()}: ${leaders} leads too soon`);
          if (announcements() > 0) announced += 1;
          return false;
        };
        const mishaps = plan.mishaps.flatMap(each => [
          { at: each.at * 100, run: () => strike(each) },
          { at: (each.at + each.lasts) * 100, run: heal },
        ]);
        for (const { at, run } of mishaps.toSorted((one, other) => one.at - other.at)) {
          await world.run(at - world.now(), look);
          run();
          look();
        }
        end();
        await world.run(80_000, look);
        expect(world.leaders()).toHaveLength(1);
        for (const machine of world.machines) expectOrder(machine);
        terms += world.machines.flatMap(({ told }) => told.filter(({ what }) => what === 'lead')).length;
      }),
      { numRuns: 100 },
    );
    expect(terms, `terms in ${looks} looks`).toBeGreaterThan(150);
    expect(announced, `of ${looks} looks`).toBeGreaterThan(150);
  });
});
