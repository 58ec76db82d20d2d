import { FIELD_MANAGER, LABEL_POLICY_UID } from '../api/names.ts';
import type {
  ManagedKeys,
  ObjectMeta,
  OwnerReference,
  Policy,
  RoleBinding,
  Secret,
  ServiceAccount,
  Subject,
} from '../api/objects.ts';
import { SecretValue } from '../api/secret-value.ts';
import type { PolicyStatus } from '../api/status-schema.ts';
import { decodeSpec } from './stored-spec.ts';

type Json = Readonly<Record<string, unknown>>;

/** What one manager holds of an object, as the API server sends it. */
export interface ManagedEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: Json;
}

/** An object as the API server sends it, as far as it is used. */
export interface RawObject {
  readonly metadata?: Json & { readonly managedFields?: readonly ManagedEntry[] };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

/** Names of the fields below a path of a managedFields entry, such as `f:metadata`, `f:labels`. */
export function keysBelow(fields: Json | undefined, ...path: readonly string[]): readonly string[] {
  let at: unknown = fields;
  for (const step of path) at = isJson(at) ? at[step] : undefined;
  return isJson(at) ? Object.keys(at).flatMap(key => (key.startsWith('f:') ? [key.slice(2)] : [])) : [];
}

/** The keys that our field manager owns; undefined where it owns nothing. */
function managedKeys(entries: readonly ManagedEntry[] | undefined): ManagedKeys | undefined {
  const ours = (entries ?? []).filter(
    ({ manager, subresource }) => manager === FIELD_MANAGER && subresource === undefined,
  );
  if (ours.length === 0) return undefined;
  const all = (...path: readonly string[]) => [
    ...new Set(ours.flatMap(({ fieldsV1 }) => keysBelow(fieldsV1, ...path))),
  ];
  return {
    labels: all('f:metadata', 'f:labels'),
    annotations: all('f:metadata', 'f:annotations'),
    data: all('f:data'),
  };
}

/** kubectl's copy of what was applied: of a Secret, its values. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function decodeAnnotations(annotations: ObjectMeta['annotations']): Pick<ObjectMeta, 'annotations'> {
  if (annotations === undefined) return {};
  const { [LAST_APPLIED]: _, ...rest } = annotations;
  return { annotations: rest };
}

/** Metadata as kept: of managedFields only what our field manager owns. */
export function decodeMeta(raw: RawObject): ObjectMeta {
  const { managedFields, ...metadata } = raw.metadata ?? {};
  const managed = managedKeys(managedFields);
  const meta = metadata as unknown as ObjectMeta;
  return {
    name: meta.name,
    namespace: meta.namespace ?? '',
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    ...(meta.generation !== undefined && { generation: meta.generation }),
    ...(meta.creationTimestamp !== undefined && { creationTimestamp: meta.creationTimestamp }),
    ...(meta.deletionTimestamp !== undefined && { deletionTimestamp: meta.deletionTimestamp }),
    ...(meta.labels !== undefined && { labels: meta.labels }),
    ...decodeAnnotations(meta.annotations),
    ...(meta.ownerReferences !== undefined && {
      ownerReferences: meta.ownerReferences as readonly OwnerReference[],
    }),
    ...(meta.finalizers !== undefined && { finalizers: meta.finalizers }),
    ...(managed !== undefined && { managed }),
  };
}

/** A policy, with its defaults filled. */
export function decodePolicy(raw: RawObject): Policy {
  const { spec, status } = raw as RawObject & { spec?: unknown; status?: PolicyStatus };
  return {
    kind: 'ArgoAccessPolicy',
    metadata: decodeMeta(raw),
    ...decodeSpec(spec),
    ...(status !== undefined && { status }),
  };
}

/** A ServiceAccount, with the names in its `secrets` list; '' for an entry that has none. */
export function decodeServiceAccount(raw: RawObject): ServiceAccount {
  const { secrets } = raw as RawObject & { secrets?: readonly { readonly name?: string }[] };
  return {
    kind: 'ServiceAccount',
    metadata: decodeMeta(raw),
    secrets: (secrets ?? []).map(({ name = '' }) => name),
  };
}

/** Argo Server's own Secret, and the key in it (argo-workflows, server/auth/sso/sso.go). */
const ARGO_SECRET = 'sso';
const COOKIE_KEY = 'cookieEncryptionPrivateKey';

/** A Secret. The values of one that is not ours, and of a token, are not kept. */
export function decodeSecret(raw: RawObject): Secret {
  const {
    data = {},
    type = 'Opaque',
    immutable,
  } = raw as RawObject & { data?: Record<string, string>; type?: string; immutable?: boolean };
  const metadata = decodeMeta(raw);
  const ours = metadata.managed !== undefined || metadata.labels?.[LABEL_POLICY_UID] !== undefined;
  const readable = ours && type === 'Opaque';
  return {
    kind: 'Secret',
    metadata,
    type,
    ...(immutable === true && { immutable }),
    data: readable
      ? Object.fromEntries(
          Object.entries(data).map(([key, value]) => [
            key,
            new SecretValue(Buffer.from(value, 'base64').toString('utf8')),
          ]),
        )
      : {},
    tokenFilled: type === 'kubernetes.io/service-account-token' && (data.token ?? '') !== '',
    ...(metadata.name === ARGO_SECRET && { cookieKeyFilled: (data[COOKIE_KEY] ?? '') !== '' }),
  };
}

/** A RoleBinding. */
export function decodeRoleBinding(raw: RawObject): RoleBinding {
  const { roleRef, subjects } = raw as RawObject & {
    roleRef: RoleBinding['roleRef'];
    subjects?: readonly Subject[];
  };
  return {
    kind: 'RoleBinding',
    metadata: decodeMeta(raw),
    roleRef: { kind: roleRef.kind, name: roleRef.name },
    subjects: (subjects ?? []).map(({ kind, name, namespace }) => ({
      kind,
      name,
      ...(namespace !== undefined && { namespace }),
    })),
  };
}
