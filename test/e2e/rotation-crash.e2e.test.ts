import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { createTestClock } from './clock.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { createRotatingWorld, freeLease, leasePath } from './rotating-world.ts';
import {
  allowArgoServers,
  askTokenEndpoint,
  isRegeneration,
  kindOf,
  type LaneState,
  loseChosen,
  POLICY,
  type RotationLane,
  regenerations,
  settleLane,
  startRotationLanes,
  stateOf,
  stopAtChosen,
  WRITE_KINDS,
  type WritePoint,
  withRotationLanes,
} from './rotation-lanes.ts';
import { awaitNextSecond } from './rotation-looks.ts';
import { awaitPolicy, awaitReady, type GotPolicy, policyPath, touch, type World } from './world.ts';

interface GotLease {
  readonly spec: { readonly holderIdentity?: string; readonly leaseDurationSeconds?: number };
}

/** So long a request whose answer was lost may still be on its way, for the operator. */
const UNKNOWN_MS = 60_000;
/** Every write that a rotation can have, one for each lane: there may be fewer of the last two kinds. */
const POINTS: readonly WritePoint[] = WRITE_KINDS.flatMap(kind => {
  const most = { 'PUT status': 4, 'POST events': 5 } as const;
  const count = kind in most ? most[kind as keyof typeof most] : 1;
  return Array.from({ length: count }, (_, index) => ({ kind, nth: index + 1 }));
});
const DAY_SECONDS = 86_400;
const ACCEPTED = '400 invalid_grant';
const REFUSED = '401 unauthorized_client';

const clock = createTestClock();
let world: World;
let lanes: readonly RotationLane[];
/** All that there ever were. */
const secrets = new Set<string>();
/** How each lane was before its present rotation, and what was asked for. */
const before = new Map<RotationLane, LaneState & { readonly revision: number; readonly request: string }>();

beforeAll(async () => {
  lanes = await startRotationLanes(POINTS.length);
  world = await createRotatingWorld({
    namespaces: lanes.slice(1).map(({ home }) => home),
    configure: config => withRotationLanes(config, lanes),
  });
  await world.admin.coverByRotationPolicy(world.realm, {
    secretPeriodSeconds: 90 * DAY_SECONDS,
    rotatedPeriodSeconds: DAY_SECONDS,
  });
  await allowArgoServers(world, lanes);
  await freeLease(world);
  await world.startOperator();
  await Promise.all(lanes.map(lane => settleLane(world, lane)));
  for (const { home } of lanes) await awaitReady(world, POLICY, home);
});
afterAll(async () => {
  await world?.stop();
  await Promise.all((lanes ?? []).map(({ keycloak }) => keycloak.close()));
});

function beforeOf(lane: RotationLane) {
  const known = before.get(lane);
  if (known === undefined) throw new Error(`${lane.home} has not been asked to rotate`);
  return known;
}

async function annotate({ home }: RotationLane, annotations: Readonly<Record<string, string>>) {
  const body = { metadata: { annotations } };
  await world.send('PATCH', policyPath(POLICY, home), body, 'application/merge-patch+json');
}

/** Asks for a rotation as a person does, and remembers how the lane was. */
async function request(lane: RotationLane): Promise<void> {
  await awaitNextSecond(world, lane.clientId);
  const policy = await world.get<GotPolicy>(policyPath(POLICY, lane.home));
  const time = new Date().toISOString();
  const revision = policy?.status?.secret?.revision ?? 0;
  before.set(lane, { ...(await stateOf(world, lane)), revision, request: time });
  lane.keycloak.reset();
  await annotate(lane, { 'argo-access.io/rotate-requested-at': time });
}

/** Makes the operator look at a lane by its clock as it is now. */
const look = ({ home }: RotationLane) => touch(world, POLICY, home);

function isOver(lane: RotationLane, { status = {} }: GotPolicy): boolean {
  const { secret, conditions = [] } = status;
  const inSync = conditions.some(
    ({ type, status: holds, reason }) => type === 'Ready' && holds === 'True' && reason === 'InSync',
  );
  const revision = beforeOf(lane).revision + 1;
  return inSync && secret?.provedRevision === revision && secret.overlapUntil === undefined;
}

const awaitEnd = (lane: RotationLane) =>
  awaitPolicy(world, 'has rotated', policy => isOver(lane, policy), POLICY, lane.home);

/** The one thing that must hold at any instant: a pod that starts now, or has started, can sign people in. */
async function assertCredentialsAccepted(lane: RotationLane, what: string): Promise<void> {
  const was = beforeOf(lane);
  const { value, mark } = await stateOf(world, lane);
  const readByPods = mark === was.mark ? was.value : value;
  for (const each of new Set([value, readByPods]))
    expect(await askTokenEndpoint(world, lane.clientId, each), what).toBe(ACCEPTED);
}

/** A rotation that went as it should: once, all of it, and nothing else. */
async function assertRotatedOnce(lane: RotationLane, what: string): Promise<void> {
  const was = beforeOf(lane);
  const policy = await awaitEnd(lane);
  const [now, keycloak] = await Promise.all([
    stateOf(world, lane),
    world.admin.clientSecretState(world.realm, lane.clientId),
  ]);
  const revision = was.revision + 1;
  expect(regenerations(lane), what).toBe(1);
  expect(policy.status?.secret, what).toMatchObject({ revision, provedRevision: revision });
  expect(now.value === keycloak.current && now.value !== was.value, what).toBe(true);
  expect(now.annotations, what).toMatchObject({
    'argo-access.io/revision': `${revision}`,
    'argo-access.io/rotate-handled': was.request,
    'argo-access.io/secret-created-at': new Date(keycloak.createdAt ?? 0).toISOString().replace('.000Z', 'Z'),
  });
  // The same Secret and the same settings: all that the mark may differ in is the revision.
  expect(now.mark, what).toBe(was.mark.replace(/^\d+-/, `${revision}-`));
  expect(now.secretUid, what).toBe(was.secretUid);
  expect(now.generation, what).toBe(was.generation + 1);
  expect(keycloak.rotated, what).toBeUndefined();
  expect(await askTokenEndpoint(world, lane.clientId, now.value), what).toBe(ACCEPTED);
  expect(await askTokenEndpoint(world, lane.clientId, was.value), what).toBe(REFUSED);
}

/** Requests for a new secret, whether or not they came to anything. */
const asked = ({ keycloak }: RotationLane) => keycloak.requests.filter(isRegeneration).length;

const hasCome = (lane: RotationLane) => lane.chosen()?.status !== undefined;

/** Has all lanes rotate, each with another write as its turn; resolves when each has come to that, or has ended. */
async function begin(): Promise<void> {
  for (const secret of await secretsOf(world)) secrets.add(secret);
  for (const [index, lane] of lanes.entries()) lane.open(POINTS[index]);
  await Promise.all(lanes.map(request));
  const turn = async (lane: RotationLane) => {
    if (hasCome(lane)) return true;
    const policy = await world.get<GotPolicy>(policyPath(POLICY, lane.home));
    return policy !== undefined && isOver(lane, policy);
  };
  const what = (lane: RotationLane) => `the rotation of ${lane.home} has come to its turn, or has ended`;
  await Promise.all(lanes.map(lane => eventually(what(lane), () => turn(lane), 30_000, 150)));
}

/** Every write of a rotation has had its turn in some lane. */
function assertAllHadTheirTurn(): void {
  const points = POINTS.map(({ kind, nth }) => `${kind} ${nth}`);
  for (const lane of lanes) {
    const kinds = lane.writes().map(kindOf);
    const made = kinds.map(
      (kind, at) => `${kind} ${kinds.slice(0, at + 1).filter(each => each === kind).length}`,
    );
    expect(points, made.join(', ')).toEqual(expect.arrayContaining(made));
  }
  const come = lanes.flatMap((lane, index) => (hasCome(lane) ? [points[index]] : []));
  expect(come).toEqual(expect.arrayContaining(WRITE_KINDS.map(kind => `${kind} 1`)));
}

const nameOf = ({ kind, nth }: WritePoint) => `${kind}, number ${nth}`;

/** Has the operator start anew within its process, by a change of its configuration that means nothing to a policy. */
async function reload(): Promise<void> {
  const starts = async () => (await world.operator().log()).filter(({ msg }) => msg === 'started').length;
  const before = await starts();
  await world.configure(config => ({ ...config, formerClusters: ['00000000-0000-4000-8000-000000000000'] }));
  await eventually('the operator has started anew', async () => (await starts()) > before);
}

describe('a rotation with Deployment, ConfigMap, a policy of the realm and an overlap', () => {
  const forEachLane = async (task: (lane: RotationLane, what: string) => Promise<void>) => {
    for (const [index, point] of POINTS.entries()) {
      const lane = lanes[index];
      if (lane !== undefined) await task(lane, nameOf(point));
    }
  };

  it('ends with one new secret although the operator is killed after any write', async () => {
    await stopAtChosen(world, lanes);
    await begin();
    assertAllHadTheirTurn();
    await world.operator().kill();
    await forEachLane((lane, what) => assertCredentialsAccepted(lane, `killed after ${what}`));
    for (const lane of lanes) lane.open();
    await freeLease(world);
    await world.startOperator();
    await forEachLane((lane, what) => assertRotatedOnce(lane, `killed after ${what}`));
  });

  it('waits for the Lease of a leader that was killed right after it took it', async () => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    for (const each of lanes) each.open();
    await world.operator().stop();
    const killed = Promise.withResolvers<void>();
    world.api.killAfter({
      count: 1,
      matches: ({ method, path }) => method === 'PUT' && path.includes('/leases/'),
      answer: 'lost',
      action: () => world.operator().kill().then(killed.resolve),
    });
    await request(lane);
    world.launchOperator();
    await killed.promise;
    const before = (await world.output()).length;
    await world.startOperator();
    await eventually('it is looked at', async () => {
      const lines = (await world.output()).slice(before).split('\n');
      return lines.some(line => line.includes(`"${lane.home}/${POLICY}"`) && line.includes('reconciled'));
    });
    expect(lane.keycloak.requests.filter(isRegeneration)).toEqual([]);
    await freeLease(world);
    await assertRotatedOnce(lane, 'killed with the Lease');
  });

  it.each([
    ['told to end', () => world.operator().stop()],
    ['killed', () => world.operator().kill()],
    ['given another configuration', reload],
  ] as const)(
    'is not begun a second time by the next operator where one is %s while Keycloak is at work',
    async (_, end) => {
      const [lane] = lanes;
      if (lane === undefined) throw new Error('no lane');
      await world.operator().stop();
      await lane.keycloak.fail({ kind: 'hang', matches: isRegeneration });
      await freeLease(world);
      await world.startOperator();
      await request(lane);
      await eventually('Keycloak is asked for a new secret', async () => asked(lane) === 1);
      await end();
      const left = await world.get<GotLease>(leasePath());
      expect(left?.spec.holderIdentity).not.toBe('');
      expect(left?.spec.leaseDurationSeconds).toBeGreaterThan(50);
      await lane.keycloak.heal();
      if (world.operator().ended()) await world.startOperator();
      await look(lane);
      expect(asked(lane)).toBe(1);
      // As it is once that time is over.
      await freeLease(world);
      await assertRotatedOnce(lane, 'the request did not reach Keycloak');
      expect(asked(lane)).toBe(2);
    },
  );

  it('ends with one new secret although the answer to any write is lost', async () => {
    await world.operator().stop();
    await loseChosen(world, lanes);
    await freeLease(world);
    await world.startOperatorHere(clock);
    await begin();
    assertAllHadTheirTurn();
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    await assertFollows(lane);
    await forEachLane((each, what) => assertRotatedOnce(each, `no answer to ${what}`));
  });

  /**
   * Keycloak has made the new secret, and the operator was not told: it finds out by looking. For a minute it makes no
   * other, and ends no old one.
   */
  async function assertFollows(lane: RotationLane): Promise<void> {
    const was = beforeOf(lane);
    await eventually('Argo Server has got the new secret', async () => {
      const { value, mark } = await stateOf(world, lane);
      return value !== was.value && mark !== was.mark;
    });
    await look(lane);
    expect(regenerations(lane)).toBe(1);
    await assertCredentialsAccepted(lane, 'the answer to the regeneration was lost');
    expect(await askTokenEndpoint(world, lane.clientId, was.value)).toBe(ACCEPTED);
    clock.advance(UNKNOWN_MS);
    await look(lane);
  }

  it('is not begun a second time at once where the first request may still be on its way', async () => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    await Promise.all([
      world.api.heal(),
      lane.keycloak.fail({ kind: 'status', status: 503, matches: isRegeneration }),
    ]);
    await request(lane);
    await eventually('Keycloak is asked for a new secret', async () => asked(lane) === 1);
    await lane.keycloak.heal();
    await look(lane);
    await awaitPolicy(
      world,
      'says that it waits',
      (_, condition) =>
        condition('SecretReady')?.reason === 'RotationPostponed' &&
        condition('SecretReady')?.message.includes('for a new secret of client argo-1 was lost') === true,
      POLICY,
      lane.home,
    );
    clock.advance(UNKNOWN_MS - 10_000);
    await look(lane);
    expect(asked(lane)).toBe(1);
    expect(await stateOf(world, lane)).toMatchObject({
      value: beforeOf(lane).value,
      mark: beforeOf(lane).mark,
    });
    clock.advance(10_000);
    await look(lane);
    await assertRotatedOnce(lane, 'the request did not reach Keycloak');
    expect(asked(lane)).toBe(2);
  });

  it('says no secret anywhere', () => assertNoLeak(world, secrets));
});
