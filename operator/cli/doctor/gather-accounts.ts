import { LABEL_POLICY_UID } from '../../api/names.ts';
import type { ServiceAccount } from '../../api/objects.ts';
import type { RuleEngine } from '../../argo/engine.ts';
import { createForeignRuleJudge } from '../../argo/foreign.ts';
import { argoRule } from '../../policy/accounts.ts';
import type { RuleVerdicts } from '../../policy/observation.ts';
import { parseRule } from '../../policy/rules.ts';
import { ask, type Known } from '../access/ask.ts';
import { type AccessView, POLICIES_UNREAD, readAccess, ruledAccounts } from '../access/read.ts';
import { tokenStateOf } from '../access/tokens.ts';
import type { Cluster } from '../live/cluster.ts';
import type { Installation } from './gather-server.ts';
import { orWhy } from './or-why.ts';
import { type AccountSight, type DoctorSnapshot, orUndefined } from './snapshot.ts';

/** Of the accounts. */
export type AccountFacts = Pick<
  DoctorSnapshot,
  'accounts' | 'strays' | 'elsewhere' | 'delegated' | 'grantsHidden' | 'policies'
>;

function keyOf({ metadata }: ServiceAccount): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Of a rule as policies write it: it never fails, and the engine need not start for it. */
const FINE: RuleVerdicts = {
  withGroups: { kind: 'false' },
  emptyGroups: { kind: 'false' },
  noGroups: { kind: 'false' },
};

async function verdictsOf(
  accounts: readonly ServiceAccount[],
  engine: RuleEngine,
  signal: AbortSignal,
): Promise<(account: ServiceAccount) => Known<RuleVerdicts>> {
  const rules = accounts.map(account => [keyOf(account), argoRule(account) ?? ''] as const);
  const plain = new Set(rules.filter(([, rule]) => parseRule(rule) !== undefined).map(([key]) => key));
  const others = new Map(rules.filter(([key]) => !plain.has(key)));
  const asked = await orWhy(createForeignRuleJudge(engine)(others, signal), signal);
  return account => {
    if (plain.has(keyOf(account))) return { known: FINE };
    if ('unknown' in asked) return asked;
    const known = asked.known.get(keyOf(account));
    return known === undefined ? { unknown: 'others before it took too long' } : { known };
  };
}

async function sightsOf(
  cluster: Cluster,
  engine: RuleEngine,
  accounts: readonly ServiceAccount[],
  grantsOf: AccessView['grantsOf'],
): Promise<readonly AccountSight[]> {
  const verdicts = await verdictsOf(accounts, engine, cluster.signal);
  return Promise.all(
    accounts.map(async account => ({
      account,
      token: await tokenStateOf(cluster, account),
      grants: grantsOf(account),
      verdicts: verdicts(account),
    })),
  );
}

function isIn(namespace: string): (account: ServiceAccount) => boolean {
  return ({ metadata }) => metadata.namespace === namespace;
}

/** Accounts of other namespaces, where they count. */
async function delegatedAccounts(
  cluster: Cluster,
  engine: RuleEngine,
  { flags, accountNamespace }: Installation,
): Promise<Known<readonly AccountSight[]>> {
  if (flags?.delegates !== true) return { known: [] };
  const all = await ask(ruledAccounts(cluster, undefined));
  if ('unknown' in all) return all;
  const others = all.known.filter(({ metadata }) => metadata.namespace !== accountNamespace);
  return { known: await sightsOf(cluster, engine, others, () => []) };
}

/** Reads the accounts with rules, what they may do, and the policies of their namespaces. */
export async function readAccounts(
  cluster: Cluster,
  engine: RuleEngine,
  installation: Installation,
): Promise<AccountFacts> {
  const { namespace } = cluster;
  const { accountNamespace } = installation;
  const notes = new Set<string>();
  const note = (text: string) => void notes.add(text);
  const view = await ask(readAccess(cluster, new Set([namespace, accountNamespace]), note));
  if ('unknown' in view) {
    return { accounts: view, strays: [], elsewhere: [], delegated: view, grantsHidden: [], policies: view };
  }
  const { accounts, grantsOf, policies } = view.known;
  const policiesHidden = [...notes].find(each => each.startsWith(POLICIES_UNREAD));
  const [own, delegated] = await Promise.all([
    sightsOf(cluster, engine, accounts.filter(isIn(accountNamespace)), grantsOf),
    delegatedAccounts(cluster, engine, installation),
  ]);
  const elsewhere = own.length > 0 ? [] : (orUndefined(await ask(ruledAccounts(cluster, undefined))) ?? []);
  const strays =
    accountNamespace === namespace
      ? []
      : accounts
          .filter(isIn(namespace))
          .filter(({ metadata }) => metadata.labels?.[LABEL_POLICY_UID] === undefined);
  return {
    accounts: { known: own },
    strays: strays.map(({ metadata }) => metadata.name),
    elsewhere: elsewhere.map(keyOf),
    delegated,
    grantsHidden: [...notes].filter(each => each !== policiesHidden),
    policies: policiesHidden === undefined ? { known: policies } : { unknown: policiesHidden },
  };
}
