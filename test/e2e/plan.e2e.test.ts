import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ANNOTATION_ADOPT_BY, ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import type { ChangeView } from '../../operator/cli/plan/change-view.ts';
import type { PlanReport } from '../../operator/cli/plan/report.ts';
import { eventually } from '../env/process.ts';
import { generateMerges } from './generate-merges.ts';
import { type Planner, planAndMerge, planOf, runPlan, type Written } from './plan-check.ts';
import { createPlanningWorld, type PlanningWorld } from './planning-world.ts';
import { edit } from './quiet.ts';
import { freeLease, SETTINGS } from './rotating-world.ts';
import { awaitNextSecond } from './rotation-looks.ts';
import { applySettingsAs, settingsData } from './server-looks.ts';
import {
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  HOME,
  TEAM,
  usualSpec,
  type World,
  type WorldConfig,
} from './world.ts';

let place: PlanningWorld;
let world: World;
let frugal: Planner;
let planner: Planner;

/** A request in the API server's audit log. */
interface AuditEntry {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string };
}

beforeAll(async () => {
  place = await createPlanningWorld();
  ({ world, frugal, planner } = place);
});
afterAll(() => place?.stop());

const client = usualSpec().client as Readonly<Record<string, unknown>>;
const SERVER = { configMap: { name: SETTINGS }, deployment: 'argo-server' };

const ADMIN = {
  name: 'admin',
  groups: ['/platform/admins'],
  grants: [{ clusterRole: 'argo-access-admin', namespaces: [HOME, TEAM] }],
};
const TEAM_A = { name: 'team-a', groups: ['/teams/a'], grants: [{ clusterRole: 'argo-access-submitter' }] };
const VIEWER = { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] };

function workflows(overrides: Readonly<Record<string, unknown>> = {}): Written {
  return { name: 'workflows', spec: { client, server: SERVER, roles: [ADMIN, VIEWER], ...overrides } };
}

function changesOf({ policies }: PlanReport): readonly ChangeView[] {
  return policies.flatMap(({ changes }) => changes);
}

function kindsOf(report: PlanReport): ReadonlySet<string> {
  return new Set(changesOf(report).map(({ change }) => change));
}

/** What is said of people, in a few words each. */
function peopleOf({ people }: PlanReport): readonly string[] {
  const name = ({ serviceAccounts }: PlanReport['people'][number]['before']) =>
    serviceAccounts.join('|') || 'nobody';
  return people.map(({ who, before, after }) => {
    const whom =
      who.kind === 'members'
        ? who.groups.join()
        : who.kind === 'both'
          ? `${who.first.join()}&${who.second.join()}`
          : who.kind === 'user'
            ? who.name
            : who.kind;
    return `${whom}: ${name(before)} -> ${name(after)}`;
  });
}

/** A policy with a role for those of one address. */
function byMail(): Written {
  const when = '($env?.email ?? "") == "bob@example.com"';
  return workflows({ roles: [{ name: 'mail', when, grants: TEAM_A.grants }, ADMIN, TEAM_A, VIEWER] });
}

/** Client and server of a policy, with another Secret. */
function withSecret(secret: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { client: { ...client, secret } };
}

describe('plan, and then the merge', () => {
  it('of a new policy', async () => {
    const report = await planAndMerge(planner, { policies: [workflows()] });
    expect(kindsOf(report)).toEqual(
      new Set(['CreateClient', 'CreateObject', 'ApplyObject', 'ApplySettings', 'RollDeployment']),
    );
    expect(report.policies[0]).toMatchObject({ merge: 'create', problems: [], ready: { status: 'True' } });
    expect(peopleOf(report)).toEqual([
      '/platform/admins: nobody -> workflows-admin',
      'others: nobody -> workflows-viewer',
    ]);
  });

  it('of nothing new', async () => {
    expect(changesOf(await planAndMerge(planner, { policies: [workflows()] }))).toEqual([]);
    const { code, out } = await runPlan(planner, [workflows()], '--exit-code');
    expect(code).toBe(0);
    expect(out).toContain('No changes.');
  });

  it('of another URL, another claim, and settings of Argo Server', async () => {
    const next = workflows({
      client: { ...client, url: 'https://elsewhere.example.com' },
      keycloak: { groups: { claim: 'teams' } },
      server: { ...SERVER, sessionExpiry: '8h' },
    });
    const report = await planAndMerge(planner, { policies: [next] });
    expect(kindsOf(report)).toEqual(
      new Set(['UpdateClient', 'UpdateMapper', 'ApplySettings', 'RollDeployment']),
    );
    expect(peopleOf(report)).toEqual([]);
  });

  it('of roles of the client in place of groups', async () => {
    const roles = [{ ...ADMIN, groups: ['argo-admins'] }, VIEWER];
    const next = workflows({ keycloak: { groups: { source: 'ClientRoles' } }, roles });
    const report = await planAndMerge(planner, { policies: [next] });
    for (const kind of ['CreateMapper', 'DeleteMapper', 'CreateClientRole'])
      expect(kindsOf(report)).toContain(kind);
  });

  it('and back', async () => {
    await planAndMerge(planner, { policies: [workflows()] });
  });

  it("of labels, annotations and keys of the client's Secret, and of their end", async () => {
    const secret = { name: 'argo-server-sso', labels: { tier: 'gold' }, clientSecretKey: 'password' };
    const first = await planAndMerge(planner, { policies: [workflows(withSecret(secret))] });
    expect(kindsOf(first)).toContain('PatchObject');
    await planAndMerge(planner, { policies: [workflows()] });
  });

  it('of another Secret', async () => {
    const report = await planAndMerge(planner, { policies: [workflows(withSecret({ name: 'other-sso' }))] });
    const names = changesOf(report).map(({ change, name }) => `${change} ${name}`);
    expect(names).toContain('CreateObject other-sso');
    expect(names).toContain('DeleteObject argo-server-sso');
  });

  it('of other grants, a new role, and another order, with what it means for people and users', async () => {
    await planAndMerge(planner, { policies: [workflows({ roles: [ADMIN, TEAM_A, VIEWER] })] });
    const viewer = { ...VIEWER, grants: [{ clusterRole: 'argo-access-viewer', namespaces: [TEAM] }] };
    const next = workflows({ roles: [TEAM_A, ADMIN, viewer] });
    const { people } = await planOf(planner, [next], { users: true });
    const report = { ...(await planAndMerge(planner, { policies: [next] })), people };
    expect(peopleOf(report)).toEqual([
      '/platform/admins&/teams/a: workflows-admin -> workflows-team-a',
      'others: workflows-viewer -> workflows-viewer',
      'cleo: workflows-admin -> workflows-team-a',
    ]);
  });

  it('of other precedences, an account of another name, and a role less', async () => {
    const renamed = { ...ADMIN, serviceAccount: 'chief' };
    const report = await planAndMerge(planner, {
      policies: [workflows({ precedence: 5000, roles: [renamed, VIEWER] })],
    });
    expect(peopleOf(report)).toEqual([
      '/platform/admins: workflows-admin -> chief',
      '/teams/a: workflows-team-a -> workflows-viewer',
      '/platform/admins&/teams/a: workflows-team-a -> chief',
      'others: workflows-viewer -> workflows-viewer',
    ]);
    expect(kindsOf(report)).toEqual(new Set(['CreateObject', 'ApplyObject', 'PatchObject', 'DeleteObject']));
  });

  it('of a rule by an expression, which is tried for users', async () => {
    const next = byMail();
    const { people } = await planOf(planner, [next], { users: true });
    const report = { ...(await planAndMerge(planner, { policies: [next] })), people };
    expect(peopleOf(report)).toContain('expression: nobody -> workflows-mail');
    expect(peopleOf(report)).toContain('bob: workflows-viewer -> workflows-mail');
    expect(peopleOf(report)).toContain('cleo: chief -> workflows-admin');
  });

  it('of a secret that somebody asks to rotate', async () => {
    await awaitNextSecond(world);
    const annotations = { [ANNOTATION_ROTATE_REQUESTED]: new Date().toISOString() };
    const next = { ...byMail(), annotations };
    const report = await planAndMerge(planner, { policies: [next] });
    expect(kindsOf(report)).toEqual(new Set(['RegenerateSecret', 'ApplyObject', 'RollDeployment']));
  });

  it('of a second policy, and of its end', async () => {
    const more = { name: 'more', spec: { roles: [{ ...TEAM_A, groups: ['/teams/b'] }], precedence: 2000 } };
    const first = workflows();
    await planAndMerge(planner, { policies: [first, more] });
    // One that is in no file sees the other, and is told of only where it does something.
    const alone = await planOf(planner, [more]);
    expect(alone.policies.map(({ name, merge }) => `${name} ${merge}`)).toEqual([
      'more same',
      'workflows none',
    ]);
    expect(alone.changes).toBe(false);
    const report = await planAndMerge(planner, { policies: [first], gone: ['more'] });
    expect(report.policies.map(({ name, merge }) => `${name} ${merge}`)).toEqual([
      'workflows same',
      'more delete',
    ]);
    expect(peopleOf(report)).toEqual([
      '/teams/b: more-team-a -> workflows-viewer',
      '/platform/admins&/teams/b: more-team-a -> workflows-admin',
    ]);
  });

  it('of a policy under another name, which nothing stands against', async () => {
    const renamed = { ...workflows(), name: 'renamed' };
    const report = await planAndMerge(planner, { policies: [renamed], gone: ['workflows'] });
    expect(report.policies.flatMap(({ problems, warnings }) => [...problems, ...warnings])).toEqual([]);
    await planAndMerge(planner, { policies: [workflows()], gone: ['renamed'] });
  });

  it('of what has been changed by hand while no operator ran', async () => {
    await world.operator().stop();
    const binding = `argo-access:${HOME}:workflows-viewer:clusterrole:argo-access-viewer`;
    await world.send('DELETE', `${bindingsPath(HOME)}/${encodeURIComponent(binding)}`);
    await edit(world, corePath('serviceaccounts', 'workflows-admin'), {
      metadata: { annotations: { 'workflows.argoproj.io/rbac-rule': 'true' } },
    });
    const id = String((await world.admin.client(world.realm, 'argo-workflows'))?.id);
    await world.admin.updateClient(world.realm, id, { redirectUris: ['https://evil.example.com/*'] });
    const report = await planAndMerge(planner, {
      policies: [workflows()],
      start: async () => {
        await freeLease(world);
        await world.startOperator();
      },
    });
    expect(kindsOf(report)).toEqual(new Set(['UpdateClient', 'CreateObject', 'ApplyObject']));
    const { fields } = changesOf(report).find(({ change }) => change === 'UpdateClient') ?? { fields: [] };
    expect(fields).toEqual([
      {
        field: 'redirectUris',
        before: ['https://evil.example.com/*'],
        after: ['https://workflows.example.com/oauth2/callback'],
      },
    ]);
  });

  it("of Argo's settings that somebody else holds, which stay as they are", async () => {
    const sso = String((await settingsData(world)).sso);
    await applySettingsAs(world, 'helm', { sso });
    const next = workflows({ server: { ...SERVER, sessionExpiry: '7h' } });
    const isTaken = () =>
      awaitPolicy(world, 'is told', (_, condition) => condition('ServerReady')?.reason === 'FieldTaken');
    const report = await planAndMerge(planner, { policies: [next], settled: isTaken });
    expect(changesOf(report)).toEqual([]);
    expect(report.policies[0]?.problems.map(({ reason }) => reason)).toEqual(['FieldTaken']);
    expect(report.policies[0]?.problems[0]?.message).toContain('managed by "helm" too');
    await applySettingsAs(world, 'helm', {});
    await awaitReady(world);
    await planAndMerge(planner, { policies: [workflows()] });
  });

  it('of what was made by hand and is to be taken over', async () => {
    const adopt = { ...client, clientId: 'argo-hand', adopt: true, secret: { name: 'hand-sso' } };
    const roles = [{ name: 'hand', serviceAccount: 'hand', groups: ['/teams/b'], grants: TEAM_A.grants }];
    const by = { [ANNOTATION_ADOPT_BY]: 'hand' };
    await world.admin.createClient(world.realm, {
      clientId: 'argo-hand',
      publicClient: false,
      redirectUris: ['https://hand.example.com/oauth2/callback'],
    });
    const accounts = `/api/v1/namespaces/${HOME}/serviceaccounts`;
    await world.send('POST', accounts, {
      metadata: { name: 'hand', annotations: by },
      secrets: [{ name: 'hand-token' }],
    });
    await world.send('POST', `/api/v1/namespaces/${HOME}/secrets`, {
      metadata: { name: 'hand-sso', annotations: by },
      stringData: { 'client-id': 'argo-hand', other: 'x' },
    });
    const hand = { name: 'hand', spec: { client: adopt, roles, precedence: 500 } };
    const report = await planAndMerge(planner, { policies: [hand] });
    expect(kindsOf(report)).toContain('UpdateClient');
    expect(changesOf(report).map(({ change, name }) => `${change} ${name}`)).toContain('PatchObject hand');
    // The client was there before the policy, and so it stays.
    const end = await planAndMerge(planner, { policies: [workflows()], gone: ['hand'] });
    expect(kindsOf(end)).not.toContain('DeleteClient');
  });

  it('of what the namespace may not ask for, which nothing comes of', async () => {
    const refused = { name: 'refused', spec: { roles: [{ ...TEAM_A, groups: ['/secret'] }] } };
    const report = await planAndMerge(planner, {
      policies: [refused],
      settled: () =>
        awaitPolicy(
          world,
          'is stalled',
          (_, condition) => condition('Stalled')?.status === 'True',
          'refused',
        ),
    });
    expect(report.policies[0]?.problems.map(({ reason }) => reason)).toEqual(['NotAllowed']);
    expect((await runPlan(planner, [refused])).code).toBe(1);
    await planAndMerge(planner, { policies: [workflows()], gone: ['refused'] });
  });
});

describe('plan, and then the merge, where an old secret stays valid for a while', () => {
  /** A policy that rotates with an overlap. */
  const rotating = (overlap: string): Written =>
    workflows(withSecret({ name: 'argo-server-sso', rotation: { schedule: '@daily', overlap } }));

  it('of a rotation, and of an earlier end of the old secret', async () => {
    const periods = { secretPeriodSeconds: 90 * 86_400, rotatedPeriodSeconds: 60 * 86_400 };
    await world.admin.coverByRotationPolicy(world.realm, periods);
    await planAndMerge(planner, { policies: [rotating('1h')] });
    await awaitNextSecond(world);
    const annotations = { [ANNOTATION_ROTATE_REQUESTED]: new Date().toISOString() };
    const rotation = await planAndMerge(planner, { policies: [{ ...rotating('1h'), annotations }] });
    expect(kindsOf(rotation)).toEqual(new Set(['RegenerateSecret', 'ApplyObject', 'RollDeployment']));
    await eventually('the rollout is over for a second', async () =>
      kindsOf(await planOf(planner, [rotating('1s')])).has('EndOverlap'),
    );
    const end = await planAndMerge(planner, { policies: [rotating('1s')] });
    expect(kindsOf(end)).toEqual(new Set(['EndOverlap']));
    await planAndMerge(planner, { policies: [workflows()] });
    await world.admin.removeRotationPolicy(world.realm);
  });
});

describe('plan, and then the merge, of what is generated', () => {
  const anchor = {
    name: 'anchor',
    spec: { suspend: true, precedence: 100, roles: [{ ...VIEWER, name: 'nobody' }] },
  };
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  const merges = generateMerges(process.env.TEST_DEEP === '1' ? 100 : 6, seed);

  it(
    'tells of every write, one merge after the other',
    async () => {
      console.log(`merges: seed ${seed}`);
      await planAndMerge(planner, { policies: [workflows()] });
      let before: readonly string[] = ['workflows'];
      for (const policies of merges) {
        const names = policies.map(({ name }) => name);
        const gone = before.filter(name => !names.includes(name));
        const settled = async () => {
          for (const name of names) await awaitPolicy(world, 'is settled', isSettled, name);
          for (const name of gone) await awaitGone(world, name);
        };
        await planAndMerge(planner, { policies: [...policies, anchor], gone, settled });
        before = names;
      }
      await planAndMerge(planner, { policies: [workflows()], gone: [...before, 'anchor'] });
    },
    merges.length * 10_000,
  );
});

/** Whether the operator has done what it can. */
const isSettled: Parameters<typeof awaitPolicy>[2] = (_, condition) =>
  condition('Stalled') !== undefined ||
  (condition('Ready') !== undefined && condition('Reconciling') === undefined);

describe('plan without the right to list Secrets', () => {
  it('is empty where nothing is new, and says what it takes for granted', async () => {
    const report = await planOf(frugal, [workflows()]);
    expect(changesOf(report)).toEqual([]);
    expect(report.notes.join()).toContain(`Secrets of namespace ${HOME}`);
  });

  it('plans what another sees, who may list them', async () => {
    const next = workflows({ ...withSecret({ name: 'third-sso' }), roles: [VIEWER] });
    const [mine, theirs] = [await planOf(frugal, [next]), await planOf(planner, [next])];
    expect(mine.policies).toEqual(theirs.policies);
    expect(mine.people).toEqual(theirs.people);
  });
});

describe('plan', () => {
  it('is for people to read', async () => {
    const next = workflows({ roles: [{ ...ADMIN, grants: VIEWER.grants }, VIEWER] });
    const { out, code } = await runPlan(planner, [next], '--exit-code', '--users');
    expect(code).toBe(1);
    expect(out).toContain('Policy argo/workflows is changed');
    expect(out).toContain('~ user ada (/platform/admins) stays argo/workflows-admin, and gains');
  });

  it('refuses what the API server would, at its place', async () => {
    const moved = workflows({ client: { ...client, clientId: 'argo-other' } });
    const { code, err } = await runPlan(planner, [moved]);
    expect(code).toBe(1);
    expect(err).toMatch(/stdin:\d+:\d+: error: spec.client.clientId: cannot be changed once set/);
    expect((await runPlan(planner, [moved], '--exit-code')).code).toBe(2);
  });

  it('ends where Keycloak cannot be asked', async () => {
    const configPath = join(world.folder, 'config-wrong.yaml');
    const config = parse(await readFile(planner.configPath, 'utf8')) as WorldConfig;
    const connections = config.connections.map(each => ({ ...each, clientSecretFile: world.configPath }));
    await writeFile(configPath, stringify({ ...config, connections }));
    const { code, err } = await runPlan({ ...planner, configPath }, [workflows()]);
    expect(code).toBe(2);
    expect(err).toContain('without Keycloak nothing can be planned');
  });

  it('says which right is missing', async () => {
    const path = `${bindingsPath(HOME)}/frugal-argo-access-plan-namespace`;
    await world.send('DELETE', path);
    const { code, err } = await runPlan(frugal, [workflows()]);
    expect(code).toBe(2);
    expect(err).toMatch(/may not (list|get) .* in namespace argo/);
  });

  it('of the end of everything, for which nobody has planned by any write', async () => {
    const anchor = {
      name: 'anchor',
      spec: { suspend: true, roles: [{ ...VIEWER, serviceAccount: 'nobody' }] },
    };
    const settled = () =>
      awaitPolicy(
        world,
        'is suspended',
        (_, condition) => condition('Ready')?.reason === 'Suspended',
        'anchor',
      );
    await planAndMerge(planner, { policies: [anchor], settled });
    const report = await planAndMerge(planner, {
      policies: [anchor],
      gone: ['workflows'],
      settled: () => awaitGone(world),
    });
    expect(kindsOf(report)).toEqual(new Set(['PatchObject', 'DeleteObject', 'DeleteClient']));
    expect(report.policies.map(({ name, merge }) => `${name} ${merge}`)).toEqual([
      'anchor same',
      'workflows delete',
    ]);
    const lines = (await readFile(world.kubernetes.auditLogPath, 'utf8')).trim().split('\n');
    const entries = lines
      .map(line => JSON.parse(line) as AuditEntry)
      .filter(({ user }) => /:default:(planner|frugal)$/.test(user.username));
    const verbs = new Set(entries.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`));
    expect([...verbs].filter(verb => !/^(get|list) /.test(verb))).toEqual([
      'create localsubjectaccessreviews',
    ]);
  });
});
