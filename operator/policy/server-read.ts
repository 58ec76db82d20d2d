import { isMap } from 'yaml';
import { z } from 'zod';
import type { ConfigMap } from '../api/objects.ts';
import { entry } from './compare.ts';
import { SSO_FIELDS, type SsoBlock } from './server-sso.ts';
import { type ArgoVersion, knowsRootCA } from './server-version.ts';
import { fromYaml } from './server-yaml.ts';

/** What stands under `sso`. */
export type SsoReading =
  | { readonly state: 'absent' }
  | {
      readonly state: 'read';
      readonly block: SsoBlock;
      /** Keys in it that this version of Argo does not know, and does not start with. */
      readonly unknown: readonly string[];
    }
  /** Argo cannot read it either, and does not start. */
  | { readonly state: 'broken'; readonly message: string };

/** Argo's settings as they stand. */
export type SettingsReading =
  /** One key for each section. */
  | { readonly form: 'sections'; readonly sso: SsoReading }
  /** All in one key `config`, as argo-helm writes them. */
  | { readonly form: 'config'; readonly sso: SsoReading }
  /** `config` beside other keys: Argo refuses both (argo-workflows, config/controller.go). */
  | { readonly form: 'mixed'; readonly others: readonly string[] };

/** Argo's settings for single sign-on; undefined where there are none, or none that Argo reads. */
export function blockOf(reading: SettingsReading | undefined): SsoBlock | undefined {
  if (reading === undefined || reading.form === 'mixed' || reading.sso.state !== 'read') return undefined;
  return reading.sso.block;
}

const ABSENT: SsoReading = { state: 'absent' };

/** Go takes a number or a switch for the text of it where it wants text, but for the name of a Secret. */
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const DURATION = /^[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/u;
const reference = z.object({
  name: z.string().optional(),
  key: text.optional(),
  optional: z.boolean().optional(),
});
const block = z.object({
  issuer: text.optional(),
  issuerAlias: text.optional(),
  clientId: reference.optional(),
  clientSecret: reference.optional(),
  redirectUrl: text.optional(),
  rbac: z.object({ enabled: z.boolean().optional() }).optional(),
  scopes: z.array(text).optional(),
  sessionExpiry: z.string().regex(DURATION, 'must be a duration such as 8h').optional(),
  customGroupClaimName: text.optional(),
  userInfoPath: text.optional(),
  insecureSkipVerify: z.boolean().optional(),
  filterGroupsRegex: z.array(text).optional(),
  rootCA: text.optional(),
});

const NESTED: Readonly<Record<string, readonly string[]>> = {
  clientId: ['name', 'key', 'optional'],
  clientSecret: ['name', 'key', 'optional'],
  rbac: ['enabled'],
};

interface Folded {
  readonly known: Readonly<Record<string, unknown>>;
  readonly unknown: readonly string[];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Keys as Argo means them: it does not look at upper and lower case, and of two that are then the same the last in
 * the order of bytes counts. Nothing (`null`) is as if not written, but no duration.
 */
function fold(given: Readonly<Record<string, unknown>>, names: readonly string[]): Folded {
  const found = Object.entries(given)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({
      key,
      value,
      name: names.find(each => each.toLowerCase() === key.toLowerCase()),
    }));
  return {
    known: Object.fromEntries(
      found.flatMap(({ name, value }) =>
        name === undefined || (value === null && name !== 'sessionExpiry') ? [] : [[name, value]],
      ),
    ),
    unknown: found.flatMap(({ name, key }) => (name === undefined ? [key] : [])),
  };
}

function foldBlock(given: Readonly<Record<string, unknown>>, names: readonly string[]): Folded {
  const { known, unknown } = fold(given, names);
  const inner = Object.entries(known).map(([name, value]) => {
    const nested = isRecord(value) ? entry(NESTED, name) : undefined;
    const folded = nested && isRecord(value) ? fold(value, nested) : { known: value, unknown: [] };
    return { name, value: folded.known, unknown: folded.unknown.map(key => `${name}.${key}`) };
  });
  return {
    known: Object.fromEntries(inner.map(({ name, value }) => [name, value])),
    unknown: [...unknown, ...inner.flatMap(each => each.unknown)],
  };
}

function readBlock(given: unknown, version: ArgoVersion | undefined): SsoReading {
  if (given === undefined || given === null) return ABSENT;
  if (!isRecord(given)) return { state: 'broken', message: 'sso is not a block of keys and values' };
  const names = SSO_FIELDS.filter(
    field => field !== 'rootCA' || version === undefined || knowsRootCA(version),
  );
  const { known, unknown } = foldBlock(given, names);
  const parsed = block.safeParse(known);
  if (parsed.success) return { state: 'read', block: withoutUndefined(parsed.data), unknown };
  const [issue] = parsed.error.issues;
  return { state: 'broken', message: `sso.${issue?.path.join('.')}: ${issue?.message}` };
}

function withoutUndefined(value: z.output<typeof block>): SsoBlock {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

type Parsed = { readonly value: unknown } | { readonly error: string };

function parse(yaml: string): Parsed {
  const document = fromYaml(yaml);
  const [error] = document.errors;
  if (error !== undefined) return { error: error.message };
  if (document.contents !== null && !isMap(document.contents))
    return { error: 'not a block of keys and values' };
  try {
    return { value: document.toJS() };
  } catch (failure) {
    // An alias without an anchor, or so many that it is an attack.
    return { error: failure instanceof Error ? failure.message : String(failure) };
  }
}

function memberOf(parsed: Parsed, name: string): unknown {
  return 'value' in parsed && isRecord(parsed.value) ? fold(parsed.value, [name]).known[name] : undefined;
}

/** A section as Argo makes one document of all (argo-workflows, config/controller.go, parseConfigMap). */
export function sectionText(name: string, value: string): string {
  if (!value.includes('\n')) return `${name}: ${value}\n`;
  return `${name}:\n  ${value.replace(/^\n+|\n+$/g, '').replaceAll('\n', '\n  ')}\n`;
}

function readSections(data: Readonly<Record<string, string>>, version: ArgoVersion | undefined): SsoReading {
  for (const [name, value] of Object.entries(data)) {
    const parsed = parse(sectionText(name, value));
    if ('error' in parsed) return { state: 'broken', message: `key ${name}: ${parsed.error}` };
  }
  const sso = entry(data, 'sso');
  return sso === undefined ? ABSENT : readBlock(memberOf(parse(sectionText('sso', sso)), 'sso'), version);
}

/** Reads Argo's settings as Argo does. */
export function readSettings({ data }: ConfigMap, version: ArgoVersion | undefined): SettingsReading {
  const config = entry(data, 'config');
  if (config === undefined) return { form: 'sections', sso: readSections(data, version) };
  const others = Object.keys(data).filter(key => key !== 'config');
  if (others.length > 0) return { form: 'mixed', others };
  const parsed = parse(config);
  if ('error' in parsed)
    return { form: 'config', sso: { state: 'broken', message: `key config: ${parsed.error}` } };
  return { form: 'config', sso: readBlock(memberOf(parsed, 'sso'), version) };
}
