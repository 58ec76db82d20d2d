import { stripVTControlCharacters, styleText } from 'node:util';
import { harmless } from '../terminal.ts';

/** A colour or weight; see `styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** Gives a text a style, or leaves it as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** A painter for a terminal. */
export function painter(colours: boolean): Paint {
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

/** Width of a text on a terminal, without its styles. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** What is not to be split further although it has spaces; the terminal gets no control characters of others. */
export function clean(text: string): string {
  return harmless(text).trim();
}

/** The narrowest column that a text is wrapped into; below that, lines run over. */
const NARROWEST = 24;

/**
 * A text after some words, its further lines below its own first one. Words are never split, so a long name stays
 * whole and can be copied.
 *
 * @param columns width of the terminal; undefined: one line
 */
export function hanging(before: string, text: string, columns: number | undefined): string {
  const indent = widthOf(before);
  if (columns === undefined) return `${before}${text}`;
  const width = Math.max(columns - indent, NARROWEST);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return `${before}${[...lines, line].join(`\n${' '.repeat(indent)}`)}`;
}

/** Rows of which each cell but the last is as wide as its column; two spaces stand between. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, index) =>
    Math.max(...rows.map(row => widthOf(row[index] ?? ''))),
  );
  return rows.map(row =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
}
