import { parseRule } from '../../policy/rules.ts';

/** A text in quotes before `in groups`, or `in ($env?.groups …)`, as most people write rules. */
const NAMED = /(["'`])((?:\\.|(?!\1)[^\\])*)\1\s+in\s+(?:groups\b|\(?\s*\(?\s*\$env)/g;
/** The same in a list that groups are compared with: `any(groups, # in [...])`. */
const LISTED = /\bgroups\b[^[\]]*#\s+in\s+\[([^\]]*)\]/g;
const TEXTS = /(["'`])((?:\\.|(?!\1)[^\\])*)\1/g;

function plain(text: string): readonly string[] {
  // What is escaped is left to the engine.
  return text.includes('\\') ? [] : [text];
}

/** The same with `==`. */
const SAME = /#\s*==\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1|(["'`])((?:\\.|(?!\3)[^\\])*)\3\s*==\s*#/g;
/** Rules of more characters are not searched: nobody writes them by hand, and the search takes too long. */
const LONGEST = 5000;

/** Groups that a rule is for, as far as it is written in a way that is in use; others are left out. */
export function groupsNamedIn(rule: string): readonly string[] {
  const parsed = parseRule(rule);
  if (parsed !== undefined) return parsed.kind === 'groups' ? parsed.groups : [];
  if (rule.length > LONGEST) return [];
  const named = [...rule.matchAll(NAMED)].flatMap(([, , text = '']) => plain(text));
  const listed = [...rule.matchAll(LISTED)].flatMap(([, list = '']) =>
    [...list.matchAll(TEXTS)].flatMap(([, , text = '']) => plain(text)),
  );
  const same = [...rule.matchAll(SAME)].flatMap(([, , after, , before]) => plain(after ?? before ?? ''));
  return [...new Set([...named, ...listed, ...same])];
}
