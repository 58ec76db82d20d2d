import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../api/names.ts';
import type { ServiceAccount } from '../api/objects.ts';
import { type ArgoMarks, tokenSecretName } from './desired.ts';

/**
 * Name of a Secret that never exists. An account whose token is said to be there denies whoever reaches it,
 * instead of letting them fall through to an account below (argo-workflows, server/auth/gatekeeper.go).
 */
export const HELD_TOKEN_NAME = 'argo-access-held';

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/**
 * Go's strconv.Atoi as Argo uses it, which looks at no error: what is not an integer counts as 0, and one that is
 * too big as the biggest (argo-workflows, server/auth/gatekeeper.go).
 */
export function exactPrecedence(account: ServiceAccount): bigint {
  const [, sign, digits] =
    /^([+-]?)([0-9]+)$/.exec(account.metadata.annotations?.[ARGO_PRECEDENCE] ?? '') ?? [];
  if (digits === undefined) return 0n;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return value > MAX_INT64 ? MAX_INT64 : value < MIN_INT64 ? MIN_INT64 : value;
}

/** {@link exactPrecedence} as a number: of those beyond 2^53, neighbours can be the same. */
export function argoPrecedence(account: ServiceAccount): number {
  return Number(exactPrecedence(account));
}

/** The rule by which Argo sees the account; undefined where Argo does not consider it. */
export function argoRule(account: ServiceAccount): string | undefined {
  return account.metadata.annotations?.[ARGO_RULE];
}

/** The Secret from which Argo takes an account's token (argo-workflows, util/secrets/secret_name.go). */
export function argoTokenName(account: ServiceAccount): string {
  const annotation = account.metadata.annotations?.[ARGO_TOKEN_NAME];
  return account.secrets[0] ?? annotation ?? tokenSecretName(account.metadata.name);
}

/** Argo's view of an account; undefined where it has no rule. */
export function argoMarks(account: ServiceAccount): ArgoMarks | undefined {
  const rule = argoRule(account);
  if (rule === undefined) return undefined;
  return { rule, precedence: argoPrecedence(account), tokenName: argoTokenName(account) };
}

/** Whether whoever reaches the account is denied, because we hold it during a change. */
export function isHeld(marks: ArgoMarks): boolean {
  return marks.tokenName === HELD_TOKEN_NAME;
}
