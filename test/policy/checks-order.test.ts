import { describe, expect, it } from 'vitest';
import { FINALIZER } from '../../operator/api/names.ts';
import {
  foreignRuleBreaksLogin,
  precedenceOverlap,
  precedenceTied,
  roleNeverMatches,
} from '../../operator/policy/checks-order.ts';
import { basePrecedence } from '../../operator/policy/desired.ts';
import type { RuleVerdicts, Verdict } from '../../operator/policy/observation.ts';
import { makePolicy, observe } from './fixtures.ts';
import { argoAnnotations, makeAccount, makeRuleAccount, marksOf, SPEC } from './objects.ts';

const older = { creationTimestamp: '2026-01-01T00:00:00Z' };
const younger = { creationTimestamp: '2026-02-01T00:00:00Z' };

/** A policy with as many roles for one group each. */
function withRoles(name: string, count: number, metadata: object, precedence?: number) {
  const roles = Array.from({ length: count }, (_, index) => ({
    name: `r${index}`,
    groups: [`/${name}/${index}`],
  }));
  return makePolicy({ roles, ...(precedence !== undefined && { precedence }) }, { name, metadata });
}

describe('the precedence of the first role', () => {
  const login = makePolicy(SPEC);
  const team = withRoles('team', 1, {});

  it.each([
    ['is the one given', basePrecedence(withRoles('a', 1, {}, 500), [login]), 500],
    ['is 1000 with a client', basePrecedence(login, []), 1000],
    ['is 1000 where another policy of the namespace has a client', basePrecedence(team, [login]), 1000],
    [
      'is 10000 where no policy of the namespace has a client',
      basePrecedence(team, [withRoles('b', 1, {})]),
      10_000,
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('precedences that overlap', () => {
  const first = withRoles('first', 3, older, 1000);

  it('block the younger policy, and say how to come before or after', () => {
    const second = withRoles('second', 2, younger, 990);
    expect(precedenceOverlap(observe(second, { neighbours: [first] }))).toEqual({
      reason: 'PrecedenceOverlap',
      message:
        "spec.precedence: this policy's roles take the precedences 980 to 990, which overlap 980 to 1000 of the " +
        'older policy first; set spec.precedence to 1020 or more to come before it, or to 970 or less to come after it',
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    });
  });

  it.each([
    ['before', 1020],
    ['after', 970],
  ])('are gone once that is followed to come %s', (_, precedence) => {
    const second = withRoles('second', 2, younger, precedence);
    expect(precedenceOverlap(observe(second, { neighbours: [first] }))).toBeUndefined();
  });

  it('are no advice to go below 0, which the schema refuses', () => {
    const low = withRoles('first', 2, older, 20);
    const message = precedenceOverlap(
      observe(withRoles('second', 2, younger, 20), { neighbours: [low] }),
    )?.message;
    expect(message).toContain('set spec.precedence to 40 or more to come before it');
    expect(message).not.toContain('or less');
  });

  it('of the same second leave the policy untouched that has begun, whatever their uids', () => {
    const begun = withRoles('second', 1, { ...older, uid: 'z', finalizers: [FINALIZER] }, 1000);
    const late = withRoles('first', 1, { ...older, uid: 'a' }, 1000);
    expect(precedenceOverlap(observe(begun, { neighbours: [late] }))).toBeUndefined();
    expect(precedenceOverlap(observe(late, { neighbours: [begun] }))?.reason).toBe('PrecedenceOverlap');
  });

  it('leave the older policy untouched', () => {
    const second = withRoles('second', 3, younger, 1000);
    expect(precedenceOverlap(observe(first, { neighbours: [second] }))).toBeUndefined();
  });

  it('count where both bases are defaults', () => {
    const [a, b] = [withRoles('a', 1, older), withRoles('b', 1, younger)];
    expect(precedenceOverlap(observe(b, { neighbours: [a] }))?.message).toContain('10000 to 10000');
  });

  it('of a policy that is being deleted do not count', () => {
    const going = withRoles('first', 3, { ...older, deletionTimestamp: '2026-02-02T00:00:00Z' }, 1000);
    expect(
      precedenceOverlap(observe(withRoles('second', 2, younger, 990), { neighbours: [going] })),
    ).toBeUndefined();
  });

  it('count also between the steps', () => {
    expect(
      precedenceOverlap(observe(withRoles('second', 1, younger, 985), { neighbours: [first] }))?.reason,
    ).toBe('PrecedenceOverlap');
  });
});

describe('a ServiceAccount of the same precedence as a role', () => {
  const policy = makePolicy(SPEC);

  it('is reported, for Argo takes either', () => {
    const account = makeRuleAccount('by-hand', 'true', 990);
    expect(precedenceTied(observe(policy, { accounts: [account] }))).toEqual({
      reason: 'PrecedenceTied',
      message:
        'ServiceAccount by-hand has precedence 990, as role viewer has: a user whom both match gets either of ' +
        'them. Change the annotation workflows.argoproj.io/rbac-rule-precedence there, or spec.precedence here',
      part: 'roles',
      blocks: [],
    });
  });

  it('is reported where it is a copy that somebody made of one of ours, with its labels', () => {
    const account = makeRuleAccount('copy', 'true', 990);
    const { managed: _, ...marks } = marksOf(policy);
    const copy = { ...account, metadata: { ...account.metadata, ...marks } };
    expect(precedenceTied(observe(policy, { accounts: [copy] }))?.message).toContain(
      'ServiceAccount copy has precedence 990, as role viewer has',
    );
  });

  it.each([
    ['has another precedence', makeRuleAccount('by-hand', 'true', 995)],
    [
      'has no rule',
      makeAccount('by-hand', { annotations: { 'workflows.argoproj.io/rbac-rule-precedence': '990' } }),
    ],
    ['is the role itself', makeRuleAccount('workflows-viewer', 'true', 990)],
    [
      'is a former role of the policy',
      {
        ...makeRuleAccount('former', 'true', 990),
        metadata: { ...makeRuleAccount('former', 'true', 990).metadata, ...marksOf(policy) },
      },
    ],
  ])('is not reported where it %s', (_, account) => {
    expect(precedenceTied(observe(policy, { accounts: [account] }))).toBeUndefined();
  });
});

describe('a role that can never match', () => {
  const roles = (...list: readonly object[]) =>
    makePolicy({ roles: list.map((role, index) => ({ name: `r${index}`, ...role })) });

  it.each([
    [
      'because everyone stands above it',
      roles({ everyone: true }, { groups: ['/a'] }),
      'role r1 can never match: r0 above it does',
    ],
    [
      'because one above it has all its groups',
      roles({ groups: ['/a', '/b'] }, { groups: ['/b'] }),
      'role r1 can never match: r0 above it does',
    ],
    [
      'because several above it have its groups between them',
      roles({ groups: ['/a'] }, { groups: ['/b'] }, { groups: ['/a', '/b'] }),
      'role r2 can never match: r0 and r1 above it does',
    ],
    [
      'because an expression above it is true for everyone',
      roles({ when: 'true' }, { when: 'sub == "1"' }),
      'role r1 can never match: r0 above it does',
    ],
    [
      'because an expression above it is the rule for all its groups',
      roles({ when: 'any($env?.groups ?? [], # in ["/a", "/b"])' }, { groups: ['/b'] }),
      'role r1 can never match: r0 above it does',
    ],
    [
      'because everyone stands twice',
      roles({ everyone: true }, { everyone: true }),
      'role r1 can never match: r0 above it does',
    ],
  ])('is reported: %s', (_, policy, what) => {
    expect(roleNeverMatches(observe(policy))).toEqual({
      reason: 'RoleNeverMatches',
      message: `spec.roles: ${what}. Move it up, by its order or by spec.precedence, or remove it`,
      part: 'roles',
      blocks: [],
    });
  });

  it('is reported where a role of another policy does it', () => {
    const above = makePolicy(
      { roles: [{ name: 'all', everyone: true }], precedence: 2000 },
      { name: 'above' },
    );
    const policy = makePolicy({ roles: [{ name: 'r0', groups: ['/a'] }], precedence: 1000 });
    expect(roleNeverMatches(observe(policy, { neighbours: [above] }))?.message).toBe(
      'spec.roles: role r0 can never match: all of policy above above it does. Move it up, by its order or by spec.precedence, or remove it',
    );
    expect(roleNeverMatches(observe(above, { neighbours: [policy] }))).toBeUndefined();
  });

  /** An account that somebody made by hand, with what the engine says of its rule. */
  const byHand = (rule: string, precedence: number, kind: 'true' | 'false' = 'false') => {
    const verdicts: RuleVerdicts = { withGroups: { kind }, emptyGroups: { kind }, noGroups: { kind } };
    const annotations = argoAnnotations(rule, precedence, 'by-hand');
    return {
      accounts: [makeAccount('by-hand', { annotations })],
      verdicts: new Map([['by-hand', verdicts]]),
    };
  };

  it.each([
    ['whose rule is true', byHand('true', 20_000)],
    ['whose rule the engine finds true for everybody', byHand('1 == 1', 20_000, 'true')],
    ['for the same group', byHand('any($env?.groups ?? [], # in ["/a"])', 20_000)],
  ])('is reported where an account made by hand does it, %s', (_, seen) => {
    expect(roleNeverMatches(observe(roles({ groups: ['/a'] }), seen))?.message).toMatch(
      /^spec.roles: role r0 can never match: ServiceAccount by-hand above it does\. /,
    );
  });

  it.each([
    ['stands below', byHand('true', 10)],
    ['is for another group', byHand('any($env?.groups ?? [], # in ["/b"])', 20_000)],
    ['has a rule that is true for some', byHand('email endsWith "@example.com"', 20_000)],
  ])('is not reported where an account made by hand %s', (_, seen) => {
    expect(roleNeverMatches(observe(roles({ groups: ['/a'] }), seen))).toBeUndefined();
  });

  it.each([
    ['one of its groups is nowhere above', roles({ groups: ['/a'] }, { groups: ['/a', '/b'] })],
    ['it is for everyone, under roles for groups', roles({ groups: ['/a'] }, { everyone: true })],
    ['an expression stands above it', roles({ when: 'sub != "1"' }, { groups: ['/a'] }, { everyone: true })],
    ['it has an expression', roles({ groups: ['/a'] }, { when: '"/a" in ($env?.groups ?? [])' })],
  ])('is not reported where %s', (_, policy) => {
    expect(roleNeverMatches(observe(policy))).toBeUndefined();
  });
});

describe('a rule made by hand', () => {
  const policy = makePolicy(SPEC);
  const yes: Verdict = { kind: 'true' };
  const no: Verdict = { kind: 'false' };
  const failed: Verdict = {
    kind: 'error',
    message: 'unknown name groups (1:8)\n | "a" in groups\n | .......^',
  };

  function verdict(verdicts: Partial<RuleVerdicts>, name = 'by-hand') {
    const all = { withGroups: yes, emptyGroups: no, noGroups: no, ...verdicts };
    return foreignRuleBreaksLogin(observe(policy, { verdicts: new Map([[name, all]]) }));
  }

  it.each([
    ['that fails without a group', { noGroups: failed }, 'in no group'],
    ['that fails with an empty list of groups', { emptyGroups: failed }, 'in no group'],
    ['that fails with groups', { withGroups: failed }, 'in groups'],
    [
      'that always fails',
      { withGroups: failed, emptyGroups: failed, noGroups: failed },
      'in groups and in no group',
    ],
  ])('%s is reported in one line', (_, verdicts, who) => {
    expect(verdict(verdicts)).toEqual({
      reason: 'ForeignRuleBreaksLogin',
      message:
        `the rule of ServiceAccount by-hand fails for users ${who} (unknown name groups (1:8)): Argo denies them, ` +
        'whatever stands below. Write group tests as "name" in ($env?.groups ?? [])',
      part: 'roles',
      blocks: [],
    });
  });

  it('that never fails is not reported', () => {
    expect(verdict({})).toBeUndefined();
  });

  it('on an account that the policy is about to take over is not reported, for it goes', () => {
    expect(verdict({ noGroups: failed }, 'workflows-admin')).toBeUndefined();
  });
});
