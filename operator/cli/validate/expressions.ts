import type { Policy } from '../../api/objects.ts';
import { expressionsOf } from '../../policy/desired.ts';
import type { WhenVerdict } from '../../policy/observation.ts';

/** What Argo's engine says of the expressions of policies, or why it says nothing. */
export type ExpressionJudgement =
  | { readonly ok: true; readonly verdicts: ReadonlyMap<string, WhenVerdict> }
  | { readonly ok: false; readonly why: string };

const NONE: ExpressionJudgement = { ok: true, verdicts: new Map() };

/**
 * Has Argo's engine try the expressions that policies give as `when`; where there are none, it is not started.
 *
 * @param wasmPath the engine; by default the one that lies beside the code
 */
export async function judgeExpressions(
  policies: readonly Policy[],
  wasmPath: string | undefined,
): Promise<ExpressionJudgement> {
  const expressions = [...new Set(policies.flatMap(expressionsOf))];
  if (expressions.length === 0) return NONE;
  const [{ createRuleEngine }, { createWhenJudge }] = await Promise.all([
    import('../../argo/engine.ts'),
    import('../../argo/when.ts'),
  ]);
  const engine = createRuleEngine(wasmPath === undefined ? {} : { wasmPath });
  const judge = createWhenJudge(engine, { patient: true });
  try {
    return { ok: true, verdicts: await judge('', expressions) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    await engine.close();
  }
}
