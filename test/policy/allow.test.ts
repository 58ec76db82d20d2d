import { describe, expect, it } from 'vitest';
import type { Policy } from '../../operator/api/objects.ts';
import type { PolicySpec, ServerSpec } from '../../operator/api/schema.ts';
import { matchesUrl, type NamespaceAllowance, parseUrlGlob, refusals } from '../../operator/policy/allow.ts';
import { blocksEverything, check, checkCluster } from '../../operator/policy/checks.ts';
import { wantedRoles } from '../../operator/policy/desired.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import { makePolicy, observe } from './fixtures.ts';
import { keycloakWith, violationOf } from './objects.ts';

/** What team A may ask for in its own namespace. */
const TEAM_A: NamespaceAllowance = {
  name: 'team-a',
  connections: [{ name: 'default', realms: ['platform'] }],
  clientIds: ['argo-team-a', 'argo-team-a-*'],
  urls: [
    'https://argo.team-a.example.com',
    'https://*.team-a.example.com',
    'https://apps.example.com/team-a/*',
  ],
  groups: ['/team-a', '/team-a/*'],
  clusterRoles: [{ name: 'argo-access-viewer', namespaces: ['team-a', 'team-a-batch'] }],
  roles: [{ name: 'submitter', namespaces: ['team-a'] }],
  configMaps: ['workflow-controller-configmap'],
  deployments: ['argo-server'],
  adopt: false,
  everyone: false,
  when: false,
  shortGroupNames: false,
};

type Client = NonNullable<PolicySpec['client']>;
type Role = PolicySpec['roles'][number];

const MODEST: Policy = {
  ...makePolicy({
    client: {
      clientId: 'argo-team-a',
      url: 'https://argo.team-a.example.com',
      secret: { name: 'argo-server-sso' },
    },
    roles: [{ name: 'dev', groups: ['/team-a/dev'], grants: [{ clusterRole: 'argo-access-viewer' }] }],
  }),
  metadata: { ...makePolicy({ roles: [{ name: 'a', everyone: true }] }).metadata, namespace: 'team-a' },
};

/** The modest policy with other wishes. Past the schema: an old CRD, or none of its rules, may stand in the cluster. */
function asking(wishes: {
  readonly keycloak?: Partial<PolicySpec['keycloak']>;
  readonly client?: Partial<Client>;
  readonly server?: Partial<ServerSpec>;
  readonly role?: Partial<Role>;
}): Policy {
  const { spec } = MODEST;
  const [role] = spec.roles;
  const { client } = spec;
  if (client === undefined || role === undefined) throw new Error('the modest policy has both');
  return {
    ...MODEST,
    spec: {
      ...spec,
      keycloak: { ...spec.keycloak, ...wishes.keycloak },
      client: { ...client, ...wishes.client },
      ...(wishes.server && { server: { filterGroupsRegex: [], ...wishes.server } }),
      roles: [{ ...role, ...wishes.role }],
    },
  };
}

const groups = { source: 'Groups', claim: 'groups', fullPath: true } as const;
const viewer = 'argo-access-viewer';

const configMap = (name: string): [Policy, string, string, string] => [
  asking({ server: { configMap: { name, manage: true } } }),
  'spec.server.configMap.name',
  name,
  'configMaps',
];
const deployment = (name: string): [Policy, string, string, string] => [
  asking({ server: { deployment: name } }),
  'spec.server.deployment',
  name,
  'deployments',
];

type Attempt = readonly [sentence: string, policy: Policy, field: string, value: string, setting: string];

const client = (clientId: string): [Policy, string, string, string] => [
  asking({ client: { clientId } }),
  'spec.client.clientId',
  clientId,
  'clientIds',
];
const url = (text: string): [Policy, string, string, string] => [
  asking({ client: { url: text } }),
  'spec.client.url',
  text,
  'urls',
];
const group = (name: string): [Policy, string, string, string] => [
  asking({ role: { groups: [name] } }),
  'spec.roles[0].groups[0]',
  name,
  'groups',
];

const ATTEMPTS: readonly Attempt[] = [
  ['the client of another team', ...client('argo-team-b')],
  ['a client whose name only begins like its own', ...client('argo-team-ab')],
  ['a client whose name only ends like its own', ...client('xargo-team-a')],
  ['a client below a path of its own', ...client('argo-team-a-/../argo-team-b')],
  ["Keycloak's own client", ...client('realm-management')],
  ['a client of its name in other letters', ...client('ARGO-TEAM-A')],

  ['the address of another team', ...url('https://argo.team-b.example.com')],
  ['an address that only ends in its own', ...url('https://evilteam-a.example.com')],
  ['its address as the user of another host', ...url('https://argo.team-a.example.com@evil.com')],
  ['its address as user and password', ...url('https://argo.team-a.example.com:x@evil.com/')],
  ['its host as the beginning of another', ...url('https://argo.team-a.example.com.evil.com')],
  ['its address in the path of another', ...url('https://evil.com/https://argo.team-a.example.com')],
  ['its address in a query', ...url('https://evil.com?x=https://argo.team-a.example.com')],
  ['its address in a fragment', ...url('https://evil.com#https://argo.team-a.example.com')],
  ['two labels where one star stands', ...url('https://a.b.team-a.example.com')],
  ['no label where a star stands', ...url('https://.team-a.example.com')],
  ['another port', ...url('https://argo.team-a.example.com:8443')],
  ['its host without encryption', ...url('http://argo.team-a.example.com')],
  ['another scheme', ...url('javascript://argo.team-a.example.com/%0aalert(1)')],
  ['its host with a dot at the end', ...url('https://argo.team-a.example.com.')],
  ['its host in capitals', ...url('https://ARGO.team-a.example.com')],
  ['a letter that only looks the same', ...url('https://argo.team-а.example.com')],
  ['the same letter in punycode', ...url('https://argo.xn--team--6ve.example.com')],
  ['a full-width letter that browsers fold', ...url('https://argo.team-ａ.example.com')],
  ['an ideographic full stop for a dot', ...url('https://argo。team-a.example.com')],
  ['an address by number', ...url('https://3232235777/')],
  ['an address of version 6', ...url('https://[2001:db8::1]/')],
  ['a path of another team', ...url('https://apps.example.com/team-b/argo')],
  ['a path that climbs to another team', ...url('https://apps.example.com/team-a/../team-b')],
  ['a path that climbs in escapes', ...url('https://apps.example.com/team-a/%2e%2e')],
  ['a path that climbs in mixed escapes', ...url('https://apps.example.com/team-a/.%2E')],
  ['an escaped slash', ...url('https://apps.example.com/team-a/x%2fteam-b')],
  ['an escape of an escape', ...url('https://apps.example.com/team-a/%252e%252e')],
  ['a path parameter that some servers cut off', ...url('https://apps.example.com/team-a/..;')],
  ['two names where one star stands', ...url('https://apps.example.com/team-a/x/y')],
  ['a backslash, which browsers read as a slash', ...url('https://apps.example.com/team-a/..\\team-b')],
  ['a backslash before the host', ...url('https:\\\\argo.team-a.example.com')],
  ['a tab, which browsers leave out', ...url('https://apps.example.com/team-a/.\t.')],
  ['a line break, which browsers leave out', ...url('https://argo.team-a.example.com/\n')],
  ['a blank before it', ...url(' https://argo.team-a.example.com')],
  ['a star of its own, for which Keycloak takes anything', ...url('https://apps.example.com/team-a/*')],
  ['a star for the host', ...url('https://*.team-a.example.com')],
  [
    'another team by an additional address',
    asking({
      client: { additionalUrls: ['https://x.team-a.example.com', 'https://argo.team-b.example.com'] },
    }),
    'spec.client.additionalUrls[1]',
    'https://argo.team-b.example.com',
    'urls',
  ],

  ['settings that nobody listed', ...configMap('kube-root-ca.crt')],
  ['settings whose name only begins like those listed', ...configMap('workflow-controller-configmap-2')],
  ['all settings by a star', ...configMap('*')],
  [
    'to compare settings that nobody listed, for what they say would be shown',
    asking({ server: { configMap: { name: 'passwords', manage: false } } }),
    'spec.server.configMap.name',
    'passwords',
    'configMaps',
  ],
  ['a Deployment that nobody listed', ...deployment('coredns')],
  ['a Deployment by the name of listed settings', ...deployment('workflow-controller-configmap')],
  ['a Deployment whose name only ends like the one listed', ...deployment('my-argo-server')],

  ['the group of another team', ...group('/team-b/dev')],
  ['the administrators', ...group('/platform/admins')],
  ['a group that climbs to another', ...group('/team-a/../platform/admins')],
  ['a group two levels down, where one star stands', ...group('/team-a/x/y')],
  ['a group whose path only ends in its own', ...group('/platform/team-a')],
  ['a group whose path only begins like its own', ...group('/team-ab')],
  ['a group of its name without a path', ...group('team-a')],
  ['all groups by a star', ...group('/*/dev')],
  [
    'groups by their last names, which other teams have too',
    asking({ keycloak: { groups: { ...groups, fullPath: false } } }),
    'spec.keycloak.groups.fullPath',
    'false',
    'shortGroupNames',
  ],
  [
    'a group by the name of a client role',
    asking({ keycloak: { groups: { ...groups, source: 'ClientRoles' } }, role: { groups: ['admins'] } }),
    'spec.roles[0].groups[0]',
    'admins',
    'groups',
  ],

  ['everyone', asking({ role: { everyone: true } }), 'spec.roles[0].everyone', 'true', 'everyone'],
  [
    'whoever an expression is true for',
    asking({ role: { when: 'true' } }),
    'spec.roles[0].when',
    'true',
    'when',
  ],
  [
    'an expression that is too long to be shown',
    asking({ role: { when: `sub in [\n"${'x'.repeat(100)}"]` } }),
    'spec.roles[0].when',
    `sub in [ "${'x'.repeat(49)}…`,
    'when',
  ],
  ['a client that is there', asking({ client: { adopt: true } }), 'spec.client.adopt', 'true', 'adopt'],
  [
    'another connection',
    asking({ keycloak: { connection: 'partners' } }),
    'spec.keycloak.connection',
    'partners',
    'connections',
  ],
  [
    'another realm',
    asking({ keycloak: { realm: 'master' } }),
    'spec.keycloak.realm',
    'master',
    'connections[default].realms',
  ],
  [
    'a path that leads from its realm to another',
    asking({ keycloak: { realm: 'platform/../master' } }),
    'spec.keycloak.realm',
    'platform/../master',
    'connections[default].realms',
  ],

  [
    'a ClusterRole that nobody listed',
    asking({ role: { grants: [{ clusterRole: 'cluster-admin' }] } }),
    'spec.roles[0].grants[0].clusterRole',
    'cluster-admin',
    'clusterRoles',
  ],
  [
    'all ClusterRoles by a star',
    asking({ role: { grants: [{ clusterRole: '*' }] } }),
    'spec.roles[0].grants[0].clusterRole',
    '*',
    'clusterRoles',
  ],
  [
    'a listed ClusterRole in the namespace of another team',
    asking({ role: { grants: [{ clusterRole: viewer, namespaces: ['team-a', 'team-b'] }] } }),
    'spec.roles[0].grants[0].namespaces',
    'team-b',
    'clusterRoles[argo-access-viewer].namespaces',
  ],
  [
    'a listed ClusterRole in kube-system',
    asking({ role: { grants: [{ clusterRole: viewer, namespaces: ['kube-system'] }] } }),
    'spec.roles[0].grants[0].namespaces',
    'kube-system',
    'clusterRoles[argo-access-viewer].namespaces',
  ],
  [
    'a Role by the name of a listed ClusterRole',
    asking({ role: { grants: [{ role: viewer }] } }),
    'spec.roles[0].grants[0].role',
    viewer,
    'roles',
  ],
  [
    'a ClusterRole by the name of a listed Role',
    asking({ role: { grants: [{ clusterRole: 'submitter' }] } }),
    'spec.roles[0].grants[0].clusterRole',
    'submitter',
    'clusterRoles',
  ],
  [
    'a listed Role where only a ClusterRole is listed',
    asking({ role: { grants: [{ role: 'submitter', namespaces: ['team-a-batch'] }] } }),
    'spec.roles[0].grants[0].namespaces',
    'team-a-batch',
    'roles[submitter].namespaces',
  ],
  [
    'a grant of nothing at all',
    asking({ role: { grants: [{}] } }),
    'spec.roles[0].grants[0].role',
    '',
    'roles',
  ],
];

describe('a policy may not ask for', () => {
  it.each(ATTEMPTS)('%s', (_, policy, field, value, setting) => {
    expect(refusals(policy, TEAM_A, realmOf(policy))).toEqual([{ field, value, setting }]);
    const observation = observe(policy, { allowance: TEAM_A, keycloak: keycloakWith(undefined) });
    const violation = violationOf(observation, 'NotAllowed');
    expect(violation).toEqual({
      reason: 'NotAllowed',
      message:
        `policies in namespace team-a may not ask for ${field} ${JSON.stringify(value)} ` +
        `(namespaces[team-a].${setting}); change the policy, or ask the platform team to allow it in the ` +
        `operator's configuration, at the setting in brackets`,
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    });
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
    // Known from the cluster alone, so that Keycloak is not asked.
    expect(blocksEverything(checkCluster(observe(policy, { allowance: TEAM_A })))).toBe(true);
  });

  it('many things at once, which are all named', () => {
    const policy = asking({
      keycloak: { realm: 'master' },
      client: { clientId: 'argo-team-b', adopt: true },
      role: { groups: ['/team-a', '/team-b'] },
    });
    expect(refusals(policy, TEAM_A, 'master').map(({ field }) => field)).toEqual([
      'spec.keycloak.realm',
      'spec.client.clientId',
      'spec.client.adopt',
      'spec.roles[0].groups[1]',
    ]);
  });
});

function realmOf({ spec }: Policy): string {
  return spec.keycloak.realm ?? 'platform';
}

describe('a policy may ask for', () => {
  const wishes: readonly (readonly [string, Policy])[] = [
    ['what is listed', MODEST],
    ['its group itself', asking({ role: { groups: ['/team-a'] } })],
    ['any group right below it', asking({ role: { groups: ['/team-a/Ärzte & "Freunde"'] } })],
    ['a client of its prefix', asking({ client: { clientId: 'argo-team-a-staging' } })],
    ['a host of its domain', asking({ client: { url: 'https://x.team-a.example.com/' } })],
    ['the usual port written out', asking({ client: { url: 'https://argo.team-a.example.com:443' } })],
    ['a path of its own', asking({ client: { url: 'https://apps.example.com/team-a/argo' } })],
    [
      'client roles whatever fullPath says',
      asking({ keycloak: { groups: { ...groups, source: 'ClientRoles', fullPath: false } } }),
    ],
    [
      'a grant in each listed namespace',
      asking({ role: { grants: [{ clusterRole: viewer, namespaces: ['team-a-batch'] }] } }),
    ],
    ['a listed Role', asking({ role: { grants: [{ role: 'submitter' }] } })],
    [
      'the listed settings and the listed Deployment',
      asking({
        server: {
          configMap: { name: 'workflow-controller-configmap', manage: true },
          deployment: 'argo-server',
        },
      }),
    ],
  ];

  it.each(wishes)('%s', (_, policy) => {
    expect(refusals(policy, TEAM_A, realmOf(policy))).toEqual([]);
  });
});

describe('a namespace that the configuration', () => {
  it('does not name has no policies that do anything', () => {
    const observation = observe(MODEST, { allowance: undefined, keycloak: keycloakWith(undefined) });
    expect(check(observation)).toEqual([
      {
        reason: 'NamespaceNotServed',
        message:
          "namespace team-a is not served; ask the platform team to add it under namespaces in the operator's configuration",
        part: 'policy',
        blocks: ['client', 'secret', 'roles'],
      },
    ]);
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
  });

  it('names with nothing else allows nothing, not even the default connection', () => {
    const nothing: NamespaceAllowance = {
      ...TEAM_A,
      connections: [],
      clientIds: [],
      urls: [],
      groups: [],
      clusterRoles: [],
      roles: [],
      configMaps: [],
      deployments: [],
    };
    const policy = asking({
      server: {
        configMap: { name: 'workflow-controller-configmap', manage: true },
        deployment: 'argo-server',
      },
    });
    expect(refusals(policy, nothing, 'platform').map(({ field }) => field)).toEqual([
      'spec.keycloak.connection',
      'spec.client.clientId',
      'spec.client.url',
      'spec.server.configMap.name',
      'spec.server.deployment',
      'spec.roles[0].groups[0]',
      'spec.roles[0].grants[0].clusterRole',
    ]);
  });

  it('lets use a connection that it does not define has no policies that do anything', () => {
    const observation = observe(MODEST, { allowance: TEAM_A, connection: undefined });
    expect(check(observation)).toEqual([
      {
        reason: 'ConnectionUnknown',
        message: "spec.keycloak.connection: the operator's configuration has no connection default",
        part: 'policy',
        blocks: ['client', 'secret', 'roles'],
      },
    ]);
  });

  it('judges the realm of the connection where the policy names none', () => {
    const connection = { name: 'default', realm: 'master', url: 'https://sso.example.com' };
    const observation = observe(MODEST, { allowance: TEAM_A, connection });
    expect(check(observation).map(({ reason }) => reason)).toEqual(['NotAllowed']);
    expect(check(observation)[0]?.message).toContain('spec.keycloak.realm "master"');
  });

  it('is all that is judged before Keycloak is asked', () => {
    const observation = observe(asking({ role: { groups: ['/team-b'] } }), { allowance: TEAM_A });
    expect(checkCluster(observation).map(({ reason }) => reason)).toEqual(['NotAllowed']);
  });
});

describe('a role that says neither groups nor everyone', () => {
  it('matches nobody, for it was not asked whether everyone may have it', () => {
    const policy = asking({ role: { groups: undefined } });
    expect(refusals(policy, TEAM_A, 'platform')).toEqual([]);
    expect(wantedRoles(policy, []).map(({ rule }) => rule)).toEqual(['any($env?.groups ?? [], # in [])']);
  });
});

describe('a pattern for URLs', () => {
  it.each([
    ['https://*.example.com:*'],
    ['*://example.com'],
    ['https://user@example.com'],
    ['https://example.com/a?b'],
    ['https://example.com/a#b'],
    ['https://exa mple.com'],
    ['example.com'],
    ['ftp://example.com'],
  ])('is none: %s', glob => {
    expect(parseUrlGlob(glob)).toBeUndefined();
  });

  it.each([
    ['https://*', 'https://argo', true],
    ['https://*', 'https://argo.example.com', false],
    ['https://*', 'https://[::1]', false],
    ['https://*.example.com', 'https://a.example.com', true],
    ['https://*.example.com', 'https://example.com', false],
    ['https://*.EXAMPLE.com', 'https://a.example.com', true],
    ['https://a.example.com', 'https://a.example.com/', true],
    ['https://a.example.com/', 'https://a.example.com', true],
    ['https://a.example.com', 'https://a.example.com/argo', false],
    ['https://a.example.com/*', 'https://a.example.com/argo', true],
    ['https://a.example.com/*', 'https://a.example.com/argo/x', false],
    ['https://a.example.com/*/x', 'https://a.example.com/argo/x', true],
    ['https://a.example.com:443', 'https://a.example.com', true],
    ['http://a.example.com:80', 'http://a.example.com', true],
    ['http://a.example.com:443', 'http://a.example.com', false],
    ['https://a.example.com:8443', 'https://a.example.com:8443', true],
    ['http://10.0.0.*', 'http://10.0.0.1', true],
    ['http://10.0.0.*', 'http://10.0.1.1', false],
    ['https://a-example.com', 'https://a.example.com', false],
    ['not a pattern', 'https://a.example.com', false],
    ['https://a.example.com', 'not a URL', false],
  ])('%s and the address %s: %s', (glob, text, matches) => {
    expect(matchesUrl(glob, text)).toBe(matches);
  });
});
