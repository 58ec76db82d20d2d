import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { guardLanes, type Lane, startLanes, withLanes } from './lanes.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { laneObjects, proveAtTokenEndpoint, snapshot } from './snapshot.ts';
import { applyPolicy, createWorld, type Got, type GotPolicy, policyPath, type World } from './world.ts';

const LANES = 4;
const PHASES = ['create', 'update', 'delete'] as const;
type Phase = (typeof PHASES)[number];

/** One policy from its creation to its end, on a lane of its own. */
interface Life {
  readonly lane: Lane;
  readonly name: string;
  readonly clientId: string;
  /** After which write of each phase the operator is killed; undefined where it is not. */
  readonly killAfter: number | undefined;
}

const FOREIGN_RULE = 'any($env?.groups ?? [], # in ["/ops"])';

function specOf({ lane: { home, team, connection }, clientId }: Life, phase: Phase): unknown {
  const grant = (clusterRole: string, ...namespaces: readonly string[]) => ({ clusterRole, namespaces });
  const admin = {
    name: 'admin',
    groups: ['/platform/admins'],
    grants: [grant('argo-access-admin', home, team)],
  };
  const submit = grant('argo-access-submitter', home);
  const members = { name: 'members', groups: ['/teams/team-a'], grants: [submit] };
  const viewer = { name: 'viewer', everyone: true, grants: [grant('argo-access-viewer', home)] };
  const client = { clientId, url: 'https://workflows.example.com', secret: { name: 'argo-server-sso' } };
  if (phase === 'create') return { keycloak: { connection }, client, roles: [admin, members, viewer] };
  return {
    keycloak: { connection },
    client: { ...client, url: 'https://argo.example.com', secret: { name: 'argo-sso-credentials' } },
    roles: [
      { ...members, grants: [submit, grant('argo-access-viewer', team)] },
      admin,
      { ...viewer, name: 'guest' },
    ],
  };
}

describe('an operator that is killed after any write and started again', () => {
  let world: World;
  let lanes: readonly Lane[];
  /** What was in each lane's namespaces before any policy, byte for byte. */
  const before = new Map<Lane, readonly Got[]>();
  let foreignClient: unknown;
  /** Those of policies that are gone by the end. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    lanes = await startLanes(LANES);
    world = await createWorld({
      groups: ['/platform/admins', '/teams/team-a'],
      namespaces: lanes.flatMap(({ home, team }) => [home, team]),
      configure: config => withLanes(config, lanes),
    });
    await guardLanes(world, lanes);
    await world.admin.createClient(world.realm, { clientId: 'somebodys', description: 'not to be touched' });
    for (const { home } of lanes) await createForeign(home);
    await world.startOperator();
    for (const lane of lanes) before.set(lane, await laneObjects(world, lane));
    foreignClient = await world.admin.client(world.realm, 'somebodys');
  });
  afterAll(async () => {
    await world?.stop();
    await Promise.all((lanes ?? []).map(({ keycloak }) => keycloak.close()));
  });

  async function createForeign(namespace: string): Promise<void> {
    const metadata = { name: 'somebodys', namespace };
    const annotations = {
      'workflows.argoproj.io/rbac-rule': FOREIGN_RULE,
      'workflows.argoproj.io/rbac-rule-precedence': '5',
    };
    const path = `/api/v1/namespaces/${namespace}`;
    await world.send('POST', `${path}/serviceaccounts`, { metadata: { ...metadata, annotations } });
    await world.send('POST', `${path}/secrets`, { metadata, stringData: { key: 'not to be touched' } });
    // Kubernetes makes this account by itself, some time after the namespace.
    await eventually('the default account', () => world.get(`${path}/serviceaccounts/default`));
  }

  async function begin(phase: Phase, life: Life): Promise<void> {
    const { lane, name } = life;
    if (phase === 'delete') await world.send('DELETE', policyPath(name, lane.home));
    else await applyPolicy(world, specOf(life, phase), name, lane.home);
  }

  /** Whether the phase has reached its end and the operator that runs now has nothing left to do. */
  async function hasEnded(phase: Phase, { lane: { home }, name }: Life): Promise<boolean> {
    const policy = await world.get<GotPolicy>(policyPath(name, home));
    if (phase === 'delete' || policy === undefined) return policy === undefined;
    const { conditions = [], observedGeneration } = policy.status ?? {};
    const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    if (!ready || observedGeneration !== policy.metadata.generation) return false;
    const lines = await world.operator().log();
    const last = lines.findLast(({ msg, policy: key }) => msg === 'reconciled' && key === `${home}/${name}`);
    return last?.result === 'ok';
  }

  const awaitEnd = (phase: Phase, life: Life) =>
    eventually(`${phase} of ${life.name} has ended`, () => hasEnded(phase, life), 30_000, 60);

  async function assertForeignUntouched(life: Life): Promise<void> {
    const was = before.get(life.lane) ?? [];
    const uids = new Set(was.map(({ metadata }) => metadata.uid));
    const now = await laneObjects(world, life.lane);
    expect(now.filter(({ metadata }) => uids.has(metadata.uid))).toEqual(was);
    expect(await world.admin.client(world.realm, 'somebodys')).toEqual(foreignClient);
  }

  async function assertNothingLeft({ lane, clientId }: Life): Promise<void> {
    expect(await laneObjects(world, lane)).toEqual(before.get(lane));
    expect(await world.admin.client(world.realm, clientId)).toBeUndefined();
  }

  /** What a phase has led to, with everything taken out that differs from one policy to another. */
  async function outcome(phase: Phase, life: Life): Promise<unknown> {
    await assertForeignUntouched(life);
    if (phase === 'delete') return assertNothingLeft(life);
    for (const secret of await secretsOf(world)) secrets.add(secret);
    const secret = phase === 'create' ? 'argo-server-sso' : 'argo-sso-credentials';
    expect(await proveAtTokenEndpoint(world, life.lane.home, secret)).toBe('400 invalid_grant');
    return snapshot(world, life, before.get(life.lane) ?? []);
  }

  function newLife(lane: Lane, killAfter?: number): Life {
    const name = killAfter === undefined ? 'life-undisturbed' : `life-${killAfter}`;
    return { lane, name, clientId: `argo-of-${name}`, killAfter };
  }

  /** Takes lives through a phase; those that came to their kill point are the result. */
  async function pass(phase: Phase, lives: readonly Life[], kills: boolean): Promise<readonly Life[]> {
    for (const { lane, killAfter } of lives) lane.open(kills ? killAfter : undefined);
    await Promise.all(lives.map(life => begin(phase, life)));
    const halted = (life: Life) =>
      eventually(
        `${phase} of ${life.name} is stopped, or has ended`,
        async () => (life.lane.closed() ? life.lane.stopped() : hasEnded(phase, life)),
        30_000,
        60,
      );
    await Promise.all(lives.map(halted));
    const killed = lives.filter(({ lane }) => lane.stopped());
    if (killed.length > 0) {
      await world.operator().kill();
      for (const { lane } of lives) lane.open();
      await world.startOperator();
    }
    await Promise.all(lives.map(life => awaitEnd(phase, life)));
    return killed;
  }

  const expected = new Map<Phase, unknown>();
  const writes = new Map<Phase, number>();

  it('makes, changes and removes a policy where nothing goes wrong', async () => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    const life = newLife(lane);
    for (const phase of PHASES) {
      await pass(phase, [life], false);
      writes.set(phase, lane.lastingWrites());
      expected.set(phase, await outcome(phase, life));
    }
  });

  /** Lives that are killed after as many different writes of each phase; how many came to that, by phase. */
  async function round(from: number, kills: (phase: Phase) => boolean): Promise<Map<Phase, number>> {
    const lives = lanes.map((lane, index) => newLife(lane, from + index));
    const killed = new Map<Phase, number>();
    for (const phase of PHASES) {
      killed.set(phase, (await pass(phase, lives, kills(phase))).length);
      for (const life of lives) {
        const what = `${phase} with a kill after write ${life.killAfter}`;
        expect(await outcome(phase, life), what).toEqual(expected.get(phase));
      }
    }
    return killed;
  }

  it('comes to the same end, leaves nothing over and touches nothing foreign', {
    timeout: 180_000,
  }, async () => {
    const total = new Map<Phase, number>();
    // Where a policy was done before its kill point came, every write of that phase has had its turn.
    const goesOn = (phase: Phase, from: number) => (total.get(phase) ?? 0) === from - 1;
    for (let from = 1; PHASES.some(phase => goesOn(phase, from)); from += LANES) {
      const killed = await round(from, phase => goesOn(phase, from));
      for (const phase of PHASES) total.set(phase, (total.get(phase) ?? 0) + (killed.get(phase) ?? 0));
    }
    for (const phase of PHASES) {
      expect(writes.get(phase), phase).toBeGreaterThan(10);
      expect(total.get(phase), phase).toBeGreaterThanOrEqual(writes.get(phase) ?? 0);
    }
  });

  it('says no secret anywhere', () => assertNoLeak(world, secrets));
});
