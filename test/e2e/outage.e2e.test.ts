import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../env/process.ts';
import { type FaultProxy, startProxy } from '../env/proxy.ts';
import { sharedEnvironment } from '../env/shared.ts';
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
  reconciles,
  removePolicies,
  touch,
  usualSpec,
  type World,
  type WorldConfig,
  writesOf,
} from './world.ts';

const client = {
  clientId: 'argo-workflows',
  url: 'https://workflows.example.com',
  secret: { name: 'argo-server-sso' },
};

describe('a Keycloak that does not answer as it should', () => {
  let world: World;
  let encrypted: FaultProxy;
  let trusted: string;

  /** Those of policies that are gone by the end. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    const { keycloak, kubernetes } = await sharedEnvironment();
    // Any certificate will do that Keycloak's clients do not know.
    const [cert, key] = await Promise.all([
      readFile(kubernetes.tls.certPath, 'utf8'),
      readFile(kubernetes.tls.keyPath, 'utf8'),
    ]);
    trusted = kubernetes.tls.certPath;
    encrypted = await startProxy({ target: keycloak.url, tls: { cert, key, ca: cert } });
    world = await createWorld({ groups: ['/platform/admins'], resyncPeriod: '1s' });
    await world.configure(config => withFurtherConnections(config, world.kubernetes.tls.certPath));
    await world.startOperator();
  });
  afterEach(async () => {
    await world.keycloak.heal();
    for (const secret of await secretsOf(world)) secrets.add(secret);
    await removePolicies(world);
  });
  afterAll(async () => {
    await world?.stop();
    await encrypted?.close();
  });

  /** One connection by TLS, and leave to name a realm that does not exist. */
  function withFurtherConnections(config: WorldConfig, caFile: string): WorldConfig {
    const [connection] = config.connections;
    const [namespace] = config.namespaces;
    return {
      ...config,
      connections: [{ ...connection }, { ...connection, name: 'encrypted', url: encrypted.url, caFile }],
      namespaces: [
        {
          ...namespace,
          connections: [{ name: 'default', realms: [world.realm, 'nowhere'] }, { name: 'encrypted' }],
        },
      ],
    };
  }

  const awaitUnavailable = () =>
    awaitPolicy(world, 'says that Keycloak is unavailable', (_, condition) =>
      [condition('ClientReady')?.reason, condition('Ready')?.reason].every(
        reason => reason === 'KeycloakUnavailable',
      ),
    );

  it('lets a new policy wait and say why, and heals by itself; roles that name no group do not wait', async () => {
    await world.keycloak.fail({ kind: 'refuse' });
    const viewer = { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] };
    await applyPolicy(world, usualSpec({ roles: [viewer] }));
    const { status } = await awaitPolicy(
      world,
      'has its roles, and waits for Keycloak',
      (_, condition) =>
        condition('ClientReady')?.reason === 'KeycloakUnavailable' &&
        condition('RolesReady')?.status === 'True',
    );
    const condition = (type: string) => status?.conditions?.find(each => each.type === type);
    expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'KeycloakUnavailable' });
    expect(condition('Reconciling')?.status).toBe('True');
    expect(condition('Stalled')).toBeUndefined();
    expect(condition('ClientReady')?.message).toMatch(/cannot be reached .*; see whether Keycloak is up/);
    const account = await world.get(corePath('serviceaccounts', 'workflows-viewer'));
    expect(account?.metadata.annotations?.['workflows.argoproj.io/rbac-rule']).toBe('true');
    await world.keycloak.heal();
    await awaitReady(world);
  });

  it('lets roles wait whose groups have not been looked up, for they may be ambiguous', async () => {
    await world.keycloak.fail({ kind: 'refuse' });
    await applyPolicy(world, usualSpec());
    await awaitPolicy(
      world,
      'waits with its roles too',
      (_, condition) => condition('RolesReady')?.reason === 'KeycloakUnavailable',
    );
    expect(await world.get(corePath('serviceaccounts', 'workflows-admin'))).toBeUndefined();
    await world.keycloak.heal();
    await awaitReady(world);
  });

  it('lets a change wait, and follows it afterwards', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await world.keycloak.fail({ kind: 'refuse' });
    await applyPolicy(world, usualSpec({ client: { ...client, url: 'https://argo.example.com' } }));
    await awaitUnavailable();
    await world.keycloak.heal();
    await awaitReady(world);
    const found = await world.admin.client(world.realm, 'argo-workflows');
    expect(found?.redirectUris).toEqual(['https://argo.example.com/oauth2/callback']);
  });

  it('lets a deletion wait, visibly, with nobody let in meanwhile, and goes on afterwards', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await world.keycloak.fail({ kind: 'refuse' });
    await world.send('DELETE', policyPath('workflows'));
    const { status } = await awaitPolicy(
      world,
      'waits for Keycloak',
      (_, condition) => condition('Ready')?.message.startsWith('deletion waits: ') === true,
    );
    const [ready, reconciling] = status?.conditions ?? [];
    expect(ready).toMatchObject({ status: 'False', reason: 'KeycloakUnavailable' });
    expect(reconciling).toMatchObject({ type: 'Reconciling', status: 'True' });
    expect(await world.get(corePath('serviceaccounts', 'workflows-viewer'))).toBeUndefined();
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeDefined();
    await world.keycloak.heal();
    await awaitGone(world);
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeUndefined();
    expect(await world.get(corePath('secrets', 'argo-server-sso'))).toBeUndefined();
  });

  it('leaves a policy in sync Ready during a short outage, without a single write', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    await touch(world);
    const before = await awaitReady(world);
    await world.keycloak.fail({ kind: 'refuse' });
    const tries = async () => {
      const lines = await world.operator().log();
      return lines.filter(({ msg, result }) => msg === 'reconciled' && result === 'retry').length;
    };
    const soFar = await tries();
    await eventually('the operator has tried twice', async () => (await tries()) > soFar + 1, 30_000);
    expect(writesOf(world.api)).toEqual([]);
    const after = await world.get(policyPath('workflows'));
    expect(after?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await world.keycloak.heal();
    const looks = await reconciles(world);
    await eventually('the operator has looked again', async () => (await reconciles(world)) > looks, 30_000);
    expect((await world.operator().log()).findLast(({ msg }) => msg === 'reconciled')?.result).toBe('ok');
    expect(writesOf(world.api)).toEqual([]);
  });

  it.each([
    ['errors', 500, /answered 500/],
    ['a proxy without a Keycloak behind it', 404, /the answer is not one of Keycloak/],
  ])('waits during %s', async (_, status, message) => {
    await world.keycloak.fail({ kind: 'status', status });
    await applyPolicy(world, usualSpec());
    const policy = await awaitUnavailable();
    expect(policy.status?.conditions?.[0]?.message).toMatch(message);
    await world.keycloak.heal();
    await awaitReady(world);
  });

  it('makes no second client where the answer to the creation is lost', async () => {
    const isCreation = ({ method, path }: { method: string; path: string }) =>
      method === 'POST' && path.endsWith('/clients/');
    world.keycloak.reset();
    await world.keycloak.fail({ kind: 'lose', matches: isCreation });
    await applyPolicy(world, usualSpec());
    const creations = () => world.keycloak.requests.filter(isCreation);
    await eventually('the client was created', async () => creations().some(({ status }) => status === 201));
    await awaitReady(world);
    expect(creations().map(({ status }) => status)).toEqual([201]);
  });

  it('is Stalled for a realm that does not exist, says what to do, and can be deleted', async () => {
    await applyPolicy(world, usualSpec({ keycloak: { realm: 'nowhere' } }));
    const { status } = await awaitPolicy(
      world,
      'is Stalled',
      (_, condition) => condition('Stalled')?.reason === 'RealmNotFound',
    );
    expect(status?.conditions?.[0]?.message).toMatch(
      /there is no realm nowhere; create it, or correct the realm's name/,
    );
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
  });

  it("is Stalled while the operator's own secret is wrong, and heals when its file is rewritten", async () => {
    const path = join(world.folder, 'keycloak-secret');
    const right = await readFile(path, 'utf8');
    await writeFile(path, 'not-the-secret');
    // The token that an operator holds is good for a while whatever becomes of the secret.
    await world.operator().stop();
    await world.startOperator();
    await applyPolicy(world, usualSpec());
    const { status } = await awaitPolicy(
      world,
      'is Stalled',
      (_, condition) => condition('Stalled')?.reason === 'KeycloakCredentialsRefused',
    );
    expect(status?.conditions?.[0]?.message).toMatch(
      /connection default, .*client argo-access-operator is refused .*; correct the connection's clientId/,
    );
    await writeFile(path, right);
    await awaitReady(world);
    secrets.add('not-the-secret');
  });

  it('is Stalled while the certificate is not trusted, and takes up another CA without a restart', async () => {
    await applyPolicy(world, usualSpec({ keycloak: { connection: 'encrypted' } }));
    const { status } = await awaitPolicy(
      world,
      'is Stalled',
      (_, condition) => condition('Stalled')?.reason === 'KeycloakUntrusted',
    );
    expect(status?.conditions?.[0]?.message).toMatch(
      /connection encrypted, .*certificate of 127\.0\.0\.1:\d+ is not accepted \(\w+\); give the connection a caFile/,
    );
    await world.configure(config => withFurtherConnections(config, trusted));
    await awaitReady(world);
    expect(world.operator().ended()).toBe(false);
  });

  it('keeps nobody waiting who does not need it, however many policies do', async () => {
    const everyone = [{ name: 'all', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] }];
    await applyPolicy(world, { roles: everyone }, 'plain');
    await awaitReady(world, 'plain');
    await world.keycloak.fail({ kind: 'hang' });
    const names = Array.from({ length: 20 }, (_, index) => `many-${index}`);
    for (const [index, name] of names.entries()) {
      const secret = { name };
      await applyPolicy(
        world,
        {
          precedence: 2_000 + 10 * index,
          client: { ...client, clientId: `argo-${name}`, secret },
          roles: [{ name: 'all', everyone: true }],
        },
        name,
      );
    }
    for (const name of names) {
      await awaitPolicy(
        world,
        'says that Keycloak is unavailable',
        (_, condition) => condition('ClientReady')?.reason === 'KeycloakUnavailable',
        name,
      );
    }
    const path = `${bindingsPath(HOME)}/argo-access:argo:plain-all:clusterrole:argo-access-viewer`;
    await world.send('DELETE', path);
    await eventually('the binding is back', async () => (await world.get(path)) !== undefined, 5_000);
  });

  it('ends within seconds on SIGTERM while Keycloak hangs, and says so of a policy after its deadline', async () => {
    await world.keycloak.fail({ kind: 'hang' });
    await applyPolicy(world, usualSpec());
    const policy = await awaitUnavailable();
    expect(policy.status?.conditions?.[0]?.message).toMatch(/gave no complete answer within 10 s/);
    world.keycloak.reset();
    await eventually('another request hangs', async () => world.keycloak.requests.length > 0, 30_000);
    const begun = performance.now();
    expect(await world.operator().stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
    await world.keycloak.heal();
    await world.startOperator();
    await awaitReady(world);
  });

  it('says no secret anywhere, and calls none of this a fault of its own', async () => {
    await assertNoLeak(world, secrets);
    expect(await world.output()).not.toContain('a fault of the operator itself');
    expect(await world.output()).toContain(`"policy":"${HOME}/workflows"`);
  });
});
