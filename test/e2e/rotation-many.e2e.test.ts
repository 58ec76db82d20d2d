import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import type { Matches, Seen } from '../env/proxy.ts';
import { createTestClock } from './clock.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { createRotatingWorld, freeLease } from './rotating-world.ts';
import { isRegeneration } from './rotation-lanes.ts';
import { applyPolicy, type GotPolicy, HOME, type World } from './world.ts';

/** Policies of one namespace are all looked at when something of one changes: not too many in each. */
const HOMES = [HOME, ...Array.from({ length: 9 }, (_, index) => `home-${index + 2}`)];
/** Two hundred in all with `TEST_DEEP`, which takes half a minute more; fewer show the same. */
const EACH = process.env.TEST_DEEP === undefined ? 6 : 20;
const POLICIES = HOMES.length * EACH;
const places = HOMES.flatMap((home, at) =>
  Array.from({ length: EACH }, (_, index) => ({ home, name: `p${at * EACH + index}`, index })),
);
/** Of the policies, the one whose request for a new secret Keycloak does not answer. */
const STUCK = `p${POLICIES / 2}`;
/** Most requests that a session has under way at a time, and most policies that are looked at. */
const IN_FLIGHT = 8;
const WORKERS = 4;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DAY_SECONDS = 86_400;

const clock = createTestClock();
let world: World;
const secrets = new Set<string>();

/** A policy that does little but rotate; those that share a namespace need precedences of their own. */
function specOf({ name, index }: (typeof places)[number]): object {
  const rotation = { schedule: '@daily', overlap: '1m' };
  return {
    client: {
      clientId: `argo-${name}`,
      url: `https://${name}.example.com`,
      secret: { name: `sso-${name}`, rotation },
    },
    precedence: 10_000 - index * 10,
    roles: [{ name: 'team', groups: [`/teams/${index}`] }],
  };
}

const policies = () => world.list<GotPolicy>('/apis/argo-access.io/v1alpha1/argoaccesspolicies');

/** Waits until something holds of every policy, or of all but one; gives all. */
function awaitAll(
  what: string,
  holds: (policy: GotPolicy) => boolean | undefined,
  except?: string,
): Promise<readonly GotPolicy[]> {
  let last: readonly GotPolicy[] = [];
  const probe = async () => {
    last = await policies();
    const those = last.filter(({ metadata }) => metadata.name !== except);
    return those.length > 0 && those.every(holds) && last;
  };
  return eventually(what, probe, 110_000, 1000).catch(async error => {
    const late = last.filter(policy => !holds(policy));
    const said = `${JSON.stringify(late[0]?.status, null, 1)}\n${(await world.output()).slice(-3000)}`;
    throw new Error(
      `${error instanceof Error ? error.message : error}; ${late.length} do not, such as ${said}`,
    );
  });
}

/** Has every policy looked at by the clock as it is now: those of a namespace share what accounts there are. */
async function wakeAll(name: string): Promise<void> {
  const make = (home: string) =>
    world.send('POST', `/api/v1/namespaces/${home}/serviceaccounts`, { metadata: { name } });
  await Promise.all(HOMES.map(make));
}

beforeAll(async () => {
  world = await createRotatingWorld({
    groups: Array.from({ length: EACH }, (_, index) => `/teams/${index}`),
    namespaces: HOMES.slice(1),
    configure: config => ({
      ...config,
      namespaces: HOMES.map(name => ({ ...config.namespaces[0], name, clusterRoles: [] })),
    }),
  });
  await world.admin.coverByRotationPolicy(world.realm, {
    secretPeriodSeconds: 90 * DAY_SECONDS,
    rotatedPeriodSeconds: 3 * DAY_SECONDS,
  });
  await freeLease(world);
  for (const each of HOMES) {
    const here = places.filter(({ home }) => home === each);
    await Promise.all(here.map(place => applyPolicy(world, specOf(place), place.name, place.home)));
  }
  await world.startOperatorHere(clock);
  await awaitAll('each is Ready', ({ status }) =>
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );
  for (const secret of await secretsOf(world)) secrets.add(secret);
}, 180_000);
afterAll(() => world?.stop());

/** What the policies of a realm ask for together, however many they are. */
const isShared: Matches = ({ path }) => /\/groups|\/client-policies\/|\/clients\/\?first=/.test(path);

/** Requests to Keycloak by kind. */
function byKind(requests: readonly Seen[]) {
  const those = (matches: Matches) => requests.filter(matches);
  return {
    shared: those(isShared),
    /** The client is read before anything is done to it. */
    reads: those(({ path }) => path.includes('/clients/?clientId=')),
    /** Nothing is begun while the issuer does not answer. */
    discoveries: those(({ path }) => path.includes('/.well-known/')),
    regenerations: those(isRegeneration),
    ends: those(({ method, path }) => method === 'DELETE' && path.endsWith('/client-secret/rotated')),
    /** What Keycloak has made of a write is read back. */
    readsBack: those(({ method, path }) => method === 'GET' && /\/clients\/[0-9a-f-]{36}$/.test(path)),
    /** Proofs of new secrets, and the operator's own sign-ins. */
    tokens: those(({ path }) => path.endsWith('/token')),
  };
}

/** Lets the requests that match hang; tells the most that were under way at a time. */
async function watchTraffic(hangs: Matches): Promise<() => { readonly all: number; readonly own: number }> {
  let all = 0;
  let own = 0;
  await world.keycloak.fail({
    kind: 'hang',
    matches: request => {
      // One that hangs is counted as if it always did, although the operator gives it up.
      const underWay = world.keycloak.requests.filter(({ status }) => status === undefined);
      all = Math.max(all, underWay.length);
      own = Math.max(own, underWay.filter(each => !isShared(each)).length);
      return hangs(request);
    },
  });
  return () => ({ all, own });
}

describe(`${POLICIES} policies of one realm on the same schedule`, () => {
  const idOfStuck = async () =>
    (await policies()).find(({ metadata }) => metadata.name === STUCK)?.status?.client?.id ?? '';
  const has = (revision: number) => (policy: GotPolicy) => policy.status?.secret?.provedRevision === revision;

  it('rotate some time after the tick, each by a time of its own', async () => {
    const times = (await policies()).map(({ status }) => Date.parse(status?.secret?.nextRotation ?? ''));
    const tick = Math.ceil(clock.now() / DAY) * DAY;
    expect(Math.min(...times)).toBeGreaterThanOrEqual(tick);
    expect(Math.max(...times)).toBeLessThanOrEqual(tick + 10 * MINUTE);
    expect(new Set(times).size).toBeGreaterThan(POLICIES / 2);
  });

  it('rotate once by five requests each, few at a time, and one that is stuck holds up no other', {
    timeout: 240_000,
  }, async () => {
    const id = await idOfStuck();
    const isStuck: Matches = request => isRegeneration(request) && request.path.includes(id);
    world.keycloak.reset();
    const most = await watchTraffic(isStuck);
    clock.advance(DAY + 10 * MINUTE);
    await wakeAll('tick');
    const all = await awaitAll('all others have rotated', has(2), STUCK);
    const { shared, reads, discoveries, regenerations, ends, readsBack, tokens } = byKind(
      world.keycloak.requests,
    );
    expect(all.find(({ metadata }) => metadata.name === STUCK)?.status?.secret?.revision).toBe(1);
    const others = POLICIES - 1;
    expect(regenerations.filter(request => !isStuck(request))).toHaveLength(others);
    expect(regenerations.filter(isStuck)).toHaveLength(1);
    expect(new Set(regenerations.map(({ path }) => path)).size).toBe(POLICIES);
    expect(readsBack).toHaveLength(others);
    expect(reads.filter(({ path }) => !path.endsWith(`=argo-${STUCK}`))).toHaveLength(others);
    // That of the one that is stuck may have been broken off.
    expect(discoveries.length).toBeGreaterThanOrEqual(others);
    expect(discoveries.length).toBeLessThanOrEqual(reads.length);
    // One sign-in, as a day has passed.
    expect(tokens.length - others).toBeLessThanOrEqual(2);
    expect(ends).toEqual([]);
    // For all together: each group, client policies and profiles, the page of clients; a few of them twice.
    expect(shared.length, shared.map(({ path }) => path).join('\n')).toBeLessThanOrEqual(EACH + 20);
    const { all: inFlight, own } = most();
    expect(inFlight).toBeLessThanOrEqual(IN_FLIGHT);
    expect(own).toBeLessThanOrEqual(WORKERS + 1);
    expect(own).toBeGreaterThan(1);
  });

  it('end the overlap by four requests each, and the one that was stuck rotates as soon as it can', {
    timeout: 240_000,
  }, async () => {
    const id = await idOfStuck();
    await eventually('the request of the one that is stuck is given up', async () =>
      (await world.output()).includes(`regenerate the secret of client ${id}`),
    );
    await world.keycloak.heal();
    world.keycloak.reset();
    clock.advance(12 * MINUTE);
    await wakeAll('over');
    await awaitAll(
      'all others are at rest',
      ({ status }) => status?.secret?.overlapUntil === undefined,
      STUCK,
    );
    await awaitAll('the one that was stuck has rotated', has(2));
    const { regenerations, ends, readsBack, reads } = byKind(world.keycloak.requests);
    const others = POLICIES - 1;
    expect(ends).toHaveLength(others);
    expect(regenerations.map(({ path }) => path.includes(id))).toEqual([true]);
    expect(readsBack).toHaveLength(others + 1);
    expect(reads).toHaveLength(others + 1);
  });

  it('say no secret anywhere', () => assertNoLeak(world, secrets));
});
