import { type Document, isCollection, isScalar, visit, type YAMLError } from 'yaml';

/** What is wrong with a text as YAML, how to mend it, and where that is. */
export interface YamlFlaw {
  readonly what: string;
  /** In characters from the beginning of the text. */
  readonly offset: number;
}

/** Errors of the parser by the beginning of what it says, in words that help. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /^Flow /,
    'a bracket that is opened here is not closed, or only left of the line that it belongs to; write the ] or } that is missing, or indent it',
  ],
  [/^Missing closing/, 'quotes that are opened here are not closed; write the one that is missing'],
  [
    /^(?:Sequence item without|All mapping items)/,
    'this begins in another column than the lines that belong with it; begin all of them in the same one',
  ],
  [
    /^Nested mappings/,
    'a second key begins on one line; put quotes around a text with ": " in it, or begin the line after it in the same column',
  ],
  [
    /^Implicit (?:map )?keys/,
    'here should be a key and its value; write a colon and a space between them, and indent what belongs to the lines above',
  ],
  [/^Tabs /, 'a tab indents this line; use spaces'],
  [
    /^(?:Alias|Anchor) /,
    '* and & have a meaning of their own; put quotes around a text that begins with one',
  ],
  [/^Plain value cannot start/, 'this character has a meaning of its own; put quotes around the text'],
  [
    /^Invalid escape/,
    'the backslash has a meaning of its own; put single quotes around the text, or double it',
  ],
  [/^Unexpected scalar/, 'a text goes on after its end; put quotes around the whole of it'],
];

const CONFLICT = /^(?:<{7}|={7}|>{7})/;

/** What the first error of a document says. */
export function explainYaml({ message, pos }: YAMLError, document: Document.Parsed, text: string): YamlFlaw {
  const [at] = pos;
  if (CONFLICT.test(text.slice(at, at + 7))) {
    return { what: 'a conflict of git has been left here; resolve it', offset: at };
  }
  const [, words] = WORDS.find(([pattern]) => pattern.test(message)) ?? [];
  return {
    what: words ?? `${message.replace(/[.:]$/, '')}; correct it`,
    offset: /^(?:Flow|Missing closing) /.test(message) ? openedAt(document, at) : at,
  };
}

/** Where the innermost text or bracket begins that an error at its end is about. */
function openedAt(document: Document.Parsed, end: number): number {
  let opened: number | undefined;
  visit(document, {
    Node: (_, node) => {
      const canBeOpen = isCollection(node) ? node.flow : isScalar(node) && /^QUOTE/.test(node.type ?? '');
      const [from = 0, to = 0] = node.range ?? [];
      if (canBeOpen && from <= end && to >= end) opened = from;
    },
  });
  return opened ?? end;
}
