import { Composer, type Document, LineCounter, Parser, type ScalarTag } from 'yaml';

// kubectl reads YAML 1.1 in Go's way (sigs.k8s.io/yaml, go.yaml.in/yaml/v2, resolve.go): `yes` and `on` are booleans,
// `010` is eight, a date is text, and of a key that is there twice the last counts. Whoever read the files in another
// way would judge another policy than the one that reaches the API server.

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;

const bool: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: text => TRUE.test(text),
};

const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** An integer as Go's strconv reads it where the base follows from what stands before. */
function readInteger(sign: string, digits: string): number {
  const value = Number(digits.replace(/^0[oO]?(?=[0-7]+$)/, '0o'));
  return sign === '-' ? -value : value;
}

function readNumber(text: string): number | string {
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  const [, sign, digits] = INTEGER.exec(plain) ?? [];
  if (digits !== undefined) return readInteger(sign ?? '', digits);
  return FLOAT.test(plain) ? Number(plain) : text;
}

const number: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?\.?[0-9][0-9a-fA-F_xXoO.eE+-]*$/,
  resolve: readNumber,
};

/** `!!int` where somebody writes it. */
const integer: ScalarTag = { ...number, tag: 'tag:yaml.org,2002:int', default: false };

/** A text of YAML or JSON, document by document, and where its lines are. */
export interface KubernetesYaml {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

/** How much deeper a mark of JSON leads. */
const STEPS: Readonly<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 };
const JSON_MARKS = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The values of a stream of JSON, one after the other without a mark between; all of a text that is none. */
function streamed(text: string): readonly string[] {
  if (!/^\s*\{/.test(text)) return [text];
  const values: string[] = [];
  let [depth, from] = [0, 0];
  for (const { 0: mark, index } of text.matchAll(JSON_MARKS)) {
    depth += STEPS[mark] ?? 0;
    if (depth !== 0) continue;
    values.push(text.slice(from, index + mark.length));
    from = index + mark.length;
  }
  const isStream = values.length > 1 && text.slice(from).trim() === '' && values.every(isJson);
  return isStream ? values : [text];
}

/**
 * Reads YAML, and JSON, as kubectl does. What is wrong with a document is in its `errors`; keys that are there twice are
 * not.
 */
export function parseKubernetesYaml(text: string): KubernetesYaml {
  const lines = new LineCounter();
  // It counts on from one value to the next.
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({
    uniqueKeys: false,
    logLevel: 'error',
    merge: true,
    schema: 'failsafe',
    customTags: ['null', bool, number, integer],
  });
  const tokens = streamed(text).flatMap(value => [...parser.parse(value)]);
  return { documents: [...composer.compose(tokens)], lines };
}
