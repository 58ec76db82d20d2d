import type { ServiceAccount } from '../api/objects.ts';
import { argoRule, exactPrecedence } from './accounts.ts';
import type { Verdict } from './observation.ts';

/** A ServiceAccount that Argo considers, because it has a rule. */
export interface Contender {
  readonly account: ServiceAccount;
  readonly rule: string;
  readonly precedence: bigint;
}

/** What a rule gives for a person; `unknown` where it was not tried to the end. */
export type Tried = Verdict | { readonly kind: 'unknown'; readonly message: string };

/** How a request may end. */
export type Outcome =
  /** It is made as this account. */
  | { readonly kind: 'account'; readonly contender: Contender }
  /** It is denied, because the rule of this account fails. */
  | { readonly kind: 'denied'; readonly contender: Contender; readonly message: string }
  /** Nobody can tell, because the rule of this account was not tried. */
  | { readonly kind: 'unknown'; readonly contender: Contender; readonly message: string }
  /** It is denied, because no rule matches. */
  | { readonly kind: 'none' };

/** What two accounts have in common that are one. */
export function contenderKey({ account: { metadata } }: Contender): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Tells one outcome from another. */
export function outcomeKey(outcome: Outcome): string {
  return outcome.kind === 'none' ? 'none' : `${outcome.kind} ${contenderKey(outcome.contender)}`;
}

/** The accounts that Argo considers, in the order in which it tries them; those of one precedence by name. */
export function contendersOf(accounts: readonly ServiceAccount[]): readonly Contender[] {
  return accounts
    .flatMap(account => {
      const rule = argoRule(account);
      return rule === undefined ? [] : [{ account, rule, precedence: exactPrecedence(account) }];
    })
    .toSorted((a, b) =>
      a.precedence === b.precedence
        ? compareNames(contenderKey(a), contenderKey(b))
        : Number(b.precedence > a.precedence) * 2 - 1,
    );
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function outcomeOf(contender: Contender, tried: Tried): readonly Outcome[] {
  switch (tried.kind) {
    case 'true':
      return [{ kind: 'account', contender }];
    case 'false':
      return [];
    case 'error':
      return [{ kind: 'denied', contender, message: tried.message }];
    case 'unknown':
      return [{ kind: 'unknown', contender, message: tried.message }];
  }
}

/**
 * What may come of a request in one namespace: Argo takes the first account whose rule is true, by descending
 * precedence, and denies where a rule before that fails. Those of one precedence come in any order, so there can be
 * several outcomes (argo-workflows, server/auth/gatekeeper.go).
 *
 * @param contenders in Argo's order
 */
export function select(
  contenders: readonly Contender[],
  triedOf: (contender: Contender) => Tried,
): readonly Outcome[] {
  const tiers = Map.groupBy(contenders, ({ precedence }) => precedence);
  for (const tier of tiers.values()) {
    const outcomes = tier.flatMap(contender => outcomeOf(contender, triedOf(contender)));
    if (outcomes.length > 0) return outcomes;
  }
  return [{ kind: 'none' }];
}

/**
 * What may come of a request for something in another namespace, where Argo delegates to it: an account there is taken
 * in place of that of the login if its precedence is strictly higher, whatever else goes wrong there
 * (argo-workflows, server/auth/gatekeeper.go).
 */
export function delegate(login: readonly Outcome[], there: readonly Outcome[]): readonly Outcome[] {
  const outcomes = login.flatMap(own =>
    own.kind === 'account' ? there.flatMap(other => delegated(own, own.contender, other)) : [own],
  );
  return [...new Map(outcomes.map(outcome => [outcomeKey(outcome), outcome])).values()];
}

function delegated(own: Outcome, { precedence }: Contender, other: Outcome): readonly Outcome[] {
  if (other.kind === 'none' || other.kind === 'denied') return [own];
  if (other.contender.precedence <= precedence) return [own];
  return [other];
}
