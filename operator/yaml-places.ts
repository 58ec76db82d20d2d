import { isMap, isNode, isScalar, isSeq, type Pair, type ParsedNode } from 'yaml';

/** A node of YAML below another, and where it begins: at its key, or its place in a list. */
export interface YamlChild {
  readonly value: unknown;
  /** In characters from the beginning of the text; undefined for what no text gave. */
  readonly offset: number | undefined;
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** Of a key that is there twice the last counts, as for whoever reads the value. */
function pairOf(pairs: readonly Pair[], key: PropertyKey): Pair | undefined {
  return pairs.findLast(pair => isScalar(pair.key) && String(pair.key.value) === key);
}

/** What is at a key, or a place of a list, of a node; undefined where there is nothing. */
export function childOf(node: unknown, key: PropertyKey): YamlChild | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(key)];
    return value === undefined ? undefined : { value, offset: rangeStart(value) };
  }
  const pair = isMap(node) ? pairOf(node.items, key) : undefined;
  return pair && { value: pair.value, offset: rangeStart(pair.key) };
}

/** Where the field of a path is, or the innermost part of it that there is. */
export function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const key of path) {
    const found = childOf(node, key);
    if (found === undefined) return offset;
    node = found.value;
    offset = found.offset ?? offset;
  }
  return offset;
}
