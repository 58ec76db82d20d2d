import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRule, RULE_EVERYONE, ruleForGroups, unionRule } from '../../operator/policy/rules.ts';

const groupName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.stringMatching(/^["'\\\n\r#{}[\](),$ ]{0,8}$/),
  fc.constantFrom('\ud800', '])', '", "', '"]) || true || any([], # in ["', '\\u0041'),
);
const groupNames = fc.array(groupName, { minLength: 1, maxLength: 5 });

describe('a rule for groups', () => {
  it('asks whether any of the groups is among them, and is written in one way', () => {
    expect(ruleForGroups(['/a', '/b c'])).toBe('any($env?.groups ?? [], # in ["/a", "/b c"])');
  });

  it('is one line of printable text where the names are not', () => {
    expect(ruleForGroups(['a\r\nb\0"\\'])).toBe(
      String.raw`any($env?.groups ?? [], # in ["a\r\nb\u0000\"\\"])`,
    );
  });

  it('is understood again, whatever the names', () => {
    fc.assert(
      fc.property(groupNames, groups => {
        expect(parseRule(ruleForGroups(groups))).toEqual({ kind: 'groups', groups });
      }),
    );
  });
});

describe('a rule that is read', () => {
  it('is the one for everyone, where it is exactly that', () => {
    expect(parseRule(RULE_EVERYONE)).toEqual({ kind: 'everyone' });
    expect(parseRule(' true')).toBeUndefined();
  });

  it.each([
    ['empty', ''],
    ['the unsafe form', '"/a" in groups'],
    ['the other safe form', '"/a" in ($env?.groups ?? [])'],
    ['a part of ours', 'any($env?.groups ?? [], # in ["/a"]'],
    ['ours with more behind it', 'any($env?.groups ?? [], # in ["/a"]) or true'],
    ['ours twice', 'any($env?.groups ?? [], # in ["/a"]) or any($env?.groups ?? [], # in ["/b"])'],
    ['ours with other spaces', 'any($env?.groups ?? [], # in ["/a","/b"])'],
    ['ours with another way to escape', String.raw`any($env?.groups ?? [], # in ["\u002fa"])`],
    ['ours with what is no text', 'any($env?.groups ?? [], # in ["/a", 1])'],
    ['ours with a name in it', 'any($env?.groups ?? [], # in ["/a", email])'],
    ['ours with a comma too many', 'any($env?.groups ?? [], # in ["/a", ])'],
  ])('is not understood where it is %s', (_, rule) => {
    expect(parseRule(rule)).toBeUndefined();
  });
});

describe('the union of two rules', () => {
  it('is the rule itself where they are the same, even one that is not understood', () => {
    expect(unionRule('email != ""', 'email != ""')).toBe('email != ""');
  });

  it('has the groups of both, each once', () => {
    expect(unionRule(ruleForGroups(['/b', '/a']), ruleForGroups(['/a', '/c']))).toBe(
      ruleForGroups(['/b', '/a', '/c']),
    );
  });

  it('is for everyone where one is, or is not understood', () => {
    const rule = ruleForGroups(['/a']);
    for (const other of [RULE_EVERYONE, 'email != ""']) {
      expect(unionRule(rule, other)).toBe(RULE_EVERYONE);
      expect(unionRule(other, rule)).toBe(RULE_EVERYONE);
    }
  });

  it('matches whom either matches, whatever the names', () => {
    fc.assert(
      fc.property(groupNames, groupNames, (a, b) => {
        const union = parseRule(unionRule(ruleForGroups(a), ruleForGroups(b)));
        expect(new Set(union?.kind === 'groups' ? union.groups : [])).toEqual(new Set([...a, ...b]));
      }),
    );
  });
});
