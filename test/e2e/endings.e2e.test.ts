import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  createWorld,
  HOME,
  policyPath,
  removePolicies,
  TEAM,
  touch,
  usualSpec,
  type World,
  writesOf,
} from './world.ts';

const VIEWER_BINDING = `${bindingsPath(HOME)}/argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer`;
const TEAM_BINDING = `${bindingsPath(TEAM)}/argo-access:argo:workflows-admin:clusterrole:argo-access-admin`;
const VIEWER = corePath('serviceaccounts', 'workflows-viewer');
const withMissingCa = (config: string) => config.replace('realm:', 'caFile: nowhere.pem\n    realm:');
const SECRET = corePath('secrets', 'argo-server-sso');

describe('policies and operators that end, pause and change', () => {
  let world: World;
  /** Those of policies that are gone by the end. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    world = await createWorld({ groups: ['/platform/admins'] });
    await world.startOperator();
  });
  afterEach(async () => {
    for (const secret of await secretsOf(world)) secrets.add(secret);
    await removePolicies(world);
  });
  afterAll(() => world?.stop());

  const clientOf = () => world.admin.client(world.realm, 'argo-workflows');
  const said = async (text: string) => (await world.operator().output()).split(text).length - 1;

  it('keeps client and Secret with deletionPolicy Retain, so that a new policy can take both over', async () => {
    await applyPolicy(world, usualSpec({ deletionPolicy: 'Retain' }));
    await awaitReady(world);
    const [client, secret] = [await clientOf(), await world.get(SECRET)];
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    const kept = await clientOf();
    expect(kept).toMatchObject({ id: client?.id, secret: client?.secret, description: '' });
    expect(Object.keys(kept?.attributes ?? {}).filter(key => key.startsWith('argo-access.io/'))).toEqual([]);
    const released = await world.get(SECRET);
    expect(released).toMatchObject({
      data: secret?.data,
      metadata: { uid: secret?.metadata.uid, annotations: { 'argo-access.io/adopt-by': 'workflows' } },
    });
    expect(released?.metadata.ownerReferences).toBeUndefined();
    expect(released?.metadata.labels).toBeUndefined();
    const gone = [
      VIEWER,
      VIEWER_BINDING,
      TEAM_BINDING,
      corePath('secrets', 'workflows-viewer.service-account-token'),
    ];
    expect(await Promise.all(gone.map(path => world.get(path)))).toEqual(gone.map(() => undefined));

    const spec = usualSpec() as { readonly client: object };
    await applyPolicy(world, { ...spec, client: { ...spec.client, adopt: true }, deletionPolicy: 'Delete' });
    const adopting = await awaitReady(world);
    expect(adopting.status?.client).toMatchObject({ id: client?.id, adopted: true });
    const adopted = await world.get(SECRET);
    expect(adopted).toMatchObject({ data: secret?.data, metadata: { uid: secret?.metadata.uid } });
    expect(adopted?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([adopting.metadata.uid]);
    expect(adopted?.metadata.annotations).not.toHaveProperty('argo-access.io/adopt-by');
  });

  it('changes nothing while suspended, says so, and still cleans up when deleted', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await applyPolicy(world, usualSpec({ suspend: true }));
    const { status } = await awaitPolicy(
      world,
      'is suspended',
      (_, condition) => condition('Ready')?.reason === 'Suspended',
    );
    expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'Unknown' }]);
    const id = String((await clientOf())?.id);
    await world.admin.updateClient(world.realm, id, { redirectUris: ['https://elsewhere.example.com/x'] });
    await world.send('DELETE', VIEWER_BINDING);
    await touch(world);
    expect(writesOf(world.api)).toEqual([]);
    expect(world.keycloak.requests).toEqual([]);
    expect(await world.get(VIEWER_BINDING)).toBeUndefined();
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    expect(await clientOf()).toBeUndefined();
    expect(await world.get(VIEWER)).toBeUndefined();
    expect(await world.get(SECRET)).toBeUndefined();
  });

  it('catches up with all that changed while it was suspended, its deletionPolicy too', async () => {
    const client = { ...clientSpec(), url: 'https://argo.example.com' };
    await applyPolicy(world, usualSpec({ deletionPolicy: 'Retain' }));
    await awaitReady(world);
    await applyPolicy(world, usualSpec({ client, suspend: true }));
    await awaitPolicy(world, 'is suspended', (_, condition) => condition('Ready')?.reason === 'Suspended');
    await world.send('DELETE', VIEWER_BINDING);
    await touch(world);
    expect((await clientOf())?.redirectUris).toEqual(['https://workflows.example.com/oauth2/callback']);
    await applyPolicy(world, usualSpec({ client, deletionPolicy: 'Delete' }));
    await awaitReady(world);
    expect((await clientOf())?.redirectUris).toEqual(['https://argo.example.com/oauth2/callback']);
    expect(await world.get(VIEWER_BINDING)).toBeDefined();
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    expect(await clientOf()).toBeUndefined();
    expect(await world.get(SECRET)).toBeUndefined();
  });

  it('takes up a changed configuration without a restart, and leaves a wrong one', async () => {
    const process = world.operator();
    await applyPolicy(world, usualSpec({ client: { ...clientSpec(), url: 'https://argo.example.org' } }));
    await awaitPolicy(world, 'is refused', (_, condition) => condition('Stalled')?.reason === 'NotAllowed');
    await world.configure(config => {
      const [namespace] = config.namespaces;
      return {
        ...config,
        namespaces: [{ ...namespace, urls: ['https://*.example.com', 'https://*.example.org'] }],
      };
    });
    await awaitReady(world);
    const right = await readFile(world.configPath, 'utf8');
    await writeFile(world.configPath, withMissingCa(right));
    await eventually('the wrong one is told', async () => (await said('is not taken up: ')) === 1, 15_000);
    expect(await process.output()).toMatch(/nowhere\.pem with the certificates cannot be read/);
    await world.send('DELETE', VIEWER_BINDING);
    await eventually('drift is undone as before', () => world.get(VIEWER_BINDING), 15_000);
    await writeFile(world.configPath, right);
    await eventually(
      'the right one is taken up again',
      async () => (await said('"msg":"started"')) === 3,
      15_000,
    );
    expect(process.ended()).toBe(false);
  });

  it('says why it cannot delete a client whose connection is gone, and goes on when it is back', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    let former: readonly unknown[] = [];
    await restartWith(config => {
      former = config.connections;
      const [connection] = config.connections;
      const [namespace] = config.namespaces;
      return {
        ...config,
        connections: [{ ...connection, name: 'other' }],
        namespaces: [{ ...namespace, connections: [{ name: 'other' }] }],
      };
    });
    await world.send('DELETE', policyPath('workflows'));
    const { status } = await awaitPolicy(
      world,
      'is Stalled',
      (_, condition) => condition('Stalled')?.reason === 'ConnectionUnknown',
    );
    expect(status?.conditions?.[0]?.message).toMatch(/^deletion waits: .*no connection default/);
    expect(await clientOf()).toBeDefined();
    await restartWith(config => ({
      ...config,
      connections: former as typeof config.connections,
      namespaces: config.namespaces.map(each => ({ ...each, connections: [{ name: 'default' }] })),
    }));
    await awaitGone(world);
    expect(await clientOf()).toBeUndefined();
  });

  it('leaves what it made where a namespace is no longer served, and lets the policy go', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    let former: readonly unknown[] = [];
    await restartWith(config => {
      former = config.namespaces;
      return { ...config, namespaces: [] };
    });
    const { status } = await awaitPolicy(
      world,
      'is Stalled',
      (_, condition) => condition('Stalled')?.reason === 'NamespaceNotServed',
    );
    expect(status?.conditions?.[0]?.message).toMatch(/namespace argo is not served; ask the platform team/);
    world.keycloak.reset();
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    expect(world.keycloak.requests).toEqual([]);
    expect(await clientOf()).toBeDefined();
    expect(await world.get(TEAM_BINDING)).toBeDefined();
    await restartWith(config => ({ ...config, namespaces: former as typeof config.namespaces }));
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
  });

  it('ends with 0 on SIGTERM, also before it has begun', async () => {
    expect(await world.operator().stop()).toBe(0);
    await world.api.fail({ kind: 'hang', matches: ({ path }) => path.includes('/secrets') });
    world.api.reset();
    const operator = world.launchOperator();
    const asks = () => world.api.requests.some(({ path }) => path.includes('/secrets'));
    await eventually('it waits for the Secrets', async () => asks(), 15_000);
    const begun = performance.now();
    expect(await operator.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
    await world.api.heal();
    await world.startOperator();
  });

  it('ends with 1 where a file of the configuration is missing, and says which', async () => {
    await world.operator().stop();
    const right = await readFile(world.configPath, 'utf8');
    await writeFile(world.configPath, withMissingCa(right));
    const operator = world.launchOperator();
    await eventually('it has ended', async () => operator.ended(), 15_000);
    expect(await operator.stop()).toBe(1);
    expect(await operator.output()).toMatch(/nowhere\.pem with the certificates cannot be read/);
    await writeFile(world.configPath, right);
    await world.startOperator();
  });

  it('says no secret anywhere, and calls none of this a fault of its own', async () => {
    await assertNoLeak(world, secrets);
    expect(await world.output()).not.toContain('a fault of the operator itself');
  });

  function clientSpec(): object {
    return (usualSpec() as { readonly client: object }).client;
  }

  /** Quicker than to wait until it notices. */
  async function restartWith(change: Parameters<World['configure']>[0]): Promise<void> {
    await world.operator().stop();
    await world.configure(change);
    await world.startOperator();
  }
});
