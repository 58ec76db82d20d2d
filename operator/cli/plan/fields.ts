import { ANNOTATION_ROLLED, ANNOTATION_SECRET_CREATED, ANNOTATION_SECRET_SINCE } from '../../api/names.ts';
import type { ConfigMap, Deployment, OwnedObject, Subject } from '../../api/objects.ts';
import { SecretValue } from '../../api/secret-value.ts';
import { parseTime } from '../../api/time.ts';
import type { KeycloakClient, KeycloakMapper } from '../../policy/keycloak-types.ts';
import { fromYaml } from '../../policy/server-yaml.ts';
import { isUnknownText } from '../../policy/simulate-unknown.ts';

/** A value as it is shown; undefined where there is none. */
export type Shown = string | number | boolean | readonly string[] | undefined;

/** Fields of an object by their path, as far as a policy has a say in them. */
export type Fields = ReadonlyMap<string, Shown | SecretValue>;

/** What is shown of a value that only a server can tell. */
export const KNOWN_AFTER_APPLY = '(known after apply)';
/** What is shown of a secret. */
export const SECRET = '(secret)';

/** A field that a change sets, changes, or takes away. */
export interface FieldChange {
  readonly field: string;
  readonly before?: Exclude<Shown, undefined>;
  readonly after?: Exclude<Shown, undefined>;
}

function entries(path: string, record: Readonly<Record<string, Shown | SecretValue>> = {}) {
  return Object.entries(record).map(([key, value]) => [`${path}[${key}]`, value] as const);
}

function subjectText({ kind, namespace, name }: Subject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Fields of an object that policies own. */
export function fieldsOfObject(object: OwnedObject): Fields {
  const { labels, annotations, ownerReferences = [] } = object.metadata;
  const metadata = [
    ...entries('metadata.labels', labels),
    ...entries('metadata.annotations', annotations),
    ...(ownerReferences.length === 0
      ? []
      : [['metadata.ownerReferences', ownerReferences.map(({ kind, name }) => `${kind} ${name}`)] as const]),
  ];
  switch (object.kind) {
    case 'ServiceAccount':
      return new Map<string, Shown | SecretValue>([
        ...metadata,
        ...(object.secrets.length === 0 ? [] : [['secrets', object.secrets] as const]),
      ]);
    case 'Secret':
      return new Map<string, Shown | SecretValue>([
        ...metadata,
        ['type', object.type],
        ...entries('data', object.data),
      ]);
    case 'RoleBinding': {
      const { roleRef, subjects } = object;
      const ref = `${roleRef.kind} ${roleRef.name}`;
      return new Map<string, Shown | SecretValue>([
        ...metadata,
        ['roleRef', ref],
        ['subjects', subjects.map(subjectText)],
      ]);
    }
  }
}

function mapperFields({ name, protocolMapper, config }: KeycloakMapper) {
  const path = `protocolMappers[${name}]`;
  return [[`${path}.protocolMapper`, protocolMapper] as const, ...entries(`${path}.config`, config)];
}

/** Fields of a Keycloak client, its mappers and secret among them. */
export function fieldsOfClient(client: KeycloakClient): Fields {
  const { id: _, secretLife, attributes, mappers, secret, ...plain } = client;
  return new Map<string, Shown | SecretValue>([
    ...Object.entries(plain),
    ...entries('attributes', attributes),
    ...mappers.flatMap(mapperFields),
    ['secret', secret],
    ['old secret', secretLife.rotated === undefined ? undefined : 'valid'],
  ]);
}

/** The block `sso` of Argo's settings, setting by setting; as text where it cannot be read. */
export function fieldsOfSettings({ data }: ConfigMap): Fields {
  const { sso } = data;
  if (sso === undefined) return new Map();
  const document = fromYaml(sso);
  const block: unknown = document.errors.length === 0 ? document.toJS() : undefined;
  if (typeof block !== 'object' || block === null) return new Map([['data.sso', sso]]);
  return new Map(leaves('data.sso', block));
}

/** The values in a tree, each by its path; lists stay whole. */
function leaves(path: string, value: unknown): readonly (readonly [string, Shown])[] {
  if (Array.isArray(value)) return [[path, value.map(String)]];
  if (typeof value !== 'object' || value === null) return [[path, plain(value)]];
  return Object.entries(value).flatMap(([key, below]) => leaves(`${path}.${key}`, below));
}

function plain(value: unknown): Shown {
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

/** The one field of Argo Server's Deployment. */
export function fieldsOfDeployment({ templateAnnotations }: Deployment): Fields {
  const path = `spec.template.metadata.annotations[${ANNOTATION_ROLLED}]`;
  return new Map([[path, templateAnnotations[ANNOTATION_ROLLED]]]);
}

/** Annotations that give the time at which they are written. */
const TIMES: readonly string[] = [ANNOTATION_SECRET_CREATED, ANNOTATION_SECRET_SINCE].map(
  name => `metadata.annotations[${name}]`,
);

function isSame(a: Shown | SecretValue, b: Shown | SecretValue): boolean {
  if (a instanceof SecretValue) return b instanceof SecretValue && a.equals(b);
  if (b instanceof SecretValue) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

function show(value: Exclude<Shown, undefined> | SecretValue): Exclude<Shown, undefined> {
  if (value instanceof SecretValue) return SECRET;
  if (typeof value === 'string') return isUnknownText(value) ? KNOWN_AFTER_APPLY : value;
  if (typeof value === 'object') return value.map(each => (isUnknownText(each) ? KNOWN_AFTER_APPLY : each));
  return value;
}

/**
 * The fields in which an object differs before and after a change.
 *
 * @param unknown fields whose new value only a server can tell
 * @param now when the plan is made, in milliseconds since the epoch
 */
export function changedFields(
  before: Fields,
  after: Fields,
  now: number,
  unknown: ReadonlySet<string> = new Set(),
): readonly FieldChange[] {
  const all = [...new Set([...before.keys(), ...after.keys()])];
  const isOfNow = (field: string, value: Shown | SecretValue) => {
    const time = TIMES.includes(field) && typeof value === 'string' ? parseTime(value) : undefined;
    // Keycloak has dated what it has made, by the second.
    return time !== undefined && (time === now || time % 1000 !== 0);
  };
  return all.flatMap(field => {
    const [was, is] = [before.get(field), after.get(field)];
    if (isSame(was, is)) return [];
    const hidden = unknown.has(field) || isOfNow(field, is);
    return [
      {
        field,
        ...(was !== undefined && { before: show(was) }),
        ...(is !== undefined && { after: hidden ? KNOWN_AFTER_APPLY : show(is) }),
      },
    ];
  });
}
