import { describe, expect, it } from 'vitest';
import { remembered } from '../../operator/policy/remembered.ts';

describe('what is remembered', () => {
  it('is made once for each object, also where it is nothing', () => {
    const asked: object[] = [];
    const name = remembered((key: { readonly name?: string }) => {
      asked.push(key);
      return key.name;
    });
    const [a, none] = [{ name: 'a' }, {}];
    expect([name(a), name(none), name(a), name(none), name({ name: 'a' })]).toEqual([
      'a',
      undefined,
      'a',
      undefined,
      'a',
    ]);
    expect(asked).toHaveLength(3);
  });
});
