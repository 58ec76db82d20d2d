import fc from 'fast-check';
import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import type { Policy, ServiceAccount } from '../../operator/api/objects.ts';
import { wantedRoles } from '../../operator/policy/desired.ts';
import { makePolicy } from '../policy/fixtures.ts';
import { makeAccount } from '../policy/objects.ts';

/** Namespace of the login, and that of a team. */
export const LOGIN = 'argo';
export const TEAM = 'team-a';

/** Some accounts, and somebody who asks for something. */
export interface Case {
  readonly accounts: readonly ServiceAccount[];
  readonly token: Readonly<Record<string, unknown>>;
  /** Of what is asked for; undefined where that has none. */
  readonly namespace: string | undefined;
  readonly delegates: boolean;
}

const PATHS = ['/platform/admins', '/teams/a', '/teams/b', '/say "x"', '/Büro'];
const GROUPS = [...PATHS, 'admins'];
const CLIENT = {
  clientId: 'argo-workflows',
  url: 'https://workflows.example.com',
  secret: { name: 'argo-server-sso' },
};
const WHENS = [
  '($env?.email ?? "") endsWith "@example.com"',
  'any($env?.groups ?? [], # startsWith "/teams/")',
];

const match = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ groups: fc.subarray(PATHS, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ everyone: true }) },
  { weight: 2, arbitrary: fc.record({ when: fc.constantFrom(...WHENS) }) },
);

/** A policy with one to four roles, with or without a login, and with a precedence where it gives one. */
function policyIn(namespace: string, name: string): fc.Arbitrary<Policy> {
  return fc
    .record({
      login: fc.boolean(),
      precedence: fc.option(fc.constantFrom(40, 500, 980, 1000, 10_000), { nil: undefined }),
      matches: fc.array(match, { minLength: 1, maxLength: 4 }),
    })
    .map(({ login, precedence, matches }) => {
      const named = new Set<string>();
      const roles = matches.flatMap((each, index) => {
        const groups = 'groups' in each ? each.groups.filter(group => !named.has(group)) : undefined;
        for (const group of groups ?? []) named.add(group);
        if (groups?.length === 0) return [];
        return [{ name: `role-${index}`, ...each, ...(groups !== undefined && { groups }), grants: [] }];
      });
      const spec = {
        ...(login && { client: CLIENT }),
        ...(precedence !== undefined && { precedence }),
        roles,
      };
      return makePolicy(spec, { name, metadata: { namespace } });
    });
}

/** Rules as hands write them: right, wrong, and failing for some. */
const RULES = [
  'true',
  'false',
  "'admins' in groups",
  '"/teams/a" in groups',
  '"/teams/b" in ($env?.groups ?? [])',
  'email == "jo@example.com"',
  'email endsWith "@example.com" and "/teams/a" in groups',
  '$env?.name == "Jo"',
  'preferred_username startsWith "j"',
  'groups',
  '1',
  '',
  'len(groups) > 1',
  'groups[3] == "admins"',
  'email_verified',
  'iss == "argo-server"',
  'exp > 1',
  'no such rule',
] as const;

const PRECEDENCES = [
  ...['1000', '990', '980', '10000', '0', '-1', '+7', '7', '07', '', 'ten', '1e3', ' 5', '1_000'],
  ...[
    '9223372036854775807',
    '9223372036854775808',
    '9007199254740993',
    '9007199254740992',
    '-99999999999999999999',
  ],
] as const;

const foreign = fc
  .record({
    namespace: fc.constantFrom(LOGIN, TEAM),
    name: fc.constantFrom('alice', 'build', 'ci', 'default', 'old-admin', 'zed'),
    rule: fc.option(fc.constantFrom(...RULES), { nil: undefined, freq: 12 }),
    precedence: fc.option(fc.constantFrom(...PRECEDENCES), { nil: undefined, freq: 6 }),
  })
  .map(({ namespace, name, rule, precedence }) =>
    makeAccount(name, {
      namespace,
      annotations: {
        ...(rule !== undefined && { [ARGO_RULE]: rule }),
        ...(precedence !== undefined && { [ARGO_PRECEDENCE]: precedence }),
      },
    }),
  );

function accountsOf(policies: readonly Policy[]): readonly ServiceAccount[] {
  return policies.flatMap(policy => {
    const { namespace } = policy.metadata;
    const neighbours = policies.filter(each => each !== policy && each.metadata.namespace === namespace);
    return wantedRoles(policy, neighbours).map(({ serviceAccount, rule, precedence }) =>
      makeAccount(serviceAccount, {
        namespace,
        annotations: { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: String(precedence) },
      }),
    );
  });
}

const token = fc.record(
  {
    sub: fc.constant('6d1ba0a5-3f0e-4b52-a5ad-6a8c6dd4b3f1'),
    groups: fc.oneof(
      { weight: 6, arbitrary: fc.subarray(GROUPS) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    email: fc.constantFrom('jo@example.com', 'kim@other.example', ''),
    name: fc.constantFrom('Jo', 'Kim', ''),
    preferred_username: fc.constantFrom('jo', 'kim'),
    email_verified: fc.boolean(),
    realm_access: fc.constant({ roles: ['admins'] }),
  },
  { requiredKeys: ['sub'] },
);

/** Policies of two namespaces, hand-made accounts, and a user with a request. */
export const selectionCase: fc.Arbitrary<Case> = fc
  .record({
    policies: fc.tuple(
      fc.option(policyIn(LOGIN, 'workflows'), { nil: undefined, freq: 8 }),
      fc.option(policyIn(LOGIN, 'second'), { nil: undefined, freq: 1 }),
      fc.option(policyIn(TEAM, 'team'), { nil: undefined, freq: 3 }),
    ),
    foreign: fc.uniqueArray(foreign, {
      maxLength: 5,
      selector: ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    }),
    token,
    namespace: fc.constantFrom(undefined, LOGIN, TEAM, TEAM, TEAM, 'nowhere'),
    delegates: fc.constantFrom(true, true, true, false),
  })
  .map(({ policies, foreign: others, ...rest }) => ({
    ...rest,
    accounts: [...accountsOf(policies.filter(policy => policy !== undefined)), ...others],
  }));
