import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter, type ParsedNode } from 'yaml';
import type { z } from 'zod';
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
      return { offset: offsetOf(source.document, path), what: name === '' ? message : `${name}: ${message}` };
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

/** Where the field of a path is, or the innermost part of it that there is. */
function offsetOf(document: Document<ParsedNode>, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    const found = childOf(node, key);
    if (found === undefined) return offset;
    node = found.value;
    offset = found.offset ?? offset;
  }
  return offset;
}

function childOf(
  node: unknown,
  key: PropertyKey,
): { value: unknown; offset: number | undefined } | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(key)];
    return value === undefined ? undefined : { value, offset: rangeStart(value) };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === key);
  return pair === undefined ? undefined : { value: pair.value, offset: rangeStart(pair.key) };
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
