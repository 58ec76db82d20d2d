import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ANNOTATION_ROTATE_REQUESTED,
  ANNOTATION_SECRET_CREATED,
  ANNOTATION_SECRET_SINCE,
} from '../../operator/api/names.ts';
import { formatTime } from '../../operator/api/time.ts';
import { jitterOf } from '../../operator/policy/rotation-hash.ts';
import { eventually } from '../env/process.ts';
import { assertNoLeak } from './leaks.ts';
import { edit } from './quiet.ts';
import { createRotatingWorld, freeLease, installArgoServer, rotatingSpec } from './rotating-world.ts';
import {
  annotate,
  awaitNextSecond,
  awaitRevision,
  CLIENT,
  createStillClock,
  DAY,
  HOUR,
  isAccepted,
  letServerWork,
  look,
  MINUTE,
  prod,
  regenerations,
  SECOND,
  SECRET_PATH,
  type Sight,
  sightOf,
} from './rotation-looks.ts';
import { applyPolicy, awaitPolicy, awaitReady, type World } from './world.ts';

/** A schedule that has nothing to do for months. */
const SELDOM = `0 3 1 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`;
/** The next year, of which no day has come. */
const YEAR = new Date().getUTCFullYear() + 1;

const clock = createStillClock();
let world: World;
/** Secrets that were replaced, and must not have been shown either. */
const former = new Set<string>();
let before: Sight;
/** How much later than a tick this policy rotates, where ticks are days apart. */
let jitter: number;

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await start();
  await applyPolicy(world, rotatingSpec({ schedule: '@weekly' }));
  const { metadata } = await awaitReady(world);
  jitter = jitterOf(metadata.uid, DAY);
});
afterAll(() => world?.stop());
beforeEach(async () => {
  await awaitNextSecond(world);
  world.keycloak.reset();
  before = await sightOf(world);
  former.add(before.keycloak).add(before.held);
});

async function start(): Promise<void> {
  await freeLease(world);
  await world.startOperatorHere(clock);
}

function rotate(rotation: Readonly<Record<string, unknown>>): Promise<unknown> {
  return applyPolicy(world, rotatingSpec(rotation));
}

function withoutRotation(): unknown {
  const spec = rotatingSpec() as { client: { secret: object } };
  return { ...spec, client: { ...spec.client, secret: { name: 'argo-server-sso' } } };
}

function times({ policy: { status } }: Sight) {
  return { last: status?.secret?.lastRotated, next: status?.secret?.nextRotation };
}

/** Shows that the secret has changed once since the test began, and that no other one follows at this time. */
async function expectOne(): Promise<Sight> {
  await awaitRevision(world, before.revision + 1);
  await look(world);
  const after = await sightOf(world);
  expect(regenerations(world)).toBe(1);
  expect(after.revision).toBe(before.revision + 1);
  expect(after.held).toBe(after.keycloak);
  expect(after.keycloak).not.toBe(before.keycloak);
  expect(await isAccepted(world, after.held)).toBe(true);
  return after;
}

/** Shows that the secret has not changed since the test began, after one more look. */
async function expectNone(): Promise<Sight> {
  await look(world);
  return expectUnchanged();
}

/** Shows that the secret has not changed since the test began. */
async function expectUnchanged(): Promise<Sight> {
  expect(regenerations(world)).toBe(0);
  const after = await sightOf(world);
  expect([after.keycloak, after.held, after.revision]).toEqual([
    before.keycloak,
    before.held,
    before.revision,
  ]);
  return after;
}

/** Makes the secret one of a time that is past, for Keycloak and for the Secret; no operator may be running. */
async function backdate(time: number): Promise<void> {
  const { id } = (await world.admin.client(world.realm, CLIENT)) as { id: string };
  const attributes = { 'client.secret.creation.time': String(time / SECOND) };
  await world.admin.updateClient(world.realm, id, { attributes });
  const annotations = {
    [ANNOTATION_SECRET_CREATED]: formatTime(time),
    [ANNOTATION_SECRET_SINCE]: formatTime(time),
  };
  await edit(world, SECRET_PATH, { metadata: { annotations } });
}

describe('a clock that is not Keycloak’s', () => {
  it.each([
    ['two minutes ahead', 2 * MINUTE, Math.ceil],
    ['two minutes behind', -2 * MINUTE, Math.floor],
  ])('but %s: there is one rotation for a tick', async (_, skew, round) => {
    await world.operator().stop();
    const tick = round((Date.now() + skew - jitter) / MINUTE) * MINUTE;
    const due = tick + jitter;
    const at = new Date(tick);
    await backdate(tick - 12 * HOUR);
    await rotate({ schedule: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *` });
    clock.set(due - SECOND);
    await start();
    expect(times(await expectNone()).next).toBe(formatTime(due));
    clock.set(due);
    await look(world);
    expect(times(await expectOne())).toEqual({
      last: expect.any(String),
      next: formatTime(due + DAY),
    });
    for (const minutes of [2, 5]) {
      clock.set(due + minutes * MINUTE);
      await look(world);
    }
    // Without its marks the Secret only knows what Keycloak's clock said.
    const annotations = { [ANNOTATION_SECRET_CREATED]: null, [ANNOTATION_SECRET_SINCE]: null };
    await edit(world, SECRET_PATH, { metadata: { annotations } });
    await look(world);
    expect(times(await expectOne()).next).toBe(formatTime(due + DAY));
  });
});

describe('a secret that Keycloak ends', () => {
  const LONG = { secretPeriodSeconds: (90 * DAY) / SECOND, rotatedPeriodSeconds: 1 };

  async function awaitRefused(secret: string): Promise<void> {
    await eventually('it is refused', async () => !(await isAccepted(world, secret)), 10_000, 50);
  }

  /** Has Keycloak make a secret that it refuses by now, and shall make others that it does not; gives it. */
  async function endSecret(): Promise<string> {
    await world.admin.coverByRotationPolicy(world.realm, { secretPeriodSeconds: 1, rotatedPeriodSeconds: 1 });
    const ended = await world.admin.regenerate(world.realm, CLIENT);
    former.add(ended);
    await awaitRefused(ended);
    await world.admin.coverByRotationPolicy(world.realm, LONG);
    return ended;
  }

  /** Moves the end of the present secret. */
  async function setEnd(time: number): Promise<void> {
    const { id } = (await world.admin.client(world.realm, CLIENT)) as { id: string };
    const attributes = { 'client.secret.expiration.time': String(Math.floor(time / SECOND)) };
    await world.admin.updateClient(world.realm, id, { attributes });
  }

  async function awaitTold(): Promise<void> {
    await awaitPolicy(world, 'says so', (_, condition) => {
      const { status, message = '' } = condition('SecretReady') ?? {};
      return (
        status === 'False' &&
        message.includes('as its life is over; set spec.client.secret.rotation, or ask for a new one')
      );
    });
  }

  async function expectHealed(ended: string, revisions: number): Promise<void> {
    await awaitRevision(world, before.revision + revisions);
    const { held, keycloak } = await sightOf(world);
    expect(held).toBe(keycloak);
    expect(held).not.toBe(ended);
    expect(await isAccepted(world, held)).toBe(true);
    await look(world);
    expect(regenerations(world)).toBe(1);
  }

  beforeAll(async () => {
    clock.set(Date.now());
    await rotate({ schedule: SELDOM });
  });

  it('is replaced before, although the schedule asks for it later, which is told', async () => {
    await world.admin.coverByRotationPolicy(world.realm, {
      secretPeriodSeconds: HOUR / SECOND,
      rotatedPeriodSeconds: (20 * MINUTE) / SECOND,
    });
    // A secret gets its end when it is made under the policy, which is seen after the resync period.
    clock.advance(5 * MINUTE);
    await annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: formatTime(clock.now()) });
    const made = await expectOne();
    const { createdAt = 0 } = await world.admin.clientSecretState(world.realm, CLIENT);
    const due = createdAt + 45 * MINUTE;
    expect(times(made).next).toBe(formatTime(due));
    expect(made.policy.status?.conditions?.find(({ type }) => type === 'SecretReady')?.message).toContain(
      `realm ${world.realm} ends the secret before the schedule asks for a new one`,
    );
    await annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: null });
    former.add(made.keycloak);
    world.keycloak.reset();
    before = made;
    clock.set(due - SECOND);
    await expectNone();
    await awaitNextSecond(world);
    clock.set(due);
    await look(world);
    await expectOne();
  });

  it('is told where nothing replaces it, and is replaced once something does', async () => {
    await applyPolicy(world, withoutRotation());
    await awaitReady(world);
    await world.admin.coverByRotationPolicy(world.realm, LONG);
    await setEnd(Date.now() + 2 * SECOND);
    await awaitRefused(before.held);
    clock.set(Date.now() + 10 * MINUTE);
    await prod(world);
    await awaitTold();
    await expectUnchanged();
    await rotate({ schedule: SELDOM });
    await expectHealed(before.held, 1);
  });

  it('is replaced at the start of an operator that comes too late', async () => {
    await world.operator().stop();
    const ended = await endSecret();
    clock.set(Date.now());
    await start();
    await prod(world);
    await eventually('it is held', async () => (await sightOf(world)).held === ended, 30_000);
    clock.advance(MINUTE);
    await prod(world);
    await expectHealed(ended, 2);
  });
});

describe('a schedule', () => {
  const day = Math.ceil(Date.now() / DAY) * DAY + DAY;

  beforeAll(async () => {
    await world.admin.removeRotationPolicy(world.realm);
    clock.set(day + 10 * HOUR);
    await rotate({ schedule: SELDOM });
    await look(world);
  });

  it('takes effect at once: where a time of it has passed, that is now', async () => {
    await rotate({ schedule: '@hourly' });
    const after = await expectOne();
    const next = day + 11 * HOUR + jitterOf(after.policy.metadata.uid, HOUR);
    expect(times(after)).toEqual({ last: formatTime(clock.now()), next: formatTime(next) });
  });

  it.each([
    [{ schedule: '@daily' }, day + DAY],
    [{ schedule: '@daily', timeZone: 'Asia/Kolkata' }, day + 18.5 * HOUR],
    [{ schedule: '@yearly' }, Date.UTC(new Date(day).getUTCFullYear() + 1, 0, 1)],
  ])('takes effect at once: %j moves the next rotation', async (rotation, tick) => {
    await rotate(rotation);
    expect(times(await expectNone()).next).toBe(formatTime(tick + jitter));
  });

  it.each([
    [{ schedule: 'every sunday' }, 'spec.client.secret.rotation.schedule: "every sunday" is not five fields'],
    [{ schedule: '0 0 30 2 *' }, 'schedule: "0 0 30 2 *" names a day that never comes'],
    [
      { schedule: '@daily', timeZone: 'Mars/Base' },
      'spec.client.secret.rotation.timeZone: time zone "Mars/Base" is unknown',
    ],
    [
      { schedule: '*/5 * * * *' },
      '"*/5 * * * *" comes again before a rotation is over, which takes up to 10 minutes',
    ],
    [
      { schedule: '@hourly', overlap: '2h' },
      'which takes up to 2 hours and 10 minutes (overlap and a rollout of Argo Server)',
    ],
  ])('such as %j is refused in words, and followed once it is mended', async (rotation, words) => {
    await rotate(rotation);
    const { status } = await awaitPolicy(world, 'is stalled', (_, c) => c('Stalled') !== undefined);
    expect(status?.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      reason: 'RotationInvalid',
      message: expect.stringContaining(words),
    });
    expect(status?.secret?.nextRotation).toBeUndefined();
    await expectNone();
    await rotate({ schedule: SELDOM });
    await awaitReady(world);
    expect(times(await expectNone()).next).toBeDefined();
  });

  it('of which three times were missed has one rotation', async () => {
    await rotate({ schedule: '0 3 * * *' });
    const { next } = times(await expectNone());
    await world.operator().stop();
    clock.set(Date.parse(next ?? '') + 2 * DAY + HOUR);
    await start();
    expect(times(await expectOne())).toEqual({
      last: formatTime(clock.now()),
      next: formatTime(Date.parse(next ?? '') + 3 * DAY),
    });
  });
});

/** The Sunday on or before a day of the next year. */
function sunday(month: number, upTo: number): number {
  const day = Date.UTC(YEAR, month - 1, upTo);
  return day - new Date(day).getUTCDay() * DAY;
}

describe('a day on which clocks change', () => {
  it.each([
    // Half past two is skipped: it comes at three.
    ['30 2 * * *', 'America/New_York', sunday(3, 14), '07:00', '06:30'],
    ['30 2 * * *', 'Europe/Berlin', sunday(3, 31), '01:00', '00:30'],
    // It comes twice: the first one counts.
    ['30 2 * * *', 'Europe/Berlin', sunday(10, 31), '00:30', '01:30'],
    ['30 1 * * *', 'America/New_York', sunday(11, 7), '05:30', '06:30'],
  ])('has one rotation by %s in %s', async (schedule, timeZone, day, time, following) => {
    const at = (midnight: number, text: string) =>
      Date.parse(`${formatTime(midnight).slice(0, 10)}T${text}:00Z`) + jitter;
    const due = at(day, time);
    clock.set(due - 14 * HOUR);
    await rotate({ schedule, timeZone });
    // Months have passed, of which all ticks were missed.
    const first = await expectOne();
    expect(times(first)).toEqual({ last: formatTime(clock.now()), next: formatTime(due) });
    before = first;
    former.add(first.keycloak);
    await awaitNextSecond(world);
    world.keycloak.reset();
    clock.set(due - SECOND);
    await expectNone();
    clock.set(due);
    await look(world);
    const next = at(day + DAY, following);
    expect(times(await expectOne())).toEqual({ last: formatTime(due), next: formatTime(next) });
    clock.set(next - SECOND);
    await look(world);
    expect(regenerations(world)).toBe(1);
  });
});

it('no secret was ever shown', async () => {
  expect(former.size).toBeGreaterThan(10);
  await assertNoLeak(world, former);
});
