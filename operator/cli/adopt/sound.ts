import type { WhenVerdict } from '../../policy/observation.ts';
import { engineError } from '../../policy/short.ts';
import { type ByHand, type DescribedRoles, describeRoles } from './roles.ts';

/** Says of expressions whether each is true or false for all kinds of users. */
export type Sound = (expressions: readonly string[]) => Promise<ReadonlyMap<string, WhenVerdict>>;

/**
 * Describes accounts as roles as far as Argo's engine takes their expressions; the others stay as they are.
 *
 * @param kept accounts that no role is to be made of, and why
 */
export async function soundRoles(
  given: ByHand,
  kept: ReadonlyMap<string, string>,
  judge: Sound,
): Promise<DescribedRoles> {
  const described = describeRoles(given, kept);
  const verdicts = await judge([...new Set(described.roles.flatMap(({ spec }) => spec.when ?? []))]);
  const bad = described.roles.flatMap(({ spec, contender }) => {
    const verdict = spec.when === undefined ? undefined : verdicts.get(spec.when);
    if (verdict?.kind !== 'fails') return [];
    const why = `its rule ${contender.rule} is neither true nor false for ${verdict.user} (${engineError(verdict.message)})`;
    return [[contender.account.metadata.name, why] as const];
  });
  return bad.length === 0 ? described : soundRoles(given, new Map([...kept, ...bad]), judge);
}
