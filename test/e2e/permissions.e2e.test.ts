import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FINALIZER } from '../../operator/api/names.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { decodePolicy } from '../../operator/kubernetes/decode.ts';
import { createWriter, type KubernetesWriter } from '../../operator/kubernetes/write.ts';
import { desiredAccount, wantedRoles } from '../../operator/policy/desired.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
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
  HOME,
  policyPath,
  TEAM,
  touch,
  type World,
  writesOf,
} from './world.ts';

/** The namespace of another team, which is not served. */
const PAYMENTS = 'payments';
/** A served namespace in which a policy may be for everyone. */
const OPEN = 'argo-open';
const NAME = 'greedy';
const RBAC = 'rbac.authorization.k8s.io';

let world: World;
let otherRealm: string;
let client: KubernetesClient;
let writer: KubernetesWriter;
/** Secrets that are gone, and must not have been shown either. */
const former = new Set<string>();
const signal = new AbortController().signal;

/** Roles that are there, with a right that the operator does not have: who binds one must be allowed to. */
async function makeRoles(): Promise<void> {
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['delete'] }];
  const roles = [
    ...['payments-admin', 'approver'].map(name => ({ kind: 'ClusterRole', metadata: { name }, rules })),
    { kind: 'Role', metadata: { name: 'approver', namespace: HOME }, rules },
    ...['approver', 'secret-reader', 'argo-access-admin'].map(name => {
      return { kind: 'Role', metadata: { name, namespace: TEAM }, rules };
    }),
  ].map(role => ({ apiVersion: `${RBAC}/v1`, ...role }));
  await world.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: roles }));
}

beforeAll(async () => {
  world = await createWorld({
    groups: ['/teams/mine', '/finance/admins'],
    users: [{ username: 'victim', groups: [] }],
    namespaces: [PAYMENTS, OPEN],
    configure: ({ connections, namespaces, ...config }) => ({
      ...config,
      connections: [...connections, { ...connections[0], name: 'payments' }],
      namespaces: [
        {
          ...namespaces[0],
          groups: ['/platform/*', '/teams/*', 'mine'],
          clusterRoles: [
            { name: 'argo-access-admin', namespaces: [HOME, TEAM] },
            { name: 'argo-access-viewer', namespaces: [TEAM] },
          ],
          roles: [{ name: 'approver', namespaces: [TEAM] }],
          adopt: false,
          everyone: false,
        },
        { name: OPEN, connections: [{ name: 'default' }], everyone: true },
      ],
    }),
  });
  await makeRoles();
  otherRealm = `${world.realm}-other`;
  await world.admin.createRealm(otherRealm, ['/teams/mine']);
  client = createKubernetesClient({ kubeconfigPath: join(world.folder, 'kubeconfig-operator') });
  writer = createWriter(client, 'test', Date.now);
  await world.startOperator();
});

afterAll(async () => {
  await client?.close();
  await world?.admin.removeRealm(otherRealm);
  await world?.stop();
});

afterEach(async () => {
  for (const secret of await secretsOf(world)) former.add(secret);
  for (const { metadata } of await world.list('/apis/argo-access.io/v1alpha1/argoaccesspolicies')) {
    await world.send('DELETE', policyPath(metadata.name, metadata.namespace));
    await awaitGone(world, metadata.name, metadata.namespace);
  }
});

/** Something that a policy asks for and may not have. */
interface Attempt {
  readonly keycloak?: object;
  readonly client?: object;
  readonly role?: object;
  readonly grants?: readonly object[];
}

function greedy({ keycloak = {}, client: wanted = {}, role = {}, grants = [] }: Attempt): object {
  return {
    keycloak,
    client: {
      clientId: 'argo-mine',
      url: 'https://workflows.example.com',
      secret: { name: 'mine-sso' },
      ...wanted,
    },
    roles: [
      {
        name: 'mine',
        ...('everyone' in role || 'when' in role ? {} : { groups: ['/teams/mine'] }),
        ...role,
        grants,
      },
    ],
  };
}

/** Only its status, and an event that tells of it; nothing that was counted since went to Keycloak. */
function expectNothingElse(namespace: string): void {
  expect(world.keycloak.requests).toEqual([]);
  const others = writesOf(world.api).filter(
    ({ method, path }) =>
      !(method === 'PUT' && path.startsWith(`${policyPath(NAME, namespace)}/status?`)) &&
      !(method === 'POST' && path.startsWith(`/api/v1/namespaces/${namespace}/events?`)),
  );
  expect(others).toEqual([]);
}

/** Applies a policy that must be refused, also at the next look; gives what it says. */
async function refusal(spec: object, reason: string, namespace = HOME): Promise<string> {
  world.api.reset();
  world.keycloak.reset();
  await applyPolicy(world, spec, NAME, namespace);
  const policy = await awaitPolicy(
    world,
    `stalls with ${reason}`,
    (_, condition) => condition('Stalled')?.reason === reason && condition('Ready')?.status === 'False',
    NAME,
    namespace,
  );
  expectNothingElse(namespace);
  expect(writesOf(world.api)).not.toEqual([]);
  await touch(world, NAME, namespace);
  expectNothingElse(namespace);
  await touch(world, NAME, namespace);
  expect(writesOf(world.api)).toEqual([]);
  await world.send('DELETE', policyPath(NAME, namespace));
  await awaitGone(world, NAME, namespace);
  expectNothingElse(namespace);
  expect(policy.metadata.finalizers).toBeUndefined();
  return policy.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}

type Refused = readonly [what: string, attempt: Attempt, field: string, value: string, setting: string];

const inKeycloak: readonly Refused[] = [
  [
    "another team's client",
    { client: { clientId: 'payments-workflows' } },
    'spec.client.clientId',
    'payments-workflows',
    'clientIds',
  ],
  [
    'a client of Keycloak itself',
    { client: { clientId: 'realm-management' } },
    'spec.client.clientId',
    'realm-management',
    'clientIds',
  ],
  [
    'a clientId that only contains what is allowed',
    { client: { clientId: 'my-argo-x' } },
    'spec.client.clientId',
    'my-argo-x',
    'clientIds',
  ],
  [
    'a clientId in other letters',
    { client: { clientId: 'ARGO-x' } },
    'spec.client.clientId',
    'ARGO-x',
    'clientIds',
  ],
  [
    'a clientId past a slash',
    { client: { clientId: 'argo-x/payments' } },
    'spec.client.clientId',
    'argo-x/payments',
    'clientIds',
  ],
  ['adoption', { client: { adopt: true } }, 'spec.client.adopt', 'true', 'adopt'],
  [
    "another team's address",
    { client: { url: 'https://workflows.example.org' } },
    'spec.client.url',
    'https://workflows.example.org',
    'urls',
  ],
  [
    'an address below another name',
    { client: { url: 'https://a.b.example.com' } },
    'spec.client.url',
    'https://a.b.example.com',
    'urls',
  ],
  [
    'an address that begins with what is allowed',
    { client: { url: 'https://a.example.com.evil.org' } },
    'spec.client.url',
    'https://a.example.com.evil.org',
    'urls',
  ],
  [
    'an address without TLS',
    { client: { url: 'http://a.example.com' } },
    'spec.client.url',
    'http://a.example.com',
    'urls',
  ],
  [
    'an address of another port',
    { client: { url: 'https://a.example.com:8443' } },
    'spec.client.url',
    'https://a.example.com:8443',
    'urls',
  ],
  [
    'an address with a path',
    { client: { url: 'https://a.example.com/x' } },
    'spec.client.url',
    'https://a.example.com/x',
    'urls',
  ],
  [
    "a second address of another team's",
    { client: { additionalUrls: ['https://evil.org'] } },
    'spec.client.additionalUrls[0]',
    'https://evil.org',
    'urls',
  ],
  [
    "another team's group",
    { role: { groups: ['/teams/mine', '/finance/admins'] } },
    'spec.roles[0].groups[1]',
    '/finance/admins',
    'groups',
  ],
  [
    'a group below',
    { role: { groups: ['/teams/mine/leads'] } },
    'spec.roles[0].groups[0]',
    '/teams/mine/leads',
    'groups',
  ],
  ['a group above', { role: { groups: ['/teams'] } }, 'spec.roles[0].groups[0]', '/teams', 'groups'],
  ['everyone', { role: { everyone: true } }, 'spec.roles[0].everyone', 'true', 'everyone'],
  ['whoever an expression is true for', { role: { when: 'true' } }, 'spec.roles[0].when', 'true', 'when'],
  [
    'groups by their own names',
    { keycloak: { groups: { fullPath: false } }, role: { groups: ['mine'] } },
    'spec.keycloak.groups.fullPath',
    'false',
    'shortGroupNames',
  ],
  [
    "another team's connection",
    { keycloak: { connection: 'payments' } },
    'spec.keycloak.connection',
    'payments',
    'connections',
  ],
  [
    'a connection that does not exist',
    { keycloak: { connection: 'nowhere' } },
    'spec.keycloak.connection',
    'nowhere',
    'connections',
  ],
  [
    'the realm of the administrators',
    { keycloak: { realm: 'master' } },
    'spec.keycloak.realm',
    'master',
    'connections[default].realms',
  ],
];

const admin = 'argo-access-admin';
const viewer = 'argo-access-viewer';

const inKubernetes: readonly Refused[] = [
  [
    'a ClusterRole that is all-powerful',
    { grants: [{ clusterRole: 'cluster-admin' }] },
    'spec.roles[0].grants[0].clusterRole',
    'cluster-admin',
    'clusterRoles',
  ],
  [
    "another team's ClusterRole",
    { grants: [{ clusterRole: 'payments-admin', namespaces: [TEAM] }] },
    'spec.roles[0].grants[0].clusterRole',
    'payments-admin',
    'clusterRoles',
  ],
  [
    "another team's namespace",
    { grants: [{ clusterRole: admin, namespaces: [PAYMENTS] }] },
    'spec.roles[0].grants[0].namespaces',
    PAYMENTS,
    `clusterRoles[${admin}].namespaces`,
  ],
  [
    'the namespace of Kubernetes',
    { grants: [{ clusterRole: admin, namespaces: ['kube-system'] }] },
    'spec.roles[0].grants[0].namespaces',
    'kube-system',
    `clusterRoles[${admin}].namespaces`,
  ],
  [
    'a ClusterRole where only another is allowed',
    { grants: [{ clusterRole: viewer, namespaces: [HOME] }] },
    'spec.roles[0].grants[0].namespaces',
    HOME,
    `clusterRoles[${viewer}].namespaces`,
  ],
  [
    'the same by leaving the namespace out',
    { grants: [{ clusterRole: viewer }] },
    'spec.roles[0].grants[0].namespaces',
    HOME,
    `clusterRoles[${viewer}].namespaces`,
  ],
  [
    'a Role that is not allowed',
    { grants: [{ role: 'secret-reader', namespaces: [TEAM] }] },
    'spec.roles[0].grants[0].role',
    'secret-reader',
    'roles',
  ],
  [
    'a Role where it is not allowed',
    { grants: [{ role: 'approver', namespaces: [HOME] }] },
    'spec.roles[0].grants[0].namespaces',
    HOME,
    'roles[approver].namespaces',
  ],
  [
    'a Role by the name of a ClusterRole',
    { grants: [{ role: admin, namespaces: [TEAM] }] },
    'spec.roles[0].grants[0].role',
    admin,
    'roles',
  ],
  [
    'a ClusterRole by the name of a Role',
    { grants: [{ clusterRole: 'approver', namespaces: [TEAM] }] },
    'spec.roles[0].grants[0].clusterRole',
    'approver',
    'clusterRoles',
  ],
];

describe('a policy that asks for what its namespace may not have', () => {
  it('is tried in at least 25 ways', () => {
    expect(inKeycloak.length + inKubernetes.length).toBeGreaterThanOrEqual(25);
  });

  it.each([...inKeycloak, ...inKubernetes])(
    'is refused without a request to Keycloak and without a write: %s',
    async (_, attempt, field, value, setting) => {
      expect(await refusal(greedy(attempt), 'NotAllowed')).toBe(
        `policies in namespace argo may not ask for ${field} "${value}" (namespaces[argo].${setting}); change the ` +
          "policy, or ask the platform team to allow it in the operator's configuration, at the setting in brackets",
      );
    },
  );

  it("is refused where it names another team's realm", async () => {
    expect(await refusal(greedy({ keycloak: { realm: otherRealm } }), 'NotAllowed')).toContain(
      `spec.keycloak.realm "${otherRealm}" (namespaces[argo].connections[default].realms)`,
    );
  });

  it('is told all at once what it may not have', async () => {
    const message = await refusal(
      greedy({
        client: { clientId: 'grafana', url: 'https://evil.org' },
        role: { groups: ['/finance/admins'] },
        grants: [{ clusterRole: 'cluster-admin', namespaces: [PAYMENTS] }],
      }),
      'NotAllowed',
    );
    expect(message).toContain(
      'spec.client.clientId "grafana" (namespaces[argo].clientIds), spec.client.url "https://evil.org" ' +
        '(namespaces[argo].urls), spec.roles[0].groups[0] "/finance/admins" (namespaces[argo].groups), ' +
        'spec.roles[0].grants[0].clusterRole "cluster-admin" (namespaces[argo].clusterRoles)',
    );
  });

  it.each<[string, Attempt]>([
    ['what would be fine elsewhere', {}],
    ['its own namespace', { grants: [{ clusterRole: admin }] }],
    ['a namespace that is served', { grants: [{ clusterRole: admin, namespaces: [HOME, TEAM] }] }],
  ])('is refused in a namespace that is not served, even if it asks for %s', async (_, attempt) => {
    expect(await refusal(greedy(attempt), 'NamespaceNotServed', PAYMENTS)).toBe(
      'namespace payments is not served; ask the platform team to add it under namespaces in the ' +
        "operator's configuration",
    );
    expect(await world.list(`/api/v1/namespaces/${PAYMENTS}/events`)).toEqual([]);
  });

  it.each<[string, Attempt]>([
    ["another team's realm", { keycloak: { realm: 'other-team' } }],
    ["another team's client", { client: { clientId: 'grafana' } }],
  ])(
    "is let go without a request to Keycloak, although it bears the operator's finalizer, with %s",
    async (_, attempt) => {
      world.keycloak.reset();
      await applyPolicy(world, greedy(attempt), NAME);
      await edit(world, policyPath(NAME), { metadata: { finalizers: [FINALIZER] } });
      await awaitPolicy(world, 'is refused', (_, condition) => condition('Stalled') !== undefined, NAME);
      await world.send('DELETE', policyPath(NAME));
      await awaitGone(world, NAME);
      expect(world.keycloak.requests).toEqual([]);
    },
  );

  it('is no login of its namespace, so that the precedences of the others stay', async () => {
    const account = corePath('serviceaccounts', 'others-mine');
    const precedence = async () =>
      (await world.get<Got>(account))?.metadata.annotations?.['workflows.argoproj.io/rbac-rule-precedence'];
    await applyPolicy(world, { roles: [{ name: 'mine', groups: ['/teams/mine'] }] }, 'others');
    await awaitReady(world, 'others');
    expect(await precedence()).toBe('10000');
    await applyPolicy(world, greedy({ client: { clientId: 'grafana' } }), NAME);
    await awaitPolicy(world, 'is refused', (_, condition) => condition('Stalled') !== undefined, NAME);
    await expectQuiet(world, 'others');
    expect(await precedence()).toBe('10000');
  });

  it('is heard as soon as it asks for no more than it may have', async () => {
    await applyPolicy(world, greedy({ grants: [{ clusterRole: 'cluster-admin' }] }), NAME);
    await awaitPolicy(world, 'is refused', (_, condition) => condition('Stalled') !== undefined, NAME);
    await applyPolicy(
      world,
      greedy({ grants: [{ clusterRole: admin }, { clusterRole: viewer, namespaces: [TEAM] }] }),
      NAME,
    );
    await awaitReady(world, NAME);
    await expectQuiet(world, NAME);
  });
});

describe("a policy that names another team's object of its own namespace", () => {
  const binding = `argo-access:${HOME}:${NAME}-mine:clusterrole:${admin}`;

  it.each<[string, string, object, Attempt]>([
    [
      'ServiceAccount',
      corePath('serviceaccounts', 'deployer'),
      { metadata: { name: 'deployer' } },
      { role: { serviceAccount: 'deployer' } },
    ],
    [
      'Secret',
      corePath('secrets', 'database'),
      { metadata: { name: 'database' }, stringData: { 'client-secret': 'of-another-team' } },
      { client: { secret: { name: 'database' } } },
    ],
    [
      'Secret by way of a token',
      corePath('secrets', 'vault.service-account-token'),
      { metadata: { name: 'vault.service-account-token' }, stringData: { token: 'of-another-team' } },
      { role: { serviceAccount: 'vault' } },
    ],
    [
      'binding',
      `${bindingsPath(TEAM)}/${binding}`,
      {
        metadata: { name: binding },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'payments-admin' },
      },
      { grants: [{ clusterRole: admin, namespaces: [TEAM] }] },
    ],
  ])('is refused, and the object stays as it is: %s', async (_, path, body, attempt) => {
    const made = await world.send('POST', path.slice(0, path.lastIndexOf('/')), body);
    expect(await refusal(greedy(attempt), 'NameTaken')).toContain(path.split('/').at(-1));
    expect(await world.get(path)).toEqual(made);
    await world.send('DELETE', path);
  });

  it("is refused where it is the namespace's default account", async () => {
    const account = corePath('serviceaccounts', 'default');
    const before = await world.get(account);
    const message = await refusal(greedy({ role: { serviceAccount: 'default' } }), 'NameTaken');
    expect(message).toContain('ServiceAccount argo/default exists and does not belong to this policy');
    expect(await world.get(account)).toEqual(before);
  });

  it("is refused where it is another policy's", async () => {
    const theirs = { roles: [{ name: 'all', everyone: true }] };
    await applyPolicy(world, theirs, 'theirs', OPEN);
    await awaitReady(world, 'theirs', OPEN);
    const account = corePath('serviceaccounts', 'theirs-all', OPEN);
    const before = await world.get(account);
    const mine = { precedence: 50, roles: [{ name: 'mine', everyone: true, serviceAccount: 'theirs-all' }] };
    expect(await refusal(mine, 'NameTakenByPolicy', OPEN)).toContain(
      'ServiceAccount theirs-all is used by the older policy theirs of this namespace',
    );
    expect(await world.get(account)).toEqual(before);
  });
});

describe('the rights that are rendered for the operator, with no check before them', () => {
  async function expectForbidden(action: Promise<unknown>): Promise<void> {
    await expect(action).rejects.toMatchObject({ name: 'KubernetesError', kind: 'Forbidden', status: 403 });
  }

  /** The objects that the operator would make for a policy if it checked nothing. */
  async function uncheckedObjects(attempt: Attempt, namespace: string) {
    const spec = greedy(attempt);
    const raw = await world.send('POST', `${policyPath('', namespace).slice(0, -1)}?dryRun=All`, {
      apiVersion: 'argo-access.io/v1alpha1',
      kind: 'ArgoAccessPolicy',
      metadata: { name: NAME },
      spec,
    });
    const policy = decodePolicy(raw as Got);
    const roles = wantedRoles(policy, []);
    return {
      accounts: roles.map(role => desiredAccount(policy, role.serviceAccount, undefined)),
      tokens: roles.map(role => role.token),
      bindings: roles.flatMap(role => role.bindings),
    };
  }

  it.each(inKubernetes)('stop a grant of %s', async (_, attempt) => {
    const { bindings } = await uncheckedObjects(attempt, HOME);
    expect(bindings).toHaveLength(1);
    for (const object of bindings) await expectForbidden(writer.create(object, signal));
  });

  it('let pass what the configuration allows', async () => {
    const grants = [
      { clusterRole: admin, namespaces: [HOME, TEAM] },
      { role: 'approver', namespaces: [TEAM] },
    ];
    const { bindings, accounts, tokens } = await uncheckedObjects({ grants }, HOME);
    expect(bindings).toHaveLength(3);
    const { create } = writer;
    for (const object of [...accounts, ...tokens, ...bindings]) {
      const { kind, metadata } = await create(object, signal);
      const { namespace, name, uid } = metadata;
      await writer.delete({ kind, namespace, name, uid }, signal);
    }
  });

  it('stop all that a policy wants of a namespace that is not served', async () => {
    const { bindings, accounts, tokens } = await uncheckedObjects(
      { grants: [{ clusterRole: admin }] },
      PAYMENTS,
    );
    const all = [...accounts, ...tokens, ...bindings];
    expect(all).toHaveLength(3);
    for (const object of all) await expectForbidden(writer.create(object, signal));
  });

  it('stop that a binding of somebody else to another role is given to another subject', async () => {
    const path = `${bindingsPath(TEAM)}/admins`;
    const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' };
    const made = await world.send('POST', bindingsPath(TEAM), { metadata: { name: 'admins' }, roleRef });
    const body = { subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: HOME }] };
    const contentType = 'application/merge-patch+json';
    await expectForbidden(client.request({ method: 'PATCH', path, body, contentType, signal }));
    expect(await world.get(path)).toEqual(made);
  });

  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const policies = policyPath('', HOME).slice(0, -1);
  const account = { metadata: { name: 'mine' } };
  const secret = { metadata: { name: 'mine' }, stringData: { a: 'b' } };
  const all = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  const toAll = {
    metadata: { name: 'mine' },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: admin },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: HOME }],
  };
  const own = 'argo-access:argo-access:argo-access-operator';
  const roles = (namespace: string) => `/apis/${RBAC}/v1/namespaces/${namespace}/roles`;
  const marked = { metadata: { labels: { mine: 'x' } } };

  beforeAll(async () => {
    for (const namespace of [PAYMENTS, HOME]) {
      await world.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
        metadata: { name: 'theirs' },
      });
      await world.send('POST', `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: 'theirs' } });
    }
    await world.send('POST', bindingsPath(PAYMENTS), { ...toAll, metadata: { name: 'theirs' } });
    await applyPolicy(
      world,
      { suspend: true, roles: [{ name: 'a', groups: ['/teams/mine'] }] },
      'theirs',
      PAYMENTS,
    );
  });

  it.each<[string, 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', string, object?]>([
    ['list all Secrets', 'GET', '/api/v1/secrets'],
    ['list all accounts', 'GET', '/api/v1/serviceaccounts'],
    ['list all bindings', 'GET', `/apis/${RBAC}/v1/rolebindings`],
    ["list another namespace's Secrets", 'GET', `/api/v1/namespaces/${PAYMENTS}/secrets`],
    ['list the Secrets of a namespace in which it only grants', 'GET', `/api/v1/namespaces/${TEAM}/secrets`],
    ["list the operator's own namespace's Secrets", 'GET', '/api/v1/namespaces/argo-access/secrets'],
    ["read another namespace's Secret", 'GET', corePath('secrets', 'theirs', PAYMENTS)],
    ['read a single Secret of its own namespace', 'GET', corePath('secrets', 'theirs')],
    ["make another namespace's Secret", 'POST', `/api/v1/namespaces/${PAYMENTS}/secrets`, secret],
    ["change another namespace's Secret", 'PATCH', corePath('secrets', 'theirs', PAYMENTS), marked],
    ["delete another namespace's Secret", 'DELETE', corePath('secrets', 'theirs', PAYMENTS)],
    ["list another namespace's accounts", 'GET', `/api/v1/namespaces/${PAYMENTS}/serviceaccounts`],
    ["make another namespace's account", 'POST', `/api/v1/namespaces/${PAYMENTS}/serviceaccounts`, account],
    ["change another namespace's account", 'PATCH', corePath('serviceaccounts', 'theirs', PAYMENTS), marked],
    ["delete another namespace's account", 'DELETE', corePath('serviceaccounts', 'theirs', PAYMENTS)],
    ['ask for a token of an account', 'POST', `${corePath('serviceaccounts', 'theirs')}/token`, {}],
    ["list another namespace's bindings", 'GET', bindingsPath(PAYMENTS)],
    ["make another namespace's binding", 'POST', bindingsPath(PAYMENTS), toAll],
    ["delete another namespace's binding", 'DELETE', `${bindingsPath(PAYMENTS)}/theirs`],
    ['bind a role in the whole cluster', 'POST', `/apis/${RBAC}/v1/clusterrolebindings`, toAll],
    ['make a ClusterRole', 'POST', `/apis/${RBAC}/v1/clusterroles`, { ...account, rules: all }],
    [
      'widen a ClusterRole that it may bind',
      'PATCH',
      `/apis/${RBAC}/v1/clusterroles/${admin}`,
      { rules: all },
    ],
    ['widen its own ClusterRole', 'PATCH', `/apis/${RBAC}/v1/clusterroles/${own}`, { rules: all }],
    ['make a Role', 'POST', roles(HOME), { ...account, rules: all }],
    ['widen its own Role', 'PATCH', `${roles(HOME)}/${own}`, { rules: all }],
    [
      'make a policy',
      'POST',
      policies,
      { ...account, spec: { roles: [{ name: 'a', groups: ['/teams/mine'] }] } },
    ],
    ['delete a policy', 'DELETE', policyPath('theirs', PAYMENTS)],
    ['change its own CRD', 'PATCH', `${crds}/argoaccesspolicies.argo-access.io`, marked],
    ['read another CRD', 'GET', `${crds}/workflows.argoproj.io`],
    ['change another CRD', 'PATCH', `${crds}/workflows.argoproj.io`, marked],
    ['list CRDs', 'GET', crds],
    ['make a namespace', 'POST', '/api/v1/namespaces', account],
    ['change a namespace', 'PATCH', `/api/v1/namespaces/${PAYMENTS}`, marked],
    ['delete a namespace', 'DELETE', `/api/v1/namespaces/${PAYMENTS}`],
    ['make a pod', 'POST', `/api/v1/namespaces/${HOME}/pods`, { ...account, spec: { containers: [] } }],
    [
      'write an event into a namespace that is not served',
      'POST',
      `/api/v1/namespaces/${PAYMENTS}/events`,
      account,
    ],
  ])('do not let it %s', async (_, method, path, body) => {
    const before = await world.list('/api/v1/secrets');
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    await expectForbidden(client.request({ method, path, contentType, signal, ...(body && { body }) }));
    expect(await world.list('/api/v1/secrets')).toEqual(before);
  });
});

describe("the operator's service account in Keycloak", () => {
  let token: string;
  let ids: {
    readonly victim: string;
    readonly own: string;
    readonly management: string;
    readonly group: string;
  };

  beforeAll(async () => {
    const { secret } = (await world.admin.client(world.realm, 'argo-access-operator')) as { secret: string };
    const response = await fetch(`${world.admin.url}/realms/${world.realm}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'argo-access-operator',
        client_secret: secret,
      }),
    });
    token = ((await response.json()) as { access_token: string }).access_token;
    former.add(token);
    const [victim, management, operator, group] = await Promise.all([
      world.admin.userId(world.realm, 'victim'),
      world.admin.client(world.realm, 'realm-management'),
      world.admin.client(world.realm, 'argo-access-operator'),
      world.admin.createGroup(world.realm, '/finance/admins'),
    ]);
    const own = await world.admin.request(
      'GET',
      `/${world.realm}/clients/${String(operator?.id)}/service-account-user`,
    );
    const { id } = (await own.json()) as { id: string };
    ids = { victim, own: id, management: String(management?.id), group };
  });

  async function ask(method: string, path: string, body?: unknown): Promise<number> {
    const response = await fetch(`${world.admin.url}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    await response.text();
    return response.status;
  }

  async function adminRole(): Promise<readonly object[]> {
    const path = `/${world.realm}/clients/${ids.management}/roles/realm-admin`;
    return [(await (await world.admin.request('GET', path)).json()) as object];
  }

  it('may see the clients of its realm', async () => {
    expect(await ask('GET', `/${world.realm}/clients`)).toBe(200);
  });

  it.each<[string, () => Promise<number>]>([
    ['make a realm', () => ask('POST', '', { realm: 'mine', enabled: true })],
    ['change its realm', () => ask('PUT', `/${world.realm}`, { registrationAllowed: true })],
    ['delete its realm', () => ask('DELETE', `/${world.realm}`)],
    ['make a user', () => ask('POST', `/${world.realm}/users`, { username: 'mine', enabled: true })],
    ['delete a user', () => ask('DELETE', `/${world.realm}/users/${ids.victim}`)],
    [
      "change a user's password",
      () =>
        ask('PUT', `/${world.realm}/users/${ids.victim}/reset-password`, { type: 'password', value: 'mine' }),
    ],
    ['act as a user', () => ask('POST', `/${world.realm}/users/${ids.victim}/impersonation`)],
    ['put a user into a group', () => ask('PUT', `/${world.realm}/users/${ids.victim}/groups/${ids.group}`)],
    ['make a group', () => ask('POST', `/${world.realm}/groups`, { name: 'mine' })],
    ['rename a group', () => ask('PUT', `/${world.realm}/groups/${ids.group}`, { name: 'mine' })],
    ['make a realm role', () => ask('POST', `/${world.realm}/roles`, { name: 'mine' })],
    [
      'make itself an administrator',
      async () =>
        ask(
          'POST',
          `/${world.realm}/users/${ids.own}/role-mappings/clients/${ids.management}`,
          await adminRole(),
        ),
    ],
    [
      'add an identity provider',
      () => ask('POST', `/${world.realm}/identity-provider/instances`, { alias: 'mine', providerId: 'oidc' }),
    ],
    ['read the events', () => ask('GET', `/${world.realm}/events`)],
    ["see another realm's clients", () => ask('GET', `/${otherRealm}/clients`)],
    ["make another realm's client", () => ask('POST', `/${otherRealm}/clients`, { clientId: 'mine' })],
    ["see another realm's groups", () => ask('GET', `/${otherRealm}/groups`)],
    ["see the administrators' clients", () => ask('GET', '/master/clients')],
    ["see the administrators' users", () => ask('GET', '/master/users')],
  ])('may not %s', async (_, attempt) => {
    expect([401, 403]).toContain(await attempt());
  });
});

describe('what has been said of all this', () => {
  it('holds no secret', () => assertNoLeak(world, former));
});
