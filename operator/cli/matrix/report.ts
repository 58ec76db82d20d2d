import type { ServiceAccount } from '../../api/objects.ts';
import { type Provenance, provenanceOf } from '../../policy/provenance.ts';
import { parseRule } from '../../policy/rules.ts';
import { type Contender, contendersOf, type Outcome, select, type Tried } from '../../policy/selection.ts';
import { togetherVerbs } from '../../policy/workflow-verbs.ts';
import type { AccessView, ResolvedGrant } from '../access/read.ts';

/** Whom a row is about. */
export type Who =
  /** Who is in this group, and in no other that a rule names. */
  | { readonly kind: 'group'; readonly group: string }
  /** Who is in none of the groups. */
  | { readonly kind: 'others' }
  /** Whom an expression matches, if Argo comes to it. */
  | { readonly kind: 'expression'; readonly expression: string };

/** What somebody may do in one namespace. */
export interface Cell {
  /** `*` for all namespaces. */
  readonly namespace: string;
  /** Such as `ClusterRole argo-access-viewer`. */
  readonly roles: readonly string[];
  readonly verbs: readonly string[];
  /** Only with workflows of certain names. */
  readonly named: readonly string[];
  /** Roles of which nothing is known. */
  readonly unknown: readonly string[];
}

/** One account that people of a row may get. */
export interface AccountReport {
  readonly serviceAccount: string;
  readonly precedence: number;
  readonly from: Provenance;
  readonly cells: readonly Cell[];
}

/** People, and what they get. */
export interface Row {
  readonly who: Who;
  /** None: denied. Several: they tie, and it may be any. */
  readonly accounts: readonly AccountReport[];
  /** Accounts whose expression is tried before, and may match these people first. */
  readonly unlessFirst: readonly string[];
}

/** The accounts of one namespace. */
export interface HomeReport {
  readonly namespace: string;
  /** The columns; `*` last. */
  readonly namespaces: readonly string[];
  readonly rows: readonly Row[];
}

/** All that is shown. */
export interface MatrixReport {
  readonly server: string;
  readonly context: string;
  readonly madeAt: string;
  readonly homes: readonly HomeReport[];
  readonly notes: readonly string[];
}

/** Stands for all namespaces. */
export const EVERYWHERE = '*';

function cellOf(namespace: string, grants: readonly ResolvedGrant[]): Cell {
  const nameOf = ({ role }: ResolvedGrant) => `${role.kind} ${role.name}`;
  const known = grants.flatMap(({ workflows }) => workflows ?? []);
  const unknown = grants.filter(({ workflows }) => workflows === undefined).map(nameOf);
  return {
    namespace,
    roles: [...new Set(grants.map(nameOf))],
    ...togetherVerbs(known),
    unknown: [...new Set(unknown)],
  };
}

function cellsOf(grants: readonly ResolvedGrant[]): readonly Cell[] {
  const places = Map.groupBy(grants, ({ namespace = EVERYWHERE }) => namespace);
  return [...places].map(([namespace, list]) => cellOf(namespace, list));
}

function accountOf(view: AccessView, { account, precedence }: Contender): AccountReport {
  return {
    serviceAccount: account.metadata.name,
    precedence: Number(precedence),
    from: provenanceOf(account, view.policies),
    cells: cellsOf(view.grantsOf(account)),
  };
}

/** For somebody in these groups; an expression is taken to be false, and told of beside the row. */
function tryFor(groups: readonly string[]): (contender: Contender) => Tried {
  return ({ rule }) => {
    const parsed = parseRule(rule);
    const matches =
      parsed?.kind === 'everyone' ||
      (parsed?.kind === 'groups' && parsed.groups.some(group => groups.includes(group)));
    return { kind: matches ? 'true' : 'false' };
  };
}

function winnersOf(outcomes: readonly Outcome[]): readonly Contender[] {
  return outcomes.flatMap(each => (each.kind === 'account' ? [each.contender] : []));
}

function rowFor(
  view: AccessView,
  contenders: readonly Contender[],
  who: Who,
  groups: readonly string[],
): Row {
  const winners = winnersOf(select(contenders, tryFor(groups)));
  const [first] = winners;
  const before = contenders.filter(
    ({ rule, precedence }) =>
      parseRule(rule) === undefined && (first === undefined || precedence >= first.precedence),
  );
  return {
    who,
    accounts: winners.map(winner => accountOf(view, winner)),
    unlessFirst: before.map(({ account }) => account.metadata.name),
  };
}

function rowsOf(view: AccessView, contenders: readonly Contender[]): readonly Row[] {
  const parsed = contenders.map(contender => ({ contender, rule: parseRule(contender.rule) }));
  const groups = new Set(parsed.flatMap(({ rule }) => (rule?.kind === 'groups' ? rule.groups : [])));
  const expressions = parsed.filter(({ rule }) => rule === undefined);
  return [
    ...[...groups].map(group => rowFor(view, contenders, { kind: 'group', group }, [group])),
    ...expressions.map(({ contender }): Row => {
      const who: Who = { kind: 'expression', expression: contender.rule };
      return { who, accounts: [accountOf(view, contender)], unlessFirst: [] };
    }),
    rowFor(view, contenders, { kind: 'others' }, []),
  ];
}

function homeOf(view: AccessView, namespace: string, accounts: readonly ServiceAccount[]): HomeReport {
  const rows = rowsOf(view, contendersOf(accounts));
  const places = new Set(
    rows.flatMap(row => row.accounts.flatMap(each => each.cells.map(cell => cell.namespace))),
  );
  const everywhere = places.delete(EVERYWHERE) ? [EVERYWHERE] : [];
  return { namespace, namespaces: [...[...places].toSorted(), ...everywhere], rows };
}

/** Who gets what, by the namespaces of the accounts. */
export function homesOf(view: AccessView): readonly HomeReport[] {
  const homes = Map.groupBy(view.accounts, ({ metadata }) => metadata.namespace);
  const names = [...homes.keys()].toSorted();
  return names.map(name => homeOf(view, name, homes.get(name) ?? []));
}
