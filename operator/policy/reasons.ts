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
  /** An older policy of the namespace names the same ConfigMap or Deployment of an Argo Server. */
  ServerTakenByPolicy: 'ServerTakenByPolicy',
  /** An object of a wanted name exists and is not ours. */
  NameTaken: 'NameTaken',
  /** A role can never match because one above it always does. */
  RoleNeverMatches: 'RoleNeverMatches',
  /** A rule that is not ours fails to evaluate, which denies everybody who reaches it. */
  ForeignRuleBreaksLogin: 'ForeignRuleBreaksLogin',
  /** For some user an expression of `when` gives neither true nor false, or takes too long. */
  WhenFails: 'WhenFails',
  /** An expression of `when` could not be tried. */
  WhenUnjudged: 'WhenUnjudged',
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
  /** A Secret under a former name stays for as long as Argo Server may need it. */
  FormerSecretKept: 'FormerSecretKept',
  /** Keycloak refuses the Secret's value although it was just read from there. */
  SecretRefused: 'SecretRefused',
  /** `spec.client.secret.rotation` is none that can be followed. */
  RotationInvalid: 'RotationInvalid',
  /** The operator may not read the realm's client policies, without which it rotates nothing. */
  RotationUnknown: 'RotationUnknown',
  /** The client gets a new secret, or the Secret and its proof follow. */
  Rotating: 'Rotating',
  /** Argo Server is being restarted with what it reads at start. */
  AwaitingRollout: 'AwaitingRollout',
  /** The old secret is still valid, for logins that are under way. */
  Overlapping: 'Overlapping',
  /** A new secret is due, and something stands against it. */
  RotationPostponed: 'RotationPostponed',
  /** Argo Server has to be restarted, and something stands against it. */
  RolloutPostponed: 'RolloutPostponed',
  /** Something went wrong in a rotation that does not heal by waiting. */
  RotationFailed: 'RotationFailed',
  /** `overlap` is asked for, and no policy of the realm keeps an old secret: no rotation begins. */
  OverlapNeedsPolicy: 'OverlapNeedsPolicy',
  /** The realm keeps an old secret for less than `overlap` and a rollout: no rotation begins. */
  RotatedPeriodTooShort: 'RotatedPeriodTooShort',
  /** No old secret overlaps with the new one: logins under way during a rotation fail. */
  NoOverlap: 'NoOverlap',
  /** The realm may end an old secret before a rollout is over. */
  OverlapShorterThanRollout: 'OverlapShorterThanRollout',
  /** The realm keeps an old secret for longer than the schedule waits for the next one. */
  OverlapOutlastsSchedule: 'OverlapOutlastsSchedule',
  /** Keycloak ends the secret before the schedule asks for a new one. */
  ExpiresBeforeSchedule: 'ExpiresBeforeSchedule',
  /** The realm keeps an old secret until the new one is due to be replaced, or for longer. */
  OverlapOutlastsLife: 'OverlapOutlastsLife',
  /** The realm ends a secret before the rotation that made it is surely over. */
  LifeShorterThanRotation: 'LifeShorterThanRotation',
  /** No Deployment is named: restarting Argo Server is left to the user. */
  RestartLeftToUser: 'RestartLeftToUser',
  /** A restart of Argo Server takes all its pods away before new ones are ready. */
  RestartInterrupts: 'RestartInterrupts',
  /** The request to rotate is not a time, and is not followed. */
  RequestUnreadable: 'RequestUnreadable',
  /** A request to rotate is older than one that was followed already. */
  RequestOutdated: 'RequestOutdated',
  /** The ConfigMap with Argo's settings does not exist. */
  SettingsMissing: 'SettingsMissing',
  /** Argo would not start with its settings as they stand. */
  SettingsBroken: 'SettingsBroken',
  /** Argo's settings are not as the policy asks, in a form that the operator does not write. */
  SettingsNotWritable: 'SettingsNotWritable',
  /** Argo's settings are not as the policy asks, and others see to them. */
  SettingsDiffer: 'SettingsDiffer',
  /** Argo Server reads another ConfigMap than the policy names. */
  SettingsElsewhere: 'SettingsElsewhere',
  /** Argo Server's Deployment does not exist. */
  DeploymentMissing: 'DeploymentMissing',
  /** No pod of Argo Server is ready, although its rollout was complete once. */
  ServerUnavailable: 'ServerUnavailable',
  /** Argo Server is started without single sign-on. */
  SsoModeMissing: 'SsoModeMissing',
  /** Argo Server does not look at roles: everybody acts as Argo Server itself. */
  RbacDisabled: 'RbacDisabled',
  /** Argo Server sends people back to an address that the client does not have. */
  RedirectMismatch: 'RedirectMismatch',
  /** Argo Server does not verify Keycloak's certificate. */
  TlsNotVerified: 'TlsNotVerified',
  /** Argo Server is too old for `spec.server.rootCA`, or its version is not known. */
  RootCAUnsupported: 'RootCAUnsupported',
  /** Argo Server's own account lacks rights without which no login works. */
  ServerAccessMissing: 'ServerAccessMissing',
  /** Argo Server looks for the accounts of roles in another namespace. */
  ManagedElsewhere: 'ManagedElsewhere',
  /** Policies of other namespaces have no effect, for Argo Server does not delegate. */
  DelegationOff: 'DelegationOff',
  /** Argo's own Secret is there and holds no key: Argo Server does not start. */
  ArgoSecretEmpty: 'ArgoSecretEmpty',
  /** Argo would not start with an expression of `filterGroupsRegex`. */
  GroupFilterInvalid: 'GroupFilterInvalid',
  /** `filterGroupsRegex` drops groups that roles name. */
  GroupsFiltered: 'GroupsFiltered',
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
  /** Another manager holds a field that the policy is to manage. */
  FieldTaken: 'FieldTaken',
} as const;

/** Any reason code. */
export type Reason = (typeof Reason)[keyof typeof Reason];

/** Parts of a policy, each with a condition of its own. */
export type Part = 'client' | 'secret' | 'server' | 'roles';

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
