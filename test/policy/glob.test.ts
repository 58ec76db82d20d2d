import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../operator/policy/glob.ts';

describe('a pattern', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'A', false],
    ['a', 'ab', false],
    ['b', 'ab', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'abc', true],
    ['*', 'a/c', false],
    ['a*', 'a', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'ab/bc', false],
    ['*/*', 'a/b', true],
    ['*/*', 'a/b/c', false],
    ['**', 'a/b', false],
    ['a**b', 'a/b', false],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
    ['[ab]', 'a', false],
    ['a?', 'ab', false],
    ['(a|b)', 'a', false],
    ['^a$', 'a', false],
    ['\\*', '\\x', true],
    ['*\n', 'a\n', true],
    ['*', 'a\nb', true],
    ['ä*', 'äöü', true],
    ['😀*', '😀😁', true],
  ])('%j as a whole against %j: %s', (glob, text, matches) => {
    expect(matchesGlob(glob, text, '/')).toBe(matches);
  });

  it('stops at each of its barriers', () => {
    expect(matchesGlob('*', 'a.b', '.')).toBe(false);
    expect(matchesGlob('*', 'a/b', '.')).toBe(true);
    expect(matchesGlob('*', 'a.b', './')).toBe(false);
  });

  it('is not slow for texts that make backtracking explode', () => {
    let steps = 0;
    const text = new Proxy(new String('a'.repeat(200)), {
      get: (target, key) => {
        if (key === 'charAt' || key === 'startsWith') steps += 1;
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(matchesGlob(`${'a*'.repeat(50)}b`, text as unknown as string, '/')).toBe(false);
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(101 * 201);
  });
});
