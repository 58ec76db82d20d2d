import { PRECEDENCE_STEP } from '../../policy/desired.ts';

/** Something in Argo's order: a role that can be given any place, or an account that keeps its precedence. */
export type Slot = { readonly kind: 'role' } | { readonly kind: 'fixed'; readonly precedence: number };

/** Where the roles of a policy stand. */
export type Placement =
  /** `precedence` is to be given where it is defined; else the default puts every role in its place. */
  { readonly fits: true; readonly precedence: number | undefined } | { readonly fits: false };

const MOST = 1_000_000_000;

interface Range {
  readonly least: number;
  readonly most: number;
}

/** What the first role's precedence may be by one account that stays, with so many roles above it. */
function rangeBy(precedence: number, above: number, count: number): Range {
  return {
    least: above > 0 ? precedence + (above - 1) * PRECEDENCE_STEP + 1 : 0,
    most: above < count ? precedence + above * PRECEDENCE_STEP - 1 : MOST,
  };
}

/**
 * Finds a precedence for the first role of a policy by which all its roles keep their place among the accounts that stay
 * as they are. Each next role stands 10 below.
 *
 * @param slots from the one that Argo tries first
 * @param usual what the operator takes where the policy says nothing
 */
export function placeRoles(slots: readonly Slot[], usual: number): Placement {
  const count = slots.filter(({ kind }) => kind === 'role').length;
  const ranges = slots.flatMap((slot, index) => {
    if (slot.kind === 'role') return [];
    const above = slots.slice(0, index).filter(({ kind }) => kind === 'role').length;
    return [rangeBy(slot.precedence, above, count)];
  });
  const least = Math.max(count * PRECEDENCE_STEP, ...ranges.map(range => range.least));
  const most = Math.min(MOST, ...ranges.map(range => range.most));
  if (least > most) return { fits: false };
  if (least <= usual && usual <= most) return { fits: true, precedence: undefined };
  const round = Math.ceil(least / PRECEDENCE_STEP) * PRECEDENCE_STEP;
  return { fits: true, precedence: round <= most ? round : least };
}
