import { Document, isMap, Scalar, visit } from 'yaml';
import { clean, hanging } from '../live/layout.ts';
import type { Remark } from './remark.ts';
import type { Step } from './steps.ts';

/** All that a file tells. */
export interface Page {
  /** First line, without an end. */
  readonly title: string;
  readonly remarks: readonly Remark[];
  /** Kinds of people for whom Argo's choice was compared; undefined where nobody was. */
  readonly tried: number | undefined;
  /** What to do, in order. */
  readonly steps: readonly Step[];
  readonly policy: object;
  /** By the name of a role, what is said above it. */
  readonly roleNotes: ReadonlyMap<string, string>;
}

const SECTIONS: readonly (readonly [kind: Remark['kind'], title: string])[] = [
  ['change', 'It would not be the same for everybody'],
  ['lost', 'No policy can say this'],
  ['problem', 'This stands against the policy'],
  ['warning', 'To be known'],
  ['rewritten', 'Is written anew, and means the same'],
  ['stays', 'Stays as it is, beside the policy'],
  ['unknown', 'Was not looked at'],
];

const WIDTH = 117;

/** A text in lines of the usual width, the first after a bullet or a number. */
function paragraph(text: string, bullet = ''): readonly string[] {
  return hanging(bullet, clean(text), WIDTH).split('\n');
}

function section(title: string, texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? [] : ['', title, ...texts.flatMap(text => paragraph(text, '  - '))];
}

/** Whether the policy says all that there is, and changes nothing for anybody. */
export function isFaithful(remarks: readonly Remark[]): boolean {
  return remarks.every(({ kind }) => kind !== 'change' && kind !== 'lost' && kind !== 'problem');
}

function peopleLines({ remarks, tried }: Page): readonly string[] {
  if (tried === undefined || remarks.some(({ kind }) => kind === 'change')) return [];
  return [
    '',
    ...paragraph(
      `For people nothing changes: Argo's rule engine gives ${tried} kinds of them the same ServiceAccount.`,
    ),
  ];
}

function stepLines({ steps }: Page): readonly string[] {
  if (steps.length === 0) return [];
  const texts = steps.flatMap(({ what, lines }, index) => [
    ...paragraph(what, `  ${index + 1}. `),
    ...lines.map(line => `     ${line}`),
  ]);
  return ['', 'In this order', ...texts];
}

/** What ends a line of YAML 1.1, as kubectl reads it, and with that a comment. */
const LINE_END = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

function commented(lines: readonly string[]): string {
  return lines
    .map(line => `# ${line.replaceAll(LINE_END, ' ')}`.trimEnd())
    .join('\n')
    .concat('\n');
}

/** Ends of lines in YAML 1.1 that the library writes as they are. */
const RARE_LINE_END = /[\u{85}\u{2028}\u{2029}]/u;
const ESCAPES: Readonly<Record<string, string>> = { '\u{85}': '\\N', '\u{2028}': '\\L', '\u{2029}': '\\P' };

function yamlOf(policy: object, notes: ReadonlyMap<string, string>): string {
  // Version 1.1: what kubectl takes for a switch or a number is in quotes where it is a text.
  const document = new Document(policy, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Map: (_, node) => {
      const note = notes.get(String(node.get('name')));
      if (note === undefined || !isMap(node) || !node.has('grants')) return;
      node.commentBefore = paragraph(note)
        .map(line => ` ${line}`)
        .join('\n');
    },
    Scalar: (_, node) => {
      if (RARE_LINE_END.test(String(node.value))) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document
    .toString({ lineWidth: 0 })
    .replaceAll(/[\u{85}\u{2028}\u{2029}]/gu, each => ESCAPES[each] ?? ' ');
}

/** A policy with what is to be known of it before it. */
export function asFile(page: Page): string {
  const told = SECTIONS.flatMap(([kind, title]) =>
    section(title, [...new Set(page.remarks.filter(each => each.kind === kind).map(({ text }) => text))]),
  );
  const head = [...paragraph(page.title), ...peopleLines(page), ...told, ...stepLines(page)];
  return `${commented(head)}${yamlOf(page.policy, page.roleNotes)}`;
}
