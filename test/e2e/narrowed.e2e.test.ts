import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  createWorld,
  type Got,
  HOME,
  policyPath,
  removePolicies,
  TEAM,
  usualSpec,
  type World,
  type WorldConfig,
} from './world.ts';

const TEAM_BINDING = `${bindingsPath(TEAM)}/argo-access:argo:workflows-admin:clusterrole:argo-access-admin`;
const ADMIN = corePath('serviceaccounts', 'workflows-admin');
const MARKS = /^workflows\.argoproj\.io\//;

/** The configuration with other namespaces in which roles may be granted. */
function grantingIn(config: WorldConfig, namespaces: readonly string[]): WorldConfig {
  const narrowed = config.namespaces.map(entry => ({
    ...entry,
    clusterRoles: (entry.clusterRoles as readonly object[]).map(role => ({ ...role, namespaces })),
  }));
  return { ...config, namespaces: narrowed };
}

describe('an operator that may no longer do what it did', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld({ groups: ['/platform/admins'] });
    await world.startOperator();
  });
  afterEach(() => removePolicies(world));
  afterAll(() => world?.stop());

  const loseRightsIn = async (namespace: string) => {
    const rendered = ['-n', namespace, '-l', 'app.kubernetes.io/managed-by=argo-access-rbac'];
    await world.kubectl(['delete', 'roles,rolebindings', ...rendered]);
  };
  const narrow = async () => {
    await world.configure(config => grantingIn(config, [HOME]));
    await loseRightsIn(TEAM);
    await awaitPolicy(world, 'is refused', (_, condition) => condition('Ready')?.reason === 'NotAllowed');
  };
  const widen = () => world.configure(config => grantingIn(config, [HOME, TEAM]));
  const awaitOutOfSight = () =>
    awaitPolicy(
      world,
      'says what it cannot see',
      (_, condition) => condition('Ready')?.reason === 'OutOfSight',
    );

  it('says that a grant stays in a namespace that is named no more, and takes it back once it is', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await narrow();
    await applyPolicy(world, usualSpec({ roles: [{ name: 'admin', groups: ['/platform/admins'] }] }));
    const { status } = await awaitOutOfSight();
    expect(status?.conditions?.[0]?.message).toContain(
      `RoleBinding ${TEAM}/${TEAM_BINDING.split('/').at(-1)}`,
    );
    expect(await world.get(TEAM_BINDING)).toBeDefined();
    await widen();
    await eventually('the grant is gone', async () => (await world.get(TEAM_BINDING)) === undefined);
    await awaitReady(world);
  });

  it('lets a policy go only when nothing is left in a namespace that was named', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await narrow();
    await world.send('DELETE', policyPath('workflows'));
    const { status } = await awaitOutOfSight();
    expect(status?.conditions?.[0]?.message).toMatch(/^deletion waits: RoleBinding team-a/);
    expect(await world.get(ADMIN)).toBeUndefined();
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeUndefined();
    await widen();
    await awaitGone(world);
    expect(await world.get(TEAM_BINDING)).toBeUndefined();
  });

  it('denies nobody for a grant that the API server refuses', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    const marks = async () => {
      const { annotations = {} } = (await world.get<Got>(ADMIN))?.metadata ?? {};
      return Object.entries(annotations).filter(([key]) => MARKS.test(key));
    };
    const before = await marks();
    await loseRightsIn(TEAM);
    const grants = ['argo-access-admin', 'argo-access-submitter'].map(clusterRole => ({
      clusterRole,
      namespaces: [HOME, TEAM],
    }));
    await applyPolicy(world, usualSpec({ roles: [{ name: 'admin', groups: ['/platform/admins'], grants }] }));
    await awaitPolicy(
      world,
      'says what is forbidden',
      (_, condition) => condition('RolesReady')?.reason === 'KubernetesForbidden',
    );
    expect(await marks()).toEqual(before);
    await widen();
    await awaitReady(world);
  });
});
