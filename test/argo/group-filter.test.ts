import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type Judgement, type RuleEngine } from '../../operator/argo/engine.ts';
import { createGroupFilter } from '../../operator/argo/group-filter.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';

/** An engine that gives one verdict on everything and counts what it is asked. */
function fakeEngine(verdict: () => Judgement): Pick<RuleEngine, 'judge'> & { asked: number; calls: number } {
  const engine = {
    asked: 0,
    calls: 0,
    judge: async (questions: readonly unknown[]) => {
      engine.asked += questions.length;
      engine.calls += 1;
      return questions.map(verdict);
    },
  };
  return engine;
}

const TRUE = (): Judgement => ({ kind: 'true' });

describe('the judge of group filters', () => {
  let engine: RuleEngine;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 60_000 });
  }, 600_000);
  afterAll(() => engine.close());

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['anywhere in the name', ['admins'], ['/platform/admins', '/admins-x', '/users'], ['/users']],
    [
      'where it is anchored',
      ['^/platform/', 'x$'],
      ['/platform/a', '/a/platform/b', '/x'],
      ['/a/platform/b'],
    ],
    ['with Go’s own marks', ['(?i)ADMINS', '\\pL{3}$'], ['admins', '/1/äöü', '/12'], ['/12']],
    ['in several lines, for none is one', ['^b$'], ['a\nb', 'b'], ['a\nb']],
    ['with quotes and escapes in both', ['"\\]', "'\\) or true"], ['"]', "') or true", 'true'], ['true']],
    ['that names what a rule could use', ['groups', '#', '\\$env'], ['#', '$env', 'group'], ['group']],
    ['that is empty', [''], ['a', ''], []],
    ['beyond U+FFFF', ['^🚀.$'], ['🚀🚀', '🚀'], ['🚀']],
  ])('looks %s', async (_, regexes, groups, dropped) => {
    expect(await createGroupFilter(engine)(regexes, groups)).toEqual({ invalid: [], dropped });
  });

  it('says what is wrong with each expression that Argo cannot compile, and judges by the others', async () => {
    const regexes = ['(', 'a{1001}', '(?=x)', '\\', 'a', '[z-a]'];
    expect(await createGroupFilter(engine)(regexes, ['a', 'b'])).toEqual({
      invalid: [
        { regex: '(', message: 'error parsing regexp: missing closing ): `(`' },
        { regex: 'a{1001}', message: 'error parsing regexp: invalid repeat count: `{1001}`' },
        { regex: '(?=x)', message: 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`' },
        { regex: '\\', message: 'error parsing regexp: trailing backslash at end of expression: ``' },
        { regex: '[z-a]', message: 'error parsing regexp: invalid character class range: `z-a`' },
      ],
      dropped: ['b'],
    });
  });

  it('says nothing of groups where no expression is left to judge by', async () => {
    const verdict = await createGroupFilter(engine)(['('], ['a']);
    expect(verdict).toMatchObject({ invalid: [{ regex: '(' }], dropped: [] });
  });

  it('judges many groups by as many expressions as a policy can have', async () => {
    const groups = Array.from({ length: 512 }, (_, index) => `/team-${index}`);
    const regexes = Array.from(
      { length: 32 },
      (_, index) => `^/team-[0-9]*${index % 10}${'x?'.repeat(100)}$`,
    );
    const started = performance.now();
    expect(await createGroupFilter(engine)(regexes, groups)).toEqual({ invalid: [], dropped: [] });
    console.log(`group filter: ${groups.length} groups in ${Math.round(performance.now() - started)} ms`);
  });

  it('does not ask where nothing is filtered', async () => {
    const fake = fakeEngine(TRUE);
    expect(await createGroupFilter(fake)([], ['a'])).toEqual({ invalid: [], dropped: [] });
    expect(fake.asked).toBe(0);
  });

  it('asks once about what does not change, and anew about what does', async () => {
    const fake = fakeEngine(TRUE);
    const filter = createGroupFilter(fake);
    await filter(['a'], ['x', 'y']);
    await filter(['a'], ['x', 'y']);
    expect(fake.asked).toBe(3);
    await filter(['a'], ['x']);
    await filter(['b'], ['x', 'y']);
    expect(fake.asked).toBe(8);
  });

  it('does not remember what was given up for taking too long', async () => {
    let judgement: Judgement = { kind: 'error', message: 'the rule was given up', exhausted: true };
    const fake = fakeEngine(() => judgement);
    const filter = createGroupFilter(fake);
    expect((await filter(['a'], ['x'])).invalid).toEqual([{ regex: 'a', message: 'the rule was given up' }]);
    judgement = { kind: 'true' };
    expect(await filter(['a'], ['x'])).toEqual({ invalid: [], dropped: [] });
  });

  it('lets rules of others in between', async () => {
    const fake = fakeEngine(TRUE);
    await createGroupFilter(fake)(
      ['a'],
      Array.from({ length: 130 }, (_, index) => String(index)),
    );
    expect(fake.calls).toBe(4);
  });

  it('fails, and remembers nothing, where the engine does not answer', async () => {
    let broken = true;
    const filter = createGroupFilter({
      judge: async questions => {
        if (broken) throw new Error('no engine');
        return questions.map(TRUE);
      },
    });
    await expect(filter(['a'], ['x'])).rejects.toThrow('no engine');
    broken = false;
    expect(await filter(['a'], ['x'])).toEqual({ invalid: [], dropped: [] });
  });
});
