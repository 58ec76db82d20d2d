import { describe, expect, it } from 'vitest';
import { personOf } from '../../operator/cli/explain/person.ts';
import { outcomeOf } from '../../operator/cli/explain/report.ts';

describe('an outcome', () => {
  it('says that no account has a rule, where none has', () => {
    const login = { kind: 'session', claims: {}, groups: [], notes: [] } as const;
    const outcome = outcomeOf({ login, trials: [], own: [], there: undefined, outcomes: [{ kind: 'none' }] });
    expect(outcome.kind).toBe('none');
    expect(outcome.message).toMatch(
      /: no service account rule matches, for no ServiceAccount there has one; /,
    );
  });
});

describe('a person', () => {
  it.each([
    [{ claims: '-' }, '[]', 'the standard input is no JSON object of claims'],
    [{ token: '-' }, 'a.b', 'the standard input holds no ID token'],
  ])('is not read from what is none: %j', async (options, text, told) => {
    const sources = { terminal: { input: async () => text }, login: undefined, groupsClaim: 'groups' };
    await expect(personOf(options, sources)).rejects.toThrow(told);
  });

  it('may come from the standard input', async () => {
    const sources = { terminal: { input: async () => '{}' }, login: undefined, groupsClaim: 'groups' };
    expect((await personOf({ claims: '-' }, sources)).what).toBe('the claims in the standard input');
  });
});
