import { RULE_EVERYONE } from '../../policy/rules.ts';
import { readGroups } from './rule-groups.ts';
import { type Token, textOf, tokensOf } from './tokens.ts';

/** Claims that a user may lack: a rule that names one without a default does not compile for whoever lacks it. */
export const CLAIMS = ['groups', 'email', 'name', 'preferred_username'] as const;

/** One of the {@link CLAIMS}. */
export type Claim = (typeof CLAIMS)[number];

/** Whom a rule matches, of those for whom it does not fail. */
export type Meaning =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'groups'; readonly groups: readonly string[] }
  /** True or false without the claims that it names too, as far as that can be seen from its text. */
  | { readonly kind: 'expression'; readonly text: string };

/** A rule that somebody wrote by hand, as it is understood. */
export interface ReadRule {
  readonly meaning: Meaning;
  /** Argo denies whoever lacks one of these, and has come as far as this rule. */
  readonly needs: ReadonlySet<Claim>;
  /** Whether the meaning, too, lets nobody in who lacks one. */
  readonly isStrict: boolean;
}

const DEFAULTS: Readonly<Record<Claim, string>> = {
  groups: '($env?.groups ?? [])',
  email: '($env?.email ?? "")',
  name: '($env?.name ?? "")',
  preferred_username: '($env?.preferred_username ?? "")',
};

/** A claim that stands by itself: not a member of something, nor the key of a map. */
function bareClaim(tokens: readonly Token[], index: number): Claim | undefined {
  const [before, token, after] = [tokens[index - 1]?.text ?? '', tokens[index], tokens[index + 1]?.text];
  if (token?.kind !== 'name' || before === '.' || before === '?.') return undefined;
  if ((before === '{' || before === ',') && after === ':') return undefined;
  return CLAIMS.find(claim => claim === token.text);
}

const JOINTS: ReadonlySet<string> = new Set(['&&', 'and', '||', 'or', '(', ')']);
const COMPARED: ReadonlySet<string> = new Set(['==', 'startsWith', 'endsWith', 'contains']);

function isFullText(token: Token | undefined): boolean {
  return token?.kind === 'text' && textOf(token.text) !== '';
}

/** `email == "a"`, `email endsWith "a"`, `"a" in groups`: never true of a claim that is empty. */
function isPositive(tokens: readonly Token[]): boolean {
  const [left, operator, right] = tokens;
  if (tokens.length !== 3 || operator === undefined) return false;
  if (operator.text === 'in') return isFullText(left) && right?.text === 'groups';
  return bareClaim(tokens, 0) !== undefined && COMPARED.has(operator.text) && isFullText(right);
}

function areAllPositive(tokens: readonly Token[]): boolean {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (JOINTS.has(token.text)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.every(part => part.length === 0 || isPositive(part));
}

/** The rule with a default for each claim that it names without one. */
function withDefaults(rule: string, tokens: readonly Token[]): ReadRule {
  const needs = new Set<Claim>();
  let text = '';
  let at = 0;
  for (const [index, token] of tokens.entries()) {
    const claim = bareClaim(tokens, index);
    if (claim === undefined) continue;
    needs.add(claim);
    text += rule.slice(at, token.start) + DEFAULTS[claim];
    at = token.start + token.text.length;
  }
  // With two claims, whoever lacks one may still be let in by the other.
  const isStrict = needs.size === 0 || (needs.size === 1 && areAllPositive(tokens));
  return { meaning: { kind: 'expression', text: text + rule.slice(at) }, needs, isStrict };
}

/**
 * Understands a rule as far as it is of a usual kind; of another, it stays an expression. What comes of it is for Argo's
 * engine to say: nothing of this is taken for granted.
 */
export function readRule(rule: string): ReadRule {
  const tokens = tokensOf(rule);
  if (tokens === undefined)
    return { meaning: { kind: 'expression', text: rule }, needs: new Set(), isStrict: true };
  if (tokens.length === 1 && tokens[0]?.text === RULE_EVERYONE) {
    return { meaning: { kind: 'everyone' }, needs: new Set(), isStrict: true };
  }
  const found = readGroups(tokens);
  if (found === undefined) return withDefaults(rule, tokens);
  const needs = new Set<Claim>(found.bare ? ['groups'] : []);
  return { meaning: { kind: 'groups', groups: found.groups }, needs, isStrict: true };
}

const PRESENT: Readonly<Record<Claim, string>> = {
  groups: 'len($env?.groups ?? []) > 0',
  email: '($env?.email ?? "") != ""',
  name: '($env?.name ?? "") != ""',
  preferred_username: '($env?.preferred_username ?? "") != ""',
};

/** An expression that is true for those who have all of the claims, and for whom another is true. */
export function guarded(claims: ReadonlySet<Claim>, text: string | undefined): string {
  const guards = CLAIMS.filter(claim => claims.has(claim)).map(claim => PRESENT[claim]);
  if (text === undefined) return guards.join(' && ');
  return guards.length === 0 ? text : [...guards, `(${text})`].join(' && ');
}
