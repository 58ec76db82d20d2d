import type { z } from 'zod';

type Schema = z.core.$ZodType;

/** A schema without what wraps it: defaults, optionality, preparation of the value. */
function unwrapped(schema: Schema): Schema {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'pipe':
      return unwrapped(def.out);
    case 'optional':
    case 'default':
    case 'prefault':
      return unwrapped(def.innerType);
    default:
      return schema;
  }
}

/** The fields of an object; undefined for what is none. */
export function fieldsOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const { def } = (unwrapped(schema) as z.core.$ZodTypes)._zod;
  return def.type === 'object' ? def.shape : undefined;
}

function childOf(schema: Schema, key: PropertyKey): Schema | undefined {
  const { def } = (unwrapped(schema) as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return Object.hasOwn(def.shape, key) ? def.shape[String(key)] : undefined;
    case 'array':
      return def.element;
    case 'record':
      return def.valueType;
    default:
      return undefined;
  }
}

/** The schema of what is at a path; undefined where there can be nothing. */
export function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  return path.reduce<Schema | undefined>((at, key) => at && childOf(at, key), schema);
}

/** Whether a field may be left out. */
export function isOptional(schema: Schema): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === 'optional' || def.type === 'default' || def.type === 'prefault';
}

/** The paths of all fields of a name, with `[]` for any entry of a list. */
export function fieldsNamed(schema: Schema, name: string, at = ''): readonly string[] {
  const { def } = (unwrapped(schema) as z.core.$ZodTypes)._zod;
  if (def.type === 'array') return fieldsNamed(def.element, name, `${at}[]`);
  if (def.type !== 'object') return [];
  return Object.entries(def.shape).flatMap(([key, child]) => {
    const path = at === '' ? key : `${at}.${key}`;
    return [...(key === name ? [path] : []), ...fieldsNamed(child, name, path)];
  });
}
