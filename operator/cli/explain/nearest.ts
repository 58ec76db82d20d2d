import type { Trial } from '../../argo/request.ts';
import { parseRule } from '../../policy/rules.ts';
import { nearest } from '../validate/nearest.ts';

/** A rule that did not match, and what somebody would need for it to match. */
export interface NearRule {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly missing: string;
}

/** Rules that are named where none matches. */
const MOST = 5;

function lastPart(group: string): string {
  return group.split('/').findLast(part => part !== '') ?? group;
}

/** A group that somebody has, and that looks like one that the rule names. */
function lookalike(wanted: readonly string[], groups: readonly string[]): string | undefined {
  for (const group of wanted) {
    const same = groups.find(each => lastPart(each).toLowerCase() === lastPart(group).toLowerCase());
    const near = same ?? nearest(group, groups);
    if (near !== undefined)
      return `has group ${near}, and the rule is for ${group}: they are spelled differently`;
  }
  return undefined;
}

interface Ranked extends NearRule {
  readonly near: boolean;
}

function rank({ contender, tried }: Trial, groups: readonly string[]): readonly Ranked[] {
  if (tried.kind !== 'false') return [];
  const { namespace, name } = contender.account.metadata;
  const at = { namespace, serviceAccount: name };
  const parsed = parseRule(contender.rule);
  if (parsed?.kind !== 'groups') {
    return [{ ...at, near: false, missing: `the expression is false: ${contender.rule}` }];
  }
  const alike = lookalike(parsed.groups, groups);
  const one = parsed.groups.length === 1 ? 'is not in' : 'is in none of';
  return [{ ...at, near: alike !== undefined, missing: alike ?? `${one} ${parsed.groups.join(', ')}` }];
}

/** The rules that came nearest to matching, those first of which only the spelling differs; else in Argo's order. */
export function nearestRules(trials: readonly Trial[], groups: readonly string[]): readonly NearRule[] {
  return trials
    .flatMap(trial => rank(trial, groups))
    .toSorted((a, b) => Number(b.near) - Number(a.near))
    .slice(0, MOST)
    .map(({ near: _, ...rule }) => rule);
}

const UNKNOWN_NAME = /unknown name (\w+)/;

/** What to do about a rule that fails. */
export function remedyFor(message: string): string {
  const [, name] = UNKNOWN_NAME.exec(message) ?? [];
  if (name === 'groups') {
    return 'who is in no group has no groups to a rule: write ($env?.groups ?? []) in place of groups';
  }
  if (name === undefined) return 'correct the rule, for whoever comes to it is denied';
  return `to a rule this user has no ${name}, for Argo hands over only what the token has of it: write ($env?.${name} ?? "") in place of ${name}, if that is a claim that Argo knows`;
}
