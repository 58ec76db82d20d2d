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
  /** Of Argo's own Secret `sso`: whether the key is there with which it encrypts its cookies. */
  readonly cookieKeyFilled?: boolean;
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

/** A ConfigMap as observed: that with Argo's settings, which is never ours. */
export interface ConfigMap {
  readonly kind: 'ConfigMap';
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * How far the deployment controller has come with the present generation; of an older one it is `rolling`. A rollout
 * that was complete is `degraded` while pods are missing or not ready, as after a scale-up or a drained node, and `down`
 * while none is ready: no pod of an older template is left.
 */
export type Progress = 'complete' | 'degraded' | 'down' | 'rolling' | 'failed';

/** What is known of a Deployment's rollout. */
export interface Rollout {
  readonly progress: Progress;
  /** When the rollout under way last made progress, in milliseconds since the epoch; undefined where nobody tells. */
  readonly startedAt: number | undefined;
  /** When the last rollout was complete, in milliseconds since the epoch. */
  readonly completedAt: number | undefined;
  /** What the Deployment's own conditions say keeps it from being complete. */
  readonly why: string | undefined;
}

/** A container as a Deployment's pod template has it. */
export interface Container {
  readonly name: string;
  readonly image: string;
  /** `command` and `args`, one after the other. */
  readonly words: readonly string[];
  /** Variables; one whose value stands elsewhere, as in a Secret, has `$(NAME)` in its place. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it has further variables, of names that are not seen (`envFrom`). */
  readonly moreEnv?: true;
}

/** A Deployment as observed: Argo Server's, which is never ours. */
export interface Deployment {
  readonly kind: 'Deployment';
  readonly metadata: ObjectMeta;
  /** `matchLabels` of the selector; expressions are left out. */
  readonly selector: Readonly<Record<string, string>>;
  /** Annotations of the pod template. */
  readonly templateAnnotations: Readonly<Record<string, string>>;
  /** How others hold the mark on the pod template, where somebody does: by server-side apply, or by updates alone. */
  readonly markHeld?: 'Apply' | 'Update';
  readonly paused: boolean;
  /** Present where a rollout may take all pods away before new ones are ready. */
  readonly interrupts?: true;
  readonly rollout: Rollout;
  /** `default` where the template names none. */
  readonly serviceAccountName: string;
  readonly containers: readonly Container[];
}

/** Objects of others in which a policy manages one field. */
export type SharedObject = ConfigMap | Deployment;

/** Any object that a policy may own. */
export type OwnedObject = ServiceAccount | Secret | RoleBinding;
/** Kinds of objects that a policy may own. */
export type OwnedKind = OwnedObject['kind'];
