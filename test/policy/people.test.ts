import { describe, expect, it } from 'vitest';
import {
  accessOf,
  expressionsNamed,
  groupsNamed,
  type Judge,
  type Shift,
  type Standings,
  shiftOfUser,
  shiftsOfGroups,
} from '../../operator/policy/people.ts';
import { RULE_EVERYONE, ruleForGroups } from '../../operator/policy/rules.ts';
import { makeBinding, makeRuleAccount } from './objects.ts';

/** An account by name: its rule, its precedence, and the ClusterRoles that it has. */
type Row = readonly [name: string, rule: string, precedence: number, ...grants: readonly string[]];

function standings(...rows: readonly Row[]): Standings {
  return {
    accounts: rows.map(([name, rule, precedence]) => makeRuleAccount(name, rule, precedence)),
    bindings: rows.flatMap(([name, , , ...grants]) => grants.map(grant => makeBinding(name, grant))),
  };
}

const ADMINS = ruleForGroups(['/admins']);
const TEAMS = ruleForGroups(['/a', '/b']);
const MAIL = 'email endsWith "@example.com"';

const untried: Judge = () => 'unknown';
const access = (given: Standings, groups: readonly string[], judge = untried) =>
  accessOf(given, { id: 'x', groups }, judge, 'argo');

function shifts(before: Standings, after: Standings): readonly Shift[] {
  return shiftsOfGroups({ namespace: 'argo', before, after });
}

/** Who goes from which account to which. */
function told(list: readonly Shift[]): readonly string[] {
  return list.map(({ who, before, after }) => {
    const names = [before, after].map(({ serviceAccounts }) => serviceAccounts.join('|') || '-');
    const groups = who.kind === 'members' ? ` ${who.groups}` : '';
    const both = who.kind === 'both' ? ` ${who.first} & ${who.second}` : '';
    return `${who.kind}${groups}${both}: ${names.join(' -> ')}`;
  });
}

describe('what Argo makes of a person', () => {
  const both = standings(['admin', ADMINS, 1000, 'A'], ['viewer', RULE_EVERYONE, 990, 'B', 'C']);

  it('is the account of the highest precedence whose rule matches, with its grants', () => {
    expect(access(both, ['/admins'])).toEqual({
      serviceAccounts: ['admin'],
      grants: ['ClusterRole A in argo'],
    });
    expect(access(both, [])).toEqual({
      serviceAccounts: ['viewer'],
      grants: ['ClusterRole B in argo', 'ClusterRole C in argo'],
    });
  });

  it('is nobody where no rule matches', () => {
    expect(access(standings(['admin', ADMINS, 1000, 'A']), [])).toEqual({ serviceAccounts: [], grants: [] });
  });

  it('may be any of those that tie', () => {
    const tied = standings(['one', RULE_EVERYONE, 7], ['two', RULE_EVERYONE, 7], ['three', RULE_EVERYONE, 6]);
    expect(access(tied, []).serviceAccounts).toEqual(['one', 'two']);
  });

  it('is a denial where a rule fails before another matches, and not after that', () => {
    const fails: Judge = rule => (rule === MAIL ? 'fails' : 'unknown');
    const above = standings(['mail', MAIL, 2000], ['viewer', RULE_EVERYONE, 990]);
    expect(access(above, [], fails)).toEqual({ serviceAccounts: [], failing: 'mail', grants: [] });
    const below = standings(['mail', MAIL, 20], ['viewer', RULE_EVERYONE, 990]);
    expect(access(below, [], fails)).toEqual({ serviceAccounts: ['viewer'], grants: [] });
  });

  it('leaves out grants of accounts of other namespaces', () => {
    const { accounts, bindings } = both;
    const elsewhere = bindings.map(each => ({
      ...each,
      subjects: each.subjects.map(subject => ({ ...subject, namespace: 'other' })),
    }));
    expect(access({ accounts, bindings: elsewhere }, ['/admins']).grants).toEqual([]);
  });
});

describe('what changes for people', () => {
  const before = standings(
    ['admin', ADMINS, 1000, 'A'],
    ['team', TEAMS, 990, 'B'],
    ['all', RULE_EVERYONE, 980],
  );

  it('is nothing where nothing changes, or only how accounts are numbered', () => {
    const moved = standings(
      ['admin', ADMINS, 500, 'A'],
      ['team', TEAMS, 490, 'B'],
      ['all', RULE_EVERYONE, 480],
    );
    expect(shifts(before, before)).toEqual([]);
    expect(shifts(before, moved)).toEqual([]);
  });

  it('is told of groups together that no rule tells apart', () => {
    const after = standings(['admin', ADMINS, 1000, 'A'], ['all', RULE_EVERYONE, 980]);
    expect(told(shifts(before, after))).toEqual(['members /a,/b: team -> all']);
  });

  it('is told of members of two groups where the order of the roles decides for them', () => {
    const after = standings(
      ['team', TEAMS, 1000, 'B'],
      ['admin', ADMINS, 990, 'A'],
      ['all', RULE_EVERYONE, 980],
    );
    expect(told(shifts(before, after))).toEqual(['both /a,/b & /admins: admin -> team']);
  });

  it('is told of everybody else', () => {
    const after = standings(['admin', ADMINS, 1000, 'A'], ['team', TEAMS, 990, 'B']);
    expect(told(shifts(before, after))).toEqual(['others: all -> -']);
  });

  it('is told of grants alone', () => {
    const after = standings(
      ['admin', ADMINS, 1000, 'A', 'C'],
      ['team', TEAMS, 990, 'B'],
      ['all', RULE_EVERYONE, 980],
    );
    const [first, ...rest] = shifts(before, after);
    expect(rest).toEqual([]);
    expect(first?.after.grants).toEqual(['ClusterRole A in argo', 'ClusterRole C in argo']);
  });

  it('is told of an expression by what it leads to, for groups do not tell whom it is true for', () => {
    const after = standings(['mail', MAIL, 3000, 'A'], ...rows());
    expect(told(shifts(before, after))).toEqual(['expression: - -> mail']);
    expect(expressionsNamed(before, after)).toEqual([MAIL]);
    expect(groupsNamed(before, after)).toEqual(['/a', '/admins', '/b']);
  });

  it('is told of a user, for whom expressions have been tried', () => {
    const after = standings(['mail', MAIL, 3000, 'A'], ...rows());
    const judge: Judge = (_, { id }) => (id === 'ada' ? 'yes' : 'no');
    const comparison = { namespace: 'argo', before, after, judge };
    const shift = shiftOfUser(comparison, 'Ada', { id: 'ada', groups: ['/a'] });
    expect(told(shift === undefined ? [] : [shift])).toEqual(['user: team -> mail']);
    expect(shiftOfUser(comparison, 'Bob', { id: 'bob', groups: ['/a'] })).toBeUndefined();
  });

  function rows(): readonly Row[] {
    return [
      ['admin', ADMINS, 1000, 'A'],
      ['team', TEAMS, 990, 'B'],
      ['all', RULE_EVERYONE, 980],
    ];
  }
});
