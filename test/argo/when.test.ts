import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specSchema } from '../../operator/api/schema.ts';
import { createRuleEngine, type Judgement, type RuleEngine } from '../../operator/argo/engine.ts';
import { TRIAL_USERS } from '../../operator/argo/trial-users.ts';
import { createWhenJudge, orUnjudged } from '../../operator/argo/when.ts';
import { ruleForGroups } from '../../operator/policy/rules.ts';
import { documents } from '../docs-pages.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';

const TRUE = { kind: 'true' } as const;
const FAILS = { kind: 'error', message: 'unknown name x' } as const;
const GIVEN_UP = { kind: 'error', message: 'the rule was given up', exhausted: true } as const;
const SOUND = { kind: 'sound' };

/** An engine that gives a verdict by the rule and notes what it is asked. */
function fakeEngine(verdictOf: (rule: string) => Judgement | Promise<Judgement>) {
  const asked: string[] = [];
  const judge: RuleEngine['judge'] = async questions => {
    const rule = questions[0]?.rule ?? '';
    asked.push(rule);
    const verdict = await verdictOf(rule);
    return verdict.kind === 'error' ? [verdict] : questions.map(() => verdict);
  };
  return { asked, judge };
}

/** An engine that answers when a test says so. */
function heldEngine() {
  const answers = new Map<string, PromiseWithResolvers<Judgement>>();
  const engine = fakeEngine(rule => {
    const answer = Promise.withResolvers<Judgement>();
    answers.set(rule, answer);
    return answer.promise;
  });
  return { ...engine, answers };
}

/** What the documents show. */
const SHOWN = documents('docs/install-argo.md').flatMap(({ roles }) =>
  ((roles ?? []) as readonly { readonly when?: string }[]).flatMap(({ when }) => when ?? []),
);

describe('the users on whom expressions are tried', () => {
  it('are all kinds by what they have and lack, each said in other words', () => {
    const names = ['groups', 'email', 'name', 'preferred_username', 'service_account_name'];
    const kinds = TRIAL_USERS.map(({ claims }) => names.map(claim => claim in claims).join());
    expect(new Set(kinds).size).toBe(2 ** names.length);
    expect(new Set(TRIAL_USERS.map(({ who }) => who)).size).toBe(TRIAL_USERS.length);
    expect(TRIAL_USERS.every(({ claims }) => claims.iss === 'argo-server' && 'sub' in claims)).toBe(true);
  });
});

describe('the judge of expressions', () => {
  let engine: RuleEngine;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 60_000 });
  }, 600_000);
  afterAll(() => engine.close());

  it.each([
    'true',
    'sub == "6d1ba0a5"',
    'iss == "argo-server" and exp > 0',
    '($env?.email ?? "") endsWith "@example.com"',
    '$env?.email endsWith "@example.com"',
    'any($env?.groups ?? [], {# startsWith "/teams/"})',
    '"/platform/admins" in ($env?.groups ?? []) and not ("/guests" in ($env?.groups ?? []))',
    ruleForGroups(['/a', 'b"c']),
    '($env?.name ?? "") matches "^[A-Z]" // by name\n or\n\t($env?.preferred_username ?? "") in ["jo"]\n',
    'let g = $env?.groups ?? []; len(g) > 0 and g[0] == "/a"',
    'split($env?.email ?? "", "@") | last() == "example.com"',
    ...SHOWN,
    'now().In(timezone("Europe/Berlin")).Hour() < 18',
  ])('takes %j, which is true or false for every user', async expression => {
    expect((await createWhenJudge(engine)('argo', [expression])).get(expression)).toEqual(SOUND);
  });

  const any = 'a user with every claim';
  it.each([
    ['"/a" in groups', 'a user in no group', 'unknown name groups'],
    ['"/a" in (groups ?? [])', 'a user in no group', 'unknown name groups'],
    ['email endsWith "@example.com"', 'a user without email', 'unknown name email'],
    ['email != nil and email endsWith "x"', 'a user without email', 'unknown name email'],
    ['name == preferred_username', 'a user without name', 'unknown name name'],
    ['($env?.email ?? $env?.name) == nil ? 1 : true', 'a user without email and name', 'gives int'],
    [
      '($env?.groups ?? $env?.email ?? $env?.name ?? $env?.preferred_username) == nil ? 1 : true',
      'a user in no group, without email, name and preferred_username',
      'gives int',
    ],
    [
      'service_account_name == "x"',
      'a user without service_account_name and service_account_namespace',
      'unknown name',
    ],
    ['($env?.groups ?? ["x"])[0] == "/a"', 'a user whose list of groups is empty', 'index out of range'],
    ['($env?.groups ?? ["", ""])[1] == "/a"', 'a user whose list of groups is empty', 'index out of range'],
    [
      'split($env?.email ?? "a@b", "@")[1] == "x"',
      'a user whose claims are a single letter',
      'index out of range',
    ],
    ['"jo" matches ($env?.name ?? "")', 'a user whose claims are odd characters', 'error parsing regexp'],
    ['len($env?.name ?? "") > 1000 ? 1 : true', 'a user whose claims are very long', 'gives int'],
    ['$env?.groups', any, 'not true or false'],
    ['email_verified', any, 'unknown name email_verified'],
    ['1', any, 'the rule gives int'],
    ['1 +', any, 'unexpected token EOF'],
    ['"', any, 'literal not terminated'],
    ['len(1..9223372036854775806) > 0', any, 'memory budget exceeded'],
  ])('refuses %s: it fails for %s', async (expression, user, message) => {
    expect((await createWhenJudge(engine)('argo', [expression])).get(expression)).toEqual({
      kind: 'fails',
      user,
      always: user === any,
      message: expect.stringContaining(message),
    });
  });

  it('takes what the documents show, which the contract takes as well', () => {
    expect(SHOWN).toHaveLength(2);
    const roles = SHOWN.map((when, index) => ({ name: `role-${index}`, when }));
    expect(specSchema.safeParse({ roles }).error).toBeUndefined();
  });

  it('refuses what takes long, and has the engine ready for others', async () => {
    const impatient = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 500 });
    try {
      const expression = 'let r = 1..100000; all(r, {all(r, {# > -1})})';
      const judged = await createWhenJudge(impatient)('argo', [expression, 'true']);
      expect(judged.get(expression)).toEqual({
        kind: 'fails',
        user: any,
        always: true,
        message: 'the rule was given up: it takes longer than 500 ms',
      });
      expect(judged.get('true')).toEqual(SOUND);
    } finally {
      await impatient.close();
    }
  });
});

describe('what the judge of expressions asks the engine', () => {
  it('is each expression once, whoever has it', async () => {
    const fake = fakeEngine(rule => (rule === 'bad' ? FAILS : TRUE));
    const judge = createWhenJudge(fake);
    const bad = { kind: 'fails', user: 'a user with every claim', message: 'unknown name x', always: true };
    const expected = new Map<string, unknown>([
      ['a', SOUND],
      ['bad', bad],
    ]);
    expect(await judge('argo', ['a', 'bad'])).toEqual(expected);
    expect(await judge('team-a', ['a', 'bad'])).toEqual(expected);
    expect(await judge('argo', [])).toEqual(new Map());
    expect(fake.asked).toEqual(['a', 'bad']);
  });

  it('is the one that was not needed for longest again, where there are too many', async () => {
    const fake = fakeEngine(() => TRUE);
    const judge = createWhenJudge(fake, { remembered: 2 });
    for (const expressions of [['a', 'b'], ['a'], ['c'], ['a'], ['b']]) await judge('argo', expressions);
    expect(fake.asked).toEqual(['a', 'b', 'c', 'b']);
  });

  it('is one that was given up again after ten minutes', async () => {
    const fake = fakeEngine(() => GIVEN_UP);
    let now = 0;
    const judge = createWhenJudge(fake, { now: () => now });
    await judge('argo', ['a']);
    now = 599_999;
    await judge('argo', ['a']);
    expect(fake.asked).toEqual(['a']);
    now = 600_000;
    await judge('argo', ['a']);
    expect(fake.asked).toEqual(['a', 'a']);
  });

  it('is nothing new of a namespace of which three were given up, for ten minutes; of others it is', async () => {
    const fake = fakeEngine(rule => (rule.startsWith('bad') ? GIVEN_UP : TRUE));
    let now = 0;
    const judge = createWhenJudge(fake, { now: () => now });
    await judge('argo', ['good']);
    await judge('argo', ['bad 1', 'bad 2', 'bad 3', 'bad 4']);
    const judged = await judge('argo', ['bad 1', 'new', 'good']);
    expect([...judged.values()].map(({ kind }) => kind)).toEqual(['fails', 'unjudged', 'sound']);
    expect((await judge('team-a', ['new'])).get('new')).toEqual(SOUND);
    // By now it is known, whoever asks.
    expect((await judge('argo', ['new'])).get('new')).toEqual(SOUND);
    expect(fake.asked).toEqual(['good', 'bad 1', 'bad 2', 'bad 3', 'new']);
    now = 600_000;
    expect((await judge('argo', ['later'])).get('later')).toEqual(SOUND);
  });

  it('are the expressions of one namespace one after another, beside those of another', async () => {
    const held = heldEngine();
    const judge = createWhenJudge(held, { patient: true });
    const all = [judge('argo', ['a 1']), judge('argo', ['a 2']), judge('team-a', ['b 1'])];
    await expect.poll(() => held.asked).toEqual(['a 1', 'b 1']);
    held.answers.get('a 1')?.reject(new Error('no engine'));
    await expect(all[0]).rejects.toThrow('no engine');
    await expect.poll(() => held.asked).toEqual(['a 1', 'b 1', 'a 2']);
    for (const answer of held.answers.values()) answer.resolve(TRUE);
    expect((await Promise.all(all.slice(1))).map(judged => judged.size)).toEqual([1, 1]);
    // What was not answered is not remembered.
    const again = judge('argo', ['a 1']);
    await expect.poll(() => held.asked).toHaveLength(4);
    held.answers.get('a 1')?.resolve(TRUE);
    expect((await again).get('a 1')).toEqual(SOUND);
  });

  it('is not waited for longer than a while, and known at the next look', async () => {
    const held = heldEngine();
    const judge = createWhenJudge(held, { waitMs: 1 });
    const still = { kind: 'unjudged', message: 'it is still being tried' };
    expect(await judge('argo', ['a', 'b'])).toEqual(
      new Map([
        ['a', still],
        ['b', still],
      ]),
    );
    held.answers.get('a')?.resolve(TRUE);
    await expect.poll(() => held.asked).toEqual(['a', 'b']);
    expect([...(await judge('argo', ['a', 'b'])).values()]).toEqual([SOUND, still]);
    held.answers.get('b')?.resolve(FAILS);
    await expect.poll(async () => (await judge('argo', ['b'])).get('b')?.kind).toBe('fails');
    expect(held.asked).toEqual(['a', 'b']);
  });

  it('keeps nobody who gives up waiting, and goes on for the others', async () => {
    const held = heldEngine();
    const judge = createWhenJudge(held, { patient: true });
    const impatient = new AbortController();
    const left = judge('argo', ['a'], impatient.signal);
    const other = judge('argo', ['a']);
    impatient.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await expect(judge('argo', ['a'], impatient.signal)).rejects.toThrow('enough');
    await expect.poll(() => held.asked).toEqual(['a']);
    held.answers.get('a')?.resolve(TRUE);
    expect((await other).get('a')).toEqual(SOUND);
    expect(held.asked).toEqual(['a']);
  });

  it('is answered with why there is no engine, where there is none', async () => {
    const broken = fakeEngine(() => Promise.reject(new Error('no such file')));
    const judge = orUnjudged(createWhenJudge(broken));
    expect(await judge('argo', ['a'])).toEqual(
      new Map([['a', { kind: 'unjudged', message: 'no such file' }]]),
    );
    await expect(judge('argo', ['a'], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
