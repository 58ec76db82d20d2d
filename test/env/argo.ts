import type { RuleEngine } from '../../operator/argo/engine.ts';

const RULE = 'workflows.argoproj.io/rbac-rule';
const PRECEDENCE = 'workflows.argoproj.io/rbac-rule-precedence';

/** A ServiceAccount as the API server lists it, as far as Argo Server looks at it. */
export interface ListedAccount {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Where a login ends in Argo Server. */
export type Mapping =
  | { readonly kind: 'mapped'; readonly serviceAccount: string }
  | { readonly kind: 'denied'; readonly why: string };

function precedenceOf({ metadata }: ListedAccount): number {
  const text = metadata.annotations?.[PRECEDENCE] ?? '';
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : 0;
}

/**
 * The ServiceAccount that Argo Server acts as for a user, judged as it does it: the accounts with a rule by
 * descending precedence, the first whose rule is true; a rule that fails denies
 * (argo-workflows, server/auth/gatekeeper.go).
 *
 * @param claims of the ID token; Argo hands them to the rules without those that are empty
 */
export async function mapUser(
  engine: RuleEngine,
  accounts: readonly ListedAccount[],
  claims: Readonly<Record<string, unknown>>,
): Promise<Mapping> {
  const named = ['groups', 'email', 'name', 'preferred_username', 'sub', 'exp'];
  const known = Object.fromEntries(named.flatMap(key => (isEmpty(claims[key]) ? [] : [[key, claims[key]]])));
  const ruled = accounts
    .filter(({ metadata }) => metadata.annotations?.[RULE] !== undefined)
    .toSorted((a, b) => precedenceOf(b) - precedenceOf(a));
  for (const { metadata } of ruled) {
    const rule = metadata.annotations?.[RULE] ?? '';
    const [verdict] = await engine.judge([{ rule, claims: { ...known, iss: 'argo-server' } }]);
    if (verdict?.kind === 'true') return { kind: 'mapped', serviceAccount: metadata.name };
    if (verdict?.kind === 'error') return { kind: 'denied', why: `${metadata.name}: ${verdict.message}` };
  }
  return { kind: 'denied', why: 'no service account rule matches' };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}
