import type { PolicySpec } from './schema.ts';
import type { SecretValue } from './secret-value.ts';
import type { PolicyStatus } from './status-schema.ts';

/** A reference from an object to its owner, as in `metadata.ownerReferences`. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** The keys of an object that our field manager owns, derived from `metadata.managedFields`. */
export interface ManagedKeys {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
  readonly data: readonly string[];
}

/** Object metadata as kept in the cache: without `managedFields`. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  /** Present where our field manager owns at least one field of the object. */
  readonly managed?: ManagedKeys;
}

/** An ArgoAccessPolicy as read from the API server, which has filled the defaults. */
export interface Policy {
  readonly kind: 'ArgoAccessPolicy';
  readonly metadata: ObjectMeta;
  readonly spec: PolicySpec;
  readonly status?: PolicyStatus;
  /** What is wrong with the stored spec, where this version of the operator cannot rely on it. */
  readonly invalid?: string;
}

/** A ServiceAccount as observed. */
export interface ServiceAccount {
  readonly kind: 'ServiceAccount';
  readonly metadata: ObjectMeta;
  /** Names in the `secrets` list; Argo takes the token from the first of them before it looks elsewhere. */
  readonly secrets: readonly string[];
}

/** A Secret as observed. */
export interface Secret {
  readonly kind: 'Secret';
  readonly metadata: ObjectMeta;
  readonly type: string;
  /** Decoded values; empty for a Secret that carries neither our label nor our field manager, and for tokens. */
  readonly data: Readonly<Record<string, SecretValue>>;
  /** Whether the API server refuses every change of the values. */
  readonly immutable?: true;
  /** Whether `data.token` is there and not empty. */
  readonly tokenFilled: boolean;
}

/** What a RoleBinding binds to. */
export interface RoleRef {
  readonly kind: 'ClusterRole' | 'Role';
  readonly name: string;
}

/** Who a RoleBinding binds. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A RoleBinding as observed. */
export interface RoleBinding {
  readonly kind: 'RoleBinding';
  readonly metadata: ObjectMeta;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

/** Any object that a policy may own. */
export type OwnedObject = ServiceAccount | Secret | RoleBinding;
/** Kinds of objects that a policy may own. */
export type OwnedKind = OwnedObject['kind'];
