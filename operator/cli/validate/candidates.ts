import {
  type Alias,
  type Document,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  visit,
  type YAMLMap,
} from 'yaml';
import { GROUP, KIND } from '../../api/schema.ts';
import { offsetOf } from '../../yaml-places.ts';
import { type Finding, fieldOf, type Place } from './finding.ts';
import { parseKubernetesYaml } from './kubernetes-yaml.ts';
import type { SourceText } from './sources.ts';
import { explainYaml } from './yaml-flaw.ts';

/** What some text has in place of a policy, right or wrong. */
export interface Candidate {
  readonly value: unknown;
  /** Place of a field, or of the innermost part of its path that there is. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place;
}

/** What a text has of policies, and what is wrong with it as YAML. */
export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly findings: readonly Finding[];
}

type Path = readonly PropertyKey[];

const NOTHING: Candidates = { candidates: [], findings: [] };

/** Finds the policies in a text: documents of their own, and entries of lists as `kubectl get -o yaml` prints them. */
export function findCandidates(source: SourceText): Candidates {
  // Most files of a repository have nothing to do with policies, and some of them are not even YAML.
  if (!mentionsPolicies(source.text)) return NOTHING;
  const { documents, lines } = parseKubernetesYaml(source.text);
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: source.file, line, column: col };
  };
  const found = documents.map(document => inDocument(document, source.text, placeAt));
  return {
    candidates: found.flatMap(({ candidates }) => candidates),
    findings: found.flatMap(({ findings }) => findings),
  };
}

function inDocument(document: Document.Parsed, text: string, placeAt: (offset: number) => Place): Candidates {
  const [broken] = document.errors;
  if (broken !== undefined) {
    // What cannot be read may be anything, such as a template: only what speaks of policies is ours to judge.
    if (!mentionsPolicies(text.slice(document.range[0], document.range[2]))) return NOTHING;
    const { what, offset } = explainYaml(broken, document, text);
    return { candidates: [], findings: [notYaml(what, placeAt(offset))] };
  }
  const found = policiesOf(document.contents).map(policy => inNode(policy, document, placeAt));
  return {
    candidates: found.flatMap(({ candidates }) => candidates),
    findings: found.flatMap(({ findings }) => findings),
  };
}

function inNode(
  { node, path }: PolicyNode,
  document: Document.Parsed,
  placeAt: (offset: number) => Place,
): Candidates {
  const placeOf = (below: Path) => placeAt(offsetOf(document.contents, [...path, ...below]));
  const unknown = unknownAlias(node, document);
  if (unknown !== undefined) return { candidates: [], findings: [noAnchor(unknown, placeAt)] };
  try {
    const value: unknown = node.toJS(document);
    const repeated = repeatedKeys(node, []).map(each => twice(each, placeAt));
    return { candidates: [{ value, placeOf }], findings: repeated };
  } catch (error) {
    // Aliases of aliases can make a short text endless.
    if (!(error instanceof ReferenceError)) throw error;
    return {
      candidates: [],
      findings: [notYaml(`${error.message}; write out what aliases repeat`, placeOf([]))],
    };
  }
}

/** The first alias without an anchor before it. */
function unknownAlias(node: YAMLMap, document: Document.Parsed): Alias | undefined {
  let found: Alias | undefined;
  visit(node, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

function noAnchor({ source, range }: Alias, placeAt: (offset: number) => Place): Finding {
  const what = `no anchor &${source} stands before *${source}; put quotes around a text that begins with *`;
  return notYaml(what, placeAt(range?.[0] ?? 0));
}

function mentionsPolicies(text: string): boolean {
  return text.includes(KIND) || text.includes(`${GROUP}/`);
}

interface PolicyNode {
  readonly node: YAMLMap;
  readonly path: Path;
}

/** By kind or by API group, so that a slip in one of them is found. */
function policiesOf(contents: ParsedNode | null): readonly PolicyNode[] {
  if (!isMap(contents)) return [];
  if (isPolicy(contents)) return [{ node: contents, path: [] }];
  const items = contents.get('items');
  if (!isList(contents) || !isSeq(items)) return [];
  return items.items.flatMap((node, index) =>
    isMap(node) && isPolicy(node) ? [{ node, path: ['items', index] }] : [],
  );
}

function isList(node: YAMLMap): boolean {
  const kind: unknown = node.get('kind');
  return kind === 'List' || kind === `${KIND}List`;
}

function isPolicy(node: YAMLMap): boolean {
  if (isList(node)) return false;
  const apiVersion: unknown = node.get('apiVersion');
  const ofGroup = typeof apiVersion === 'string' && apiVersion.startsWith(`${GROUP}/`);
  return ofGroup || node.get('kind') === KIND;
}

function notYaml(what: string, place: Place): Finding {
  const message = `is not right as YAML: ${what}`;
  return { ...place, severity: 'error', rule: 'Yaml', policy: '', field: '', message };
}

interface RepeatedKey {
  readonly path: Path;
  readonly offset: number;
}

/** Keys that are there twice in one mapping: kubectl takes the last, others refuse them. */
function repeatedKeys(node: unknown, path: Path): readonly RepeatedKey[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => repeatedKeys(item, [...path, index]));
  if (!isMap(node)) return [];
  const seen = new Set<string>();
  return node.items.flatMap(({ key, value }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    const below = [...path, name];
    const again = seen.has(name) && name !== '<<' ? [{ path: below, offset: key.range?.[0] ?? 0 }] : [];
    seen.add(name);
    return [...again, ...repeatedKeys(value, below)];
  });
}

function twice({ path, offset }: RepeatedKey, placeAt: (offset: number) => Place): Finding {
  return {
    ...placeAt(offset),
    severity: 'warning',
    rule: 'KeyTwice',
    policy: '',
    field: fieldOf(path),
    message:
      'is there twice: kubectl takes the last and says nothing, kustomize and Flux refuse the file; remove one of them',
  };
}
