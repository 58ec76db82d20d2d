import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createRuleEngine, type RuleEngine, type RuleEngineOptions } from '../../operator/argo/engine.ts';
import { ruleForGroups } from '../../operator/policy/rules.ts';
import { run } from '../env/process.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';

const BUILD_DEADLINE = 600_000;
const MIB = 1_048_576;
const AMPLE = 60_000;

const ENDLESS = 'let r = 1..100000; all(r, {all(r, {all(r, {# > -1})})})';
const DEEP = `${'('.repeat(100_000)}true${')'.repeat(100_000)}`;
/** Doubles a string forty times. */
const GREEDY = `let s0 = "0123456789abcdef"; ${Array.from({ length: 40 }, (_, i) => `let s${i + 1} = s${i} + s${i};`).join(' ')} len(s40) > 0`;

const many = (text: string, times: number) => text.repeat(times);
/** What somebody might write who means harm, or does not know better. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['loops in loops', 'all(1..900, {all(1..900, {all(1..900, {# > 0})})})'],
  ['loops of counts', 'let r = 1..100000; all(r, {count(r, # > 0) == 100000})'],
  ['a range without end', 'len(1..9223372036854775806) > 0'],
  ['a text that is repeated for ever', 'len(repeat("x", 1000000000000)) > 0'],
  ['texts that double', GREEDY],
  ['a tower of brackets', DEEP],
  ['a tower of lists', `len(${many('[', 100_000)}${many(']', 100_000)}) > 0`],
  ['a long chain of negations', `${many('!', 100_000)}true`],
  ['a long chain of sums', `0${many('+1', 100_000)} > 0`],
  ['a long chain of fields', `sub${many('?.a', 50_000)} == 1`],
  ['a regular expression that grows', `sub matches "${many('(', 1_000)}a${many('{1,9})', 1_000)}"`],
  ['a text that is parsed as one tower', `fromJSON(repeat("[", 900000)) == 1`],
];

const TRUE = { kind: 'true' };
const FALSE = { kind: 'false' };

function ask(rule: string, claims: Readonly<Record<string, unknown>> = {}) {
  return { rule, claims };
}

function givenUp(why: string | RegExp) {
  return { kind: 'error', message: expect.stringMatching(why), exhausted: true };
}

let wasmPath: string;
const engines: RuleEngine[] = [];

/** An engine that has much more time than it needs, even on a busy machine. */
function makeEngine(options: RuleEngineOptions = {}): RuleEngine {
  const engine = createRuleEngine({ wasmPath, deadlineMs: AMPLE, ...options });
  engines.push(engine);
  return engine;
}

/** Counts the threads that this one starts until the test ends. */
function countThreads(): () => number {
  let count = 0;
  const note = () => {
    count += 1;
  };
  process.on('worker', note);
  onTestFinished(() => {
    process.off('worker', note);
  });
  return () => count;
}

beforeAll(async () => {
  wasmPath = await ruleEngineWasm(console.log);
}, BUILD_DEADLINE);

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.close()));
});

describe("Argo's rule engine", () => {
  it('says true, false or what is wrong, in the order of the questions', async () => {
    const verdicts = await makeEngine().judge([
      ask('"a" in groups', { groups: ['a'] }),
      ask('"a" in groups', { groups: ['b'] }),
      ask('"a" in groups'),
      ask('groups', { groups: ['b'] }),
      ask('1 +'),
      ask(''),
      ask('email matches "@example[.]com$" and exp > 4e9', { email: 'a@example.com', exp: 4_102_444_800 }),
    ]);
    expect(verdicts).toEqual([
      TRUE,
      FALSE,
      { kind: 'error', message: expect.stringMatching(/^unknown name groups /) },
      { kind: 'error', message: 'the rule gives []interface {}, not true or false' },
      { kind: 'error', message: expect.stringContaining('unexpected token EOF') },
      { kind: 'error', message: expect.any(String) },
      TRUE,
    ]);
  });

  it('never finds anything wrong with a rule of ours', async () => {
    const claims = [{}, { groups: null }, { groups: [] }, { groups: ['/b'] }, { groups: ['/c', '/a'] }];
    const rule = ruleForGroups(['/a', '/b']);
    expect(await makeEngine().judge(claims.map(given => ask(rule, given)))).toEqual([
      FALSE,
      FALSE,
      FALSE,
      TRUE,
      TRUE,
    ]);
  });

  it('keeps a message short that quotes a long rule', async () => {
    const [verdict] = await makeEngine().judge([ask(`"${'é'.repeat(50_000)}" in groups`)]);
    expect(verdict?.kind === 'error' && verdict.message.length).toBeGreaterThan(0);
    expect(verdict?.kind === 'error' && verdict.message.length).toBeLessThan(2_100);
  });

  it('reads and starts nothing before the first question, and tries again where it could not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'argo-access-engine-'));
    try {
      const threads = countThreads();
      const path = join(folder, 'rule-engine.wasm');
      const engine = makeEngine({ wasmPath: path });
      await expect(engine.judge([ask('true')])).rejects.toThrow('ENOENT');
      expect(threads()).toBe(0);
      await copyFile(wasmPath, path);
      expect(await engine.judge([ask('true')])).toEqual([TRUE]);
      expect(threads()).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('answers calls that come at the same time one after another, with one thread', async () => {
    const threads = countThreads();
    const engine = makeEngine();
    const order: number[] = [];
    const calls = Array.from({ length: 20 }, async (_, index) => {
      const verdicts = await engine.judge([ask(`n == ${index}`, { n: index }), ask('n == -1', { n: index })]);
      order.push(index);
      return verdicts;
    });
    expect(await Promise.all(calls)).toEqual(Array(20).fill([TRUE, FALSE]));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(threads()).toBe(1);
  });

  it.each([
    ['takes too long', ENDLESS, /given up: it takes longer than 1000 ms$/, 1_000],
    ['takes too much memory', GREEDY, /given up: runtime: out of memory/, AMPLE],
    [
      'is nested so deep that it takes too much',
      DEEP,
      /given up: (runtime: out of memory|it is nested)/,
      AMPLE,
    ],
  ])(
    'gives up a rule that %s, and judges those after it in a new thread',
    async (_, rule, why, deadlineMs) => {
      const threads = countThreads();
      const engine = makeEngine({ deadlineMs });
      const verdicts = await engine.judge([ask('true'), ask(rule), ask('false'), ask(rule), ask('true')]);
      expect(verdicts).toEqual([TRUE, givenUp(why), FALSE, givenUp(why), TRUE]);
      expect(threads()).toBe(3);
    },
  );

  it('ends each hostile rule with an error within a second, and answers the next', async () => {
    const engine = makeEngine({ deadlineMs: 1_000 });
    for (const [what, rule] of HOSTILE) {
      // Starts a thread where the last one was lost.
      expect(await engine.judge([ask('"/a" in groups', { groups: ['/a'] })]), what).toEqual([TRUE]);
      const began = performance.now();
      const [verdict] = await engine.judge([ask(rule, { sub: 'a', groups: ['/a', '/b'] })]);
      expect(verdict?.kind, what).toBe('error');
      // The limit is one second; a busy machine may notice it late.
      expect(performance.now() - began, what).toBeLessThan(5_000);
    }
  }, 120_000);

  it('asks about one rule until the first error, and no longer than all questions may take', async () => {
    const engine = makeEngine();
    const claims = Array.from({ length: 100 }, (_, n) => ({ n }));
    const about = (rule: string, deadlineMs: number) =>
      engine.judge(
        claims.map(given => ask(rule, given)),
        undefined,
        { deadlineMs },
      );
    expect(await about('n < 1000', AMPLE)).toEqual(Array(100).fill(TRUE));
    const some = await about('n < 70 ? true : n', AMPLE);
    expect(some).toHaveLength(71);
    expect(some.at(-1)).toEqual({ kind: 'error', message: expect.stringContaining('gives float64') });
    expect(await about('n', AMPLE)).toHaveLength(1);
    // Each of them is far below the time that one may take.
    const late = await about('all(1..2000, all(1..100, # > 0))', 500);
    expect(late.length).toBeLessThan(100);
    expect(late.at(-1)).toEqual(givenUp('given up: for several users it takes longer than 500 ms$'));
    expect(late.slice(0, -1).every(({ kind }) => kind === 'true')).toBe(true);
    expect(await about('n < 1000', AMPLE)).toHaveLength(100);
  });

  it('gives up a rule that is nested deeper than the thread can follow', async () => {
    const engine = makeEngine({ maxMemoryMiB: 1_024 });
    expect(await engine.judge([ask(DEEP), ask('true')])).toEqual([givenUp('it is nested too deep'), TRUE]);
  });

  it('takes no more memory than it may, however often a rule asks for it', async () => {
    const engine = makeEngine();
    await engine.judge([ask('true')]);
    const before = process.resourceUsage().maxRSS * 1_024;
    const verdicts = await engine.judge(Array(10).fill(ask(GREEDY)));
    expect(verdicts).toEqual(Array(10).fill(givenUp('out of memory')));
    // Left alone, the rule takes the four GiB that WebAssembly can address.
    expect(process.resourceUsage().maxRSS * 1_024 - before).toBeLessThan(1_024 * MIB);
  });

  it('lets a caller go at once who gives up, and goes on for the others', async () => {
    const engine = makeEngine({ deadlineMs: 2_000 });
    await engine.judge([ask('true')]);
    const impatient = new AbortController();
    const left = engine.judge([ask(ENDLESS), ask('true')], impatient.signal);
    const other = engine.judge([ask('true')]);
    const order: string[] = [];
    const settled = Promise.all([
      left.catch(() => order.push('left')),
      other.then(() => order.push('other')),
    ]);
    impatient.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    expect(await other).toEqual([TRUE]);
    await settled;
    expect(order).toEqual(['left', 'other']);
    await expect(engine.judge([ask('true')], impatient.signal)).rejects.toThrow('enough');
  });

  it('is closed in the middle of a question, and answers none after it', async () => {
    const engine = makeEngine();
    await engine.judge([ask('true')]);
    const asked = engine.judge([ask(ENDLESS)]);
    const refused = expect(asked).rejects.toThrow('the rule engine is closed');
    await engine.close();
    await refused;
    await expect(engine.judge([ask('true')])).rejects.toThrow('the rule engine is closed');
  });

  it('keeps a process alive for an answer, and not after it', async () => {
    const module = new URL('../../operator/argo/engine.ts', import.meta.url).href;
    const script = `
      import { createRuleEngine } from ${JSON.stringify(module)};
      const engine = createRuleEngine({ wasmPath: ${JSON.stringify(wasmPath)} });
      const first = await engine.judge([{ rule: 'true', claims: {} }]);
      const second = await engine.judge([{ rule: 'false', claims: {} }]);
      console.log(JSON.stringify([...first, ...second]));`;
    const output = await run(process.execPath, ['--input-type=module', '--eval', script]);
    expect(JSON.parse(output)).toEqual([TRUE, FALSE]);
  });

  it('shows a rule nothing of the process', async () => {
    const verdicts = await makeEngine().judge([
      ask('len(keys($env)) == 1 and keys($env)[0] == "sub"', { sub: 'a' }),
    ]);
    expect(verdicts).toEqual([TRUE]);
  });
});
