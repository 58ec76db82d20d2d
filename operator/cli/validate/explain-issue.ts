import { z } from 'zod';
import { policySchema } from '../../api/policy-schema.ts';
import { fieldOf } from './finding.ts';
import { nearest } from './nearest.ts';
import { fieldsNamed, fieldsOf, isOptional, schemaAt } from './schema-walk.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** What is wrong with a policy by its schema, and how to mend it. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** What the schema finds wrong with a policy, as people are told of it. */
export function explainIssues(issues: readonly Issue[], policy: unknown): readonly Fault[] {
  // A field that is misspelled is missing as well: that a rule on the same fields is broken says nothing more.
  const misspelled = new Set(
    issues.flatMap(({ code, path }) => (code === 'unrecognized_keys' ? [fieldOf(path)] : [])),
  );
  return issues
    .filter(({ code, path }) => code !== 'custom' || !misspelled.has(fieldOf(path)))
    .flatMap(issue => explainIssue(issue, policy));
}

function explainIssue(issue: Issue, policy: unknown): readonly Fault[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({ path: [...path, key], message: unknownField(path, key) }));
  }
  return [{ path: [...path, ...culpritOf(issue)], message: messageOf(issue, valueAt(policy, path)) }];
}

function culpritOf(issue: Issue): Path {
  const culprit: unknown = issue.code === 'custom' ? issue.params?.culprit : undefined;
  return Array.isArray(culprit) ? culprit : [];
}

function valueAt(policy: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    const has = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return has ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }, policy);
}

function messageOf(issue: Issue, value: unknown): string {
  const { path } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined || value === null
        ? missing(path, value)
        : wrongType(path, issue.expected, value);
    case 'invalid_value':
      return value === undefined ? missing(path, value, issue.values) : wrongValue(path, issue.values, value);
    case 'too_small':
      return issue.origin === 'array'
        ? tooFew(path, issue.minimum)
        : `must be at least ${issue.minimum}; raise it`;
    case 'too_big':
      return issue.origin === 'array'
        ? `must have at most ${issue.maximum} entries; remove the others`
        : `must be at most ${issue.maximum}; lower it`;
    default:
      return issue.message;
  }
}

function tooFew(path: Path, minimum: number | bigint): string {
  const entries = Number(minimum) === 1 ? '1 entry' : `${minimum} entries`;
  return `must have at least ${entries}; add ${orLeaveOut(path, 'what is missing')}`;
}

function orLeaveOut(path: Path, remedy: string): string {
  const schema = schemaAt(policySchema, path);
  return schema !== undefined && isOptional(schema)
    ? `${remedy}, or leave ${String(path.at(-1))} out`
    : remedy;
}

/** The first sentence of a field's description, and its example. */
function descriptionOf(path: Path): { readonly what: string; readonly example: string | undefined } {
  const schema = schemaAt(policySchema, path);
  const text = (schema && z.globalRegistry.get(schema)?.description) ?? '';
  const [, example] = /Example: (.*)\.$/.exec(text) ?? [];
  const [first = ''] = text.split(/(?<=[^.]\.)\s(?=[A-Z])/);
  return { what: first.replace(/\.$/, ''), example };
}

function missing(path: Path, value: unknown, [only]: readonly unknown[] = []): string {
  const key = path.at(-1);
  if (typeof key === 'number')
    return 'is an empty entry of a list; write it after the dash, or remove the dash';
  const { what, example } = descriptionOf(path);
  const such = example === undefined ? '' : `, such as ${String(key)}: ${example}`;
  const how = only === undefined ? such : `: ${String(key)}: ${only}`;
  const about = what === '' ? '' : ` (${what})`;
  return value === null && path.length > 0
    ? `is empty; write it${how}${about}`
    : `is missing; add it${how}${about}`;
}

/** How to write a value in the type that is expected, by what is there instead. */
const REMEDIES: Readonly<Record<string, string>> = {
  array: 'a list: one entry a line, each after a dash, or [in, brackets]',
  boolean: 'true or false, without quotes',
  int: 'a whole number, without a fraction',
  number: 'a number, without quotes',
  string: 'text',
};

function wrongType(path: Path, expected: string, value: unknown): string {
  if (expected === 'string' && typeof value !== 'object') {
    return `must be text, and YAML takes this for ${typeof value === 'boolean' ? 'true or false' : 'a number'}; put it in quotes`;
  }
  const schema = schemaAt(policySchema, path);
  const fields = schema && fieldsOf(schema);
  if (fields !== undefined) return `must have fields of its own: ${Object.keys(fields).join(', ')}`;
  return `must be ${REMEDIES[expected] ?? `of type ${expected}`}`;
}

function wrongValue(path: Path, values: readonly unknown[], value: unknown): string {
  const words = values.map(String);
  if (words.length === 1) return `must be ${orLeaveOut(path, words[0] ?? '')}`;
  const meant = typeof value === 'string' ? nearest(value, words) : undefined;
  return `must be one of ${words.join(', ')}${meant === undefined ? '' : `; ${meant} is probably meant`}`;
}

function unknownField(path: Path, key: string): string {
  const schema = schemaAt(policySchema, path);
  const known = Object.keys((schema && fieldsOf(schema)) ?? {});
  const meant = nearest(key, known);
  if (meant !== undefined) return `is no field here; ${meant} is probably meant`;
  const elsewhere = fieldsNamed(policySchema, key);
  const where = elsewhere.length === 0 ? '' : `; a field of that name is ${elsewhere.join(' or ')}`;
  return `is no field here${where}. Fields of ${path.length === 0 ? 'a policy' : fieldOf(path)} are ${known.join(', ')}`;
}
