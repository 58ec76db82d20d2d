import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type RuleEngine } from '../../operator/argo/engine.ts';
import { type ListedAccount, type Mapping, mapUser } from '../env/argo.ts';
import { type Login, login } from '../env/login.ts';
import { isWrite } from '../env/proxy.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
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
  TEAM,
  touch,
  usualSpec,
  type World,
  writesOf,
} from './world.ts';

const REDIRECT = 'https://workflows.example.com/oauth2/callback';
const GROUPS = ['/platform/admins', '/teams/team-a', '/teams/team-b'];
const USERS = [
  { username: 'ada', groups: ['/platform/admins', '/teams/team-a'] },
  { username: 'tim', groups: ['/teams/team-a'] },
  { username: 'nora', groups: [] },
];

const viewer = { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] };
const team = {
  name: 'team',
  groups: ['/teams/team-a'],
  grants: [{ clusterRole: 'argo-access-submitter', namespaces: [HOME] }],
};
const admin = {
  name: 'admin',
  groups: ['/platform/admins'],
  grants: [{ clusterRole: 'argo-access-admin', namespaces: [HOME, TEAM] }],
};
const client = {
  clientId: 'argo-workflows',
  url: 'https://workflows.example.com',
  secret: { name: 'argo-server-sso' },
};

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

describe('the life of a policy', () => {
  let world: World;
  let engine: RuleEngine;
  /** Those of the policy, which is gone by the end. */
  const secrets = new Set<string>();
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(() => {}) });
    const allowed = {
      groups: ['/platform/*', '/teams/*', 'admins'],
      shortGroupNames: true,
      when: true,
      roles: [{ name: 'approver', namespaces: [TEAM] }],
    };
    world = await createWorld({
      groups: GROUPS,
      users: USERS,
      configure: config => ({
        ...config,
        namespaces: config.namespaces.map(each => ({ ...each, ...allowed })),
      }),
    });
    await world.startOperator();
  });
  afterAll(async () => {
    await world?.stop();
    await engine?.close();
  });

  /** Signs in at the client with the credentials from the Secret, as Argo Server does. */
  async function signIn(username: string): Promise<Login> {
    const secret = await world.get(corePath('secrets', 'argo-server-sso'));
    return login(
      {
        issuer: `${world.admin.url}/realms/${world.realm}`,
        clientId: text(secret?.data?.['client-id']),
        clientSecret: text(secret?.data?.['client-secret']),
        redirectUri: REDIRECT,
      },
      username,
    );
  }

  async function mapped(username: string): Promise<Mapping> {
    const { claims } = await signIn(username);
    const accounts = await world.list<ListedAccount>(`/api/v1/namespaces/${HOME}/serviceaccounts`);
    return mapUser(engine, accounts, claims);
  }

  /** Whether the API server lets the account of a token do something. */
  async function may(account: string, verb: string, resource: string, namespace: string): Promise<boolean> {
    const user = `system:serviceaccount:${HOME}:${account}`;
    const spec = { user, resourceAttributes: { verb, resource, namespace, group: 'argoproj.io' } };
    const answer = await world.send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec,
    });
    return (answer as { status: { allowed: boolean } }).status.allowed;
  }

  async function keycloakClient(): Promise<Record<string, unknown>> {
    const found = await world.admin.client(world.realm, 'argo-workflows');
    if (found === undefined) throw new Error('the client is not there');
    return found;
  }

  const accounts = () => world.list<Got>(`/api/v1/namespaces/${HOME}/serviceaccounts`);
  const bindingNames = async (namespace: string) => {
    const label = encodeURIComponent('argo-access.io/policy');
    const bindings = await world.list(`${bindingsPath(namespace)}?labelSelector=${label}`);
    return bindings.map(({ metadata }) => metadata.name).toSorted();
  };

  async function expectInSync(): Promise<void> {
    await touch(world);
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
  }

  it('costs one write, at most three reads and one proof at Keycloak when it has one role with one group', async () => {
    world.keycloak.reset();
    await applyPolicy(world, { client, roles: [{ name: 'admin', groups: ['/platform/admins'] }] });
    await awaitReady(world);
    const tokens = world.keycloak.requests.filter(({ path }) => path.endsWith('/token'));
    const others = world.keycloak.requests.filter(request => !tokens.includes(request));
    expect(others.filter(isWrite)).toHaveLength(1);
    expect(others.filter(request => !isWrite(request)).length).toBeLessThanOrEqual(3);
    expect(tokens.filter(({ status }) => status === 400)).toHaveLength(1);
  });

  it('is in sync when it is Ready: looking again writes nothing anywhere', expectInSync);

  it('lets three users sign in who end at the accounts of their roles, with what those are granted', async () => {
    await applyPolicy(world, { client, roles: [admin, team, viewer] });
    await awaitReady(world);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-admin' });
    expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-team' });
    expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
    expect((await signIn('nora')).claims.groups).toBeUndefined();
    expect((await signIn('ada')).userinfo.groups).toEqual(['/platform/admins', '/teams/team-a']);
    expect(await may('workflows-admin', 'delete', 'workflows', TEAM)).toBe(true);
    expect(await may('workflows-team', 'create', 'workflows', HOME)).toBe(true);
    expect(await may('workflows-team', 'create', 'workflows', TEAM)).toBe(false);
    expect(await may('workflows-viewer', 'list', 'workflows', HOME)).toBe(true);
    expect(await may('workflows-viewer', 'create', 'workflows', HOME)).toBe(false);
  });

  it('gives each account a token that the API server takes for that account', async () => {
    const secret = await world.get(corePath('secrets', 'workflows-team.service-account-token'));
    const review = (await world.send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: text(secret?.data?.token) },
    })) as { status: { user: { username: string } } };
    expect(review.status.user.username).toBe(`system:serviceaccount:${HOME}:workflows-team`);
  });

  it('makes a confidential client for the authorization-code flow only, with its mapper', async () => {
    const found = await keycloakClient();
    expect(found).toMatchObject({
      publicClient: false,
      standardFlowEnabled: true,
      implicitFlowEnabled: false,
      directAccessGrantsEnabled: false,
      serviceAccountsEnabled: false,
      fullScopeAllowed: false,
      redirectUris: [REDIRECT],
      baseUrl: 'https://workflows.example.com',
      protocolMappers: [
        {
          protocolMapper: 'oidc-group-membership-mapper',
          config: {
            'claim.name': 'groups',
            'full.path': 'true',
            'id.token.claim': 'true',
            'userinfo.token.claim': 'true',
          },
        },
      ],
    });
  });

  it('follows a change of the URLs', async () => {
    const additionalUrls = ['https://argo.example.com/'];
    await applyPolicy(world, { client: { ...client, additionalUrls }, roles: [admin, team, viewer] });
    await awaitReady(world);
    const { redirectUris } = await keycloakClient();
    expect((redirectUris as string[]).toSorted()).toEqual([
      'https://argo.example.com/oauth2/callback',
      REDIRECT,
    ]);
    await applyPolicy(world, { client, roles: [admin, team, viewer] });
    await awaitReady(world);
    expect((await keycloakClient()).redirectUris).toEqual([REDIRECT]);
  });

  it('follows a change of the keys, labels and annotations of the Secret, and removes the former ones', async () => {
    const secret = {
      name: 'argo-server-sso',
      clientIdKey: 'id',
      clientSecretKey: 'secret',
      labels: { 'example.com/team': 'a' },
      annotations: { 'example.com/note': 'b' },
    };
    await applyPolicy(world, { client: { ...client, secret }, roles: [viewer] });
    await awaitReady(world);
    const first = await world.get(corePath('secrets', 'argo-server-sso'));
    expect(Object.keys(first?.data ?? {}).toSorted()).toEqual(['id', 'secret']);
    expect(first?.metadata.labels).toMatchObject({ 'example.com/team': 'a' });
    expect(first?.metadata.annotations).toMatchObject({ 'example.com/note': 'b' });
    await applyPolicy(world, { client, roles: [viewer] });
    await awaitReady(world);
    const second = await world.get(corePath('secrets', 'argo-server-sso'));
    expect(Object.keys(second?.data ?? {}).toSorted()).toEqual(['client-id', 'client-secret']);
    expect(second?.metadata.labels).not.toHaveProperty(['example.com/team']);
    expect(second?.metadata.annotations).not.toHaveProperty(['example.com/note']);
    await expectInSync();
  });

  it('moves the credentials to another Secret: the new one first, the old one removed last', async () => {
    world.api.reset();
    const secret = { name: 'sso-credentials' };
    await applyPolicy(world, { client: { ...client, secret }, roles: [viewer] });
    await awaitReady(world);
    expect(await world.get(corePath('secrets', 'argo-server-sso'))).toBeUndefined();
    expect(text((await world.get(corePath('secrets', 'sso-credentials')))?.data?.['client-secret'])).toBe(
      (await keycloakClient()).secret,
    );
    const order = writesOf(world.api).map(({ method, path }) => `${method} ${path.split('?')[0]}`);
    const created = order.indexOf(`POST /api/v1/namespaces/${HOME}/secrets`);
    const removed = order.indexOf(`DELETE ${corePath('secrets', 'argo-server-sso')}`);
    expect(created).toBeGreaterThanOrEqual(0);
    expect(removed).toBeGreaterThan(created);
    await applyPolicy(world, { client, roles: [viewer] });
    await awaitReady(world);
  });

  it('follows roles that come, change their order and grants, and go', async () => {
    await applyPolicy(world, { client, roles: [team, admin, viewer] });
    await awaitReady(world);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-team' });
    await applyPolicy(world, {
      client,
      precedence: 2000,
      roles: [{ ...admin, grants: [{ clusterRole: 'argo-access-viewer', namespaces: [TEAM] }] }, viewer],
    });
    const policy = await awaitReady(world);
    expect(policy.status?.summary?.roles).toBe('2/2');
    expect(policy.status?.roles?.map(({ precedence }) => precedence)).toEqual([2000, 1990]);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-admin' });
    expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
    expect((await accounts()).map(({ metadata }) => metadata.name)).not.toContain('workflows-team');
    expect(await world.get(corePath('secrets', 'workflows-team.service-account-token'))).toBeUndefined();
    expect(await bindingNames(TEAM)).toEqual([
      'argo-access:argo:workflows-admin:clusterrole:argo-access-viewer',
    ]);
    expect(await bindingNames(HOME)).toEqual([
      'argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer',
    ]);
    await expectInSync();
  });

  describe('with a role by an expression', () => {
    const staff = (when: string) => ({
      client,
      roles: [{ name: 'staff', when, grants: [{ clusterRole: 'argo-access-submitter' }] }, viewer],
    });
    const ofTeam =
      '"/teams/team-a" in ($env?.groups ?? []) and\n\t($env?.preferred_username ?? "") != "ada" // not her';
    const rules = async () =>
      (await accounts()).map(({ metadata }) => metadata.annotations?.['workflows.argoproj.io/rbac-rule']);

    it('gives it to those for whom the expression is true, and follows a change of it', async () => {
      await applyPolicy(world, staff(ofTeam));
      await awaitReady(world);
      expect(await rules()).toContain(ofTeam);
      expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-staff' });
      for (const name of ['ada', 'nora'])
        expect(await mapped(name)).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
      await expectInSync();
      await applyPolicy(world, staff('($env?.preferred_username ?? "") in ["nora"]'));
      await awaitReady(world);
      expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-staff' });
      expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
    });

    it.each([
      [
        'that fails for users in no group',
        '"/teams/team-a" in groups',
        'a user in no group (unknown name groups',
      ],
      [
        'that takes too long',
        'let r = 1..100000; all(r, {all(r, {# > -1})})',
        'given up: it takes longer than',
      ],
    ])('never writes one %s, while others go on', async (_, when, why) => {
      const before = await rules();
      await applyPolicy(world, staff(when));
      await applyPolicy(world, { precedence: 5000, roles: [team] }, 'other');
      const { status } = await awaitPolicy(
        world,
        'stalls',
        (_policy, condition) => condition('Stalled')?.reason === 'WhenFails',
      );
      const told = status?.conditions?.find(({ type }) => type === 'RolesReady')?.message;
      expect(told).toContain(
        'spec.roles[0].when: the expression of role staff is neither true nor false for ',
      );
      expect(told).toContain(why);
      await awaitReady(world, 'other');
      expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'other-team' });
      expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-staff' });
      await world.send('DELETE', policyPath('other'));
      await awaitGone(world, 'other');
      expect(await rules()).toEqual(before);
      await expectInSync();
    });

    it('goes on once the expression is mended', async () => {
      await applyPolicy(world, staff(ofTeam));
      await awaitReady(world);
      expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-staff' });
      expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
    });
  });

  it('grants a Role of a namespace, and takes it back', async () => {
    const path = bindingsPath(TEAM).replace(/bindings$/, 's');
    await world.send('POST', path, {
      metadata: { name: 'approver' },
      rules: [{ apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['deletecollection'] }],
    });
    const approves = () => may('workflows-team', 'deletecollection', 'workflows', TEAM);
    const approver = { ...team, grants: [{ role: 'approver', namespaces: [TEAM] }] };
    await applyPolicy(world, { client, roles: [approver, viewer] });
    await awaitReady(world);
    expect(await approves()).toBe(true);
    expect(await bindingNames(TEAM)).toEqual(['argo-access:argo:workflows-team:role:approver']);
    await applyPolicy(world, { client, roles: [team, viewer] });
    await awaitReady(world);
    expect(await approves()).toBe(false);
    expect(await bindingNames(TEAM)).toEqual([]);
  });

  it('names groups by their last part where the policy says so, and back', async () => {
    const keycloak = { groups: { fullPath: false } };
    await applyPolicy(world, { keycloak, client, roles: [{ ...admin, groups: ['admins'] }, viewer] });
    await awaitReady(world);
    expect((await signIn('ada')).claims.groups).toEqual(['admins', 'team-a']);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-admin' });
    expect(await mapped('tim')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
    await applyPolicy(world, { client, roles: [admin, viewer] });
    await awaitReady(world);
    expect((await signIn('ada')).claims.groups).toEqual(['/platform/admins', '/teams/team-a']);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-admin' });
  });

  it('takes another ServiceAccount where a role names one', async () => {
    await applyPolicy(world, { client, roles: [{ ...admin, serviceAccount: 'platform-admins' }, viewer] });
    await awaitReady(world);
    expect(await mapped('ada')).toEqual({ kind: 'mapped', serviceAccount: 'platform-admins' });
    expect((await accounts()).map(({ metadata }) => metadata.name)).not.toContain('workflows-admin');
  });

  it('follows a change of the claim', async () => {
    const keycloak = { groups: { claim: 'teams' } };
    await applyPolicy(world, { keycloak, client, roles: [admin, viewer] });
    await awaitReady(world);
    const { claims } = await signIn('ada');
    expect(claims).toMatchObject({ teams: ['/platform/admins', '/teams/team-a'] });
    expect(claims).not.toHaveProperty('groups');
  });

  it('fills the claim with roles of the client where the policy says so, and back', async () => {
    const keycloak = { groups: { source: 'ClientRoles' } };
    const roles = [{ ...admin, groups: ['/platform/admins'] }, viewer];
    await applyPolicy(world, { keycloak, client, roles });
    await awaitReady(world);
    const { id } = await keycloakClient();
    const path = `/${world.realm}/clients/${String(id)}/roles`;
    const made = (await (await world.admin.request('GET', path)).json()) as { name: string }[];
    expect(made.map(({ name }) => name)).toEqual(['/platform/admins']);
    const user = await world.admin.userId(world.realm, 'nora');
    await world.admin.request(
      'POST',
      `/${world.realm}/users/${user}/role-mappings/clients/${String(id)}`,
      made,
    );
    expect((await signIn('nora')).claims.groups).toEqual(['/platform/admins']);
    expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-admin' });
    await expectInSync();
    await applyPolicy(world, { client, roles: [admin, viewer] });
    await awaitReady(world);
    expect(await mapped('nora')).toEqual({ kind: 'mapped', serviceAccount: 'workflows-viewer' });
  });

  it('refuses, at the API server, a change of what cannot change', async () => {
    const other = { ...client, clientId: 'argo-other' };
    await expect(applyPolicy(world, { client: other, roles: [viewer] })).rejects.toThrow(/clientId/);
    await expect(applyPolicy(world, { roles: [viewer] })).rejects.toThrow(/client/);
    const keycloak = { realm: 'elsewhere' };
    await expect(applyPolicy(world, { keycloak, client, roles: [viewer] })).rejects.toThrow(/realm/);
  });

  it('shows at /metrics, beside the probes, what was done for it', async () => {
    const lines = await world.operator().log();
    const port = lines.findLast(line => line.port !== undefined)?.port;
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await ask('/livez')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(200);
    const text = await (await ask('/metrics')).text();
    const value = (sample: string) => Number(text.split(`\n${sample} `)[1]?.split('\n')[0]);
    expect(value('argo_access_policies{condition="Ready",status="True"}')).toBe(1);
    expect(value('argo_access_keycloak_connection_up{connection="default"}')).toBe(1);
    expect(value('argo_access_reconciles_total{result="ok"}')).toBeGreaterThan(10);
    expect(value('argo_access_reconciles_total{result="fault"}')).toBe(0);
    const asked = value('argo_access_keycloak_requests_total{connection="default",outcome="Ok"}');
    expect(asked).toBeGreaterThan(10);
  });

  it('costs nothing when the operator starts again', async () => {
    await applyPolicy(world, usualSpec());
    await awaitReady(world);
    expect(await world.operator().stop()).toBe(0);
    world.api.reset();
    world.keycloak.reset();
    await world.startOperator();
    await touch(world);
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
  });

  it('leaves nothing when it is deleted, and nothing else is touched', async () => {
    const foreign = await world.list(`/api/v1/namespaces/${HOME}/serviceaccounts`);
    for (const secret of await secretsOf(world)) secrets.add(secret);
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeUndefined();
    expect(await world.list(`/api/v1/namespaces/${HOME}/secrets`)).toEqual([]);
    expect(await bindingNames(HOME)).toEqual([]);
    expect(await bindingNames(TEAM)).toEqual([]);
    const left = await world.list(`/api/v1/namespaces/${HOME}/serviceaccounts`);
    expect(left).toEqual(foreign.filter(({ metadata }) => metadata.name === 'default'));
  });

  it('says no secret anywhere', () => assertNoLeak(world, secrets));
});
