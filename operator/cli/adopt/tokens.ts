/** A word of the expression language. */
export interface Token {
  readonly kind: 'text' | 'name' | 'number' | 'sign';
  readonly text: string;
  readonly start: number;
}

/** Tokens of the expression language, strictly: of what is none of these, nothing is understood. */
const TOKEN =
  /(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(?<name>[$A-Za-z_]\w*)|(?<number>[0-9][\w.]*)|(?<sign>\?\.|\?\?|\|\||&&|[=!<>]=|\.\.|\*\*|[-+*%^()[\]{},.:?!<>#|;])/y;

/** The words of a rule; undefined where it has something that is none. */
export function tokensOf(rule: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(rule[at] ?? '')) at += 1;
    if (at === rule.length) return tokens;
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(rule)?.groups;
    const [kind, text] = Object.entries(groups ?? {}).find(([, found]) => found !== undefined) ?? [];
    if (kind === undefined || text === undefined) return undefined;
    tokens.push({ kind: kind as Token['kind'], text, start: at });
    at += text.length;
  }
}

/** What a literal stands for; undefined where it has escapes that JSON does not know. */
export function textOf(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`') || !inner.includes('\\')) return inner;
  try {
    const json = literal.startsWith("'") ? inner.replaceAll("\\'", "'").replaceAll('"', '\\"') : inner;
    return JSON.parse(`"${json}"`) as string;
  } catch {
    return undefined;
  }
}

/** The literals of a rule, each once: values at which it may give something else. */
export function literalsOf(rule: string): readonly string[] {
  const texts = (tokensOf(rule) ?? []).flatMap(({ kind, text }) =>
    kind === 'text' ? (textOf(text) ?? []) : [],
  );
  return [...new Set(texts)];
}
