import { type Token, textOf } from './tokens.ts';

/** A test for groups: it is true for members of any of them. */
export interface Groups {
  readonly groups: readonly string[];
  /** Whether the claim is named without a default. */
  readonly bare: boolean;
}

/** Reads the usual tests for groups; undefined where a rule is anything else. */
export function readGroups(tokens: readonly Token[]): Groups | undefined {
  let at = 0;

  function take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => tokens[at + index]?.text === word)) return false;
    at += words.length;
    return true;
  }

  function literal(): string | undefined {
    const token = tokens[at];
    if (token?.kind !== 'text') return undefined;
    at += 1;
    return textOf(token.text);
  }

  function alternatives(): Groups | undefined {
    const groups: string[] = [];
    let bare = false;
    do {
      const one = alternative();
      if (one === undefined) return undefined;
      groups.push(...one.groups);
      bare ||= one.bare;
    } while (take('||') || take('or'));
    return { groups: [...new Set(groups)], bare };
  }

  function alternative(): Groups | undefined {
    if (take('any', '(')) return anyOf();
    if (take('(')) {
      const inner = alternatives();
      return take(')') ? inner : undefined;
    }
    const group = literal();
    if (group === undefined || !take('in')) return undefined;
    const bare = claim();
    return bare === undefined ? undefined : { groups: [group], bare };
  }

  /** The list of groups: true where it is named without a default. */
  function claim(): boolean | undefined {
    if (take('groups')) return true;
    if (take('(', '$env', '?.', 'groups', '??', '[', ']', ')')) return false;
    return take('$env', '?.', 'groups', '??', '[', ']') ? false : undefined;
  }

  /** `any(groups, # in ["a"])` and `any(groups, {# == "a"})`, after the bracket. */
  function anyOf(): Groups | undefined {
    const bare = claim();
    if (bare === undefined || !take(',')) return undefined;
    const braces = take('{');
    const groups = compared();
    const closed = (!braces || take('}')) && take(')');
    return closed && groups.length > 0 && areTexts(groups)
      ? { groups: [...new Set(groups)], bare }
      : undefined;
  }

  /** `# == "a"` or `# in ["a", "b"]`. */
  function compared(): readonly (string | undefined)[] {
    if (!take('#')) return [];
    if (take('==')) return [literal()];
    return take('in', '[') ? list() : [];
  }

  function list(): readonly (string | undefined)[] {
    const groups = [literal()];
    while (take(',')) groups.push(literal());
    return take(']') ? groups : [];
  }

  const found = alternatives();
  return at === tokens.length ? found : undefined;
}

function areTexts(list: readonly (string | undefined)[]): list is readonly string[] {
  return list.every(each => each !== undefined);
}
