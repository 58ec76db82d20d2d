import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION_ROTATE_HANDLED, ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import { formatTime } from '../../operator/api/time.ts';
import { leaseName } from '../../operator/rbac.ts';
import { eventually } from '../env/process.ts';
import { assertNoLeak } from './leaks.ts';
import type { OperatorProcess } from './operator-process.ts';
import { edit } from './quiet.ts';
import { createRotatingWorld, freeLease, installArgoServer, rotatingSpec } from './rotating-world.ts';
import {
  annotate,
  awaitNextSecond,
  awaitRevision,
  CLIENT,
  createStillClock,
  DAY,
  endings,
  eventsOf,
  HOUR,
  isAccepted,
  letServerWork,
  look,
  MINUTE,
  reasonsSince,
  regenerations,
  SECOND,
  SECRET_PATH,
  type Sight,
  sightOf,
} from './rotation-looks.ts';
import { applyPolicy, awaitPolicy, awaitReady, HOME, OPERATOR_NAMESPACE, type World } from './world.ts';

/** The realm's periods, long enough for a clock that is moved by days, of which Keycloak knows nothing. */
const PERIODS = { secretPeriodSeconds: (90 * DAY) / SECOND, rotatedPeriodSeconds: (60 * DAY) / SECOND };
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/${leaseName('test')}`;

const clock = createStillClock();
let world: World;
/** An operator in a process of its own. */
let other: OperatorProcess | undefined;
/** Secrets that were replaced, and must not have been shown either. */
const former = new Set<string>();
let before: Sight;

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await freeLease(world);
  other = await world.startOperator();
  await applyPolicy(world, rotatingSpec());
  await awaitReady(world);
  await eventually('it leads', async () => ((await holder()) ?? '') !== '', 30_000);
  await world.startOperatorHere(clock);
});
afterAll(async () => {
  await other?.stop();
  await world?.stop();
});
beforeEach(async () => {
  await awaitNextSecond(world);
  world.keycloak.reset();
  before = await sightOf(world);
  former.add(before.keycloak).add(before.held);
});

async function holder(): Promise<string | undefined> {
  return (await world.get<{ spec?: { holderIdentity?: string } }>(LEASE))?.spec?.holderIdentity;
}

/** Sets the clock to the machine's, and on to where no secret is too young to be replaced. */
function catchUp(): void {
  clock.set(Date.now() + 3 * SECOND);
}

function request(value: string | null): Promise<unknown> {
  return annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: value });
}

/** Waits until the Secret holds its next value, and shows that all who use it have followed. */
async function expectNext(): Promise<Sight> {
  const revision = before.revision + 1;
  const policy = await awaitRevision(world, revision);
  const after = await sightOf(world);
  expect(after.held).toBe(after.keycloak);
  expect(after.revision).toBe(revision);
  expect(after.rolled).toMatch(new RegExp(`^${revision}-[0-9a-f]{16}$`));
  expect(await isAccepted(world, after.held)).toBe(true);
  return { ...after, policy };
}

/** Shows that all is as it was before the test, after one more look. */
async function expectNothing(): Promise<void> {
  await look(world);
  expect(regenerations(world)).toBe(0);
  const { keycloak, held, revision, rolled } = await sightOf(world);
  expect({ keycloak, held, revision, rolled }).toEqual({
    keycloak: before.keycloak,
    held: before.held,
    revision: before.revision,
    rolled: before.rolled,
  });
}

/** Reasons of events after so many; without pods, a rollout may be over before it is told of, and then its end too. */
async function lastingReasons(count: number): Promise<readonly string[]> {
  const fleeting = ['AwaitingRollout', 'InSync'];
  // An event comes after its status.
  await look(world);
  return (await reasonsSince(world, count)).filter(reason => !fleeting.includes(reason));
}

describe('two operators', () => {
  it.each([1, 2, 3])('make one new secret together at request %i', async () => {
    catchUp();
    await request(new Date().toISOString());
    await expectNext();
    await look(world);
    expect(regenerations(world)).toBe(1);
    expect((await sightOf(world)).revision).toBe(before.revision + 1);
  });

  it('go on with one where the leader is ended', async () => {
    const leader = await holder();
    expect(await other?.stop()).toBe(0);
    await eventually('the other leads', async () => !['', leader].includes(await holder()), 30_000);
    catchUp();
    await request(new Date().toISOString());
    await expectNext();
    expect(regenerations(world)).toBe(1);
    await request(null);
  });
});

describe('what kubectl shows', () => {
  it('is when the secret came and when the next one will, in columns', async () => {
    const [head = '', row = ''] = (await world.kubectl(['get', 'aap', '-n', HOME])).split('\n');
    expect(head.trim().split(/ {2,}/)).toEqual([
      'NAME',
      'READY',
      'REASON',
      'CLIENT',
      'ROLES',
      'ROTATED',
      'NEXT-ROTATION',
      'AGE',
    ]);
    const age = expect.stringMatching(/^(\d+m)?(\d+s)?$/);
    const next = before.policy.status?.secret?.nextRotation;
    expect(row.trim().split(/ {2,}/)).toEqual([
      'workflows',
      'True',
      'NoOverlap',
      CLIENT,
      '2/2',
      age,
      next,
      age,
    ]);
  });

  it('is the story of the last rotation, in its order', async () => {
    const text = await world.kubectl(['describe', 'aap', 'workflows', '-n', HOME]);
    const [, status = '', events = ''] = text.split(/^(?:Status|Events):/m);
    const [, secret = ''] = status.split(/^ {2}Secret:/m);
    const { lastRotated, nextRotation, revision } = before.policy.status?.secret ?? {};
    const fields = secret.trim().split('\n').slice(0, 7);
    expect(fields.map(line => line.trim().split(/: +/))).toEqual([
      ['Cause', 'Request'],
      ['Last Rotated', lastRotated],
      ['Name', 'argo-server-sso'],
      ['Next Rotation', nextRotation],
      ['Proved Revision', String(revision)],
      ['Revision', String(revision)],
      ['Rolled Revision', String(revision)],
    ]);
    const cells = events
      .trim()
      .split('\n')
      .map(line => line.trim().split(/ {2,}/));
    const last = cells.findLastIndex(([, reason]) => reason === 'Rotating');
    expect(cells[last]?.at(-1)).toMatch(
      /^client \S+ got a new secret, which Secret argo-server-sso takes over: it was /,
    );
    for (const [type, reason, , , message] of cells.slice(last + 1)) {
      expect(['AwaitingRollout', 'InSync']).toContain(reason);
      expect([type, message]).toEqual(['Normal', expect.stringMatching(/rollout|still holds/)]);
    }
  });
});

describe('what is done by hand', () => {
  it('in Keycloak, a new secret, is followed at the next comparison', async () => {
    const made = await world.admin.regenerate(world.realm, CLIENT);
    await look(world);
    expect((await sightOf(world)).held).toBe(before.held);
    clock.advance(5 * MINUTE);
    await look(world);
    const after = await expectNext();
    expect(after.held).toBe(made);
    expect(after.policy.status?.secret?.lastRotated).toBe(formatTime(clock.now()));
    expect(regenerations(world)).toBe(0);
  });

  it('in Keycloak, a secret of somebody’s choice, is followed too', async () => {
    const { createdAt } = await world.admin.clientSecretState(world.realm, CLIENT);
    await world.admin.setSecret(world.realm, CLIENT, 'chosen-by-somebody');
    expect((await world.admin.clientSecretState(world.realm, CLIENT)).createdAt).toBe(createdAt);
    clock.advance(5 * MINUTE);
    await look(world);
    expect((await expectNext()).held).toBe('chosen-by-somebody');
    expect(regenerations(world)).toBe(0);
  });

  it('in Keycloak and in the Secret alike is read by Argo Server all the same', async () => {
    await world.admin.setSecret(world.realm, CLIENT, 'chosen-for-both');
    clock.advance(5 * MINUTE);
    const chosen = Buffer.from('chosen-for-both').toString('base64');
    await edit(world, SECRET_PATH, { data: { 'client-secret': chosen } });
    expect((await expectNext()).held).toBe('chosen-for-both');
    expect(regenerations(world)).toBe(0);
  });

  it('to the Secret is undone at once, and Argo Server reads it once more', async () => {
    const wrong = Buffer.from('not-what-keycloak-has').toString('base64');
    await edit(world, SECRET_PATH, { data: { 'client-secret': wrong } });
    expect((await expectNext()).held).toBe(before.held);
    expect(regenerations(world)).toBe(0);
  });

  it('to the Secret, its deletion, costs no new secret', async () => {
    await world.send('DELETE', SECRET_PATH);
    const after = await expectNext();
    expect(after.held).toBe(before.held);
    expect(after.rolled).not.toBe(before.rolled);
    await look(world);
    expect(regenerations(world)).toBe(0);
  });

  it('in the middle of a rotation, the deletion of the Secret, costs no second one', async () => {
    let deleted = false;
    world.keycloak.killAfter({
      count: 1,
      matches: ({ method, path }) => method === 'POST' && path.endsWith('/client-secret'),
      answer: 'passed',
      action: async () => {
        await world.send('DELETE', SECRET_PATH);
        deleted = true;
      },
    });
    catchUp();
    await request(formatTime(clock.now()));
    const after = await expectNext();
    expect(deleted).toBe(true);
    expect(after.held).not.toBe(before.held);
    await look(world);
    expect(regenerations(world)).toBe(1);
    await request(null);
  });
});

describe('a request', () => {
  beforeAll(() => clock.advance(MINUTE));

  it('acts once, however often it is looked at, taken back and made again', async () => {
    const value = formatTime(clock.now());
    await request(value);
    await expectNext();
    expect((await world.get(SECRET_PATH))?.metadata.annotations?.[ANNOTATION_ROTATE_HANDLED]).toBe(value);
    clock.advance(MINUTE);
    await look(world);
    await request(null);
    await look(world);
    await request(value);
    await look(world);
    expect(regenerations(world)).toBe(1);
  });

  it('is another one with another value, also in another form', async () => {
    await request(formatTime(clock.now()).replace('Z', '+00:00'));
    await expectNext();
    expect(regenerations(world)).toBe(1);
  });

  it('of a time to come waits for it', async () => {
    const at = clock.now() + HOUR;
    await request(formatTime(at));
    await expectNothing();
    expect((await sightOf(world)).policy.status?.secret?.nextRotation).toBe(formatTime(at));
    clock.set(at - 5 * MINUTE - SECOND);
    await expectNothing();
    clock.set(at);
    await look(world);
    await expectNext();
    expect(regenerations(world)).toBe(1);
  });

  it('that is no time is told, and not followed', async () => {
    await request('tomorrow');
    const told = await awaitPolicy(world, 'is told', (_, c) => {
      return c('SecretReady')?.message.includes('rotate-requested-at is no time') === true;
    });
    expect(told.status?.conditions?.find(({ type }) => type === 'SecretReady')).toMatchObject({
      status: 'True',
      reason: 'RequestUnreadable',
    });
    clock.advance(MINUTE);
    await expectNothing();
    await request(null);
    await awaitPolicy(
      world,
      'says no more of it',
      (_, c) => c('SecretReady')?.reason !== 'RequestUnreadable',
    );
  });

  it('is met without a schedule as well', async () => {
    const spec = rotatingSpec();
    const { rotation: _, ...secret } = (spec.client as { secret: { rotation?: unknown } }).secret;
    await applyPolicy(world, { ...spec, client: { ...(spec.client as object), secret } });
    const rests = await awaitPolicy(
      world,
      'has no next rotation',
      ({ status }) => status?.secret?.nextRotation === undefined,
    );
    expect(rests.status?.secret?.lastRotated).toBe(before.policy.status?.secret?.lastRotated);
    await expectNothing();
    await request(formatTime(clock.now()));
    const after = await expectNext();
    expect(after.policy.status?.secret?.lastRotated).toBe(formatTime(clock.now()));
    expect(after.policy.status?.secret?.nextRotation).toBeUndefined();
    await look(world);
    expect(regenerations(world)).toBe(1);
    await request(null);
  });
});

describe('a schedule', () => {
  beforeAll(async () => {
    await applyPolicy(world, rotatingSpec({ schedule: '0 3 * * *' }));
    await awaitPolicy(world, 'has a next time', ({ status }) => status?.secret?.nextRotation !== undefined);
  });

  it('is followed not a second too early, and once', async () => {
    const due = Date.parse(before.policy.status?.secret?.nextRotation ?? '');
    expect(due % DAY).toBeGreaterThanOrEqual(3 * HOUR);
    expect(due % DAY).toBeLessThanOrEqual(3 * HOUR + 10 * MINUTE);
    clock.set(due - SECOND);
    await expectNothing();
    const told = (await eventsOf(world)).length;
    clock.set(due);
    await look(world);
    const { policy, keycloak } = await expectNext();
    expect(keycloak).not.toBe(before.keycloak);
    expect(await isAccepted(world, before.keycloak)).toBe(false);
    expect(policy.status?.secret).toMatchObject({
      lastRotated: formatTime(due),
      nextRotation: formatTime(due + DAY),
    });
    await look(world);
    expect(regenerations(world)).toBe(1);
    expect(await lastingReasons(told)).toEqual(['Rotating']);
  });
});

describe('an overlap', () => {
  const withOverlap = rotatingSpec({ schedule: '0 3 * * *', overlap: '1h' });

  it('that the realm does not give keeps the rotation waiting, and says what to add', async () => {
    await applyPolicy(world, withOverlap);
    clock.set(Date.parse(before.policy.status?.secret?.nextRotation ?? ''));
    await look(world);
    const { status } = await awaitPolicy(
      world,
      'is postponed',
      (_, condition) => condition('SecretReady')?.reason === 'RotationPostponed',
    );
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'RotationPostponed',
      message:
        `the rotation waits until a client policy of realm ${world.realm} with the executor secret-rotation ` +
        `covers client ${CLIENT}; add one, or leave out spec.client.secret.rotation.overlap`,
    });
    await expectNothing();
    expect((await eventsOf(world)).at(-1)).toMatchObject({ type: 'Warning', reason: 'RotationPostponed' });
  });

  it('begins by itself once the realm gives it, and lets both secrets in', async () => {
    const told = (await eventsOf(world)).length;
    await world.admin.coverByRotationPolicy(world.realm, PERIODS);
    clock.advance(MINUTE);
    await look(world);
    const { keycloak, policy } = await expectNext();
    expect(keycloak).not.toBe(before.keycloak);
    expect(await isAccepted(world, before.keycloak)).toBe(true);
    expect(policy.status?.secret?.overlapUntil).toBe(formatTime(clock.now() + HOUR));
    expect(policy.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'Overlapping',
    });
    expect(await lastingReasons(told)).toEqual(['Rotating', 'Overlapping']);
    expect([regenerations(world), endings(world)]).toEqual([1, 0]);
  });

  it('is ended when its time is over and no second before; only then is there another secret', async () => {
    const { rotated = '' } = await world.admin.clientSecretState(world.realm, CLIENT);
    former.add(rotated);
    const told = (await eventsOf(world)).length;
    await request(formatTime(clock.now()));
    clock.advance(HOUR - SECOND);
    await expectNothing();
    expect(endings(world)).toBe(0);
    expect(await isAccepted(world, rotated)).toBe(true);
    clock.advance(SECOND);
    await look(world);
    await expectNext();
    expect([endings(world), regenerations(world)]).toEqual([1, 1]);
    expect(await isAccepted(world, rotated)).toBe(false);
    expect(await lastingReasons(told)).toEqual(['Rotating', 'Overlapping']);
    await request(null);
  });

  it('ends, and there is peace', async () => {
    const { rotated = '' } = await world.admin.clientSecretState(world.realm, CLIENT);
    former.add(rotated);
    clock.advance(HOUR);
    await look(world);
    const { status } = await awaitPolicy(world, 'rests', (_, c) => c('Ready')?.reason === 'InSync');
    expect(status?.secret?.overlapUntil).toBeUndefined();
    expect(await isAccepted(world, rotated)).toBe(false);
    expect(await isAccepted(world, before.held)).toBe(true);
    await expectNothing();
    expect(endings(world)).toBe(1);
  });
});

it('no secret was ever shown', async () => {
  expect(former.size).toBeGreaterThan(10);
  await assertNoLeak(world, former);
});
