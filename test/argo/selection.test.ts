import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type RuleEngine } from '../../operator/argo/engine.ts';
import { explainRequest } from '../../operator/argo/request.ts';
import { outcomeKey } from '../../operator/policy/selection.ts';
import { type ArgoSelection, argoSelectionProgram, startArgoSelection } from '../env/argo-selection.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { type Case, LOGIN, selectionCase, TEAM } from './selection-cases.ts';

const CASES = process.env.TEST_DEEP ? 10_000 : 500;
const EXPIRY = 4_102_444_800;

/** How often a request ends in which way. */
function sharesOf(found: readonly (readonly string[])[]): Readonly<Record<string, number>> {
  const share = (is: (outcomes: readonly string[]) => boolean) => found.filter(is).length / found.length;
  return {
    own: share(([first]) => first?.startsWith(`account ${LOGIN}/`) === true),
    delegated: share(([first]) => first?.startsWith(`account ${TEAM}/`) === true),
    denied: share(([first]) => first?.startsWith('denied ') === true),
    none: share(([first]) => first === 'none'),
    tied: share(({ length }) => length > 1),
  };
}

describe('which account a request gets', () => {
  let engine: RuleEngine;
  let argo: ArgoSelection;
  beforeAll(async () => {
    engine = createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 30_000 });
    argo = startArgoSelection(await argoSelectionProgram(console.log));
  }, 600_000);
  afterAll(() => Promise.all([engine?.close(), argo?.close()]));

  async function ours({ accounts, token, namespace, delegates }: Case): Promise<readonly string[]> {
    const place = { loginNamespace: LOGIN, namespace, delegates };
    const { outcomes } = await explainRequest(
      { accounts, token, terms: { groupsClaim: 'groups', exp: EXPIRY }, ...place },
      engine,
    );
    return outcomes.map(outcomeKey).toSorted();
  }

  function theirs(cases: readonly Case[]): Promise<readonly (readonly string[])[]> {
    return argo.choose(
      cases.map(({ accounts, token, namespace = '', delegates }) => ({
        token,
        expiry: EXPIRY,
        serviceAccounts: accounts.map(({ metadata }) => ({
          namespace: metadata.namespace,
          name: metadata.name,
          annotations: metadata.annotations ?? {},
        })),
        loginNamespace: LOGIN,
        namespace,
        delegates,
      })),
    );
  }

  it(`is that which an independent selection picks, ties told as ties, in ${CASES} generated cases`, async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
    const cases = fc.sample(selectionCase, { numRuns: CASES, seed });
    const expected = await theirs(cases);
    const found: (readonly string[])[] = [];
    for (const [index, each] of cases.entries()) {
      const outcomes = await ours(each);
      expect(outcomes, `seed ${seed}, case ${index}: ${JSON.stringify(each)}`).toEqual(expected[index]);
      found.push(outcomes);
    }
    const shares = sharesOf(found);
    console.log(`selections: seed ${seed}, ${JSON.stringify(shares)}`);
    // Every kind of end is really tried.
    for (const share of Object.values(shares)) expect(share).toBeGreaterThan(0.01);
  }, 120_000);
});
