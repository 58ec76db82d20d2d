import type { ConfigMap, Deployment, Policy, RoleBinding, Secret, ServiceAccount } from '../api/objects.ts';
import type { NamespaceAllowance } from './allow.ts';
import type { GroupLookup, KeycloakClient, RotationCoverage } from './keycloak-types.ts';
import type { Part, Reason } from './reasons.ts';
import type { RotationRequest } from './rotation-view.ts';
import type { ParsedSchedule } from './schedule-types.ts';
import type { Standing } from './standing.ts';

/** What the rule engine says of a rule that is not ours, for each kind of user. */
export interface RuleVerdicts {
  readonly withGroups: Verdict;
  readonly emptyGroups: Verdict;
  readonly noGroups: Verdict;
}

/** One judgement of Argo's rule engine. */
export type Verdict =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'error'; readonly message: string };

/** What came of trying an expression of `when` on made-up users. */
export type WhenVerdict =
  /** true or false for each of them. */
  | { readonly kind: 'sound' }
  /** For one of them neither, or not in time. */
  | {
      readonly kind: 'fails';
      /** Who it was, for people. */
      readonly user: string;
      /** What the engine says. */
      readonly message: string;
      /** Whether it fails already for a user who lacks nothing. */
      readonly always: boolean;
    }
  /** It was not tried, or not to the end: why, for people. */
  | { readonly kind: 'unjudged'; readonly message: string };

/** Who we are: what tells our Keycloak clients from another operator's. */
export interface OperatorIdentity {
  readonly instanceId: string;
  /** uid of the cluster's kube-system namespace. */
  readonly clusterUid: string;
  /** uids of clusters whose clients this one may take as its own (a rebuilt cluster). */
  readonly formerClusters: readonly string[];
  /** clientId that the operator itself signs in with at this policy's connection. */
  readonly ownClientId: string | undefined;
}

/** What is known of Keycloak in this pass. */
export type KeycloakObservation =
  /** Not asked: the policy may not, or need not, be reconciled there. */
  | { readonly state: 'NotAsked' }
  /** Asked without an answer; `transient` where waiting can heal it. */
  | {
      readonly state: 'Failed';
      readonly reason: Reason;
      readonly message: string;
      readonly transient: boolean;
      /** When the connection stopped answering, in milliseconds since the epoch. */
      readonly since: number;
    }
  | {
      readonly state: 'Observed';
      readonly realm: string;
      readonly issuer: string;
      /** Read just now, or taken from the realm's snapshot (then only "nothing to do" may be concluded). */
      readonly fresh: boolean;
      readonly client: KeycloakClient | undefined;
      /** The realm's secret-rotation policy, where it applies to the client; asked only where it matters. */
      readonly coverage: RotationCoverage | undefined;
      /** Why it cannot be told, for people; undefined where it can, or need not be. */
      readonly coverageHidden: string | undefined;
      /** Whether the discovery document answers; without it Argo Server cannot start. */
      readonly issuerAnswers: boolean;
      /** Names of the client's own roles; asked only with `source: ClientRoles`. */
      readonly clientRoles: readonly string[];
      /** By group as written in the spec; without `source: Groups`, or where they are hidden, empty. */
      readonly groups: ReadonlyMap<string, GroupLookup>;
      /** Why groups could not be looked up although Keycloak answers. */
      readonly groupsHidden?: {
        readonly reason: Reason;
        readonly message: string;
        readonly transient: boolean;
      };
    };

/** The token endpoint's answer about one revision of the client's Secret. */
export interface Proof {
  readonly revision: number;
  readonly result: 'proved' | 'refused' | 'unknown';
  readonly message: string;
}

/** A collection of a namespace that could not be listed yet, so that nothing is known of what it holds. */
export interface UnreadCollection {
  readonly namespace: string;
  /** As in API paths, `secrets`. */
  readonly plural: string;
  /** Whether the API server refuses it, as opposed to not having answered yet. */
  readonly forbidden: boolean;
  readonly message: string;
}

/** The name of an object of the inventory. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** An object that something else changes back each time it is corrected. */
export interface ContestedObject {
  readonly part: Part;
  /** `ServiceAccount`, `KeycloakClient`, … */
  readonly kind: string;
  /** Kind and name, for people. */
  readonly what: string;
}

/** A connection of the operator's configuration as far as decisions need it. */
export interface ConnectionView {
  readonly name: string;
  readonly realm: string;
  /** Base URL of Keycloak without a slash at the end. */
  readonly url: string;
}

/** An object of somebody else, or why it is not known. */
export type Sighting<T> =
  | { readonly state: 'found'; readonly object: T }
  | { readonly state: 'missing' }
  | { readonly state: 'unread'; readonly forbidden: boolean; readonly message: string };

/** What Argo's own engine says of `filterGroupsRegex`. */
export interface GroupFilterVerdict {
  /** Expressions that do not compile, each with the reason: Argo would not start. */
  readonly invalid: readonly { readonly regex: string; readonly message: string }[];
  /** Groups of the policy's roles that no expression lets through. */
  readonly dropped: readonly string[];
}

/** What is known of Argo Server; a part that the policy does not name is undefined. */
export interface ServerObservation {
  readonly configMap: Sighting<ConfigMap> | undefined;
  readonly deployment: Sighting<Deployment> | undefined;
  /** What Argo Server's account lacks, such as `get secrets`; undefined where it was not asked. */
  readonly missingAccess: readonly string[] | undefined;
  readonly groupFilter: GroupFilterVerdict;
  /** Other namespaces whose policies have roles only, and can belong to no other Argo Server than this. */
  readonly delegating: readonly string[];
  /** What is known of the key in Argo's own Secret `sso`. */
  readonly cookieKey: 'missing' | 'empty' | 'filled' | undefined;
}

/** What decides about a rotation besides cluster and Keycloak. */
export interface RotationObservation {
  /** `spec.client.secret.rotation.schedule` as read; undefined where there is none. */
  readonly schedule: ParsedSchedule | undefined;
  /** Somebody's request, by annotation. */
  readonly request: RotationRequest | undefined;
  /** Whether this operator leads, and why not. */
  readonly standing: Standing;
}

/** Everything one reconcile knows, gathered once; decisions are functions of this value alone. */
export interface Observation {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly operator: OperatorIdentity;
  readonly policy: Policy;
  /** What the policy's namespace may use; undefined where it is not served. */
  readonly allowance: NamespaceAllowance | undefined;
  readonly connection: ConnectionView | undefined;
  /** Namespaces that are going away, or gone. */
  readonly endingNamespaces: ReadonlySet<string>;
  /** What is not known of the namespaces that the policy lives in or grants in. */
  readonly unread: readonly UnreadCollection[];
  /** What the policy has made in namespaces that the configuration no longer names, where nobody can look for it. */
  readonly outOfSight: readonly ObjectName[];
  /** What is not corrected for the time being, because it would not last. */
  readonly contested: readonly ContestedObject[];
  /** Whether the CRD itself is being deleted. */
  readonly crdEnding: boolean;
  /** The other policies of the same namespace. */
  readonly neighbours: readonly Policy[];
  /** uids of all live policies in the cluster: tells a stale mark of ownership from another policy's. */
  readonly livePolicyUids: ReadonlySet<string>;
  /** All ServiceAccounts of the policy's namespace that are ours by any sign, have a rule, or bear a wanted name. */
  readonly accounts: readonly ServiceAccount[];
  /** Secrets of the policy's namespace that are ours by any sign or bear a wanted name. */
  readonly secrets: readonly Secret[];
  /** RoleBindings, in any target namespace, that are ours by any sign or bear a wanted name. */
  readonly bindings: readonly RoleBinding[];
  /** Verdicts on the rules of foreign ServiceAccounts, by ServiceAccount name. */
  readonly verdicts: ReadonlyMap<string, RuleVerdicts>;
  /** By expression, what the rule engine says of the policy's own; without a verdict none is written. */
  readonly expressions: ReadonlyMap<string, WhenVerdict>;
  readonly keycloak: KeycloakObservation;
  readonly server: ServerObservation;
  readonly rotation: RotationObservation;
  /** What the token endpoint said in this reconcile of a revision of the Secret. */
  readonly proof: Proof | undefined;
}
