import type { Policy } from '../../api/objects.ts';
import type { Explanation, Trial } from '../../argo/request.ts';
import { type Provenance, provenanceOf } from '../../policy/provenance.ts';
import { contenderKey, type Outcome } from '../../policy/selection.ts';
import type { Allowed } from '../access/can-i.ts';
import type { ResolvedGrant } from '../access/read.ts';
import type { TokenState } from '../access/tokens.ts';
import { type NearRule, nearestRules, remedyFor } from './nearest.ts';

/** An account that Argo tries, for people and programs. */
export interface TrialReport {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** As Argo counts it. */
  readonly precedence: number;
  readonly rule: string;
  readonly from: Provenance;
  readonly verdict: Trial['tried']['kind'];
  /** The engine's exact words, where the rule fails or was not tried. */
  readonly error?: string;
  readonly remedy?: string;
  /** Whether the request may be made as this account. */
  readonly wins: boolean;
  readonly token: TokenState;
  readonly grants: readonly ResolvedGrant[];
  /** Where it was asked for. */
  readonly canI?: readonly Allowed[];
}

/** How it ends. */
export interface OutcomeReport {
  readonly kind: 'account' | 'tie' | 'denied' | 'unknown' | 'none' | 'refused';
  /** Accounts that it may be, as `namespace/name`. */
  readonly serviceAccounts: readonly string[];
  readonly message: string;
}

/** All that is said of somebody. */
export interface ExplainReport {
  readonly who: string;
  readonly groups: readonly string[];
  /** The names that rules can use. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Of Argo Server. */
  readonly namespace: string;
  /** Where Argo Server looks for accounts, if elsewhere (`--managed-namespace`). */
  readonly accountNamespace?: string;
  readonly resourceNamespace?: string;
  /** Whether Argo Server looks in the namespace of what is asked for; only where that is another. */
  readonly delegation?: 'yes' | 'no' | 'unknown';
  readonly outcome: OutcomeReport;
  readonly trials: readonly TrialReport[];
  /** Where no rule matches. */
  readonly nearest: readonly NearRule[];
  readonly notes: readonly string[];
}

function listed(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.flatMap(each => (each.kind === 'account' ? [contenderKey(each.contender)] : []));
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'account':
      return `acts as ServiceAccount ${contenderKey(outcome.contender)}`;
    case 'denied':
      return `is denied: the rule of ServiceAccount ${contenderKey(outcome.contender)} fails`;
    case 'unknown':
      return `cannot be told: the rule of ServiceAccount ${contenderKey(outcome.contender)} was not tried`;
    case 'none':
      return 'is denied: no service account rule matches';
  }
}

const NO_RULES =
  'is denied: no service account rule matches, for no ServiceAccount there has one; see whether it is the right namespace';

/** The end in one word and one sentence. */
export function outcomeOf({ login, outcomes, trials }: Explanation): OutcomeReport {
  if (login.kind === 'refused') return { kind: 'refused', serviceAccounts: [], message: login.message };
  const [first] = outcomes;
  const serviceAccounts = listed(outcomes);
  if (first === undefined) return { kind: 'none', serviceAccounts, message: '' };
  if (trials.length === 0) return { kind: first.kind, serviceAccounts, message: NO_RULES };
  if (outcomes.length === 1) return { kind: first.kind, serviceAccounts, message: outcomeText(first) };
  const ways = outcomes.map(outcomeText).join('; or ');
  const message = `tie, of which Argo takes whichever comes first: ${ways}. Give them different precedences`;
  const kind = outcomes.some(each => each.kind === 'unknown') ? 'unknown' : 'tie';
  return { kind, serviceAccounts, message };
}

/** What is known of an account besides its rule. */
export interface AccountFacts {
  readonly token: TokenState;
  readonly grants: readonly ResolvedGrant[];
  readonly canI: readonly Allowed[] | undefined;
}

/** An account that Argo tries. */
export function reportTrial(
  { contender, tried }: Trial,
  policies: readonly Policy[],
  wins: boolean,
  { token, grants, canI }: AccountFacts,
): TrialReport {
  const { namespace, name } = contender.account.metadata;
  return {
    namespace,
    serviceAccount: name,
    precedence: Number(contender.precedence),
    rule: contender.rule,
    from: provenanceOf(contender.account, policies),
    verdict: tried.kind,
    ...('message' in tried && { error: tried.message }),
    ...(tried.kind === 'error' && { remedy: remedyFor(tried.message) }),
    wins,
    token,
    grants,
    ...(canI !== undefined && { canI }),
  };
}

/** The rules that came nearest, where none matches. */
export function nearestOf({ login, outcomes, trials }: Explanation): readonly NearRule[] {
  if (login.kind === 'refused' || !outcomes.some(({ kind }) => kind === 'none')) return [];
  return nearestRules(trials, login.groups);
}
