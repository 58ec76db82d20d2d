import type { Policy } from '../../api/objects.ts';
import type { GroupFilter } from '../../argo/group-filter.ts';
import { groupsOf } from '../../policy/desired.ts';
import { NOTHING_FILTERED } from '../../policy/nothing-seen.ts';
import type { GroupFilterVerdict } from '../../policy/observation.ts';

/** A verdict, or why there is none. */
export type FilterJudgement =
  | { readonly ok: true; readonly verdict: GroupFilterVerdict }
  | { readonly ok: false; readonly why: string };

const UNFILTERED: FilterJudgement = { ok: true, verdict: NOTHING_FILTERED };

/** What Argo's engine says of the group filter of each policy. */
export type FilterJudgements = (policy: Policy) => FilterJudgement;

function regexesOf({ spec }: Policy): readonly string[] {
  return spec.server?.filterGroupsRegex ?? [];
}

/**
 * Has Argo's engine judge the group filters of policies; where there are none, it is not started.
 *
 * @param wasmPath the engine; by default the one that lies beside the code
 */
export async function judgeGroupFilters(
  policies: readonly Policy[],
  wasmPath: string | undefined,
): Promise<FilterJudgements> {
  const filtering = policies.filter(policy => regexesOf(policy).length > 0);
  if (filtering.length === 0) return () => UNFILTERED;
  const [{ createRuleEngine }, { createGroupFilter }] = await Promise.all([
    import('../../argo/engine.ts'),
    import('../../argo/group-filter.ts'),
  ]);
  const engine = createRuleEngine(wasmPath === undefined ? {} : { wasmPath });
  const filter = createGroupFilter(engine);
  const judgements = new Map<Policy, FilterJudgement>();
  try {
    for (const policy of filtering) judgements.set(policy, await judgeOne(filter, policy));
  } finally {
    await engine.close();
  }
  return policy => judgements.get(policy) ?? UNFILTERED;
}

async function judgeOne(filter: GroupFilter, policy: Policy): Promise<FilterJudgement> {
  try {
    return { ok: true, verdict: await filter(regexesOf(policy), groupsOf(policy)) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}
