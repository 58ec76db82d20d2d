import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { applyPolicy, awaitReady, createWorld, type GotPolicy, HOME, type World, writesOf } from './world.ts';

const POLICIES = 100;
const STRANGERS = 300;
const IN_FLIGHT = 10;
const names = Array.from({ length: POLICIES }, (_, index) => `p${String(index).padStart(3, '0')}`);

/** Policies that share a namespace need ranges of precedences of their own. */
function specOf(index: number): object {
  return {
    client: {
      clientId: `argo-${index}`,
      url: `https://a${index}.example.com`,
      secret: { name: `sso-${index}` },
    },
    precedence: 10_000 - index * 10,
    roles: [{ name: 'team', groups: [`/teams/${index % 5}`] }],
  };
}

describe('a hundred policies of one realm', () => {
  let world: World;
  beforeAll(async () => {
    const groups = [0, 1, 2, 3, 4].map(index => `/teams/${index}`);
    world = await createWorld({ groups, resyncPeriod: '10s' });
    // A realm holds more clients than those of the policies.
    const strangers = Array.from({ length: STRANGERS }, (_, index) => `stranger-${index}`);
    for (let from = 0; from < STRANGERS; from += IN_FLIGHT) {
      const some = strangers.slice(from, from + IN_FLIGHT);
      await Promise.all(
        some.map(clientId => world.admin.createClient(world.realm, { clientId, publicClient: true })),
      );
    }
    await world.startOperator();
    await Promise.all(names.map((name, index) => applyPolicy(world, specOf(index), name)));
    for (const name of names) await awaitReady(world, name);
  }, 180_000);
  afterAll(() => world?.stop());

  /** Policies that were looked at since the operator was last started. */
  const looked = async () => {
    const log = await world.operator().log();
    const start = log.findLastIndex(({ msg }) => msg === 'started');
    return new Set(log.slice(start).flatMap(({ msg, policy }) => (msg === 'reconciled' ? [policy] : [])));
  };

  it('cost one write and one proof each when they were made', () => {
    expect(writesOf(world.keycloak)).toHaveLength(POLICIES);
    const proofs = world.keycloak.requests.filter(
      ({ path, status }) => path.endsWith('/token') && status === 400,
    );
    expect(proofs).toHaveLength(POLICIES);
  });

  it('cost no write, and three requests to Keycloak in all, when each is compared with it again', async () => {
    const looks = async () => {
      const log = await world.operator().log();
      const counts = new Map(names.map(name => [`${HOME}/${name}`, 0]));
      for (const { msg, policy = '' } of log)
        if (msg === 'reconciled') counts.set(policy, (counts.get(policy) ?? 0) + 1);
      return counts;
    };
    /** Resolves when each policy has been looked at once more. */
    const round = async () => {
      const before = await looks();
      await eventually('each is looked at again', async () => {
        const after = await looks();
        return [...before].every(([policy, count]) => (after.get(policy) ?? 0) > count);
      });
    };
    const asked = () => world.keycloak.requests.filter(({ path }) => !path.endsWith('/token'));
    // Until what the making of them brought about is done.
    await round();
    world.api.reset();
    world.keycloak.reset();
    await eventually('the realm is listed', async () => asked().length > 0);
    await round();
    expect(writesOf(world.api)).toEqual([]);
    expect(asked().length).toBeLessThanOrEqual(3);
  });

  it('cost no write anywhere, and three requests to Keycloak besides groups and tokens, when the operator starts anew', async () => {
    await world.operator().stop();
    const before = await world.list<GotPolicy>(
      `/apis/argo-access.io/v1alpha1/namespaces/${HOME}/argoaccesspolicies`,
    );
    world.api.reset();
    world.keycloak.reset();
    await world.startOperator();
    await eventually('all are looked at', async () => (await looked()).size >= POLICIES);
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
    const others = world.keycloak.requests.filter(
      ({ path }) => !path.endsWith('/token') && !path.includes('/groups'),
    );
    expect(others.length).toBeLessThanOrEqual(3);
    const groups = world.keycloak.requests.filter(({ path }) => path.includes('/groups'));
    expect(groups).toHaveLength(5);
    const after = await world.list<GotPolicy>(
      `/apis/argo-access.io/v1alpha1/namespaces/${HOME}/argoaccesspolicies`,
    );
    expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(
      before.map(({ metadata }) => metadata.resourceVersion),
    );
  });
});
