import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import type { RoleBinding, ServiceAccount } from '../../operator/api/objects.ts';
import { createRuleEngine, type RuleEngine } from '../../operator/argo/engine.ts';
import { explainRequest } from '../../operator/argo/request.ts';
import { createWhenJudge, type WhenJudge } from '../../operator/argo/when.ts';
import { describeClaim } from '../../operator/cli/adopt/claim.ts';
import { addressOf, clientSpec, secretSpec, serverSpec } from '../../operator/cli/adopt/client.ts';
import { annotateCommands, clashRemarks, consentsFor } from '../../operator/cli/adopt/consent.ts';
import { accountRemarks, accountsAfter, bindingRemarks } from '../../operator/cli/adopt/describe.ts';
import { changesAhead } from '../../operator/cli/adopt/foresee.ts';
import { describeGrants } from '../../operator/cli/adopt/grants.ts';
import type { Access } from '../../operator/cli/adopt/options.ts';
import { placeRoles, type Slot } from '../../operator/cli/adopt/order.ts';
import { shiftsOf } from '../../operator/cli/adopt/people.ts';
import type { Installation } from '../../operator/cli/adopt/read.ts';
import { type ByHand, type DescribedRoles, describeRoles, type Who } from '../../operator/cli/adopt/roles.ts';
import { type Claim, readRule } from '../../operator/cli/adopt/rule.ts';
import { delegationRemarks, serverRemarks, settingsToPaste } from '../../operator/cli/adopt/server.ts';
import { soundRoles } from '../../operator/cli/adopt/sound.ts';
import { describe as describeInstallation } from '../../operator/cli/adopt/spec.ts';
import { stepsFor } from '../../operator/cli/adopt/steps.ts';
import { asFile, isFaithful } from '../../operator/cli/adopt/text.ts';
import { readFiles } from '../../operator/cli/plan/files.ts';
import type { PolicyReport } from '../../operator/cli/plan/report.ts';
import { exactPrecedence } from '../../operator/policy/accounts.ts';
import { outcomeKey } from '../../operator/policy/selection.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { makeClient, makePolicy } from '../policy/fixtures.ts';
import { makeAccount, makeBinding, makeMeta, makeToken } from '../policy/objects.ts';

const PATHS = { source: 'Groups', fullPath: true } as const;
const NAMES = { source: 'Groups', fullPath: false } as const;

function byHand(name: string, rule: string, precedence?: string): ServiceAccount {
  const annotations = {
    [ARGO_RULE]: rule,
    ...(precedence !== undefined && { [ARGO_PRECEDENCE]: precedence }),
  };
  return makeAccount(name, { annotations });
}

function given(accounts: readonly ServiceAccount[], overrides: Partial<ByHand> = {}): ByHand {
  return {
    policy: 'workflows',
    accounts,
    bindings: [],
    naming: PATHS,
    always: new Set(),
    usual: 1000,
    ...overrides,
  };
}

const EMPTY_SERVER = {
  deployment: undefined,
  flags: undefined,
  version: undefined,
  settingsName: undefined,
  settings: undefined,
  settingsHolders: [],
  reading: undefined,
};

function installation(
  accounts: readonly ServiceAccount[],
  overrides: Partial<Installation> = {},
): Installation {
  const nothing = { policies: [], delegated: [], bindings: [], secrets: [], server: EMPTY_SERVER };
  return { namespace: 'argo', accounts, ...nothing, ...overrides };
}

describe('a rule written by hand', () => {
  it.each<[rule: string, groups: readonly string[], needs: readonly Claim[]]>([
    ["'admins' in groups", ['admins'], ['groups']],
    ['"a" in groups || \'b\' in groups', ['a', 'b'], ['groups']],
    ['("a" in groups or (`b` in groups))', ['a', 'b'], ['groups']],
    ['"a" in ($env?.groups ?? [])', ['a'], []],
    ['any($env?.groups ?? [], # in ["a", "b"])', ['a', 'b'], []],
    ['any(groups, {# == \'say "x"\'})', ['say "x"'], ['groups']],
    ['any(groups, {# in ["B\\u00fcro", "it\'s"]})', ['Büro', "it's"], ['groups']],
  ])('is understood as one for groups: %s', (rule, groups, needs) => {
    expect(readRule(rule)).toEqual({
      meaning: { kind: 'groups', groups },
      needs: new Set(needs),
      isStrict: true,
    });
  });

  it.each<[rule: string, text: string, needs: readonly Claim[]]>([
    [
      '"a" in groups && "b" in groups',
      '"a" in ($env?.groups ?? []) && "b" in ($env?.groups ?? [])',
      ['groups'],
    ],
    ["email == 'jo@example.com'", '($env?.email ?? "") == \'jo@example.com\'', ['email']],
    ['$env?.email == "groups"', '$env?.email == "groups"', []],
    ['{groups: 1}.groups == len(name)', '{groups: 1}.groups == len(($env?.name ?? ""))', ['name']],
    ['"a" in groups // for now', '"a" in groups // for now', []],
    ['groups contains "a"', '($env?.groups ?? []) contains "a"', ['groups']],
    ['any(groups, # in [])', 'any(($env?.groups ?? []), # in [])', ['groups']],
    ['"\\q" in groups', '"\\q" in ($env?.groups ?? [])', ['groups']],
    ['no such rule', 'no such rule', []],
    ['', '', []],
  ])('is kept as an expression, with defaults: %s', (rule, text, needs) => {
    expect(readRule(rule)).toMatchObject({ meaning: { kind: 'expression', text }, needs: new Set(needs) });
  });

  it.each([
    ['email == "a" and (email endsWith "b" or email contains "c")', true],
    ['"a" in groups && "b" in groups', true],
    ['email != "a"', false],
    ['not ("a" in groups)', false],
    ['email == ""', false],
    ['"a" startsWith email', false],
    ['email == "a" || "b" in groups', false],
    ['groups[0] == "a"', false],
  ])('is never true without the claim it names, as far as that is plain: %s', (rule, strict) => {
    expect(readRule(rule).isStrict).toBe(strict);
  });

  it('is for everybody', () => {
    expect(readRule(' true\n').meaning).toEqual({ kind: 'everyone' });
  });
});

function whoOf({ spec: { groups, everyone, when } }: DescribedRoles['roles'][number]): Who {
  return JSON.parse(JSON.stringify({ groups, everyone, when })) as Who;
}

describe('roles', () => {
  it('come in the order of Argo, with the groups that the contract can say', () => {
    const accounts = [
      byHand('viewer', 'true', '-5'),
      byHand('workflows-admin', "'/platform/admins' in groups", '20'),
      byHand('odd.one', '"admins" in ($env?.groups ?? [])', '10'),
    ];
    const { roles, precedence, leftAlone } = describeRoles(given(accounts.slice(1)));
    expect(leftAlone).toEqual([]);
    expect(precedence).toBeUndefined();
    expect(roles.map(({ spec }) => spec)).toEqual([
      { name: 'admin', groups: ['/platform/admins'], grants: [] },
      // With full paths no group is called so: it stays an expression that says the same.
      {
        name: 'odd-one',
        serviceAccount: 'odd.one',
        when: 'any($env?.groups ?? [], # in ["admins"])',
        grants: [],
      },
    ]);
    const named = describeRoles(given(accounts, { naming: NAMES })).roles.map(whoOf);
    expect(named[1]).toEqual({ groups: ['admins'] });
  });

  it('keep denied whom a rule above denies, for it fails for them', () => {
    const accounts = [
      byHand('a', "'/a' in groups", '5'),
      byHand('b', '"/b" in groups', '4'),
      byHand('mail', 'email endsWith "@example.com"', '3'),
      byHand('rest', 'true', '2'),
    ];
    expect(describeRoles(given(accounts)).roles.map(whoOf)).toEqual([
      { groups: ['/a'] },
      { groups: ['/b'] },
      {
        when: 'len($env?.groups ?? []) > 0 && (($env?.email ?? "") endsWith "@example.com")',
      },
      { when: 'len($env?.groups ?? []) > 0 && ($env?.email ?? "") != ""' },
    ]);
  });

  it('of one precedence have the one for everybody last', () => {
    const accounts = [byHand('all', 'true'), byHand('some', '"/a" in ($env?.groups ?? [])')];
    expect(describeRoles(given(accounts)).roles.map(({ spec }) => spec.name)).toEqual(['some', 'all']);
  });

  it('keep their place around what stays as it is, or stay too', () => {
    const accounts = [
      byHand('a', 'true', '2000'),
      byHand('fix', 'true', '1500'),
      byHand('b', 'true', '1200'),
    ];
    const kept = new Map([['fix', 'said so']]);
    expect(describeRoles(given(accounts), kept).precedence).toBe(1501);
    const narrow = [byHand('a', 'true', '3'), byHand('fix', 'true', '2'), byHand('b', 'true', '1')];
    const { roles, leftAlone, precedence } = describeRoles(given(narrow), kept);
    expect([roles.map(({ spec }) => spec.name), precedence]).toEqual([['a'], undefined]);
    expect(leftAlone.map(({ contender }) => contender.account.metadata.name)).toEqual(['fix', 'b']);
  });

  it('are never placed on the wrong side of what stays', () => {
    const slot = fc.oneof(
      fc.constant<Slot>({ kind: 'role' }),
      fc.integer({ min: -50, max: 1200 }).map((precedence): Slot => ({ kind: 'fixed', precedence })),
    );
    const slots = fc
      .array(slot, { minLength: 1, maxLength: 8 })
      .filter(list => list.some(({ kind }) => kind === 'role'));
    fc.assert(
      fc.property(slots, list => {
        const placed = placeRoles(list, 1000);
        fc.pre(placed.fits);
        let next = (placed.precedence ?? 1000) + 10;
        const places = list.map(each => {
          if (each.kind === 'fixed') return { fixed: true, at: each.precedence };
          next -= 10;
          return { fixed: false, at: next };
        });
        const rolesOf = (some: typeof places) => some.flatMap(({ fixed, at }) => (fixed ? [] : [at]));
        expect(Math.min(...rolesOf(places))).toBeGreaterThan(0);
        for (const [index, { fixed, at }] of places.entries()) {
          if (!fixed) continue;
          expect(Math.min(...rolesOf(places.slice(0, index)))).toBeGreaterThan(at);
          expect(Math.max(...rolesOf(places.slice(index)))).toBeLessThan(at);
        }
      }),
    );
  });
});

describe('grants', () => {
  const account = makeAccount('viewer', {});
  const subject = { kind: 'ServiceAccount', name: 'viewer', namespace: 'argo' };
  const bind = (
    name: string,
    namespace: string,
    role: string,
    subjects = [subject],
    kind = 'ClusterRole',
  ) => ({
    ...makeBinding('viewer', 'x'),
    metadata: { ...makeMeta(name), namespace },
    roleRef: { kind: kind as 'ClusterRole', name: role },
    subjects,
  });

  it('are those of bindings in namespaces; what holds everywhere or for all accounts stays', () => {
    const bindings = [
      bind('one', 'argo', 'argo-viewer'),
      bind('two', 'team-a', 'argo-viewer', [subject, { ...subject, name: 'other' }]),
      bind('three', 'argo', 'local', [subject], 'Role'),
      bind('four', '', 'see-nodes'),
      bind('five', 'argo', 'shared', [{ kind: 'Group', name: 'system:serviceaccounts:argo', namespace: '' }]),
      bind('else', 'argo', 'argo-admin', [{ ...subject, name: 'other' }]),
    ];
    const { grants, doubled, others } = describeGrants(account, bindings);
    expect(grants).toEqual([
      { clusterRole: 'argo-viewer', namespaces: ['argo', 'team-a'] },
      { role: 'local' },
    ]);
    expect(doubled.map(({ metadata }) => metadata.name)).toEqual(['one', 'two', 'three']);
    expect(others).toEqual([
      'ClusterRole see-nodes in all namespaces, by ClusterRoleBinding four',
      'ClusterRole shared in argo, by RoleBinding argo/five',
    ]);
  });

  it('are as many as the namespaces need, of which each has room for 32', () => {
    const bindings = Array.from({ length: 40 }, (_, index) => bind('view', `team-${index}`, 'argo-viewer'));
    const { grants, doubled, others } = describeGrants(account, bindings);
    expect(grants.map(({ clusterRole, namespaces = [] }) => [clusterRole, namespaces.length])).toEqual([
      ['argo-viewer', 32],
      ['argo-viewer', 8],
    ]);
    expect(doubled).toHaveLength(40);
    expect(others).toEqual([]);
  });

  it('leave out a role whose name no policy may have, which stays', () => {
    const long = 'r'.repeat(254);
    const { grants, doubled, others } = describeGrants(account, [
      bind('one', 'argo', 'r'.repeat(253)),
      bind('two', 'argo', long),
    ]);
    expect(grants).toEqual([{ clusterRole: 'r'.repeat(253) }]);
    expect(doubled.map(({ metadata }) => metadata.name)).toEqual(['one']);
    expect(others).toEqual([
      `ClusterRole ${long} in argo, by RoleBinding argo/two: its name is longer than a policy may give one`,
    ]);
  });
});

describe('the client', () => {
  const mapper = (protocolMapper: string, config: Readonly<Record<string, string>>) => ({
    mapper: { id: 'm', name: 'groups', protocolMapper, config: { 'claim.name': 'groups', ...config } },
    scope: undefined,
  });
  const client = makeClient();

  it('tells by its mappers how groups are written', () => {
    const naming = (...writers: readonly ReturnType<typeof mapper>[]) =>
      describeClaim(client, writers, 'groups', [], '');
    const plain = mapper('oidc-group-membership-mapper', { 'full.path': 'false' });
    expect(naming(plain)).toEqual({ naming: NAMES, remarks: [] });
    // Of a mapper that says nothing, Keycloak 26.7 writes names.
    expect(naming(mapper('oidc-group-membership-mapper', {}))).toEqual({ naming: NAMES, remarks: [] });
    const own = mapper('oidc-usermodel-client-role-mapper', {
      'usermodel.clientRoleMapping.clientId': client.clientId,
    });
    expect(naming(own).naming.source).toBe('ClientRoles');
    expect(naming().remarks).toMatchObject([
      { kind: 'change', text: expect.stringMatching(/^no mapper puts groups/) },
    ]);
    // Not true where something else fills the claim.
    expect(naming(mapper('oidc-usermodel-realm-role-mapper', {})).remarks).toMatchObject([
      { kind: 'lost' },
      {
        kind: 'change',
        text: expect.stringMatching(/^with the policy groups come into the claim groups too/),
      },
    ]);
    const strange = naming(plain, mapper('oidc-usermodel-realm-role-mapper', {}));
    expect(strange).toMatchObject({ naming: NAMES, remarks: [{ kind: 'lost' }] });
  });

  it('guesses where Keycloak is not asked, and says so', () => {
    const { naming, remarks } = describeClaim(undefined, undefined, 'groups', ['"admins" in groups'], 'Ask.');
    expect(naming).toEqual(NAMES);
    expect(remarks).toMatchObject([{ kind: 'unknown' }]);
  });

  it('has its addresses by the redirect URIs, and tells of those that go', () => {
    const uris = [
      'https://argo.example.com/oauth2/callback',
      'https://old.example.com/argo/oauth2/callback',
      'https://x/*',
    ];
    const found = makeClient({ redirectUris: uris });
    const block = { redirectUrl: 'https://argo.example.com/oauth2/callback' };
    const address = addressOf(undefined, block, found);
    expect(address).toEqual({ url: 'https://argo.example.com', more: ['https://old.example.com/argo'] });
    expect(addressOf(undefined, {}, undefined)).toBeUndefined();
    if (address === undefined) return;
    const { remarks } = clientSpec('argo', address, block, found);
    expect(remarks.at(-1)).toEqual({
      kind: 'rewritten',
      text: `client ${found.clientId}: redirect URI https://x/* goes; Argo uses ${block.redirectUrl}`,
    });
    expect(clientSpec('argo', address, {}, found).remarks.at(-1)?.kind).toBe('change');
  });

  it('has the Secret that the settings point to, unless it cannot', () => {
    const both = { clientId: { name: 'oidc', key: 'id' }, clientSecret: { name: 'oidc', key: 'secret' } };
    expect(secretSpec(both)).toEqual({
      spec: { name: 'oidc', clientIdKey: 'id', clientSecretKey: 'secret' },
      remarks: [],
    });
    const apart = secretSpec({
      clientId: { name: 'ids', key: 'x' },
      clientSecret: { name: 'oidc', key: 'client-secret' },
    });
    expect(apart.spec).toEqual({ name: 'oidc' });
    expect(apart.remarks).toMatchObject([{ kind: 'rewritten' }]);
    expect(secretSpec({ clientSecret: { name: 'sso', key: 'k' } }).spec).toEqual({ name: 'argo-server-sso' });
  });

  it('keeps how long a session lasts, in the words of the contract', () => {
    const names = { configMap: 'settings', deployment: undefined };
    expect(serverSpec(names, { sessionExpiry: '1.5h' })).toMatchObject({ sessionExpiry: '5400s' });
    expect(serverSpec(names, { sessionExpiry: '8h' })).toMatchObject({ sessionExpiry: '8h' });
    expect(serverSpec({ configMap: undefined, deployment: undefined }, {})).toBeUndefined();
  });
});

describe('Argo Server', () => {
  const spec = {
    client: { clientId: 'argo', url: 'https://argo.example.com', secret: { name: 'oidc' } },
    server: { configMap: { name: 'settings' } },
    roles: [{ name: 'viewer', serviceAccount: 'viewer', everyone: true, grants: [] }],
  };
  const block = {
    issuer: 'https://sso.example.com/realms/platform',
    clientId: { name: 'oidc', key: 'client-id' },
    clientSecret: { name: 'oidc', key: 'client-secret' },
    redirectUrl: 'https://argo.example.com/oauth2/callback',
    rbac: { enabled: true },
  };

  it('has settings that mean something else, or nothing that a policy knows', () => {
    const told = (settings: object, server: object = {}) =>
      serverRemarks(makePolicy(spec), { ...EMPTY_SERVER, ...server }, settings).map(
        ({ kind, text }) => `${kind}: ${text}`,
      );
    expect(told(block).filter(text => !text.startsWith('unknown'))).toEqual([]);
    expect(told({ ...block, scopes: ['groups'] })).toContain(
      'rewritten: ConfigMap settings: sso.scopes ["groups"] → (none)',
    );
    expect(told({ ...block, rbac: {} })[0]).toMatch(/^change: Argo's rbac is not enabled/);
    expect(told({ ...block, insecureSkipVerify: true })[0]).toMatch(/^change: insecureSkipVerify goes/);
    const flags = {
      authModes: ['client'],
      configMap: 'settings',
      managedNamespace: 'work',
      namespaced: true,
      delegates: false,
    };
    expect(
      told(block, { flags })
        .map(text => text.split(':')[0])
        .slice(0, 2),
    ).toEqual(['lost', 'lost']);
  });

  it('has settings to paste where somebody else holds them, and only where they differ', () => {
    const server = { ...EMPTY_SERVER, settingsHolders: ['kubectl'] };
    expect(settingsToPaste(makePolicy(spec), server, block)).toBeUndefined();
    const differing = { ...block, scopes: ['groups'] };
    expect(settingsToPaste(makePolicy(spec), server, differing)).toContain('scopes: []');
    expect(settingsToPaste(makePolicy(spec), EMPTY_SERVER, differing)).toBeUndefined();
    // The operator never writes what argo-helm does.
    const config = { ...EMPTY_SERVER, reading: { form: 'config', sso: { state: 'absent' } } } as const;
    expect(settingsToPaste(makePolicy(spec), config, differing)).toMatch(/^sso:\n {2}issuer: /);
    const labels = { 'app.kubernetes.io/managed-by': 'Helm' };
    const settings = { kind: 'ConfigMap', metadata: { ...makeMeta('settings'), labels }, data: {} } as const;
    expect(settingsToPaste(makePolicy(spec), { ...config, settings }, differing)).toMatch(
      /^server:\n {2}sso:\n {4}enabled: true\n/,
    );
  });

  it('has settings to paste also where these only have what does not stay', () => {
    const pasted = (more: object, unknown: readonly string[] = []) => {
      const have = { ...block, ...more };
      const reading = { form: 'sections', sso: { state: 'read', block: have, unknown } } as const;
      const server = { ...EMPTY_SERVER, settingsHolders: ['kubectl'], reading };
      return settingsToPaste(makePolicy(spec), server, have);
    };
    expect(pasted({})).toBeUndefined();
    expect(pasted({ insecureSkipVerify: true })).toMatch(/^sso: \|\n(?!.*insecureSkipVerify)/s);
    expect(pasted({}, ['sessionExpires'])).toMatch(/^sso: \|\n/);
  });

  it('may look into namespaces whose accounts no longer stand above', () => {
    const account = byHand('viewer', 'true', '1');
    const elsewhere = (precedence: string) => {
      const other = byHand('boss', 'true', precedence);
      return { ...other, metadata: { ...other.metadata, namespace: 'team-a' } };
    };
    const flags = {
      authModes: ['sso'],
      configMap: 'settings',
      managedNamespace: undefined,
      namespaced: false,
      delegates: true,
    };
    const found = (precedence: string, delegates = true) => {
      const server = { ...EMPTY_SERVER, flags: { ...flags, delegates } };
      const there = installation([account], { delegated: [elsewhere(precedence)], server });
      return delegationRemarks(accountsAfter(makePolicy(spec), there), there, exactPrecedence, true);
    };
    expect(found('5')).toMatchObject([{ kind: 'change' }]);
    expect([...found('0'), ...found('20000'), ...found('5', false)]).toEqual([]);
  });

  it('may look from elsewhere into this namespace, whose accounts begin to stand above', () => {
    const { client: _, server: __, ...rolesOnly } = spec;
    const found = (own: string, login: string) => {
      const other = byHand('login', 'true', login);
      const delegated = [{ ...other, metadata: { ...other.metadata, namespace: 'argo-login' } }];
      const there = installation([byHand('viewer', 'true', own)], { delegated });
      return delegationRemarks(accountsAfter(makePolicy(rolesOnly), there), there, exactPrecedence, false);
    };
    // Only what is strictly above counts.
    for (const login of ['5', '6']) {
      expect(found('5', login)).toMatchObject([
        { kind: 'change', text: expect.stringContaining('namespace argo-login') },
      ]);
    }
    expect(found('5', '4')).toEqual([]);
    expect(found('5', '20000')).toEqual([]);
    expect(found('30000', '20000')).toMatchObject([{ kind: 'change' }]);
  });

  it('has accounts whose people are denied for want of a token', () => {
    const account = byHand('viewer', 'true', '1');
    const roles = describeRoles(given([account]));
    const told = (secrets: Installation['secrets']) =>
      accountRemarks(roles, [account], installation([account], { secrets })).filter(
        ({ kind }) => kind === 'change',
      );
    expect(told([])).toHaveLength(1);
    expect([...told([makeToken('viewer')]), ...told(undefined)]).toEqual([]);
  });
});

describe('the consent', () => {
  it('is asked for what is there under a name that the policy wants, and is not its own yet', () => {
    const spec = { roles: [{ name: 'viewer', serviceAccount: 'viewer', everyone: true, grants: [] }] };
    const policy = makePolicy(spec);
    const account = byHand('viewer', 'true');
    const token = makeToken('viewer', {
      labels: {},
      ownerReferences: [],
      annotations: { 'argo-access.io/adopt-by': 'old' },
    });
    const { managed: _, ...metadata } = token.metadata;
    const found = consentsFor(policy, installation([account], { secrets: [{ ...token, metadata }] }));
    expect(annotateCommands(found, 'workflows', ' --context prod')).toEqual([
      'kubectl --context prod annotate --namespace argo serviceaccount viewer argo-access.io/adopt-by=workflows',
      'kubectl --context prod annotate --namespace argo --overwrite secret viewer.service-account-token argo-access.io/adopt-by=workflows',
    ]);
  });
});

describe('a Secret named as the token of an account', () => {
  it('is not consented to where it holds the token of another', () => {
    const spec = { roles: [{ name: 'viewer', serviceAccount: 'viewer', everyone: true, grants: [] }] };
    const namesOf = (tokenOf: string) => {
      const annotations = { 'kubernetes.io/service-account.name': tokenOf };
      const { managed: _, ...metadata } = makeToken('viewer', {
        labels: {},
        ownerReferences: [],
        annotations,
      }).metadata;
      const secrets = [{ ...makeToken('viewer'), metadata }];
      const there = installation([byHand('viewer', 'true')], { secrets });
      return consentsFor(makePolicy(spec), there).map(({ name }) => name);
    };
    expect(namesOf('viewer')).toEqual(['viewer', 'viewer.service-account-token']);
    expect(namesOf('admin')).toEqual(['viewer']);
  });
});

describe('a binding under the name of one of the policy', () => {
  const account = byHand('viewer', 'true', '1');
  const bare = (subjects = makeBinding('viewer', 'x').subjects) => {
    const { managed: _, ...metadata } = makeMeta('argo-access:argo:viewer:clusterrole:x', { labels: {} });
    return { ...makeBinding('viewer', 'x'), metadata, subjects };
  };
  const policyOf = (bindings: readonly RoleBinding[]) => {
    const roles = describeRoles(given([account], { bindings }));
    return { roles, policy: makePolicy({ roles: roles.roles.map(({ spec }) => spec) }) };
  };

  it('is the policy’s from then on, and not deleted', () => {
    const byOthers = { ...bare(), metadata: makeMeta('viewers') };
    const { roles, policy } = policyOf([bare(), byOthers]);
    const there = installation([account], { bindings: [bare(), byOthers] });
    expect(consentsFor(policy, there).map(({ kind }) => kind)).toEqual(['ServiceAccount', 'RoleBinding']);
    const place = { kubeconfig: '', context: '', server: '', namespace: '', kubectlFlags: '' };
    const sources = { policy, roles, installation: there, commands: [], place, isRefused: false };
    expect(stepsFor(sources).at(-1)?.lines).toEqual([
      expect.stringMatching(/^kubectl wait .* &&$/),
      'kubectl delete --namespace argo rolebinding viewers',
    ]);
  });

  it('is not consented to where it binds others too, from whom it would be taken', () => {
    const jane = { kind: 'User', name: 'jane' };
    const binding = bare([...bare().subjects, jane]);
    const { policy } = policyOf([binding]);
    const there = installation([account], { bindings: [binding] });
    expect(consentsFor(policy, there).map(({ kind }) => kind)).toEqual(['ServiceAccount']);
    expect(clashRemarks(policy, there)).toMatchObject([
      { kind: 'problem', text: expect.stringContaining('binds others too, who would lose what it gives') },
    ]);
    expect(clashRemarks(policy, installation([account], { bindings: [bare()] }))).toEqual([]);
  });
});

describe('a namespace without a rule', () => {
  const flags = {
    authModes: ['sso'],
    configMap: 'workflow-controller-configmap',
    managedNamespace: 'team-a',
    namespaced: true,
    delegates: false,
  };

  it('is told apart from one where Argo Server does not look for any', async () => {
    const access = {
      cluster: { namespace: 'argo', signal: new AbortController().signal },
      keycloak: undefined,
      engine: { judge: () => Promise.resolve([]) },
      options: { name: 'workflows', deployment: 'argo-server', clientId: 'argo-workflows' },
      note: () => {},
    } as unknown as Access;
    const textOf = (server: Installation['server']) =>
      describeInstallation(access, installation([], { server })).catch(String);
    expect(await textOf(EMPTY_SERVER)).toMatch(/has a rule, and there is no policy without a role$/);
    expect(await textOf({ ...EMPTY_SERVER, flags })).toMatch(
      /has a rule, for Argo Server looks for them in namespace team-a: describe those by --namespace team-a/,
    );
  });
});

describe('the steps', () => {
  it('end with commands that a shell takes as they are meant, whatever a binding is called', () => {
    const names = ['admins', '--all', '-n', '$(touch x)', "it's; `touch y`", 'a\nspec: {}', 'b\u2028c'];
    const account = byHand('admin', 'true', '1');
    const bindings = names.map(name => ({
      ...makeBinding('admin', 'x'),
      metadata: makeMeta(name),
      subjects: [{ kind: 'ServiceAccount', name: 'admin', namespace: 'argo' }],
    }));
    const roles = describeRoles(given([account], { bindings }));
    const place = { kubeconfig: '', context: '', server: '', namespace: '', kubectlFlags: '' };
    const policy = makePolicy({ roles: roles.roles.map(({ spec }) => spec) });
    const steps = stepsFor({
      policy,
      roles,
      installation: installation([account]),
      commands: [],
      place,
      isRefused: false,
    });
    expect(steps.at(-1)?.lines).toEqual([
      expect.stringMatching(/^kubectl wait .* &&$/),
      'kubectl delete --namespace argo rolebinding admins &&',
      'kubectl delete --namespace argo rolebinding -- --all &&',
      'kubectl delete --namespace argo rolebinding -- -n &&',
      "kubectl delete --namespace argo rolebinding '$(touch x)' &&",
      "kubectl delete --namespace argo rolebinding 'it'\\''s; `touch y`'",
    ]);
    expect(bindingRemarks(roles).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^RoleBinding argo\/a\nspec: {}: its name cannot be shown on a line/),
      expect.stringMatching(/^RoleBinding argo\/b\u2028c: its name cannot be shown on a line/),
    ]);
  });

  it.each([true, false])('keep the bindings of grants that somebody takes out again: %s', isRefused => {
    const account = byHand('admin', 'true', '1');
    const bindings = [{ ...makeBinding('admin', 'x'), metadata: makeMeta('admins') }];
    const roles = describeRoles(given([account], { bindings }));
    const place = { kubeconfig: '', context: '', server: '', namespace: '', kubectlFlags: '' };
    const policy = makePolicy({ roles: roles.roles.map(({ spec }) => spec) });
    const there = installation([account]);
    const steps = stepsFor({ policy, roles, installation: there, commands: [], place, isRefused });
    expect(steps.at(-1)?.what.includes('keep its binding')).toBe(isRefused);
  });
});

describe('what becomes of the client', () => {
  it('is told, flows that attributes switch off among it', () => {
    const fields = [
      'attributes[oauth2.device.authorization.grant.enabled]',
      'attributes[argo-access.io/owner]',
    ];
    const told = changesAhead({
      changes: [
        {
          kind: 'KeycloakClient',
          name: 'argo-workflows',
          fields: fields.map(field => ({ field, before: 'true', after: 'false' })),
        },
      ],
    } as unknown as PolicyReport);
    expect(told).toEqual([
      {
        kind: 'warning',
        text: `client argo-workflows serves Argo Server alone from then on: ${fields[0]}: "true" → "false"`,
      },
    ]);
  });
});

describe('the file', () => {
  it('has no end of a line that kubectl sees and nobody else', () => {
    const when = '"\\u2028\u2028\u2029: x" in ($env?.groups ?? [])';
    const policy = { spec: { roles: [{ name: 'a', when, grants: [{ clusterRole: 'a\u2028d: e' }] }] } };
    const text = asFile({
      title: 'x',
      remarks: [],
      tried: undefined,
      steps: [],
      policy,
      roleNotes: new Map(),
    });
    expect(text).not.toMatch(/[\u0085\u2028\u2029]/);
    expect(parse(text, { version: '1.1' })).toEqual(policy);
  });

  it('is a policy, whatever is told before it', () => {
    const policy = {
      apiVersion: 'argo-access.io/v1alpha1',
      kind: 'ArgoAccessPolicy',
      metadata: { name: 'workflows', namespace: 'argo' },
      spec: {
        roles: [
          { name: 'rest', when: 'len($env?.groups ?? []) > 0', grants: [] },
          { name: 'no', groups: ['/010', 'yes', '1:30', 'é: #'], grants: [] },
        ],
        keycloak: { groups: { source: 'ClientRoles' } },
      },
    };
    const text = asFile({
      title: 'What was made by hand.',
      remarks: [{ kind: 'lost', text: 'a rule\nof two\u2028lines: - {' }],
      tried: 7,
      steps: [{ what: 'Apply it.', lines: ['kubectl\u0085apply'] }],
      policy,
      roleNotes: new Map([['rest', 'kept as it is']]),
    });
    const [read] = readFiles([{ file: 'policy.yaml', text }], { namespace: '', wrong: 1 });
    expect(read?.policy.spec.roles[0]?.when).toBe('len($env?.groups ?? []) > 0');
    expect(read?.policy.spec.roles[1]?.groups).toEqual(['/010', 'yes', '1:30', 'é: #']);
    expect(text).toMatchInlineSnapshot(`
      "# What was made by hand.
      #
      # For people nothing changes: Argo's rule engine gives 7 kinds of them the same ServiceAccount.
      #
      # No policy can say this
      #   - a rule of two lines: - {
      #
      # In this order
      #   1. Apply it.
      #      kubectl apply
      apiVersion: argo-access.io/v1alpha1
      kind: ArgoAccessPolicy
      metadata:
        name: workflows
        namespace: argo
      spec:
        roles:
          # kept as it is
          - name: rest
            when: len($env?.groups ?? []) > 0
            grants: []
          - name: "no"
            groups:
              - /010
              - "yes"
              - "1:30"
              - "é: #"
            grants: []
        keycloak:
          groups:
            source: ClientRoles
      "
    `);
    expect(isFaithful([{ kind: 'lost', text: '' }])).toBe(false);
    expect(isFaithful([{ kind: 'rewritten', text: '' }])).toBe(true);
  });
});

const GROUPS = ['/platform/admins', '/teams/a', '/teams/b', 'admins', 'say "x"', "o'neil"];
const quotes = [(text: string) => JSON.stringify(text), (text: string) => `'${text.replaceAll("'", "\\'")}'`];
const literal = fc
  .tuple(fc.constantFrom(...GROUPS), fc.constantFrom(...quotes))
  .map(([group, quote]) => quote(group));
const claim = fc.constantFrom('groups', '($env?.groups ?? [])');
const test = fc.tuple(literal, claim).map(([group, where]) => `${group} in ${where}`);
const rule = fc.oneof(
  { weight: 6, arbitrary: fc.array(test, { minLength: 1, maxLength: 3 }).map(list => list.join(' || ')) },
  { weight: 2, arbitrary: fc.constant('true') },
  { weight: 1, arbitrary: fc.tuple(test, test).map(([a, b]) => `${a} && !(${b})`) },
  {
    weight: 1,
    arbitrary: fc.tuple(literal, literal).map(list => `any(groups, {# in [${list.join(', ')}]})`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'email endsWith "@example.com"',
      '($env?.email ?? "") == "jo@example.com"',
      "preferred_username == 'jo' and '/teams/a' in groups",
      'groups[0] == "/teams/a"',
      'len(groups) > 1',
      'email_verified',
      'no such rule',
      'groups',
      'exp > 1',
    ),
  },
);
const accounts = fc
  .uniqueArray(fc.record({ rule, precedence: fc.constantFrom('0', '1', '2', '7', '100', '1000', 'x') }), {
    minLength: 1,
    maxLength: 5,
    selector: each => each.precedence,
  })
  .map(list => list.map((each, index) => byHand(`account-${index}`, each.rule, each.precedence)));
const token = fc.record(
  {
    sub: fc.constant('6d1ba0a5'),
    email: fc.constantFrom('jo@example.com', 'kim@other.example'),
    preferred_username: fc.constantFrom('jo', 'kim'),
    groups: fc.subarray([...GROUPS, '/elsewhere'], { maxLength: 3 }),
  },
  { requiredKeys: ['sub'] },
);

describe('hand-made accounts as a policy', () => {
  let engine: RuleEngine;
  let judge: WhenJudge;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 30_000 });
    judge = createWhenJudge(engine, { patient: true });
  }, 600_000);
  afterAll(() => engine?.close());

  async function outcomeFor(list: readonly ServiceAccount[], who: Readonly<Record<string, unknown>>) {
    const { outcomes } = await explainRequest(
      {
        token: who,
        terms: { groupsClaim: 'groups', exp: 4_102_444_800 },
        accounts: list,
        loginNamespace: 'argo',
        namespace: undefined,
        delegates: false,
      },
      engine,
    );
    const keys = outcomes.map(each => (each.kind === 'account' ? outcomeKey(each) : 'denied'));
    return [...new Set(keys)].toSorted();
  }

  it('choose the same account for everybody, or are said not to', async () => {
    let [written, faithful] = [0, 0];
    await fc.assert(
      fc.asyncProperty(accounts, fc.array(token, { minLength: 8, maxLength: 8 }), async (list, people) => {
        const found = await soundRoles(given(list), new Map(), each => judge('argo', each));
        if (found.roles.length === 0) return;
        written += 1;
        const roles = found.roles.map(({ spec }) => spec);
        const spec = { ...(found.precedence !== undefined && { precedence: found.precedence }), roles };
        const login = {
          clientId: 'argo',
          url: 'https://argo.example.com',
          secret: { name: 'argo-server-sso' },
        };
        const policy = makePolicy({ client: login, ...spec });
        const after = accountsAfter(policy, installation(list));
        const { shifts } = await shiftsOf({ before: list, after }, engine);
        if (shifts.length > 0) return;
        faithful += 1;
        for (const who of people) expect(await outcomeFor(after, who)).toEqual(await outcomeFor(list, who));
      }),
      { numRuns: 15 },
    );
    // Ties apart, next to all of them mean the same.
    expect(faithful / written).toBeGreaterThan(0.6);
  }, 120_000);

  it('waits only once for a rule without an end', async () => {
    const endless = 'let r = 1..100000; all(r, {all(r, {all(r, {# > -1})})})';
    const list = [byHand('a', '"/a" in ($env?.groups ?? [])', '1'), byHand('slow', endless, '0')];
    const quick = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 300 });
    const asked: string[] = [];
    const judge: RuleEngine['judge'] = (questions, ...rest) => {
      asked.push(...questions.map(question => question.rule));
      return quick.judge(questions, ...rest);
    };
    const { shifts } = await shiftsOf({ before: list, after: list }, { judge });
    await quick.close();
    expect(shifts).toEqual([]);
    expect(asked.filter(each => each === endless)).toHaveLength(1);
  }, 20_000);

  it('tells for whom it is not the same', async () => {
    const before = [byHand('a', '"/a" in ($env?.groups ?? [])', '1'), byHand('rest', 'true', '0')];
    const after = [byHand('a', '"/a" in ($env?.groups ?? [])', '-1'), byHand('rest', 'true', '0')];
    const { shifts } = await shiftsOf({ before, after }, engine);
    expect(shifts).toEqual([{ who: 'somebody in /a', before: ['a'], after: ['rest'] }]);
  });
});
