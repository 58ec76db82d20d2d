import { describe, expect, it } from 'vitest';
import {
  argoMarks,
  argoPrecedence,
  argoRule,
  argoTokenName,
  HELD_TOKEN_NAME,
  isHeld,
} from '../../operator/policy/accounts.ts';
import { argoAnnotations, makeAccount, makeRuleAccount } from './objects.ts';

describe("Argo's view of an account", () => {
  it.each([
    ['10', 10],
    ['-10', -10],
    ['+10', 10],
    ['007', 7],
    ['0', 0],
    ['', 0],
    [' 10', 0],
    ['10 ', 0],
    ['1_000', 0],
    ['1e3', 0],
    ['10.5', 0],
    ['0x10', 0],
    ['ten', 0],
    ['１０', 0],
    ['9223372036854775807', 2 ** 63],
    ['99999999999999999999', 2 ** 63],
    ['-99999999999999999999', -(2 ** 63)],
  ])('has for the precedence %j the number %d', (text, precedence) => {
    expect(argoPrecedence(makeRuleAccount('a', 'true', text))).toBe(precedence);
  });

  it('has the precedence 0 where none is written', () => {
    expect(argoPrecedence(makeAccount('a'))).toBe(0);
  });

  it('does not consider an account without a rule, but one with an empty rule', () => {
    expect(argoRule(makeAccount('a'))).toBeUndefined();
    expect(argoMarks(makeAccount('a'))).toBeUndefined();
    expect(argoRule(makeRuleAccount('a', '', 1))).toBe('');
    expect(argoMarks(makeRuleAccount('a', '', 1))).toEqual({
      rule: '',
      precedence: 1,
      tokenName: 'a.service-account-token',
    });
  });

  it('takes the token from the list of secrets, else from the annotation, else by name', () => {
    const named = makeAccount('a', { annotations: { ...argoAnnotations('true', 1, 'b') } });
    expect(argoTokenName({ ...named, secrets: ['listed', 'second'] })).toBe('listed');
    expect(argoTokenName(named)).toBe('b.service-account-token');
    expect(argoTokenName(makeAccount('a'))).toBe('a.service-account-token');
  });

  it('is held where its token is said to be the one that never exists', () => {
    const marks = { rule: 'true', precedence: 1, tokenName: HELD_TOKEN_NAME };
    expect(isHeld(marks)).toBe(true);
    expect(isHeld({ ...marks, tokenName: 'a.service-account-token' })).toBe(false);
  });
});
