import type { Document, LineCounter, ParsedNode } from 'yaml';
import type { z } from 'zod';
import { offsetOf } from '../yaml-places.ts';
import { unknownField } from './schema.ts';

/** The YAML text in which problems are located. */
export interface Source {
  readonly file: string;
  readonly document: Document<ParsedNode>;
  readonly lines: LineCounter;
}

type Path = readonly PropertyKey[];

/** One line of an error message: file, line, column, and what is wrong there. */
export function problemAt(
  { file, lines }: Pick<Source, 'file' | 'lines'>,
  offset: number,
  what: string,
): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}: ${what}`;
}

/** The problems that the schema has found, a line for each, in the order of the file. */
export function describeIssues(source: Source, issues: readonly z.core.$ZodIssue[]): readonly string[] {
  return issues
    .flatMap(issue =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map(key => ({ path: [...issue.path, key], message: unknownField(key, issue.message) }))
        : [{ path: issue.path, message: issue.message }],
    )
    .map(({ path, message }) => {
      const name = describePath(source.document, path);
      return {
        offset: offsetOf(source.document.contents, path),
        what: name === '' ? message : `${name}: ${message}`,
      };
    })
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, what }) => problemAt(source, offset, what));
}

/** A path as the operator's own messages write it: list entries by their name where they have one. */
function describePath(document: Document, path: Path): string {
  return path.reduce<string>((text, key, depth) => {
    if (typeof key !== 'number') return text === '' ? String(key) : `${text}.${String(key)}`;
    const name = document.getIn([...path.slice(0, depth + 1), 'name']);
    return `${text}[${typeof name === 'string' ? name : key}]`;
  }, '');
}
