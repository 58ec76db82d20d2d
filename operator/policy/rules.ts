/** The rule of a role for everyone. */
export const RULE_EVERYONE = 'true';

const PREFIX = 'any($env?.groups ?? [], # in [';
const SUFFIX = '])';

/**
 * A string literal of the expression language that every engine in use reads alike: JSON's escapes are a subset
 * of its own. No line break stands unescaped, for the language would turn `\r` into `\n`.
 */
function literal(text: string): string {
  return JSON.stringify(text);
}

/**
 * The rule that is true for members of any of the groups and never fails, for a user without the claim neither
 * (argo-workflows hands the claims over with empty ones left out, so a bare `groups` is an unknown name).
 */
export function ruleForGroups(groups: readonly string[]): string {
  return `${PREFIX}${groups.map(literal).join(', ')}${SUFFIX}`;
}

/** A rule that this project has written, understood. */
export type ParsedRule =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'groups'; readonly groups: readonly string[] };

/** Understands exactly the rules that are written here; undefined for any other. */
export function parseRule(rule: string): ParsedRule | undefined {
  if (rule === RULE_EVERYONE) return { kind: 'everyone' };
  if (!rule.startsWith(PREFIX) || !rule.endsWith(SUFFIX)) return undefined;
  const groups = parseStrings(`[${rule.slice(PREFIX.length, -SUFFIX.length)}]`);
  return groups !== undefined && ruleForGroups(groups) === rule ? { kind: 'groups', groups } : undefined;
}

function parseStrings(json: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A rule that matches at least everyone whom either of two rules matches; one that we cannot read may match anyone. */
export function unionRule(a: string, b: string): string {
  if (a === b) return a;
  const [left, right] = [parseRule(a), parseRule(b)];
  if (left?.kind !== 'groups' || right?.kind !== 'groups') return RULE_EVERYONE;
  return ruleForGroups([...new Set([...left.groups, ...right.groups])]);
}
