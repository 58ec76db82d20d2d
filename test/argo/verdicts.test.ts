import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type RuleEngine } from '../../operator/argo/engine.ts';
import { startNativeEngine } from '../env/native-engine.ts';
import { ENGINE_VERSIONS, nativeEngines, ruleEngineWasm } from '../env/rule-engine.ts';
import { ruleAndUser } from './rules-of-people.ts';

const CASES = process.env.TEST_DEEP ? 100_000 : 20_000;
/** Fewer, longer exchanges with an engine are much faster. */
const TOGETHER = 500;
const LEAST_SHARE = 0.1;

const [newest] = ENGINE_VERSIONS.toReversed();

describe('the rule engine as WebAssembly', () => {
  let engine: RuleEngine;
  let native: RuleEngine;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 30_000 });
    native = startNativeEngine(join(await nativeEngines(console.log), newest?.version ?? ''));
  }, 600_000);
  afterAll(() => Promise.all([engine, native].map(each => each.close())));

  it(`says what Argo's own says, of ${CASES} generated rules and users`, async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
    const counts = { true: 0, false: 0, error: 0 };
    for (let done = 0; done < CASES; done += TOGETHER) {
      const questions = fc.sample(ruleAndUser, { numRuns: TOGETHER, seed: seed + done });
      const [ours, theirs] = await Promise.all([engine.judge(questions), native.judge(questions)]);
      expect(ours).toHaveLength(TOGETHER);
      for (const [index, verdict] of ours.entries()) {
        counts[verdict.kind] += 1;
        if (verdict.kind === theirs[index]?.kind) continue;
        const said = JSON.stringify({ ours: verdict, theirs: theirs[index], of: questions[index] });
        throw new Error(`seed ${seed}: ${said}`);
      }
    }
    console.log(`verdicts of rules: seed ${seed}, ${JSON.stringify(counts)}`);
    expect(Math.min(...Object.values(counts)) / CASES).toBeGreaterThan(LEAST_SHARE);
  }, 600_000);
});
