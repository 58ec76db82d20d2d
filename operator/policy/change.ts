import type { OwnedKind, OwnerReference, RoleRef, Subject } from '../api/objects.ts';
import type { SecretValue } from '../api/secret-value.ts';
import type { SecretLife } from './keycloak-types.ts';
import type { DueCause } from './rotation-due.ts';

interface DesiredMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The policy as owner; absent for objects in other namespaces, which carry labels only. */
  readonly owner?: OwnerReference;
}

/** A ServiceAccount as it should be. */
export interface DesiredServiceAccount {
  readonly kind: 'ServiceAccount';
  readonly metadata: DesiredMeta;
}

/** A Secret as it should be: the client's credentials, or an account's token (filled by Kubernetes). */
export interface DesiredSecret {
  readonly kind: 'Secret';
  readonly metadata: DesiredMeta;
  readonly type: 'Opaque' | 'kubernetes.io/service-account-token';
  readonly data: Readonly<Record<string, SecretValue>>;
}

/** A RoleBinding as it should be; its roleRef can never change, so the name carries it. */
export interface DesiredRoleBinding {
  readonly kind: 'RoleBinding';
  readonly metadata: DesiredMeta;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

/** Any Kubernetes object that the operator makes. */
export type DesiredObject = DesiredServiceAccount | DesiredSecret | DesiredRoleBinding;

/** Names an existing Kubernetes object; the uid is the precondition of every write to it. */
export interface ObjectRef {
  readonly kind: OwnedKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Names an object of somebody else in which we manage one field. */
export interface SharedRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A protocol mapper as it should be. */
export interface DesiredMapper {
  readonly name: string;
  readonly protocolMapper: string;
  readonly config: Readonly<Record<string, string>>;
}

/** The fields of a Keycloak client that we manage; never its secret nor its mappers. */
export interface ClientFields {
  readonly clientId: string;
  readonly description: string;
  readonly protocol: 'openid-connect';
  readonly publicClient: boolean;
  readonly bearerOnly: boolean;
  readonly standardFlowEnabled: boolean;
  readonly implicitFlowEnabled: boolean;
  readonly directAccessGrantsEnabled: boolean;
  readonly serviceAccountsEnabled: boolean;
  readonly fullScopeAllowed: boolean;
  readonly clientAuthenticatorType: string;
  readonly baseUrl: string;
  readonly redirectUris: readonly string[];
  /** Only ours; an empty string removes one. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A strategic merge patch of one object: sets and removes exactly what it names. */
export interface PatchObject {
  readonly kind: 'PatchObject';
  readonly ref: ObjectRef;
  readonly setAnnotations?: Readonly<Record<string, string>>;
  readonly removeLabels?: readonly string[];
  readonly removeAnnotations?: readonly string[];
  readonly removeData?: readonly string[];
  /** Names to take off a ServiceAccount's `secrets` list. */
  readonly removeSecrets?: readonly string[];
  /** Removes the owner reference to this uid. */
  readonly removeOwnerUid?: string;
}

/** One write to Kubernetes. */
export type KubernetesChange =
  | { readonly kind: 'AddFinalizer' }
  | { readonly kind: 'RemoveFinalizer' }
  | { readonly kind: 'CreateObject'; readonly object: DesiredObject }
  | { readonly kind: 'ApplyObject'; readonly object: DesiredObject; readonly uid: string }
  | PatchObject
  | { readonly kind: 'DeleteObject'; readonly ref: ObjectRef };

/**
 * One write to one field of an object that is not ours; never creating it, and never taking the field from a manager that
 * applies it.
 */
export type SharedChange =
  /** The key `sso` of the ConfigMap with Argo's settings. */
  | { readonly kind: 'ApplySettings'; readonly ref: SharedRef; readonly sso: string }
  /** The mark on the pod template of Argo Server's Deployment, which rolls it out. */
  | {
      readonly kind: 'RollDeployment';
      readonly ref: SharedRef;
      readonly mark: string;
      /**
       * Version of the Deployment, where others hold the mark there by updates alone: it is taken from them, in that
       * version. The key is one of our own prefix, and an update is no lasting claim to it.
       */
      readonly takenIn?: string;
    };

/** A write that the API server can be asked about beforehand. */
export type Rehearsable = ObjectChange | SharedChange;

/** One write to an object that the operator makes. */
export type ObjectChange = Exclude<KubernetesChange, { readonly kind: 'AddFinalizer' | 'RemoveFinalizer' }>;

/** One write to Keycloak; `id` is the client's internal id. */
export type KeycloakChange =
  | {
      readonly kind: 'CreateClient';
      readonly fields: ClientFields;
      readonly mappers: readonly DesiredMapper[];
    }
  | { readonly kind: 'UpdateClient'; readonly id: string; readonly fields: Partial<ClientFields> }
  | { readonly kind: 'CreateMapper'; readonly id: string; readonly mapper: DesiredMapper }
  | {
      readonly kind: 'UpdateMapper';
      readonly id: string;
      readonly mapperId: string;
      readonly mapper: DesiredMapper;
    }
  | { readonly kind: 'DeleteMapper'; readonly id: string; readonly mapperId: string; readonly name: string }
  | { readonly kind: 'CreateClientRole'; readonly id: string; readonly role: string }
  /** Keycloak makes a new secret; where the realm's policy covers the client, the old one stays valid for a while. */
  | {
      readonly kind: 'RegenerateSecret';
      readonly id: string;
      readonly clientId: string;
      readonly cause: DueCause;
      /** What it was decided by: made only where that still is so. */
      readonly life: SecretLife;
    }
  /** Keycloak forgets the old secret; `life` as above. */
  | {
      readonly kind: 'EndOverlap';
      readonly id: string;
      readonly clientId: string;
      readonly life: SecretLife;
    }
  | { readonly kind: 'DeleteClient'; readonly id: string; readonly clientId: string };

/**
 * One effect on the world, as data. Order in a list of them is meaning: each is safe once those before it
 * are done. Two write nothing: `ProveSecret` asks Keycloak's token endpoint whether the Secret's value is right, and
 * `Rehearse` the API server whether it would make a change.
 */
export type Change =
  | KubernetesChange
  | SharedChange
  | KeycloakChange
  | { readonly kind: 'Rehearse'; readonly change: Rehearsable }
  | {
      readonly kind: 'ProveSecret';
      readonly clientId: string;
      readonly secret: SecretValue;
      readonly redirectUri: string;
      readonly revision: number;
    };
