/** Reason codes of conditions and events: each is stable, machine-readable, and means one thing. */
export const Reason = {
  /** All that the policy asks for is there. */
  InSync: 'InSync',
  /** Work is under way; the message says what is awaited. */
  Progressing: 'Progressing',
  /** `spec.suspend` is true: nothing is changed. */
  Suspended: 'Suspended',
  /** The policy is being deleted and what it owns is being removed. */
  Deleting: 'Deleting',
  /** The operator's configuration does not serve the policy's namespace. */
  NamespaceNotServed: 'NamespaceNotServed',
  /** The namespace may not use what the policy asks for. */
  NotAllowed: 'NotAllowed',
  /** The named connection is not in the operator's configuration. */
  ConnectionUnknown: 'ConnectionUnknown',
  /** The stored spec is not valid for this version of the operator. */
  InvalidSpec: 'InvalidSpec',
  /** The range of precedences overlaps that of an older policy of the namespace. */
  PrecedenceOverlap: 'PrecedenceOverlap',
  /** Another account of the namespace has the same precedence as a role. */
  PrecedenceTied: 'PrecedenceTied',
  /** An older policy of the namespace uses the same ServiceAccount or Secret. */
  NameTakenByPolicy: 'NameTakenByPolicy',
  /** An object of a wanted name exists and is not ours. */
  NameTaken: 'NameTaken',
  /** A role can never match because one above it always does. */
  RoleNeverMatches: 'RoleNeverMatches',
  /** A rule that is not ours fails to evaluate, which denies everybody who reaches it. */
  ForeignRuleBreaksLogin: 'ForeignRuleBreaksLogin',
  /** A group named by a role does not exist in Keycloak. */
  GroupMissing: 'GroupMissing',
  /** Several groups in Keycloak answer to the name of one. */
  GroupAmbiguous: 'GroupAmbiguous',
  /** A client of that clientId exists, has no owner, and the policy does not adopt it. */
  ClientExists: 'ClientExists',
  /** The client belongs to another policy, operator or cluster. */
  ClientOwnedByAnother: 'ClientOwnedByAnother',
  /** The client is one that can never be adopted. */
  ClientNotAdoptable: 'ClientNotAdoptable',
  /** An administrator has disabled the client; it stays so. */
  ClientDisabled: 'ClientDisabled',
  /** Another mapper of the client writes the same claim. */
  ClaimTaken: 'ClaimTaken',
  /** Keycloak refuses the Secret's value although it was just read from there. */
  SecretRefused: 'SecretRefused',
  /** Keycloak cannot be reached or does not answer in time. */
  KeycloakUnavailable: 'KeycloakUnavailable',
  /** Keycloak's certificate is not trusted. */
  KeycloakUntrusted: 'KeycloakUntrusted',
  /** Keycloak refuses the operator's own credentials. */
  KeycloakCredentialsRefused: 'KeycloakCredentialsRefused',
  /** The operator lacks a role in Keycloak. */
  KeycloakForbidden: 'KeycloakForbidden',
  /** The realm does not exist. */
  RealmNotFound: 'RealmNotFound',
  /** Keycloak refused a request as invalid. */
  KeycloakRejected: 'KeycloakRejected',
  /** A namespace in which a role is granted does not exist, or is going away. */
  NamespaceMissing: 'NamespaceMissing',
  /** Something was made in a namespace that the operator's configuration no longer names. */
  OutOfSight: 'OutOfSight',
  /** The operator lacks a right in Kubernetes. */
  KubernetesForbidden: 'KubernetesForbidden',
  /** The API server refused a request as invalid. */
  KubernetesRejected: 'KubernetesRejected',
  /** The API server cannot be reached or does not answer in time. */
  KubernetesUnavailable: 'KubernetesUnavailable',
  /** Something that was as the policy says had been changed, and was brought back; of events only. */
  Corrected: 'Corrected',
  /** Something takes our change back every time. */
  FieldNotHeld: 'FieldNotHeld',
} as const;

/** Any reason code. */
export type Reason = (typeof Reason)[keyof typeof Reason];

/** Parts of a policy, each with a condition of its own. */
export type Part = 'client' | 'secret' | 'roles';

/** Something about the policy or its surroundings that is not right, found by a check. */
export interface Violation {
  readonly reason: Reason;
  /** One sentence: object, field, what is wrong, and the remedy. */
  readonly message: string;
  /** The part that it belongs to; `policy` for the whole. */
  readonly part: Part | 'policy';
  /** Parts that stay as they are until it is mended; empty for a warning. */
  readonly blocks: readonly Part[];
}
