import { z } from 'zod';

/**
 * What must hold for a value, in both of its forms: for zod, and in CEL for the API server
 * (https://kubernetes.io/docs/reference/using-api/cel/). A property test holds the two to the same verdict.
 */
export interface Rule<T> {
  readonly holds: (value: T) => boolean;
  /** CEL over `self`. */
  readonly cel: string;
  /** Why the value is refused, and the remedy. */
  readonly message: string;
  /** Where below `self` the fault lies, as in `.keycloak.realm`. */
  readonly at?: string;
  /** Leave it out for the API server to show the refused value; objects are too big for that. */
  readonly reason?: 'FieldValueForbidden';
  /** What exactly below `at` is at fault, as a path; only zod's issues tell it (`params.culprit`). */
  readonly culprit?: (value: T) => readonly PropertyKey[];
}

/** A rule as a CustomResourceDefinition has it. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly reason?: string;
}

/** Key under which a schema's metadata holds its rules: the one that the CustomResourceDefinition has them under. */
export const RULES = 'x-kubernetes-validations';

function asCel({ cel, message, at, reason }: Omit<Rule<never>, 'holds'>): CelRule {
  return {
    rule: cel,
    message,
    ...(at !== undefined && { fieldPath: at }),
    ...(reason !== undefined && { reason }),
  };
}

/** The CEL rules of a schema. */
export function celRulesOf(schema: z.ZodType): readonly CelRule[] {
  return (schema.meta()?.[RULES] as readonly CelRule[] | undefined) ?? [];
}

/** The path of a rule's fault in the form that zod has it. */
function pathOf(at: string | undefined): string[] {
  return at === undefined ? [] : at.split('.').slice(1);
}

/** Adds rules that both zod and the API server check. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const checked = schema.superRefine((value, context) => {
    for (const { holds, message, at, culprit } of rules) {
      if (holds(value)) continue;
      const params = culprit && { params: { culprit: culprit(value) } };
      context.addIssue({ code: 'custom', path: pathOf(at), message, ...params });
    }
  });
  return checked.meta({ [RULES]: [...celRulesOf(schema), ...rules.map(asCel)] });
}

/** Adds rules that compare with the stored object. Only the API server checks them at once: it has both. */
export function withTransitions<S extends z.ZodType>(
  schema: S,
  rules: readonly Omit<Rule<never>, 'holds'>[],
): S {
  return schema.meta({ [RULES]: [...celRulesOf(schema), ...rules.map(asCel)] });
}

/** A pattern as a literal of CEL. JavaScript writes slashes with a backslash, which RE2 does not need. */
export function celPattern(pattern: RegExp): string {
  return `r'${pattern.source.replaceAll('\\/', '/')}'`;
}

/**
 * The rule that a text matches a pattern. Patterns keep to what JavaScript and RE2 read alike: no `\s`, `\w`,
 * `\b`, no look-around, flag `u`.
 */
export function matching(pattern: RegExp, message: string): Rule<string> {
  return { holds: text => pattern.test(text), cel: `self.matches(${celPattern(pattern)})`, message };
}

/** The rule that nothing in a text matches a pattern, which keeps to the same. */
export function without(pattern: RegExp, message: string): Rule<string> {
  return { holds: text => !pattern.test(text), cel: `!self.matches(${celPattern(pattern)})`, message };
}

function codePoints(text: string): number {
  return [...text].length;
}

/**
 * A text with a limit in code points, as the API server counts; zod's own limit counts UTF-16 units. Halves of
 * surrogate pairs, which UTF-8 cannot carry to the server, are refused.
 */
export function text(min: number, max: number): z.ZodString {
  return z
    .string()
    .refine(value => value.isWellFormed(), { abort: true, error: 'must be valid Unicode' })
    .refine(value => codePoints(value) >= min, { abort: true, error: 'is empty; write it' })
    .refine(value => codePoints(value) <= max, {
      abort: true,
      error: `may not be more than ${max} characters; shorten it`,
    })
    .meta({ minLength: min, maxLength: max });
}

/** Place of the first value that is there already; -1 where each is there once. */
export function repeatedAt(values: readonly string[]): number {
  return values.findIndex((value, index) => values.indexOf(value) < index);
}

/** A list in which each value stands once. */
export function uniqueList<S extends z.ZodType<string>>(item: S, max: number) {
  return z
    .array(item)
    .max(max)
    .superRefine((values, context) => {
      for (const [index, value] of values.entries()) {
        if (values.indexOf(value) < index) {
          context.addIssue({ code: 'custom', path: [index], message: 'is there already; remove it' });
        }
      }
    })
    .meta({ 'x-kubernetes-list-type': 'set' });
}

function withoutNulls(value: unknown, isKnown: (key: string) => boolean): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key, field]) => field !== null || !isKnown(key)));
}

/** An object without unknown fields. A field that is null counts as absent, as for the API server. */
export function object<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.preprocess(value => withoutNulls(value, key => Object.hasOwn(shape, key)), z.strictObject(shape));
}

/** Texts by name. A value that is null counts as absent, as for the API server. */
export function texts(value: z.ZodType<string>, max: number) {
  return z.preprocess(
    (map, context) => {
      const given = withoutNulls(map, () => true);
      // zod drops this key without a word.
      if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')) {
        context.addIssue({ code: 'custom', message: 'must not have the key __proto__' });
      }
      return given;
    },
    z
      .record(z.string(), value)
      .refine(map => Object.keys(map).length <= max, `must have at most ${max} entries; remove some`)
      .meta({ maxProperties: max }),
  );
}
