import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ANNOTATION_ADOPT_BY,
  ARGO_PRECEDENCE,
  ARGO_RULE,
  ATTRIBUTE_ADOPTED,
  ATTRIBUTE_CLUSTER,
  ATTRIBUTE_OWNER,
  LABEL_POLICY_UID,
} from '../../operator/api/names.ts';
import { specSchema } from '../../operator/api/schema.ts';
import type { Condition } from '../../operator/api/status-schema.ts';
import { eventually } from '../env/process.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { pictureOfClient, type Representation } from './picture.ts';
import { edit, expectQuiet } from './quiet.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  createWorld,
  type Got,
  type GotPolicy,
  HOME,
  policyPath,
  TEAM,
  touch,
  type World,
  writesOf,
} from './world.ts';

/** Another namespace that is served. */
const OTHER = 'argo-other';
const FORMER_CLUSTER = '0a1b2c3d-0000-4000-8000-000000000001';
const NAME = 'workflows';
const TOKEN_TYPE = 'kubernetes.io/service-account-token';

let world: World;
/** Secrets that are gone, and must not have been shown either. */
const former = new Set<string>();

beforeAll(async () => {
  world = await createWorld({
    groups: ['/platform/admins', '/teams/team-a'],
    namespaces: [OTHER],
    resyncPeriod: '1s',
    configure: ({ namespaces, ...config }) => ({
      ...config,
      formerClusters: [FORMER_CLUSTER],
      namespaces: [HOME, OTHER].map(name => ({ ...namespaces[0], name, clientIds: ['*'] })),
    }),
  });
  await world.startOperator();
});
afterAll(() => world?.stop());

/** Removes the policies, and then all that tests have made beside them. */
afterEach(async () => {
  for (const secret of await secretsOf(world)) former.add(secret);
  for (const namespace of [HOME, OTHER]) {
    for (const { metadata } of await world.list(policyPath('', namespace).slice(0, -1))) {
      await world.send('DELETE', policyPath(metadata.name, namespace));
      await awaitGone(world, metadata.name, namespace);
    }
  }
  const accounts = `/api/v1/namespaces/${HOME}/serviceaccounts`;
  await world.send('DELETE', `/api/v1/namespaces/${HOME}/secrets`);
  await world.send('DELETE', `${accounts}?fieldSelector=metadata.name!=default`);
  for (const path of [bindingsPath(HOME), bindingsPath(TEAM)]) {
    const bindings = await world.list(path);
    const ours = bindings.filter(({ metadata }) => metadata.name.startsWith(`argo-access:${HOME}:`));
    for (const { metadata } of ours) await world.send('DELETE', `${path}/${metadata.name}`);
  }
});

interface Wish {
  readonly clientId?: string;
  readonly adopt?: boolean;
  readonly secret?: string;
  readonly precedence?: number;
  readonly groups?: readonly string[];
  readonly serviceAccount?: string;
  readonly deletionPolicy?: string;
}

/** A policy with one role, and a client where one is named. */
function wish({
  clientId,
  adopt = false,
  secret = 'argo-sso',
  groups,
  serviceAccount,
  ...rest
}: Wish): unknown {
  const client = { clientId, url: 'https://workflows.example.com', adopt, secret: { name: secret } };
  return specSchema.parse({
    ...rest,
    ...(clientId !== undefined && { client }),
    roles: [
      {
        name: 'admin',
        ...(serviceAccount !== undefined && { serviceAccount }),
        groups: groups ?? ['/platform/admins'],
        grants: [{ clusterRole: 'argo-access-admin', namespaces: [HOME, TEAM] }],
      },
    ],
  });
}

function conditionOf(policy: GotPolicy, type = 'Ready'): Condition | undefined {
  return policy.status?.conditions?.find(condition => condition.type === type);
}

/** Waits until a policy stalls for a reason, and gives what it says. */
async function awaitStalled(reason: string, name = NAME, namespace = HOME): Promise<string> {
  const stalled = await awaitPolicy(
    world,
    `stalls with ${reason}`,
    (_, condition) => condition('Stalled')?.reason === reason && condition('Ready')?.reason === reason,
    name,
    namespace,
  );
  return conditionOf(stalled)?.message ?? '';
}

/** Waits until a policy is Ready with a warning, and gives what it says. */
async function awaitWarned(reason: string, name = NAME): Promise<string> {
  const warned = await awaitPolicy(
    world,
    `warns of ${reason}`,
    (_, condition) => condition('Ready')?.status === 'True' && condition('Ready')?.reason === reason,
    name,
  );
  return conditionOf(warned)?.message ?? '';
}

/** Roles do not wait for the client. */
function awaitRoles(name: string, namespace = HOME): Promise<GotPolicy> {
  const ready = (condition: (type: string) => Condition | undefined) =>
    condition('RolesReady')?.status === 'True';
  return awaitPolicy(world, 'has its roles', (_, condition) => ready(condition), name, namespace);
}

async function clientOf(clientId: string): Promise<Representation> {
  const client = await world.admin.client(world.realm, clientId);
  if (client === undefined) throw new Error(`no client ${clientId}`);
  return client as Representation;
}

async function secretValue(name = 'argo-sso'): Promise<string> {
  const secret = await world.get(corePath('secrets', name));
  return Buffer.from(secret?.data?.['client-secret'] ?? '', 'base64').toString('utf8');
}

function create(path: string, body: object): Promise<unknown> {
  return world.send('POST', path.slice(0, path.lastIndexOf('/')), body);
}

const adopt = (path: string, name: string | null) =>
  edit(world, path, { metadata: { annotations: { [ANNOTATION_ADOPT_BY]: name } } });

describe('a client that exists in Keycloak', () => {
  const existing = {
    publicClient: false,
    standardFlowEnabled: true,
    redirectUris: ['https://old.example.com/*'],
  };

  it('is taken over with adopt, keeps its secret, and stays when the policy goes, ready to be taken over again', async () => {
    const theirs = { name: 'Workflows', attributes: { theirs: 'x' }, secret: 'there-before-the-policy' };
    const id = await world.admin.createClient(world.realm, { clientId: 'argo-old', ...existing, ...theirs });
    await applyPolicy(world, wish({ clientId: 'argo-old', adopt: true }));
    const policy = await awaitReady(world);
    expect(policy.status?.client).toEqual({ id, clientId: 'argo-old', realm: world.realm, adopted: true });
    expect(await secretValue()).toBe('there-before-the-policy');
    expect(await clientOf('argo-old')).toMatchObject({
      name: 'Workflows',
      secret: 'there-before-the-policy',
      redirectUris: ['https://workflows.example.com/oauth2/callback'],
      attributes: { theirs: 'x', [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_ADOPTED]: 'true' },
    });
    await expectQuiet(world);

    await world.send('DELETE', policyPath(NAME));
    await awaitGone(world);
    const released = await clientOf('argo-old');
    expect(released).toMatchObject({ id, enabled: true, secret: 'there-before-the-policy', description: '' });
    const marks = Object.keys(released.attributes).filter(key => key.startsWith('argo-access.io/'));
    expect(marks).toEqual([]);
    const kept = await world.get(corePath('secrets', 'argo-sso'));
    expect(kept?.metadata.annotations?.[ANNOTATION_ADOPT_BY]).toBe(NAME);
    expect(kept?.metadata.labels?.[LABEL_POLICY_UID]).toBeUndefined();
    expect(kept?.metadata.ownerReferences).toBeUndefined();
    expect(await world.get(corePath('serviceaccounts', 'workflows-admin'))).toBeUndefined();

    await applyPolicy(world, wish({ clientId: 'argo-old', adopt: true, deletionPolicy: 'Delete' }));
    await awaitReady(world);
    expect((await world.get(corePath('secrets', 'argo-sso')))?.metadata.uid).toBe(kept?.metadata.uid);
    expect(await secretValue()).toBe('there-before-the-policy');
    await world.send('DELETE', policyPath(NAME));
    await awaitGone(world);
    expect(await world.admin.client(world.realm, 'argo-old')).toBeUndefined();
    expect(await world.get(corePath('secrets', 'argo-sso'))).toBeUndefined();
  });

  it('is refused without adopt, and taken over once that is set', async () => {
    await world.admin.createClient(world.realm, { clientId: 'argo-there', ...existing });
    const before = await clientOf('argo-there');
    await applyPolicy(world, wish({ clientId: 'argo-there', deletionPolicy: 'Delete' }));
    expect(await awaitStalled('ClientExists')).toBe(
      'spec.client.clientId: client argo-there exists already; set spec.client.adopt to true to take it over, or ' +
        'choose another clientId',
    );
    await touch(world);
    expect(pictureOfClient(await clientOf('argo-there'))).toEqual(pictureOfClient(before));
    expect(await world.get(corePath('secrets', 'argo-sso'))).toBeUndefined();
    await applyPolicy(world, wish({ clientId: 'argo-there', adopt: true, deletionPolicy: 'Delete' }));
    await awaitReady(world);
    expect(await secretValue()).toBe((await clientOf('argo-there')).secret);
    await expectQuiet(world);
  });

  async function expectRefused(clientId: string, reason: string, why: string): Promise<void> {
    const before = await clientOf(clientId);
    world.keycloak.reset();
    await applyPolicy(world, wish({ clientId, adopt: true, deletionPolicy: 'Delete' }));
    const message = await awaitStalled(reason);
    expect(message).toContain(`client ${clientId} ${why}`);
    await touch(world);
    await world.send('DELETE', policyPath(NAME));
    await awaitGone(world);
    expect(pictureOfClient(await clientOf(clientId))).toEqual(pictureOfClient(before));
    expect(writesOf(world.keycloak)).toEqual([]);
  }

  it.each([
    'account',
    'account-console',
    'admin-cli',
    'broker',
    'realm-management',
    'security-admin-console',
  ])('is never taken over where it is one of Keycloak itself: %s', clientId =>
    expectRefused(clientId, 'ClientNotAdoptable', 'is one of Keycloak itself and is never taken over'),
  );

  it("is never taken over where it is the operator's own", () =>
    expectRefused(
      'argo-access-operator',
      'ClientNotAdoptable',
      'is the one with which the operator signs in',
    ));

  it.each<[string, object, string]>([
    ['public', { publicClient: true }, 'is public or bearer-only'],
    ['bearer-only', { bearerOnly: true }, 'is public or bearer-only'],
    ['with a service account', { serviceAccountsEnabled: true }, 'has a service account'],
    // Without signatures, for which Keycloak would make a key first.
    ['of SAML', { protocol: 'saml', attributes: { 'saml.client.signature': 'false' } }, 'speaks saml'],
  ])('is never taken over where it is one %s', async (kind, fields, why) => {
    const clientId = `argo ${kind}`;
    await world.admin.createClient(world.realm, { clientId, publicClient: false, ...fields });
    await expectRefused(clientId, 'ClientNotAdoptable', why);
  });

  it.each<[string, (cluster: string) => readonly [string, string]]>([
    ['another operator', cluster => ['another/argo/workflows', cluster]],
    ['another policy', cluster => ['test/argo/another', cluster]],
    ['a policy of that name in another namespace', cluster => ['test/team-a/workflows', cluster]],
    ['another cluster', () => ['test/argo/workflows', '0a1b2c3d-0000-4000-8000-000000000002']],
    ['nobody that is known', () => ['test/argo/workflows', '']],
  ])('is never taken over where its marks say that it is of %s', async (whose, marksIn) => {
    const clientId = `argo of ${whose}`;
    const cluster = (await world.get('/api/v1/namespaces/kube-system'))?.metadata.uid ?? '';
    const [owner, of] = marksIn(cluster);
    const attributes = { [ATTRIBUTE_OWNER]: owner, [ATTRIBUTE_CLUSTER]: of };
    await world.admin.createClient(world.realm, { clientId, ...existing, attributes });
    await expectRefused(clientId, 'ClientOwnedByAnother', 'belongs to another policy, operator or cluster');
  });

  it('is the own one where its marks say that it is of this cluster before it was rebuilt', async () => {
    const attributes = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: FORMER_CLUSTER };
    await world.admin.createClient(world.realm, { clientId: 'argo-rebuilt', ...existing, attributes });
    await applyPolicy(world, wish({ clientId: 'argo-rebuilt' }));
    const policy = await awaitReady(world);
    expect(policy.status?.client?.adopted).toBe(false);
    const cluster = (await world.get('/api/v1/namespaces/kube-system'))?.metadata.uid;
    expect((await clientOf('argo-rebuilt')).attributes[ATTRIBUTE_CLUSTER]).toBe(cluster);
  });

  it('stays that of the policy that has made it, and is free for another once that policy is gone', async () => {
    await applyPolicy(world, wish({ clientId: 'argo-shared' }), 'first');
    await awaitReady(world, 'first');
    const before = await clientOf('argo-shared');
    await applyPolicy(world, wish({ clientId: 'argo-shared', adopt: true }), 'second', OTHER);
    await awaitStalled('ClientOwnedByAnother', 'second', OTHER);
    await awaitRoles('second', OTHER);
    await touch(world, 'second', OTHER);
    expect(pictureOfClient(await clientOf('argo-shared'))).toEqual(pictureOfClient(before));
    await expectQuiet(world, 'first');
    await world.send('DELETE', policyPath('first'));
    await awaitGone(world, 'first');
    await awaitReady(world, 'second', OTHER);
    expect((await clientOf('argo-shared')).attributes[ATTRIBUTE_OWNER]).toBe('test/argo-other/second');
  });
});

describe('an object that exists in Kubernetes', () => {
  const account = corePath('serviceaccounts', 'workflows-admin');
  const token = corePath('secrets', 'workflows-admin.service-account-token');
  const credentials = corePath('secrets', 'argo-sso');
  const binding = 'argo-access:argo:workflows-admin:clusterrole:argo-access-admin';
  const bound = (name: string) => ({
    metadata: { name: binding },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'User', name: 'somebody', apiGroup: 'rbac.authorization.k8s.io' }],
  });
  const inHome = `${bindingsPath(HOME)}/${binding}`;
  const inTeam = `${bindingsPath(TEAM)}/${binding}`;

  interface Foreign {
    readonly path: string;
    readonly named: string;
    readonly body: object;
  }

  it.each<[string, Foreign]>([
    [
      'ServiceAccount',
      {
        path: account,
        named: 'ServiceAccount argo/workflows-admin',
        body: { metadata: { name: 'workflows-admin' } },
      },
    ],
    [
      'ServiceAccount with a rule of its own',
      {
        path: account,
        named: 'ServiceAccount argo/workflows-admin',
        body: {
          metadata: {
            name: 'workflows-admin',
            annotations: { [ARGO_RULE]: 'false', [ARGO_PRECEDENCE]: '7' },
          },
          secrets: [{ name: 'theirs' }],
        },
      },
    ],
    [
      'Secret',
      {
        path: credentials,
        named: 'Secret argo/argo-sso',
        body: { metadata: { name: 'argo-sso' }, stringData: { 'client-secret': 'of-somebody-else' } },
      },
    ],
    [
      'binding to the same role',
      { path: inHome, named: `RoleBinding argo/${binding}`, body: bound('argo-access-admin') },
    ],
    [
      'binding to another role',
      { path: inHome, named: `RoleBinding argo/${binding}`, body: bound('argo-access-viewer') },
    ],
    [
      'binding in another namespace',
      { path: inTeam, named: `RoleBinding team-a/${binding}`, body: bound('argo-access-admin') },
    ],
  ])(
    'under a wanted name is left alone until it consents by annotation: %s',
    async (_, { path, named, body }) => {
      const made = await create(path, body);
      await applyPolicy(world, wish({ clientId: 'argo-objects' }));
      expect(await awaitStalled('NameTaken')).toBe(
        `${named} exists and does not belong to this policy. Choose another name, remove the object, or let this ` +
          'policy take it over: annotate it with argo-access.io/adopt-by=workflows',
      );
      await touch(world);
      expect(await world.get(path)).toEqual(made);

      const consents = await adopt(path, 'another');
      await touch(world);
      expect(await awaitStalled('NameTaken')).toContain(named);
      expect(await world.get(path)).toEqual(consents);

      await adopt(path, NAME);
      const policy = await awaitReady(world);
      const taken = await world.get<Got & { readonly subjects?: readonly object[] }>(path);
      expect(taken?.metadata.labels?.[LABEL_POLICY_UID]).toBe(policy.metadata.uid);
      if (taken?.subjects !== undefined) {
        expect(taken.roleRef?.name).toBe('argo-access-admin');
        expect(taken.subjects).toEqual([
          { kind: 'ServiceAccount', name: 'workflows-admin', namespace: HOME },
        ]);
      }
      await expectQuiet(world);
      await world.send('DELETE', policyPath(NAME));
      await awaitGone(world);
      expect(await world.get(path)).toBeUndefined();
    },
  );

  it('is left alone where it is the token of another account', async () => {
    await create(token, {
      metadata: {
        name: 'workflows-admin.service-account-token',
        annotations: { 'kubernetes.io/service-account.name': 'default' },
      },
      type: TOKEN_TYPE,
    });
    const made = await eventually('it is filled', async () => {
      const found = await world.get(token);
      return found?.data?.token === undefined ? undefined : found;
    });
    await applyPolicy(world, wish({ clientId: 'argo-types' }));
    expect(await awaitStalled('NameTaken')).toContain('Secret argo/workflows-admin.service-account-token');
    await touch(world);
    expect(await world.get(token)).toEqual(made);
    await world.send('DELETE', token);
    await awaitReady(world);
  });

  it.each<[string, string, object]>([
    [
      'credentials',
      credentials,
      {
        metadata: { name: 'argo-sso' },
        type: 'kubernetes.io/basic-auth',
        stringData: { username: 'somebody' },
      },
    ],
    [
      'a token',
      token,
      { metadata: { name: 'workflows-admin.service-account-token' }, stringData: { token: 'not-for-argo' } },
    ],
  ])('of another type cannot hold %s, whatever it consents to', async (_, path, body) => {
    await create(path, body);
    const made = await adopt(path, NAME);
    await applyPolicy(world, wish({ clientId: 'argo-types' }));
    expect(await awaitStalled('NameTaken')).toMatch(/with type .*, and must be/);
    await touch(world);
    expect(await world.get(path)).toEqual(made);
    await world.send('DELETE', path);
    await awaitReady(world);
  });

  it('is nobody else’s to delete: a copy of what the policy owns stays, and is warned about', async () => {
    await applyPolicy(world, wish({ clientId: 'argo-copied' }));
    await awaitReady(world);
    const copies = await Promise.all(
      [account, credentials, inHome, inTeam].map(async path => {
        const original = await world.get<Got & { readonly kind?: string }>(path);
        const { name, labels, annotations, ownerReferences } = original?.metadata ?? { name: '' };
        const metadata = { name: `${name}-copy`, labels, annotations, ownerReferences };
        await world.kubectl(
          ['apply', '-n', path.split('/namespaces/')[1]?.split('/')[0] ?? '', '-f', '-'],
          JSON.stringify({ ...original, metadata }),
        );
        return `${path}-copy`;
      }),
    );
    const before = await Promise.all(copies.map(path => world.get(path)));
    const message = await awaitWarned('PrecedenceTied');
    expect(message).toContain('ServiceAccount workflows-admin-copy has precedence 1000, as role admin has');
    await expectQuiet(world);
    await applyPolicy(world, wish({ clientId: 'argo-copied', serviceAccount: 'renamed', secret: 'renamed' }));
    await awaitReady(world);
    await eventually('the originals are gone', async () => (await world.get(account)) === undefined);
    await expectQuiet(world);
    expect(await Promise.all(copies.map(path => world.get(path)))).toEqual(before);
    await world.send('DELETE', policyPath(NAME));
    await awaitGone(world);
    // Those in the policy's namespace have it as their owner, and are Kubernetes' to collect.
    expect(await world.get(`${inTeam}-copy`)).toEqual(before[3]);
    await world.send('DELETE', `${inTeam}-copy`);
  });
});

describe('two policies of a namespace', () => {
  async function expectYoungerBlocked(younger: Wish, reason: string, words: string): Promise<void> {
    await applyPolicy(world, wish({ clientId: 'argo-older', precedence: 1000 }), 'older');
    await awaitReady(world, 'older');
    const owned = await Promise.all(
      ['serviceaccounts/older-admin', 'secrets/argo-sso', 'secrets/older-admin.service-account-token'].map(
        path => world.get(`/api/v1/namespaces/${HOME}/${path}`),
      ),
    );
    world.keycloak.reset();
    await applyPolicy(
      world,
      wish({ clientId: 'argo-younger', secret: 'younger-sso', precedence: 500, ...younger }),
      'younger',
    );
    expect(await awaitStalled(reason, 'younger')).toContain(words);
    await expectQuiet(world, 'older');
    expect(await world.admin.client(world.realm, 'argo-younger')).toBeUndefined();
    const after = await Promise.all(owned.map(object => world.get(selfPath(object))));
    expect(after).toEqual(owned);
    await world.send('DELETE', policyPath('older'));
    await awaitGone(world, 'older');
    await awaitReady(world, 'younger');
    await expectQuiet(world, 'younger');
  }

  function selfPath(object: unknown): string {
    const { kind, metadata } = object as { kind: string; metadata: { name: string } };
    return corePath(`${kind.toLowerCase()}s`, metadata.name);
  }

  it('do not share a Secret: the younger waits until the older is gone', () =>
    expectYoungerBlocked(
      { secret: 'argo-sso' },
      'NameTakenByPolicy',
      'Secret argo-sso is used by the older policy older of this namespace',
    ));

  it('do not share a ServiceAccount: the younger waits until the older is gone', () =>
    expectYoungerBlocked(
      { serviceAccount: 'older-admin' },
      'NameTakenByPolicy',
      'ServiceAccount older-admin is used by the older policy older of this namespace',
    ));

  it('do not overlap in their precedences: the younger waits until the older is gone', () =>
    expectYoungerBlocked(
      { precedence: 1000 },
      'PrecedenceOverlap',
      "this policy's roles take the precedences 1000 to 1000, which overlap 1000 to 1000 of the older policy older; " +
        'set spec.precedence to 1010 or more to come before it, or to 990 or less to come after it',
    ));

  it('do not share a clientId: the younger waits until the older is gone', async () => {
    await applyPolicy(world, wish({ clientId: 'argo-one', precedence: 1000 }), 'older');
    await awaitReady(world, 'older');
    await applyPolicy(
      world,
      wish({ clientId: 'argo-one', secret: 'younger-sso', precedence: 500 }),
      'younger',
    );
    await awaitStalled('ClientOwnedByAnother', 'younger');
    await awaitRoles('younger');
    await expectQuiet(world, 'older');
    await world.send('DELETE', policyPath('older'));
    await awaitGone(world, 'older');
    await awaitReady(world, 'younger');
  });
});

describe('what stands around a policy', () => {
  const handMade = corePath('serviceaccounts', 'hand-made');
  const withRule = (rule: string, precedence: string) => ({
    metadata: { name: 'hand-made', annotations: { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: precedence } },
  });
  const annotate = (annotations: object) => edit(world, handMade, { metadata: { annotations } });

  it('is reported where a precedence is tied with that of an account made by hand, and heals', async () => {
    const made = await create(handMade, withRule('"/x" in ($env?.groups ?? [])', '1000'));
    await applyPolicy(world, wish({ clientId: 'argo-tied' }));
    expect(await awaitWarned('PrecedenceTied')).toBe(
      'ServiceAccount hand-made has precedence 1000, as role admin has: a user whom both match gets either of them. ' +
        'Change the annotation workflows.argoproj.io/rbac-rule-precedence there, or spec.precedence here',
    );
    await expectQuiet(world);
    expect(await world.get(handMade)).toEqual(made);
    await annotate({ [ARGO_PRECEDENCE]: '999' });
    await awaitWarned('InSync');
    await world.send('DELETE', handMade);
  });

  it('is reported where a rule of somebody else breaks logins, and heals', async () => {
    const made = await create(handMade, withRule("'/x' in groups", '5000'));
    await applyPolicy(world, wish({ clientId: 'argo-broken' }));
    const message = await awaitWarned('ForeignRuleBreaksLogin');
    expect(message).toMatch(
      /^the rule of ServiceAccount hand-made fails for users in no group \(.*groups.*\): /,
    );
    expect(message).toContain(
      'Argo denies them, whatever stands below. Write group tests as "name" in ($env?.groups ?? [])',
    );
    await expectQuiet(world);
    expect(await world.get(handMade)).toEqual(made);
    await annotate({ [ARGO_RULE]: '"/x" in ($env?.groups ?? [])' });
    await awaitWarned('InSync');
    await world.send('DELETE', handMade);
  });

  it('is reported where a role can never match, and heals', async () => {
    const everyone = { name: 'all', everyone: true };
    const admins = { name: 'admin', groups: ['/platform/admins'] };
    await applyPolicy(world, specSchema.parse({ roles: [everyone, admins] }));
    expect(await awaitWarned('RoleNeverMatches')).toBe(
      'spec.roles: role admin can never match: all above it does. Move it up, by its order or by spec.precedence, or remove it',
    );
    await applyPolicy(world, specSchema.parse({ roles: [admins, everyone] }));
    await awaitWarned('InSync');
  });

  it('is reported where a group is missing, and heals when it is made', async () => {
    await applyPolicy(world, wish({ clientId: 'argo-missing', groups: ['/platform/admins', '/teams/new'] }));
    expect(await awaitWarned('GroupMissing')).toBe(
      `realm ${world.realm} has no group /teams/new (role admin); nobody gets in by it until it is made there, or the ` +
        'name is corrected',
    );
    const warned = await world.get<GotPolicy>(policyPath(NAME));
    expect(warned?.status?.roles?.[0]?.missingGroups).toEqual(['/teams/new']);
    await expectQuiet(world);
    await world.admin.createGroup(world.realm, '/teams/new');
    await awaitWarned('InSync');
    const healed = await world.get<GotPolicy>(policyPath(NAME));
    expect(healed?.status?.roles?.[0]?.missingGroups).toBeUndefined();
  });

  it('blocks the roles where two groups answer to one name, and heals when one is renamed', async () => {
    await applyPolicy(world, wish({ clientId: 'argo-twins' }));
    await awaitReady(world);
    await world.admin.createGroup(world.realm, '/teams/twin');
    const twin = await world.admin.createNamedGroup(world.realm, 'teams/twin');
    const account = corePath('serviceaccounts', 'workflows-admin');
    const before = await world.get(account);
    await applyPolicy(world, wish({ clientId: 'argo-twins', groups: ['/teams/twin'] }));
    expect(await awaitStalled('GroupAmbiguous')).toBe(
      `realm ${world.realm} has several groups that Argo cannot tell apart: /teams/twin (/teams/twin, /teams/twin (one ` +
        'group named "teams/twin")); rename one of them in Keycloak. Roles stay as they are until then',
    );
    await touch(world);
    expect(await world.get(account)).toEqual(before);
    await world.admin.request('PUT', `/${world.realm}/groups/${twin}`, { name: 'teams-twin' });
    await awaitReady(world);
    expect((await world.get(account))?.metadata.annotations?.[ARGO_RULE]).toContain('/teams/twin');
  });
});

describe('what has been said of all this', () => {
  it('holds no secret', () => assertNoLeak(world, former));
});
