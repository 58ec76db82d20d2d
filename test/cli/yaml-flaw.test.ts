import { describe, expect, it } from 'vitest';
import { judge } from '../../operator/cli/validate/judge.ts';

const HEAD = 'apiVersion: argo-access.io/v1alpha1\nspec:\n';
const COLUMN = /begin all of them in the same one$/;
const KEY = /write a colon and a space between them/;
const BRACKET = /write the ] or } that is missing, or indent it$/;
const QUOTE = /write the one that is missing$/;
const OWN_MEANING = /has a meaning of its own; put quotes around the text$/;

/** Texts that are broken below line 2, where that is to be told, and what. */
const FLAWS: readonly (readonly [string, string, string, RegExp])[] = [
  ['a bracket', '  groups: [/a, /b\n  grants: []\n', '3:11', BRACKET],
  ['a bracket in brackets', '  a: [b, [c, d]\n  e: f\n', '3:6', BRACKET],
  ['a brace', '  a: { b: c\n  d: e\n', '3:6', BRACKET],
  ['double quotes', '  name: "viewer\n  everyone: true\n', '3:9', QUOTE],
  ['single quotes', "  name: 'viewer\n  everyone: true\n", '3:9', QUOTE],
  [
    'a line of a list that begins too far left',
    '  roles:\n    - a: 1\n      b: 2\n     c: 3\n',
    '6:1',
    COLUMN,
  ],
  ['a line that begins too far left', '  a: 1\n b: 2\n', '4:1', COLUMN],
  [
    'a line that begins too far right',
    '  a: 1\n   b: 2\n',
    '3:6',
    /begin the line after it in the same column$/,
  ],
  ['a key after a list', '  - a\n  b: c\n', '4:1', COLUMN],
  ['a colon in a text', '  a: b: c\n', '3:6', /put quotes around a text with ": " in it/],
  ['a key without a colon', '  name\n  b: 1\n', '3:3', KEY],
  ['a key without a space', '  name:x\n  b: 1\n', '3:3', KEY],
  ['a text that is not indented', '  a: |\nfoo\n', '4:1', KEY],
  ['a tab', '\ta: 1\n', '3:1', /use spaces$/],
  ['a star', '  groups: [*]\n', '3:12', /put quotes around a text that begins with one$/],
  ['an ampersand', '  a: & b\n', '3:6', /put quotes around a text that begins with one$/],
  ['an at sign', '  name: @me\n', '3:9', OWN_MEANING],
  ['a backslash', '  a: "\\d"\n', '3:7', /put single quotes around the text, or double it$/],
  ['a text after quotes', "  a: 'x' y\n", '3:10', /put quotes around the whole of it$/],
  ['an alias of nothing', '  a: *x\n', '3:6', /no anchor &x stands before \*x; put quotes/],
  [
    'a conflict',
    '<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> b\n',
    '3:1',
    /a conflict of git .*; resolve it$/,
  ],
];

describe('what is not YAML is told in words that help, at the place where it can be mended', () => {
  it.each(FLAWS)('%s', async (_, text, place, words) => {
    const { findings } = await judge([{ file: 'a.yaml', text: `${HEAD}${text}` }], {});
    expect(findings.map(({ line, column }) => `${line}:${column}`)).toEqual([place]);
    expect(findings[0]?.message).toMatch(/^is not right as YAML: /);
    expect(findings[0]?.message).toMatch(words);
  });

  it('aliases of aliases without end', async () => {
    const aliases = Array.from({ length: 9 }, (_, index) => {
      const before =
        index === 0
          ? '[x, x, x]'
          : `[${Array(9)
              .fill(`*a${index - 1}`)
              .join(', ')}]`;
      return `  a${index}: &a${index} ${before}\n`;
    });
    const text = `${HEAD}${aliases.join('')}`;
    const { findings } = await judge([{ file: 'a.yaml', text }], {});
    expect(findings).toMatchObject([
      { line: 1, rule: 'Yaml', message: expect.stringMatching(/; write out what aliases repeat$/) },
    ]);
  });

  it('only the document that is broken, in a file of several', async () => {
    const text = `kind: Other\na: [\n---\n${HEAD}  a: [b\n  c: d\n---\nkind: Other\nb: ]\n`;
    const { findings, policies } = await judge([{ file: 'a.yaml', text }], {});
    expect(policies).toBe(0);
    expect(findings.map(({ line, column }) => [line, column])).toEqual([[6, 6]]);
  });
});
