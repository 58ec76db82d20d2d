import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { isWrite } from '../env/proxy.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import {
  applyPolicy,
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
} from './world.ts';

const OWN = 'argo-own';
const CRD = 'argoaccesspolicies.argo-access.io';
const ADMIN_IN_TEAM = 'argo-access:argo:workflows-admin:clusterrole:argo-access-admin';
const VIEWER_BINDING = 'argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer';

describe('a cluster in which things break and vanish', () => {
  let world: World;
  /** Those of policies that are gone by the end. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    world = await createWorld({
      groups: ['/platform/admins'],
      resyncPeriod: '1s',
      namespaces: [OWN],
      configure: config => {
        const [home] = config.namespaces;
        return {
          ...config,
          namespaces: [{ ...home }, { ...home, name: OWN, clusterRoles: grantsFrom(OWN) }],
        };
      },
    });
    await world.startOperator();
  });
  afterEach(async () => {
    await world.api.heal();
    for (const secret of await secretsOf(world)) secrets.add(secret);
    await removePolicies(world);
  });
  afterAll(() => world?.stop());

  const grantsFrom = (home: string) =>
    ['argo-access-admin', 'argo-access-viewer'].map(name => ({ name, namespaces: [home, TEAM] }));
  const bindings = async (namespace: string) =>
    (await world.list(bindingsPath(namespace)))
      .map(({ metadata }) => metadata.name)
      .filter(name => name.startsWith('argo-access:') && name.split(':').length > 3);
  const clientOf = (clientId = 'argo-workflows') => world.admin.client(world.realm, clientId);

  it('survives a restart of the API server in the middle, and sees drift after it', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    world.api.killAfter({
      count: 6,
      answer: 'lost',
      action: () => {
        // The server ends only when the proxy has hung up.
        void world.kubernetes.stopApiServer().then(resolve);
      },
    });
    await applyPolicy(world, usualSpec());
    await stopped;
    await world.kubernetes.startApiServer();
    await awaitReady(world);
    expect(world.operator().ended()).toBe(false);
    const path = `${bindingsPath(HOME)}/${VIEWER_BINDING}`;
    const before = await world.get(path);
    await world.send('DELETE', path);
    await eventually('the binding is there again', async () => {
      const after = await world.get(path);
      return after !== undefined && after.metadata.uid !== before?.metadata.uid;
    });
  });

  it('ends in the same place where the answer to every second write is lost', async () => {
    let answered = 0;
    await world.api.fail({
      kind: 'lose',
      matches: seen => {
        if (seen.status === undefined || !isWrite(seen)) return false;
        answered += 1;
        return answered % 2 === 1;
      },
    });
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    expect(answered).toBeGreaterThan(10);
    expect(await bindings(HOME)).toHaveLength(2);
    await removePolicies(world);
    expect(await bindings(HOME)).toEqual([]);
    expect(await bindings(TEAM)).toEqual([]);
    expect(await clientOf()).toBeUndefined();
  });

  it('says that a namespace of a grant is missing, leaves the rest alone, and heals when it is back', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await world.kubectl(['delete', 'namespace', TEAM]);
    const { status } = await awaitPolicy(
      world,
      'misses a namespace',
      (_, condition) => condition('RolesReady')?.reason === 'NamespaceMissing',
    );
    const condition = (type: string) => status?.conditions?.find(each => each.type === type);
    expect(condition('RolesReady')?.message).toMatch(/namespace team-a \(role admin\) does not exist/);
    expect(condition('ClientReady')?.status).toBe('True');
    expect(condition('SecretReady')?.status).toBe('True');
    expect(await bindings(HOME)).toHaveLength(2);
    const account = await world.get(corePath('serviceaccounts', 'workflows-admin'));
    expect(account?.metadata.annotations?.['workflows.argoproj.io/rbac-rule']).toContain('/platform/admins');
    await world.kubectl(['create', 'namespace', TEAM]);
    await world.configure(config => config);
    await awaitReady(world);
    expect(await bindings(TEAM)).toEqual([ADMIN_IN_TEAM]);
  });

  it('lets its own namespace go, and everything with it that is elsewhere', async () => {
    const spec = usualSpec({
      client: { clientId: 'argo-own', url: 'https://own.example.com', secret: { name: 'own-sso' } },
      roles: [
        {
          name: 'admin',
          groups: ['/platform/admins'],
          grants: [{ clusterRole: 'argo-access-admin', namespaces: [OWN, TEAM] }],
        },
      ],
    });
    await applyPolicy(world, spec, 'own', OWN);
    await awaitReady(world, 'own', OWN);
    expect(await bindings(TEAM)).toHaveLength(1);
    await world.kubectl(['delete', 'namespace', OWN, '--timeout=30s']);
    expect(await world.get(`/api/v1/namespaces/${OWN}`)).toBeUndefined();
    expect(await world.get(policyPath('own', OWN))).toBeUndefined();
    expect(await clientOf('argo-own')).toBeUndefined();
    expect(await bindings(TEAM)).toEqual([]);
  });

  it('keeps logins working where the CRD is deleted, and takes everything over where it comes back', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    const made = [
      corePath('serviceaccounts', 'workflows-admin'),
      corePath('secrets', 'argo-server-sso'),
      corePath('secrets', 'workflows-admin.service-account-token'),
      `${bindingsPath(HOME)}/${VIEWER_BINDING}`,
      `${bindingsPath(TEAM)}/${ADMIN_IN_TEAM}`,
    ];
    const before = await Promise.all(made.map(path => world.get(path)));
    const client = await clientOf();
    await world.kubectl(['delete', 'crd', CRD, '--timeout=30s']);
    const left = await Promise.all(made.map(path => world.get(path)));
    expect(left.map(uidOf)).toEqual(before.map(uidOf));
    expect(left.flatMap(object => object?.metadata.ownerReferences ?? [])).toEqual([]);
    expect(await clientOf()).toEqual(client);
    await world.kubectl([
      'apply',
      '-f',
      new URL('../../crds/argoaccesspolicies.yaml', import.meta.url).pathname,
    ]);
    await world.kubectl(['wait', '--for=condition=Established', `crd/${CRD}`]);
    await applyPolicy(world, usualSpec());
    const { metadata } = await awaitReady(world);
    const after = await Promise.all(made.map(path => world.get(path)));
    expect(after.map(uidOf)).toEqual(before.map(uidOf));
    expect(after[0]?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([metadata.uid]);
    expect((await clientOf())?.id).toBe(client?.id);
  });

  const uidOf = (object: Got | undefined) => object?.metadata.uid;

  it('says no secret anywhere, and calls none of this a fault of its own', async () => {
    await assertNoLeak(world, secrets);
    const faults = (await world.output())
      .split('\n')
      .filter(line => line.includes('a fault of the operator'));
    expect(faults).toEqual([]);
  });
});
