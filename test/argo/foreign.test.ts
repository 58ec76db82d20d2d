import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type Judgement, type RuleEngine } from '../../operator/argo/engine.ts';
import { createForeignRuleJudge } from '../../operator/argo/foreign.ts';
import { ruleForGroups } from '../../operator/policy/rules.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';

const TRUE = { kind: 'true' } as const;
const FALSE = { kind: 'false' } as const;
const GIVEN_UP = { kind: 'error', message: 'the rule was given up', exhausted: true } as const;

/** An engine that gives one verdict on everything and notes what it is asked. */
function fakeEngine(verdict: Judgement): RuleEngine & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    judge: async questions => {
      asked.push(...new Set(questions.map(({ rule }) => rule)));
      return questions.map(() => verdict);
    },
    close: async () => {},
  };
}

function rules(...texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(texts.map((text, index) => [`account-${index}`, text]));
}

describe('the judge of rules that others wrote', () => {
  let engine: RuleEngine;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 60_000 });
  }, 600_000);
  afterAll(() => engine.close());

  it.each([
    ['true', 'true', 'true'],
    [ruleForGroups(['/example/developers']), 'true', 'false'],
    [ruleForGroups(['/other']), 'false', 'false'],
    ['"/other" in groups', 'false', 'error'],
    ['groups[0] startsWith "/"', 'true', 'error'],
    ['preferred_username == "jo" and email endsWith "@example.com"', 'true', 'true'],
    ['iss == "argo-server"', 'true', 'true'],
    ['email_verified', 'error', 'error'],
    ['not a rule', 'error', 'error'],
  ])('says of %s: %s for a user in groups, %s for one in none', async (rule, withGroups, noGroups) => {
    const verdicts = (await createForeignRuleJudge(engine)(new Map([['a', rule]]))).get('a');
    expect(verdicts?.withGroups.kind).toBe(withGroups);
    expect(verdicts?.noGroups.kind).toBe(noGroups);
    expect(verdicts?.emptyGroups).toEqual(verdicts?.noGroups);
  });

  it('asks once about a rule that does not change, whoever has it', async () => {
    const fake = fakeEngine(FALSE);
    const judge = createForeignRuleJudge(fake);
    const expected = { withGroups: FALSE, emptyGroups: FALSE, noGroups: FALSE };
    expect([...(await judge(rules('a', 'b', 'a'))).entries()]).toEqual([
      ['account-0', expected],
      ['account-1', expected],
      ['account-2', expected],
    ]);
    await judge(rules('b', 'a'));
    await judge(rules('a', 'c'));
    expect(fake.asked).toEqual(['a', 'b', 'c']);
  });

  it('forgets the rule that was not asked for longest when there are too many', async () => {
    const fake = fakeEngine(TRUE);
    const judge = createForeignRuleJudge(fake, { remembered: 2 });
    await judge(rules('a', 'b'));
    await judge(rules('a'));
    await judge(rules('c'));
    await judge(rules('a'));
    await judge(rules('b'));
    expect(fake.asked).toEqual(['a', 'b', 'c', 'b']);
  });

  it('tries a rule that was given up again after ten minutes', async () => {
    const fake = fakeEngine(GIVEN_UP);
    let now = 0;
    const judge = createForeignRuleJudge(fake, { now: () => now });
    await judge(rules('a'));
    now = 599_999;
    await judge(rules('a'));
    expect(fake.asked).toEqual(['a']);
    now = 600_000;
    await judge(rules('a'));
    expect(fake.asked).toEqual(['a', 'a']);
  });

  it('asks about no more rules of a namespace once two were given up, and about all when they are mended', async () => {
    const fake = fakeEngine(GIVEN_UP);
    const judge = createForeignRuleJudge(fake);
    expect([...(await judge(rules('a', 'b', 'c', 'd'))).keys()]).toEqual(['account-0', 'account-1']);
    await judge(rules('a', 'b', 'c', 'd'));
    expect(fake.asked).toEqual(['a', 'b']);
    await judge(rules('a', 'c'));
    expect(fake.asked).toEqual(['a', 'b', 'c']);
  });

  it('fails, and remembers nothing, where the engine does not answer', async () => {
    let broken = true;
    const judge = createForeignRuleJudge({
      judge: async questions => {
        if (broken) throw new Error('no engine');
        return questions.map(() => TRUE);
      },
      close: async () => {},
    });
    await expect(judge(rules('a'))).rejects.toThrow('no engine');
    broken = false;
    expect((await judge(rules('a'))).get('account-0')?.withGroups).toEqual(TRUE);
  });
});
