import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import type { Policy, ServiceAccount } from '../../operator/api/objects.ts';
import type { RoleSpec } from '../../operator/api/schema.ts';
import { planRoles } from '../../operator/policy/roles.ts';
import { parseRule } from '../../operator/policy/rules.ts';
import { makePolicy, observe } from './fixtures.ts';
import { applyToCluster, type Cluster, fillTokens, objectKey, objectsOf } from './simulate.ts';

/** Expressions, and whom they match: what is under test cannot read them. */
const EXPRESSIONS = {
  'len($env?.groups ?? []) == 1': user => user.length === 1,
  'not ("/1" in ($env?.groups ?? []))': user => !user.includes('/1'),
  'all(["/1", "/2"], # in ($env?.groups ?? []))': user => user.includes('/1') && user.includes('/2'),
} as const satisfies Readonly<Record<string, (user: readonly string[]) => boolean>>;

type Expression = keyof typeof EXPRESSIONS;

function isExpression(text: string): text is Expression {
  return Object.hasOwn(EXPRESSIONS, text);
}

/** Whom a role is for: any of some groups, everyone, or whom an expression matches. */
type Whom = readonly string[] | 'everyone' | Expression;

interface RoleCase {
  readonly account: string;
  readonly groups: Whom;
  readonly grants: readonly string[];
}

interface PolicyCase {
  readonly base: number;
  readonly roles: readonly RoleCase[];
}

interface Foreign {
  readonly precedence: number;
  readonly groups: Whom;
}

const NONE = 'none';
const GROUPS = ['/1', '/2', '/3'];
const USERS = [[], ['/1'], ['/2'], ['/1', '/2'], ['/3'], ['/1', '/2', '/3']] as const;

function matches(whom: Whom, user: readonly string[]): boolean {
  if (whom === 'everyone') return true;
  return typeof whom === 'string' ? EXPRESSIONS[whom](user) : whom.some(group => user.includes(group));
}

/** An account as Argo sees it, and what whoever is mapped to it gets. */
interface Candidate {
  readonly precedence: number;
  readonly matches: (user: readonly string[]) => boolean;
  readonly outcome: string;
}

/** Argo's choice, written apart from the code under test: every account that may be tried first and matches. */
function winners(candidates: readonly Candidate[], user: readonly string[]): ReadonlySet<string> {
  const matching = candidates.filter(candidate => candidate.matches(user));
  const top = Math.max(...matching.map(({ precedence }) => precedence));
  const outcomes = matching.filter(({ precedence }) => precedence === top).map(({ outcome }) => outcome);
  return new Set(outcomes.length === 0 ? [NONE] : outcomes);
}

/** For each of the users, in their order, what they may get. */
type Outcomes = readonly ReadonlySet<string>[];

function outcome(account: string, grants: readonly string[]): string {
  return `${account}: ${[...grants].sort().join('+')}`;
}

function given({ base, roles }: PolicyCase, foreign: readonly Foreign[]): Outcomes {
  const candidates: readonly Candidate[] = [
    ...roles.map(({ account, groups, grants }, index) => ({
      precedence: base - 10 * index,
      matches: (user: readonly string[]) => matches(groups, user),
      outcome: outcome(account, grants),
    })),
    ...foreign.map(({ precedence, groups }, index) => ({
      precedence,
      matches: (user: readonly string[]) => matches(groups, user),
      outcome: outcome(`foreign-${index}`, []),
    })),
  ];
  return USERS.map(user => winners(candidates, user));
}

/** Keeps what a function has answered for a text; the same few texts come up in millions of states. */
function memoised<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return text => {
    const value = known.get(text);
    if (value !== undefined) return value;
    const computed = compute(text);
    known.set(text, computed);
    return computed;
  };
}

const groupsOfRule = memoised((rule): Whom => {
  const parsed = parseRule(rule);
  if (parsed === undefined && isExpression(rule)) return rule;
  if (parsed === undefined) throw new Error(`not understood: ${rule}`);
  return parsed.kind === 'everyone' ? 'everyone' : parsed.groups;
});

/** A state of the cluster as Argo and the API server see it: rule, precedence and outcome of each account. */
type View = readonly (readonly [rule: string, precedence: string, outcome: string])[];

const outcomesOfView = memoised((view): Outcomes => {
  const candidates = (JSON.parse(view) as View).map(([rule, precedence, result]) => ({
    precedence: Number(precedence),
    matches: (user: readonly string[]) => matches(groupsOfRule(rule), user),
    outcome: result,
  }));
  return USERS.map(user => winners(candidates, user));
});

/** What each user gets from the objects as they stand, tokens included. */
function observed(cluster: Cluster): Outcomes {
  const { accounts, secrets, bindings } = objectsOf(cluster);
  const view = accounts.flatMap(({ metadata, secrets: listed }) => {
    const rule = metadata.annotations?.[ARGO_RULE];
    if (rule === undefined) return [];
    const named = metadata.annotations?.['workflows.argoproj.io/service-account-token.name'];
    const token = listed[0] ?? named ?? `${metadata.name}.service-account-token`;
    const filled = secrets.some(secret => secret.metadata.name === token && secret.tokenFilled);
    const grants = bindings
      .filter(({ subjects }) => subjects.some(({ name }) => name === metadata.name))
      .map(({ roleRef }) => roleRef.name);
    const foreign = metadata.name.startsWith('foreign-');
    const result = filled || foreign ? outcome(metadata.name, grants) : NONE;
    return [[rule, metadata.annotations?.[ARGO_PRECEDENCE] ?? '', result] as const];
  });
  return outcomesOfView(JSON.stringify(view satisfies View));
}

const TEMPLATE = makePolicy({ roles: [{ name: 'a', everyone: true }] });

function askFor(whom: Whom): Pick<RoleSpec, 'everyone' | 'groups' | 'when'> {
  if (whom === 'everyone') return { everyone: true };
  return typeof whom === 'string' ? { when: whom } : { groups: [...whom] };
}

/** Made without parsing: the schema would take longer than all that is under test here. */
function policyOf({ base, roles }: PolicyCase): Policy {
  const specs = roles.map(
    ({ account, groups, grants }): RoleSpec => ({
      name: account,
      serviceAccount: account,
      ...askFor(groups),
      grants: grants.map(clusterRole => ({ clusterRole })),
    }),
  );
  return { ...TEMPLATE, spec: { ...TEMPLATE.spec, precedence: base, roles: specs } };
}

function ruleFor(whom: Whom): string {
  if (whom === 'everyone') return 'true';
  if (typeof whom === 'string') return whom;
  return `any($env?.groups ?? [], # in [${whom.map(group => JSON.stringify(group)).join(', ')}])`;
}

function foreignAccount({ precedence, groups }: Foreign, index: number): ServiceAccount {
  return {
    kind: 'ServiceAccount',
    metadata: {
      name: `foreign-${index}`,
      namespace: 'argo',
      uid: `foreign-${index}`,
      resourceVersion: '1',
      annotations: { [ARGO_RULE]: ruleFor(groups), [ARGO_PRECEDENCE]: String(precedence) },
    },
    secrets: [],
  };
}

type Seen = (cluster: Cluster) => void;

/** Plans and writes until nothing is left, showing the cluster after every single write. */
function converge(start: Cluster, wanted: PolicyCase, seen: Seen): Cluster {
  const policy = policyOf(wanted);
  let cluster = fillTokens(start);
  for (let pass = 0; pass < 12; pass += 1) {
    const changes = planRoles(observe(policy, objectsOf(cluster)));
    if (changes.length === 0) return cluster;
    for (const change of changes) {
      cluster = applyToCluster(cluster, change);
      seen(cluster);
    }
    cluster = fillTokens(cluster);
    seen(cluster);
  }
  throw new Error(`no end in sight for ${JSON.stringify(wanted)}`);
}

function clusterOf(policy: PolicyCase, foreign: readonly Foreign[]): Cluster {
  const accounts = foreign.map(foreignAccount);
  const start: Cluster = new Map(accounts.map(account => [objectKey(account), account]));
  return converge(start, policy, () => {});
}

function describeCase(before: PolicyCase, after: PolicyCase, foreign: readonly Foreign[]): string {
  return JSON.stringify({ before, after, foreign });
}

/** Fails where a user has, at any moment, what neither policy gives; returns every state on the way. */
function checkTransition(
  start: Cluster,
  before: PolicyCase,
  after: PolicyCase,
  foreign: readonly Foreign[],
): readonly Cluster[] {
  const [was, willBe] = [given(before, foreign), given(after, foreign)];
  const states: Cluster[] = [];
  const end = converge(start, after, cluster => {
    states.push(cluster);
    observed(cluster).forEach((outcomes, user) => {
      for (const got of outcomes) {
        if (got !== NONE && !was[user]?.has(got) && !willBe[user]?.has(got)) {
          throw new Error(
            `${JSON.stringify(USERS[user])} got ${got}: ${describeCase(before, after, foreign)}`,
          );
        }
      }
    });
  });
  observed(end).forEach((got, user) => {
    const want = willBe[user] ?? new Set();
    if ([...got].sort().join() !== [...want].sort().join()) {
      throw new Error(
        `${JSON.stringify(USERS[user])} ends with ${[...got]}: ${describeCase(before, after, foreign)}`,
      );
    }
  });
  return states;
}

function listsOf(names: readonly string[], choices: readonly Omit<RoleCase, 'account'>[]): RoleCase[][] {
  return names.flatMap(account => {
    const rest = names.filter(name => name !== account);
    const tails: RoleCase[][] = rest.length === 0 ? [[]] : [[], ...listsOf(rest, choices)];
    return choices.flatMap(choice => tails.map(tail => [{ account, ...choice }, ...tail]));
  });
}

function named(roles: readonly RoleCase[]): boolean {
  return roles.every(({ account }, index) => account === NAMES[index]);
}

/** Every transition between policies of up to three roles with these groups and grants; how many were tried. */
function checkAllPairs(choices: readonly Omit<RoleCase, 'account'>[]): number {
  const all = listsOf(NAMES, choices);
  const foreign: readonly Foreign[] = [{ precedence: 985, groups: 'everyone' }];
  // Names and the two groups are interchangeable, so that one of each symmetric set is enough for the old policy.
  const old = all.filter(roles => named(roles) && roles.find(isOfOneGroup)?.groups[0] !== '/2');
  let tried = 0;
  for (const before of old) {
    const start = clusterOf({ base: 1000, roles: before }, foreign);
    for (const after of all.filter(roles => hasFewestGrants(before, roles))) {
      checkTransition(start, { base: 1000, roles: before }, { base: 1000, roles: after }, foreign);
      tried += 1;
    }
  }
  return tried;
}

const NAMES = ['a', 'b', 'c'];

/** An account of one policy alone, or whose grants stay, is the same with one grant as with two: one is enough. */
function hasFewestGrants(before: readonly RoleCase[], after: readonly RoleCase[]): boolean {
  const grantsOf = (roles: readonly RoleCase[], name: string) =>
    roles.find(({ account }) => account === name)?.grants.length ?? 0;
  return NAMES.every(name => {
    const [was, willBe] = [grantsOf(before, name), grantsOf(after, name)];
    return was + willBe < 4 && Math.abs(was - willBe) < 2;
  });
}

function isOfOneGroup({ groups }: RoleCase): boolean {
  return typeof groups !== 'string' && groups.length === 1;
}

describe('a change of roles', () => {
  it('gives nobody, at any moment, what neither the old nor the new policy gives: all pairs of up to three roles', () => {
    const choices = [['/1'], ['/2'], 'everyone' as const].flatMap(groups =>
      [['A'], ['A', 'B']].map(grants => ({ groups, grants })),
    );
    expect(checkAllPairs(choices)).toBeGreaterThan(50_000);
  }, 240_000);

  it('holds where roles are for both groups as well: all pairs of up to three roles with one grant', () => {
    const choices = [['/1'], ['/2'], ['/1', '/2'], 'everyone' as const].map(groups => ({
      groups,
      grants: ['A'],
    }));
    expect(checkAllPairs(choices)).toBeGreaterThan(20_000);
  }, 240_000);

  it('holds for 20,000 generated pairs with more roles, expressions, other bases, foreign accounts and a crash anywhere', () => {
    const groups = fc.oneof(
      fc.constant('everyone' as const),
      fc.constantFrom(...Object.keys(EXPRESSIONS).filter(isExpression)),
      fc.uniqueArray(fc.constantFrom(...GROUPS), { minLength: 1, maxLength: 3 }),
    );
    const role = fc.record({
      account: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      groups,
      grants: fc.uniqueArray(fc.constantFrom('A', 'B', 'C'), { maxLength: 3 }),
    });
    const policy = fc.record({
      base: fc.constantFrom(1000, 1010, 990, 1005, 2000),
      roles: fc.uniqueArray(role, { minLength: 1, maxLength: 6, selector: ({ account }) => account }),
    });
    const foreign = fc.array(fc.record({ precedence: fc.integer({ min: 940, max: 1020 }), groups }), {
      maxLength: 2,
    });
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
    console.log(`transitions: seed ${seed}`);
    fc.assert(
      fc.property(policy, policy, foreign, fc.nat(), (before, after, others, crash) => {
        const start = clusterOf(before, others);
        const states = checkTransition(start, before, after, others);
        const state = states[crash % Math.max(states.length, 1)];
        if (state !== undefined) checkTransition(state, before, after, others);
      }),
      { numRuns: 20_000, seed },
    );
  }, 240_000);
});
