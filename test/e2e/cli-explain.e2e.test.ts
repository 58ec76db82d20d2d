import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import type { ExplainReport } from '../../operator/cli/explain/report.ts';
import { type ExplainOptions, explain } from '../../operator/cli/explain/run.ts';
import type { MatrixReport } from '../../operator/cli/matrix/report.ts';
import { argoAccess, type Ended, written } from '../cli/command-line.ts';
import { documents } from '../docs-pages.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { tokenOf } from './install.ts';
import { secretsOf } from './leaks.ts';
import {
  createRotatingWorld,
  DEPLOYMENT_PATH,
  freeLease,
  installArgoServer,
  SETTINGS_PATH,
} from './rotating-world.ts';
import {
  applyPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  HOME,
  TEAM,
  usualSpec,
  type World,
  type WorldConfig,
} from './world.ts';

const RBAC = 'rbac.authorization.k8s.io';
const AUDIT = 'auditor';
const SUBMIT = {
  groups: ['/teams/a'],
  grants: [{ clusterRole: 'argo-access-submitter', namespaces: [TEAM] }],
};

let world: World;
let wasmPath: string;
let configPath: string;
/** Kubeconfig of somebody who may do what docs/cli.md says is enough, and of somebody who may do nothing. */
let auditor: string;
let guest: string;
/** All that any command has written. */
let said = '';

async function accountKubeconfig(name: string): Promise<string> {
  const { kubernetes, folder, send } = world;
  const metadata = { name, namespace: 'default' };
  await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata });
  const token = await tokenOf(send, metadata);
  const path = join(folder, `kubeconfig-${name}`);
  await writeFile(path, kubeconfig(kubernetes.url, kubernetes.ca, token, HOME), { mode: 0o600 });
  return path;
}

async function bindTo(role: string, namespace: string | undefined): Promise<void> {
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const path = namespace === undefined ? `/apis/${RBAC}/v1/clusterrolebindings` : bindingsPath(namespace);
  await world.send('POST', path, {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name: role },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: AUDIT, namespace: 'default' }],
  });
}

/** The operator's configuration, with a client of Keycloak that may only look. */
async function lookingConfig(): Promise<string> {
  const roles = ['view-clients', 'view-users'];
  const { clientId, secret } = await world.admin.createOperator(world.realm, roles, 'argo-access-explain');
  const secretPath = join(world.folder, 'keycloak-secret-explain');
  await writeFile(secretPath, secret, { mode: 0o600 });
  const config = parse(await readFile(world.configPath, 'utf8')) as WorldConfig;
  const connections = config.connections.map(each => ({ ...each, clientId, clientSecretFile: secretPath }));
  const path = join(world.folder, 'config-explain.yaml');
  await writeFile(path, stringify({ ...config, connections }));
  return path;
}

/** An account with a rule as a hand makes it, without a token. */
function makeByHand(name: string, rule: string, precedence: string, namespace = HOME): Promise<unknown> {
  const annotations = { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: precedence };
  return world.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    metadata: { name, annotations },
  });
}

function removeByHand(name: string, namespace = HOME): Promise<unknown> {
  return world.send('DELETE', corePath('serviceaccounts', name, namespace));
}

beforeAll(async () => {
  wasmPath = await ruleEngineWasm(() => {});
  world = await createRotatingWorld({
    groups: ['/platform/admins', '/teams/a'],
    users: [
      { username: 'ada', groups: ['/platform/admins'] },
      { username: 'bob', groups: ['/teams/a'] },
      { username: 'cleo', groups: [] },
    ],
  });
  configPath = await lookingConfig();
  auditor = await accountKubeconfig(AUDIT);
  guest = await accountKubeconfig('guest');
  for (const role of documents('docs/cli.md') as readonly { kind?: string; metadata?: { name: string } }[]) {
    const name = role?.metadata?.name ?? '';
    if (role?.kind !== 'ClusterRole' || !name.startsWith('argo-access-explain')) continue;
    await world.send('POST', `/apis/${RBAC}/v1/clusterroles`, role);
    if (name === 'argo-access-explain') await bindTo(name, undefined);
    else for (const namespace of [HOME, TEAM]) await bindTo(name, namespace);
  }
  await installArgoServer(world, { replicas: 0 });
  await freeLease(world);
  await world.startOperator();
  const { roles, ...rest } = usualSpec() as { roles: readonly object[] };
  const [admin] = roles;
  await applyPolicy(world, { ...rest, roles: [admin, { name: 'team-a', ...SUBMIT }] });
  await awaitReady(world);
});
afterAll(() => world?.stop());

async function cli(args: readonly string[], as = auditor): Promise<Ended> {
  const ended = await argoAccess([...args, '--kubeconfig', as]);
  said += ended.out + ended.err;
  return ended;
}

interface Explained {
  readonly code: number;
  readonly text: string;
  readonly report: ExplainReport;
}

async function run(options: Partial<ExplainOptions>, as: string, input: string) {
  const full = { kubeconfig: as, namespace: HOME, output: 'json', ...options } as const;
  const { code, out } = await written(terminal => explain(full, terminal, wasmPath), input);
  said += out;
  return { code, out };
}

async function explained(options: Partial<ExplainOptions>, as = auditor, input = ''): Promise<Explained> {
  const { code, out } = await run(options, as, input);
  const text = (await run({ ...options, output: 'text' }, as, input)).out;
  return { code, text, report: JSON.parse(out) as ExplainReport };
}

describe('explain', () => {
  it('says of a user of Keycloak which account it is, why, and what that may do', async () => {
    const { code, text, report } = await explained({ user: 'ada', config: configPath, canI: true });
    expect(code).toBe(0);
    expect(report.groups).toEqual(['/platform/admins']);
    expect(report.claims).toMatchObject({
      iss: 'argo-server',
      preferred_username: 'ada',
      email: 'ada@example.com',
    });
    expect(report.outcome).toEqual({
      kind: 'account',
      serviceAccounts: ['argo/workflows-admin'],
      message: 'acts as ServiceAccount argo/workflows-admin',
    });
    const [admin, team] = report.trials;
    expect(admin).toMatchObject({
      from: { kind: 'role', policy: 'workflows', role: 'admin', differs: false },
      precedence: 1000,
      verdict: 'true',
      wins: true,
      token: { secret: 'workflows-admin.service-account-token', state: 'filled' },
    });
    expect(team).toMatchObject({ serviceAccount: 'workflows-team-a', verdict: 'false', wins: false });
    expect(admin?.grants.map(({ namespace }) => namespace)).toEqual([HOME, TEAM]);
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    expect(admin?.grants[0]?.workflows).toEqual({ verbs, named: [] });
    // What the API server says is what the roles say.
    expect(admin?.canI).toEqual([HOME, TEAM].map(namespace => ({ namespace, verbs })));
    expect(text).toContain('→ argo/workflows-admin  precedence 1000  true\n');
    expect(text).toContain('token   Secret workflows-admin.service-account-token, filled\n');
    expect(report.notes).toEqual([]);
  });

  it('names what is missing where no rule matches, what is only spelled differently first', async () => {
    const { code, text, report } = await explained({ groups: 'Admins' });
    expect(code).toBe(1);
    expect(report.outcome).toMatchObject({
      kind: 'none',
      message: 'is denied: no service account rule matches',
    });
    expect(report.nearest).toEqual([
      {
        namespace: HOME,
        serviceAccount: 'workflows-admin',
        missing: 'has group Admins, and the rule is for /platform/admins: they are spelled differently',
      },
      { namespace: HOME, serviceAccount: 'workflows-team-a', missing: 'is not in /teams/a' },
    ]);
    expect(text).toContain('for argo/workflows-team-a: is not in /teams/a');
    const { report: cleo } = await explained({ user: 'cleo', config: configPath });
    expect(cleo).toMatchObject({ groups: [], outcome: { kind: 'none' } });
    expect(cleo.claims).not.toHaveProperty('groups');
  });

  it('gives the exact error of a rule that fails, and how to mend it', async () => {
    await makeByHand('old', "'/teams/a' in groups", '5000');
    try {
      const { code, report, text } = await explained({ user: 'cleo', config: configPath });
      expect(code).toBe(1);
      expect(report.outcome).toMatchObject({ kind: 'denied', serviceAccounts: [] });
      expect(report.trials[0]).toMatchObject({
        serviceAccount: 'old',
        from: { kind: 'hand' },
        verdict: 'error',
      });
      expect(report.trials[0]?.error).toMatch(/^unknown name groups/);
      expect(text).toContain('write ($env?.groups ?? []) in place of groups');
      // For a member it is that account, which has no token.
      const bob = await explained({ user: 'bob', config: configPath });
      expect(bob.code).toBe(1);
      expect(bob.report.outcome.serviceAccounts).toEqual(['argo/old']);
      expect(bob.report.trials[0]?.token).toEqual({ secret: 'old.service-account-token', state: 'missing' });
    } finally {
      await removeByHand('old');
    }
  });

  it('tells a tie as a tie', async () => {
    await makeByHand('twin', 'true', '1000');
    try {
      const { code, report } = await explained({ groups: '/platform/admins' });
      expect(code).toBe(1);
      expect(report.outcome.kind).toBe('tie');
      expect(report.outcome.serviceAccounts).toEqual(['argo/twin', 'argo/workflows-admin']);
    } finally {
      await removeByHand('twin');
    }
  });

  it("looks in the namespace of what is asked for where Argo Server delegates, and says that it doesn't", async () => {
    await makeByHand('team-boss', '"/teams/a" in ($env?.groups ?? [])', '20000', TEAM);
    try {
      const asked = { groups: '/teams/a', resourceNamespace: TEAM };
      const without = await explained(asked);
      expect(without.report).toMatchObject({
        delegation: 'no',
        outcome: { serviceAccounts: ['argo/workflows-team-a'] },
      });
      const env = [{ name: 'SSO_DELEGATE_RBAC_TO_NAMESPACE', value: 'true' }];
      const body = { spec: { template: { spec: { containers: [{ name: 'argo-server', env }] } } } };
      await world.send('PATCH', DEPLOYMENT_PATH, body, 'application/strategic-merge-patch+json');
      const delegating = await explained(asked);
      expect(delegating.report).toMatchObject({
        delegation: 'yes',
        outcome: { serviceAccounts: ['team-a/team-boss'] },
      });
      expect(delegating.report.trials.map(({ namespace }) => namespace)).toEqual([HOME, HOME, TEAM]);
    } finally {
      await removeByHand('team-boss', TEAM);
    }
  });

  it('reads groups as the settings say that are there, whoever wrote them', async () => {
    const settings = (data: object) =>
      world.send('PATCH', SETTINGS_PATH, { data }, 'application/merge-patch+json');
    const sso = { customGroupClaimName: 'teams', filterGroupsRegex: ['^/teams/'] };
    await settings({ sso: stringify(sso) });
    try {
      const claims = { sub: 'x', groups: ['/teams/a'], teams: ['/platform/admins', '/teams/b'] };
      const { report } = await explained({ claims: '-' }, auditor, JSON.stringify(claims));
      expect(report).toMatchObject({ groups: ['/teams/b'], outcome: { kind: 'none' } });
      expect(report.notes).toEqual(['groups that filterGroupsRegex drops: /platform/admins']);
      const { report: team } = await explained({ groups: '/teams/a' });
      expect(team.outcome.serviceAccounts).toEqual(['argo/workflows-team-a']);
    } finally {
      await settings({ sso: null });
    }
  });

  it('looks where Argo Server looks by --managed-namespace', async () => {
    const start = (args: readonly string[]) => {
      const body = { spec: { template: { spec: { containers: [{ name: 'argo-server', args }] } } } };
      return world.send('PATCH', DEPLOYMENT_PATH, body, 'application/strategic-merge-patch+json');
    };
    await makeByHand('managed', '"/teams/a" in ($env?.groups ?? [])', '1', TEAM);
    await start(['server', '--auth-mode=sso', '--namespaced', `--managed-namespace=${TEAM}`]);
    try {
      const { report, text } = await explained({ groups: '/teams/a' });
      expect(report).toMatchObject({
        accountNamespace: TEAM,
        outcome: { serviceAccounts: ['team-a/managed'] },
      });
      expect(report.trials).toHaveLength(1);
      expect(text).toContain(
        'signs in at Argo Server of namespace argo, which looks for accounts in namespace team-a\n',
      );
    } finally {
      await start(['server', '--auth-mode=sso']);
      await removeByHand('managed', TEAM);
    }
  });

  it('takes a token or claims from a file or the standard input, and prints no token', async () => {
    const claims = { sub: 'x', groups: ['/teams/a'], email: 'x@example.com' };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const token = `header-part.${payload}.signature-part`;
    const path = join(world.folder, 'id-token');
    await writeFile(path, `${token}\n`);
    const { report, text } = await explained({ token: path });
    expect(report.outcome.serviceAccounts).toEqual(['argo/workflows-team-a']);
    for (const part of token.split('.')) expect(text + JSON.stringify(report)).not.toContain(part);
    const plain = await explained({ claims: '-' }, auditor, JSON.stringify({ sub: 'x', groups: '/teams/a' }));
    expect(plain.report.outcome).toMatchObject({ kind: 'refused' });
    expect(plain.report.outcome.message).toContain('claim groups is no list of texts');
    const { code, err } = await cli(['explain', '--token', configPath]);
    expect(code).toBe(2);
    expect(err).toContain('holds no ID token');
  });

  it('says which user, option or right is missing', async () => {
    await expect(explained({ user: 'nobody', config: configPath })).rejects.toThrow(
      `realm ${world.realm} has no user nobody`,
    );
    expect((await cli(['explain', '--user', 'ada'])).err).toContain('--user needs --config');
    expect((await cli(['explain'])).err).toContain('by --user, --groups, --claims or --token');
    const { code, err } = await cli(['explain', '--groups', 'a'], guest);
    expect(code).toBe(2);
    expect(err).toContain('may not list serviceaccounts in namespace argo');
  });
});

describe('matrix', () => {
  const AGGREGATE = 'example-aggregated';

  beforeAll(async () => {
    const rule = { apiGroups: ['argoproj.io'], resources: ['*'], verbs: ['*'] };
    const labels = { 'example.com/part-of': AGGREGATE };
    const role = (name: string, rest: object) =>
      world.send('POST', `/apis/${RBAC}/v1/clusterroles`, {
        apiVersion: `${RBAC}/v1`,
        kind: 'ClusterRole',
        metadata: { name, ...('rules' in rest && { labels }) },
        ...rest,
      });
    await role('example-part', { rules: [rule] });
    await role(AGGREGATE, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] } });
    await makeByHand('hand-made', 'email == "<b>&\'x\'|@example.com"', '20');
    await world.send('POST', bindingsPath(TEAM), {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'hand-made' },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: AGGREGATE },
      subjects: [{ kind: 'ServiceAccount', name: 'hand-made', namespace: HOME }],
    });
  });

  it('shows groups, accounts, namespaces and verbs, aggregated roles too', async () => {
    const { code, out, err } = await cli(['matrix', '-n', HOME, '-o', 'json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { homes, notes } = JSON.parse(out) as MatrixReport;
    expect(notes).toEqual([]);
    expect(homes).toHaveLength(1);
    expect(homes[0]).toMatchObject({ namespace: HOME, namespaces: [HOME, TEAM] });
    const rows = homes[0]?.rows ?? [];
    expect(rows.map(({ who }) => who.kind)).toEqual(['group', 'group', 'expression', 'others']);
    const [admins, team, byHand, others] = rows;
    expect(admins?.accounts[0]?.cells.map(({ namespace }) => namespace)).toEqual([HOME, TEAM]);
    expect(team?.accounts[0]?.cells).toEqual([
      {
        namespace: TEAM,
        roles: ['ClusterRole argo-access-submitter'],
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
        named: [],
        unknown: [],
      },
    ]);
    expect(byHand?.accounts[0]).toMatchObject({ serviceAccount: 'hand-made', from: { kind: 'hand' } });
    expect(byHand?.accounts[0]?.cells[0]?.verbs).toHaveLength(8);
    expect(others).toMatchObject({ accounts: [], unlessFirst: ['hand-made'] });
    const everywhere = await cli(['matrix', '-A', '-o', 'yaml'], world.kubernetes.kubeconfigPath);
    expect(parse(everywhere.out).homes).toEqual(homes);
  });

  it('as text and Markdown has a line for each', async () => {
    const { out } = await cli(['matrix']);
    expect(out).toMatch(
      /\n\/teams\/a +workflows-team-a +policy workflows, role team-a +team-a +ClusterRole /,
    );
    expect(out).toContain('denied: no rule matches');
    const markdown = (await cli(['matrix', '-o', 'markdown'])).out;
    const widths = markdown
      .split('\n')
      .flatMap(line => (line.startsWith('|') ? [line.split(/(?<!\\)\|/).length] : []));
    expect(new Set(widths)).toEqual(new Set([6]));
    expect(markdown).not.toContain('<b>');
  });

  it('as a page needs nothing else, and takes nothing that others wrote for HTML', async () => {
    const { out } = await cli(['matrix', '-o', 'html']);
    const tags = [...out.matchAll(/<\/?([a-z0-9]+)/g)].map(([, name = '']) => name);
    const known =
      'html head meta title style body header h1 h2 p time span em section div table thead tbody tr th td';
    expect(new Set(tags)).toEqual(new Set(known.split(' ')));
    expect(out).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)|url\(|@import|\son\w+=/);
    expect(out).toContain('email == &quot;&lt;b&gt;&amp;&#39;x&#39;|@example.com&quot;');
    expect(balanced(out)).toEqual([]);
  });

  it('says what was not looked at, and which right is missing', async () => {
    const { code, err } = await cli(['matrix'], guest);
    expect(code).toBe(2);
    expect(err).toContain('may not list serviceaccounts in namespace argo');
  });
});

/** Elements that are not closed, or closed without being open. */
function balanced(html: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (name === 'meta') continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

it('neither command prints a secret', async () => {
  for (const secret of await secretsOf(world)) expect(said).not.toContain(secret);
});
