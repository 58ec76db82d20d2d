import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../../operator/api/names.ts';
import type { AdoptOptions } from '../../operator/cli/adopt/options.ts';
import { adopt } from '../../operator/cli/adopt/run.ts';
import { plan } from '../../operator/cli/plan/run.ts';
import { argoAccess, type Ended, written } from '../cli/command-line.ts';
import { documents } from '../docs-pages.ts';
import { type ArgoSelection, argoSelectionProgram, startArgoSelection } from '../env/argo-selection.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { type LoginClient, login } from '../env/login.ts';
import { eventually } from '../env/process.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { tokenOf } from './install.ts';
import { edit } from './quiet.ts';
import {
  ARGO_SERVER,
  createRotatingWorld,
  freeLease,
  installArgoServer,
  SETTINGS,
} from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import { replaceSettings } from './server-looks.ts';
import {
  awaitReady,
  bindingsPath,
  corePath,
  type Got,
  HOME,
  TEAM,
  type World,
  type WorldConfig,
  writesOf,
} from './world.ts';

const RBAC = 'rbac.authorization.k8s.io';
const AUDIT = 'auditor';
const URL = 'https://workflows.example.com';
const SECRET = 'made-by-hand';
const USERS = [
  { username: 'ada', groups: ['/platform/admins'] },
  { username: 'bob', groups: ['/teams/a'] },
  { username: 'cleo', groups: [] },
  { username: 'dan', groups: ['/teams/a', '/teams/b'] },
  { username: 'eve', groups: ['/guests'] },
];

/** What somebody has made by hand, as the documentation of Argo shows it; the token of `team` lies elsewhere. */
const ACCOUNTS = [
  { name: 'lead', rule: 'preferred_username == "dan"', precedence: '3', token: 'lead.service-account-token' },
  {
    name: 'admin',
    rule: "'/platform/admins' in groups",
    precedence: '2',
    token: 'admin.service-account-token',
  },
  {
    name: 'team',
    rule: '"/teams/a" in groups || "/teams/b" in groups',
    precedence: '1',
    token: 'team-token',
  },
  { name: 'viewer', rule: 'true', precedence: '0', token: 'viewer.service-account-token' },
] as const;

let world: World;
let wasmPath: string;
let selection: ArgoSelection;
let configPath: string;
/** Kubeconfig of somebody who may do what docs/cli.md says is enough. */
let auditor: string;

async function bindTo(role: string, namespace: string | undefined, name = role): Promise<void> {
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const path = namespace === undefined ? `/apis/${RBAC}/v1/clusterrolebindings` : bindingsPath(namespace);
  await world.send('POST', path, {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: AUDIT, namespace: 'default' }],
  });
}

async function makeAuditor(): Promise<void> {
  const metadata = { name: AUDIT, namespace: 'default' };
  await world.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata });
  for (const role of documents('docs/cli.md') as readonly { kind?: string; metadata?: { name: string } }[]) {
    const name = role?.metadata?.name ?? '';
    if (role?.kind !== 'ClusterRole' || !name.startsWith('argo-access-adopt')) continue;
    await world.send('POST', `/apis/${RBAC}/v1/clusterroles`, role);
    await bindTo(name, name === 'argo-access-adopt' ? undefined : HOME);
  }
  auditor = await kubeconfigOf(AUDIT, 'default');
}

/** A kubeconfig by way of the proxy, which counts what is written. */
async function kubeconfigOf(name: string, namespace: string): Promise<string> {
  const token = await tokenOf(world.send, { name, namespace });
  const path = join(world.folder, `kubeconfig-${name}`);
  await writeFile(path, kubeconfig(world.api.url, world.kubernetes.ca, token, HOME), { mode: 0o600 });
  return path;
}

/** The operator's configuration, with a client of Keycloak that may only look. */
async function lookingConfig(): Promise<string> {
  const roles = ['view-clients', 'view-users'];
  const { clientId, secret } = await world.admin.createOperator(world.realm, roles, 'argo-access-adopt');
  const secretPath = join(world.folder, 'keycloak-secret-adopt');
  await writeFile(secretPath, secret, { mode: 0o600 });
  const config = parse(await readFile(world.configPath, 'utf8')) as WorldConfig;
  const connections = config.connections.map(each => ({ ...each, clientId, clientSecretFile: secretPath }));
  const path = join(world.folder, 'config-adopt.yaml');
  await writeFile(path, stringify({ ...config, connections }));
  return path;
}

function issuer(): string {
  return `${world.keycloak.url}/realms/${world.realm}`;
}

async function makeClient(): Promise<void> {
  await world.admin.createClient(world.realm, {
    clientId: 'argo-workflows',
    publicClient: false,
    secret: SECRET,
    directAccessGrantsEnabled: true,
    redirectUris: [`${URL}/oauth2/callback`, 'https://old.example.com/oauth2/callback', `${URL}/*`],
    protocolMappers: [
      {
        name: 'my groups',
        protocol: 'openid-connect',
        protocolMapper: 'oidc-group-membership-mapper',
        config: { 'claim.name': 'groups', 'full.path': 'true', 'id.token.claim': 'true' },
      },
    ],
  });
  await world.send('POST', `/api/v1/namespaces/${HOME}/secrets`, {
    metadata: { name: 'argo-sso-credentials' },
    stringData: { id: 'argo-workflows', secret: SECRET },
  });
  const reference = (key: string) => ({ name: 'argo-sso-credentials', key });
  await replaceSettings(world, {
    sso: stringify({
      issuer: issuer(),
      clientId: reference('id'),
      clientSecret: reference('secret'),
      redirectUrl: `${URL}/oauth2/callback`,
      scopes: ['email', 'profile'],
      rbac: { enabled: true },
      sessionExpiry: '8h',
    }),
    links: '- name: by hand\n  scope: workflow\n  url: https://example.com\n',
  });
}

async function makeAccounts(): Promise<void> {
  for (const { name, rule, precedence, token } of ACCOUNTS) {
    const elsewhere = token.endsWith('.service-account-token') ? {} : { [ARGO_TOKEN_NAME]: token };
    const annotations = { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: precedence, ...elsewhere };
    await world.send('POST', `/api/v1/namespaces/${HOME}/serviceaccounts`, {
      metadata: { name, annotations },
    });
    await world.send('POST', `/api/v1/namespaces/${HOME}/secrets`, {
      metadata: { name: token, annotations: { 'kubernetes.io/service-account.name': name } },
      type: 'kubernetes.io/service-account-token',
    });
    await eventually(
      `the token of ${name} is there`,
      async () => (await world.get(corePath('secrets', token)))?.data?.token,
      30_000,
      20,
    );
  }
}

function subject(name: string) {
  return { kind: 'ServiceAccount', name, namespace: HOME };
}

async function bind(
  name: string,
  namespace: string,
  role: string,
  ...accounts: readonly string[]
): Promise<void> {
  const [kind, plain = role] = role.split('/').length === 2 ? ['Role', role.split('/')[1]] : ['ClusterRole'];
  await world.send('POST', bindingsPath(namespace), {
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind, name: plain },
    subjects: accounts.map(subject),
  });
}

async function makeBindings(): Promise<void> {
  const rule = { apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['get', 'create'] };
  await world.send('POST', `/apis/${RBAC}/v1/namespaces/${HOME}/roles`, {
    metadata: { name: 'starter' },
    rules: [rule],
  });
  await world.send('POST', `/apis/${RBAC}/v1/clusterroles`, {
    metadata: { name: 'see-nodes' },
    rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }],
  });
  await bind('admins', HOME, 'argo-access-admin', 'admin');
  await bind('admins', TEAM, 'argo-access-admin', 'admin');
  // One for several, also for one that is no role.
  await bind('submitters', TEAM, 'argo-access-submitter', 'team', 'lead', 'default');
  await bind('viewers', HOME, 'argo-access-viewer', 'viewer', 'team');
  await bind('starters', HOME, 'roles/starter', 'lead');
  await world.send('POST', `/apis/${RBAC}/v1/clusterrolebindings`, {
    metadata: { name: 'see-nodes' },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'see-nodes' },
    subjects: [subject('lead')],
  });
}

beforeAll(async () => {
  wasmPath = await ruleEngineWasm(() => {});
  world = await createRotatingWorld({
    groups: ['/platform/admins', '/teams/a', '/teams/b', '/guests'],
    users: USERS,
    configure: config => ({
      ...config,
      namespaces: config.namespaces.map(each => ({
        ...each,
        when: true,
        roles: [{ name: 'starter', namespaces: [HOME] }],
      })),
    }),
  });
  selection = startArgoSelection(await argoSelectionProgram(() => {}));
  configPath = await lookingConfig();
  await makeAuditor();
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await makeClient();
  await makeAccounts();
  await makeBindings();
}, 600_000);
afterAll(async () => {
  await selection?.close();
  await world?.stop();
});

/** Runs `adopt` with Argo's rule engine, as the auditor, and shows that nothing is written. */
async function adopting(more: Partial<AdoptOptions> = {}): Promise<Ended> {
  const options: AdoptOptions = {
    kubeconfig: auditor,
    namespace: HOME,
    config: configPath,
    name: 'workflows',
    deployment: ARGO_SERVER,
    ...more,
  };
  world.api.reset();
  world.keycloak.reset();
  const ended = await written(terminal => adopt(options, terminal, wasmPath));
  expect(world.api.requests.length).toBeGreaterThan(0);
  expect([...writesOf(world.api), ...writesOf(world.keycloak)]).toEqual([]);
  return ended;
}

/** Runs a command that a file shows, as administrator. */
async function runShown(command: string, input?: string): Promise<string> {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('kubectl');
  const flag = words.indexOf('--kubeconfig');
  return world.kubectl(words.toSpliced(flag, flag < 0 ? 0 : 2), input);
}

async function mayDo(account: string, namespace: string | undefined, verb: string, resource: string) {
  const [group = '', plural] = resource.split('/');
  const spec = {
    user: `system:serviceaccount:${HOME}:${account}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${HOME}`, 'system:authenticated'],
    resourceAttributes: { namespace, verb, group, resource: plural },
  };
  const answer = await world.send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec });
  return (answer as { readonly status: { readonly allowed: boolean } }).status.allowed;
}

/** What the API server lets an account do. */
async function rightsOf(account: string): Promise<readonly string[]> {
  const asked = [HOME, TEAM].flatMap(namespace =>
    ['get', 'create', 'delete'].map(verb => [namespace, verb, 'argoproj.io/workflows'] as const),
  );
  const all = [...asked, [undefined, 'list', '/nodes'] as const];
  const answers = await Promise.all(
    all.map(([namespace, verb, what]) => mayDo(account, namespace, verb, what)),
  );
  return all.filter((_, index) => answers[index]).map(([namespace = '', verb]) => `${verb} ${namespace}`);
}

/** The account that each user gets who signs in, and what that may do. */
async function standings(): Promise<Readonly<Record<string, unknown>>> {
  const secret = await world.get(corePath('secrets', 'argo-sso-credentials'));
  const value = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
  const settings = await world.get(corePath('configmaps', SETTINGS));
  const sso = parse(settings?.data?.sso ?? '') as { redirectUrl: string; issuer: string; scopes: string[] };
  const client: LoginClient = {
    issuer: sso.issuer,
    clientId: value('id'),
    clientSecret: value('secret'),
    redirectUri: sso.redirectUrl,
    scope: ['openid', ...sso.scopes].join(' '),
  };
  const accounts = await world.list<Got>(`/api/v1/namespaces/${HOME}/serviceaccounts`);
  const serviceAccounts = accounts.map(({ metadata: { name, annotations = {} } }) => ({
    namespace: HOME,
    name,
    annotations,
  }));
  const found = await Promise.all(
    USERS.map(async ({ username }) => {
      const { claims } = await login(client, username);
      const who = {
        token: claims,
        expiry: 4_102_444_800,
        serviceAccounts,
        loginNamespace: HOME,
        namespace: '',
        delegates: false,
      };
      const [chosen = []] = await selection.choose([who]);
      const [, account] = /^account argo\/(.*)$/.exec(chosen.join()) ?? [];
      return [
        username,
        account === undefined ? 'denied' : { account, rights: await rightsOf(account) },
      ] as const;
    }),
  );
  return Object.fromEntries(found);
}

function commandsIn(text: string, verb: string): readonly string[] {
  return text
    .split('\n')
    .flatMap(line => new RegExp(`^# +(kubectl .*\\b${verb} .*?)(?: &&)?$`).exec(line)?.[1] ?? []);
}

describe('adopt', () => {
  it('says what is missing, where it cannot describe what there is', async () => {
    const without = written(terminal =>
      adopt(
        { kubeconfig: auditor, namespace: HOME, name: 'workflows', deployment: ARGO_SERVER },
        terminal,
        wasmPath,
      ),
    );
    await expect(without).rejects.toThrow('say --client-id, or give --config');
    await expect(adopting({ clientId: 'nobody' })).rejects.toThrow(
      `realm ${world.realm} has no client nobody`,
    );
    const { code, err } = await argoAccess(['adopt', '-n', TEAM, '--kubeconfig', auditor]);
    expect({ code, err }).toMatchObject({ code: 2 });
    expect(err).toContain('no ServiceAccount of namespace team-a has a rule');
    const stranger = await adopting({ kubeconfig: await kubeconfigOf('viewer', HOME) }).catch(String);
    expect(stranger).toContain('may not list serviceaccounts in namespace argo');
  });

  it('tells what no policy says, and for whom it would not be the same', async () => {
    const path = `/api/v1/namespaces/${HOME}/serviceaccounts`;
    const annotations = { [ARGO_RULE]: 'no such rule', [ARGO_PRECEDENCE]: '-1' };
    await world.send('POST', path, { metadata: { name: 'broken', annotations } });
    await world.send('POST', path, { metadata: { name: 'twin', annotations: { [ARGO_RULE]: 'true' } } });
    const { code, out } = await adopting();
    await world.send('DELETE', corePath('serviceaccounts', 'broken'));
    await world.send('DELETE', corePath('serviceaccounts', 'twin'));
    expect(code).toBe(1);
    const said = out.replaceAll(/\n#\s+/g, ' ');
    expect(said).toContain(
      'ServiceAccount broken stays as it is: its rule no such rule is neither true nor false',
    );
    expect(said).toContain('acts as twin or acts as viewer today, and acts as twin then');
    expect(said).toContain('ServiceAccount twin has no token');
    expect(said).toContain(
      'FieldTaken: ConfigMap argo/workflow-controller-configmap: key sso is managed by "administrator"',
    );
    // Whoever holds the settings writes what is shown.
    const [, block = ''] = /^# +sso: \|\n((?:# {7}.*\n)+)/m.exec(out) ?? [];
    const sso = block.replaceAll(/^# {7}/gm, '');
    expect(parse(sso)).toMatchObject({ issuer: issuer(), scopes: [], sessionExpiry: '8h' });
    await edit(world, corePath('configmaps', SETTINGS), { data: { sso } });
  });

  it('takes everything over, and changes nobody', async () => {
    const before = await standings();
    expect(before).toMatchObject({
      ada: { account: 'admin' },
      bob: { account: 'team', rights: [`get ${HOME}`, `get ${TEAM}`, `create ${TEAM}`] },
      // Argo denies whoever is in no group, for the rules that name the claim fail.
      cleo: 'denied',
      dan: { account: 'lead' },
      eve: { account: 'viewer' },
    });

    // Without the definition of policies, too.
    await world.kubectl(['delete', 'crd', 'argoaccesspolicies.argo-access.io']);
    const { code, out, err } = await adopting();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    await world.kubectl([
      'apply',
      '--server-side',
      '-f',
      join(import.meta.dirname, '../../crds/argoaccesspolicies.yaml'),
    ]);
    await world.kubectl(['wait', '--for=condition=Established', 'crd/argoaccesspolicies.argo-access.io']);
    expect(out).not.toContain(SECRET);
    const valid = await argoAccess(['validate', '--config', configPath, '-'], out);
    expect(valid).toMatchObject({ code: 0 });

    const consent = await adopting({ annotate: true });
    expect(consent.out.trim().split('\n')).toEqual(commandsIn(out, 'annotate'));
    for (const command of consent.out.trim().split('\n')) await runShown(command);
    await world.kubectl(['apply', '-f', '-'], out);
    await freeLease(world);
    await world.startOperator();
    await awaitReady(world);
    expect(await standings()).toEqual(before);

    const options = {
      kubeconfig: auditor,
      config: configPath,
      namespace: HOME,
      output: 'text',
      exitCode: true,
    } as const;
    const planned = await written(terminal => plan(['-'], options, terminal, wasmPath), out);
    expect(planned.out).toContain('No changes.');
    expect(planned.code).toBe(0);

    const needless = commandsIn(out, 'delete');
    expect(needless.length).toBe(4);
    for (const command of needless) await runShown(command);
    expect(await standings()).toEqual(before);
    await expect(adopting({ name: 'again' })).rejects.toThrow('belongs to a policy already');
  }, 240_000);
});
