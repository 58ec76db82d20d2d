import type { ServiceAccount } from '../../api/objects.ts';
import { ruleClaims } from '../../argo/claims.ts';
import type { RuleEngine } from '../../argo/engine.ts';
import { TRIAL_USERS, type TrialUser } from '../../argo/trial-users.ts';
import { argoRule } from '../../policy/accounts.ts';
import { contendersOf, type Outcome, select, type Tried } from '../../policy/selection.ts';
import { type Claim, readRule } from './rule.ts';
import { literalsOf } from './tokens.ts';

/** Somebody who would not be the same to Argo afterwards. */
export interface Shift {
  /** Who it is, for people. */
  readonly who: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Accounts with a rule, before and after. */
export interface Comparison {
  readonly before: readonly ServiceAccount[];
  readonly after: readonly ServiceAccount[];
  /** Claims that nobody lacks who signs in. */
  readonly always?: ReadonlySet<Claim>;
}

/** In seconds since the epoch, the year 2100. */
const EXPIRES = 4_102_444_800;
/** So many texts of rules are tried as what somebody has, and so many of these in pairs. */
const MOST_VALUES = 60;
const MOST_PAIRED = 14;

const JO = { sub: '6d1ba0a5-3f0e-4b52-a5ad-6a8c6dd4b3f1' };
const WHOLE = { ...JO, email: 'jo@example.com', name: 'Jo Example', preferred_username: 'jo' };

function member(groups: readonly string[]): readonly TrialUser[] {
  const who = `somebody in ${groups.join(' and ')}`;
  return [
    { who, claims: ruleClaims({ ...WHOLE, groups }, EXPIRES) },
    {
      who: `${who}, without email and name`,
      claims: ruleClaims({ ...JO, preferred_username: 'jo', groups }, EXPIRES),
    },
  ];
}

function bearer(value: string): readonly TrialUser[] {
  const claims = (['email', 'name', 'preferred_username', 'sub'] as const).flatMap(claim => [
    { who: `somebody in no group with ${claim} ${value}`, claims: { ...WHOLE, [claim]: value } },
    {
      who: `somebody in a group with ${claim} ${value}`,
      claims: { ...WHOLE, [claim]: value, groups: ['/example'] },
    },
  ]);
  return claims.map(({ who, claims: token }) => ({ who, claims: ruleClaims(token, EXPIRES) }));
}

/** Argo leaves an empty claim out, so that nobody comes with an empty list (argo-workflows, server/auth/types/claims.go). */
function exists({ claims: { groups } }: TrialUser): boolean {
  return !Array.isArray(groups) || groups.length > 0;
}

/** Whether a rule looks at more of somebody than groups. */
function looksFurther(rule: string): boolean {
  return (
    readRule(rule).meaning.kind === 'expression' && /\b(?:email|name|preferred_username|sub)\b/.test(rule)
  );
}

/** People at whom rules may part: by what they have and lack, and by each text that a rule holds. */
export function peopleFor(
  rules: readonly string[],
  always: ReadonlySet<Claim> = new Set(),
): readonly TrialUser[] {
  const textsOf = (some: readonly string[]) =>
    [...new Set(some.flatMap(literalsOf))].filter(value => value !== '').slice(0, MOST_VALUES);
  const values = textsOf(rules);
  const paired = values.slice(0, MOST_PAIRED);
  const pairs = paired.flatMap((first, index) => paired.slice(index + 1).map(second => [first, second]));
  const further = textsOf(rules.filter(looksFurther));
  const all = [
    ...TRIAL_USERS.filter(exists),
    ...[...values.map(value => [value]), ...pairs, values].filter(list => list.length > 0).flatMap(member),
    ...values.flatMap(value => member([`${value}/below`])),
    ...further.flatMap(value => [value, `jo${value}`, `${value}jo`].flatMap(bearer)),
  ];
  return all.filter(({ claims }) => [...always].every(claim => Object.hasOwn(claims, claim)));
}

function rulesOf({ before, after }: Pick<Comparison, 'before' | 'after'>): readonly string[] {
  return [...new Set([...before, ...after].flatMap(account => argoRule(account) ?? []))];
}

const UNTRIED: Tried = { kind: 'unknown', message: 'it was not tried' };

/** Denied is denied, by whatever rule. */
function nameOf(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'account':
      return outcome.contender.account.metadata.name;
    case 'unknown':
      return `${outcome.contender.account.metadata.name}, or whatever stands below`;
    default:
      return undefined;
  }
}

function winners(
  accounts: readonly ServiceAccount[],
  verdicts: ReadonlyMap<string, Tried>,
): readonly string[] {
  const outcomes = select(contendersOf(accounts), ({ rule }) => verdicts.get(rule) ?? UNTRIED);
  return [...new Set(outcomes.map(outcome => nameOf(outcome) ?? ''))].toSorted();
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The rules that come to an end within the engine's limits: of others nobody knows, and each trial would take as long. */
async function endingRules(
  rules: readonly string[],
  people: readonly TrialUser[],
  engine: Pick<RuleEngine, 'judge'>,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const questions = people.slice(0, 1).flatMap(({ claims }) => rules.map(rule => ({ rule, claims })));
  const judgements = await engine.judge(questions, signal);
  return rules.filter((_, index) => judgements[index]?.exhausted !== true);
}

/**
 * Tries on many kinds of people whether Argo chooses the same account before and after, by Argo's own engine. Of those
 * for whom it changes in the same way the first is told.
 */
export async function shiftsOf(
  comparison: Comparison,
  engine: Pick<RuleEngine, 'judge'>,
  signal?: AbortSignal,
): Promise<{ readonly tried: number; readonly shifts: readonly Shift[] }> {
  const all = rulesOf(comparison);
  const people = peopleFor(all, comparison.always);
  const rules = await endingRules(all, people, engine, signal);
  const questions = people.flatMap(({ claims }) => rules.map(rule => ({ rule, claims })));
  const judgements = await engine.judge(questions, signal);
  const shifts = people.map(({ who }, index): Shift => {
    const verdicts = new Map(
      rules.map((rule, at) => [rule, judgements[index * rules.length + at] ?? UNTRIED] as const),
    );
    return { who, before: winners(comparison.before, verdicts), after: winners(comparison.after, verdicts) };
  });
  const changed = shifts.filter(({ before, after }) => !isSame(before, after));
  const once = Map.groupBy(changed, ({ before, after }) => JSON.stringify([before, after]));
  return { tried: people.length, shifts: [...once.values()].flatMap(list => list.slice(0, 1)) };
}
