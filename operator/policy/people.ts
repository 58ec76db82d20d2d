import { argoMarks } from './accounts.ts';
import type { Observation } from './observation.ts';
import { parseRule } from './rules.ts';

/** Accounts and grants as they stand at one moment. */
export type Standings = Pick<Observation, 'accounts' | 'bindings'>;

/** Somebody who signs in, as far as rules look. */
export interface Person {
  /** Tells one from another. */
  readonly id: string;
  readonly groups: readonly string[];
}

/** What a rule says of a person; `unknown` where nobody has tried. */
export type Match = 'yes' | 'no' | 'fails' | 'unknown';

/** Judges rules that this project did not write, for a person. */
export type Judge = (rule: string, person: Person) => Match;

/** What Argo makes of a person in one namespace. */
export interface Access {
  /** The account that is chosen; several where it may be any of them, none where no rule matches. */
  readonly serviceAccounts: readonly string[];
  /** The account whose rule fails, so that whoever comes to it is denied. */
  readonly failing?: string;
  /** What the operator has granted it, such as `ClusterRole argo-access-viewer in team-a`. */
  readonly grants: readonly string[];
}

/** Whom a change concerns. */
export type Who =
  /** Members of any of these groups, who are in no other that a rule names. */
  | { readonly kind: 'members'; readonly groups: readonly string[] }
  /** Members of one of the first, and of one of the second groups. */
  | { readonly kind: 'both'; readonly first: readonly string[]; readonly second: readonly string[] }
  /** Everybody who is in none of the groups that rules name. */
  | { readonly kind: 'others' }
  /** Whoever an expression is true for, unless a rule above matches first. */
  | { readonly kind: 'expression'; readonly expression: string }
  | { readonly kind: 'user'; readonly name: string; readonly groups: readonly string[] };

/** What a change means for somebody. */
export interface Shift {
  readonly who: Who;
  readonly before: Access;
  readonly after: Access;
}

interface Candidate {
  readonly name: string;
  readonly precedence: number;
  readonly rule: string;
}

function candidatesOf({ accounts }: Standings): readonly Candidate[] {
  return accounts
    .flatMap(account => {
      const marks = argoMarks(account);
      const { name } = account.metadata;
      return marks === undefined ? [] : [{ name, precedence: marks.precedence, rule: marks.rule }];
    })
    .toSorted((a, b) => b.precedence - a.precedence);
}

function grantsOf({ bindings }: Standings, names: readonly string[], namespace: string): readonly string[] {
  const grants = bindings
    .filter(({ subjects }) =>
      subjects.some(
        ({ kind, name, namespace: home }) =>
          kind === 'ServiceAccount' && names.includes(name) && home === namespace,
      ),
    )
    .map(({ metadata, roleRef }) => `${roleRef.kind} ${roleRef.name} in ${metadata.namespace}`);
  return [...new Set(grants)].toSorted();
}

function matchOf(rule: string, person: Person, judge: Judge): Match {
  const parsed = parseRule(rule);
  if (parsed === undefined) return judge(rule, person);
  if (parsed.kind === 'everyone') return 'yes';
  return parsed.groups.some(group => person.groups.includes(group)) ? 'yes' : 'no';
}

const NO_ACCESS: Access = { serviceAccounts: [], grants: [] };

/**
 * The account that Argo chooses: the first of the highest precedence whose rule is true. Of some with the same
 * precedence it may be any (argo-workflows, server/auth/gatekeeper.go).
 */
export function accessOf(standings: Standings, person: Person, judge: Judge, namespace: string): Access {
  const candidates = candidatesOf(standings);
  const judged = candidates.map(each => ({ ...each, match: matchOf(each.rule, person, judge) }));
  const first = judged.find(({ match }) => match === 'yes' || match === 'fails');
  if (first === undefined) return NO_ACCESS;
  const tied = judged.filter(({ precedence }) => precedence === first.precedence);
  const failing = tied.find(({ match }) => match === 'fails')?.name;
  const serviceAccounts = tied.flatMap(({ name, match }) => (match === 'yes' ? [name] : []));
  return {
    serviceAccounts,
    ...(failing !== undefined && { failing }),
    grants: grantsOf(standings, serviceAccounts, namespace),
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The accounts whose rules name a group. */
function namedBy(standings: Standings): ReadonlyMap<string, readonly string[]> {
  const named = candidatesOf(standings).flatMap(({ name, rule }) => {
    const parsed = parseRule(rule);
    return parsed?.kind === 'groups' ? parsed.groups.map(group => ({ group, name })) : [];
  });
  const byGroup = Map.groupBy(named, ({ group }) => group);
  return new Map([...byGroup].map(([group, list]) => [group, list.map(({ name }) => name)]));
}

/** The groups that rules name before or after, those together that no rule tells apart. */
function classesOf(before: Standings, after: Standings): readonly (readonly string[])[] {
  const [was, is] = [namedBy(before), namedBy(after)];
  const groups = [...new Set([...was.keys(), ...is.keys()])].toSorted();
  const classes = Map.groupBy(groups, group => JSON.stringify([was.get(group) ?? [], is.get(group) ?? []]));
  return [...classes.values()];
}

function expressionsIn(standings: Standings): readonly string[] {
  return candidatesOf(standings).flatMap(({ rule }) => (parseRule(rule) === undefined ? [rule] : []));
}

/** Two moments of one namespace, and what tells people's rules apart. */
export interface Comparison {
  readonly namespace: string;
  readonly before: Standings;
  readonly after: Standings;
  readonly judge: Judge;
}

function shiftOf(comparison: Comparison, who: Who, person: Person): Shift {
  const { namespace, before, after, judge } = comparison;
  return {
    who,
    before: accessOf(before, person, judge, namespace),
    after: accessOf(after, person, judge, namespace),
  };
}

function isShift({ before, after }: Shift): boolean {
  return !isSame(before, after);
}

const UNTRIED: Judge = () => 'unknown';

/** By an expression, whatever stands above it. */
function expressionShifts({ namespace, before, after }: Comparison): readonly Shift[] {
  const expressions = [...new Set([...expressionsIn(before), ...expressionsIn(after)])];
  return expressions
    .map((expression): Shift => {
      const access = (standings: Standings): Access => {
        const names = candidatesOf(standings).flatMap(({ name, rule }) =>
          rule === expression ? [name] : [],
        );
        return names.length === 0
          ? NO_ACCESS
          : { serviceAccounts: names, grants: grantsOf(standings, names, namespace) };
      };
      return { who: { kind: 'expression', expression }, before: access(before), after: access(after) };
    })
    .filter(isShift);
}

/** More kinds of members than this are not looked at in pairs. */
const MOST_PAIRED = 40;

/** Members of two groups, where it is not for them as for members of one of these. */
function pairShifts(comparison: Comparison, classes: readonly (readonly string[])[]): readonly Shift[] {
  if (classes.length > MOST_PAIRED) return [];
  const alone = classes.map(groups => single(comparison, groups));
  return classes.flatMap((first, index) =>
    classes.slice(index + 1).flatMap((second, offset) => {
      const groups = [...first.slice(0, 1), ...second.slice(0, 1)];
      const who: Who = { kind: 'both', first, second };
      const shift = shiftOf(comparison, who, { id: groups.join('\n'), groups });
      const told = [alone[index], alone[index + 1 + offset]].some(
        each => each !== undefined && isSame([each.before, each.after], [shift.before, shift.after]),
      );
      return isShift(shift) && !told ? [shift] : [];
    }),
  );
}

function single(comparison: Comparison, groups: readonly string[]): Shift {
  const [group = ''] = groups;
  return shiftOf(comparison, { kind: 'members', groups }, { id: group, groups: [group] });
}

/** What changes between two moments for members of groups, and for everybody else. */
export function shiftsOfGroups(given: Omit<Comparison, 'judge'>): readonly Shift[] {
  const comparison = { ...given, judge: UNTRIED };
  const classes = classesOf(comparison.before, comparison.after);
  const others = shiftOf(comparison, { kind: 'others' }, { id: '', groups: [] });
  return [
    ...classes.map(groups => single(comparison, groups)).filter(isShift),
    ...pairShifts(comparison, classes),
    ...[others].filter(isShift),
    ...expressionShifts(comparison),
  ];
}

/** What changes for one user. */
export function shiftOfUser(comparison: Comparison, name: string, person: Person): Shift | undefined {
  const shift = shiftOf(comparison, { kind: 'user', name, groups: person.groups }, person);
  return isShift(shift) ? shift : undefined;
}

/** The groups that rules name before or after. */
export function groupsNamed(before: Standings, after: Standings): readonly string[] {
  return classesOf(before, after).flat().toSorted();
}

/** The rules by an expression, before or after. */
export function expressionsNamed(before: Standings, after: Standings): readonly string[] {
  return [...new Set([...expressionsIn(before), ...expressionsIn(after)])];
}
