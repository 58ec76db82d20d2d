import type { ConfigMap, Deployment, Policy, ServiceAccount } from '../../api/objects.ts';
import type { AssignedScopes } from '../../keycloak/client-scopes.ts';
import type { ProofAnswer } from '../../keycloak/prove.ts';
import type { GroupLookup, KeycloakClient } from '../../policy/keycloak-types.ts';
import type { GroupFilterVerdict, RuleVerdicts } from '../../policy/observation.ts';
import type { ServerFlags } from '../../policy/server-container.ts';
import type { SettingsReading } from '../../policy/server-read.ts';
import type { SsoBlock } from '../../policy/server-sso.ts';
import type { ArgoVersion } from '../../policy/server-version.ts';
import type { Known } from '../access/ask.ts';
import type { ResolvedGrant } from '../access/read.ts';
import type { TokenState } from '../access/tokens.ts';
import type { IssuerAnswer } from '../lockout/issuer.ts';
import type { LoginAnswer } from './login-page.ts';

/** Argo Server's Deployment, and what of it no other command looks at. */
export interface ServerSight extends Deployment {
  /** `spec.replicas` */
  readonly replicas: number;
  /** Why pods are not ready; empty where they are, or may not be seen, or are only starting in a rollout. */
  readonly troubles: readonly string[];
  /** When the oldest of its containers was started, in milliseconds since the epoch; undefined where nobody tells. */
  readonly startedAt: number | undefined;
}

/** The ConfigMap with Argo's settings. */
export interface SettingsSight extends ConfigMap {
  /** When the key with the settings was last written, in milliseconds since the epoch; undefined where nobody tells. */
  readonly changedAt: number | undefined;
}

/** How a key of a Secret is: `there` where its value was not looked at. */
export type KeyState = 'there' | 'filled' | 'empty' | 'padded';

/** A Secret without its values. */
export interface SecretSight {
  /** Keys that it has; one that is not named it does not have. */
  readonly keys: ReadonlyMap<string, KeyState>;
  /** When its values were last written, in milliseconds since the epoch; undefined where nobody tells. */
  readonly changedAt: number | undefined;
}

/** An account with a rule. */
export interface AccountSight {
  readonly account: ServiceAccount;
  readonly token: TokenState;
  readonly grants: readonly ResolvedGrant[];
  /** What Argo's engine makes of the rule. */
  readonly verdicts: Known<RuleVerdicts>;
}

/** What Argo Server's account may not do in a namespace, and has to. */
export interface AccessGap {
  readonly namespace: string;
  readonly missing: readonly string[];
}

/** The client of the login, and what belongs to it. */
export interface ClientSight {
  readonly client: Omit<KeycloakClient, 'secret'>;
  readonly scopes: Known<AssignedScopes>;
  /** Groups that rules name, by how the client's mapper writes groups. */
  readonly groups: Known<ReadonlyMap<string, GroupLookup>>;
}

/** What Keycloak's administration tells. */
export interface KeycloakSight {
  readonly realm: string;
  /** Undefined where the realm has no such client: what stands in the place of its id may be the secret. */
  readonly client: ClientSight | undefined;
}

/** All that a diagnosis rests on, read once. It holds no secret. */
export interface DoctorSnapshot {
  readonly namespace: string;
  /** Flags by which `kubectl` looks at the same cluster, each with a space before it. */
  readonly kubectlFlags: string;
  readonly deploymentName: string;
  readonly deployment: Known<ServerSight | undefined>;
  readonly flags: ServerFlags | undefined;
  /** Whether it is told to delegate, and does not because of `--namespaced`. */
  readonly delegationIgnored: boolean;
  /** See `baseHref`. */
  readonly baseHref: string | undefined;
  readonly version: ArgoVersion | undefined;
  readonly configMapName: string;
  readonly configMap: Known<SettingsSight | undefined>;
  readonly reading: SettingsReading | undefined;
  /** Where it stands and can be read. */
  readonly block: SsoBlock | undefined;
  /** Secrets that the settings name, and Argo's own. */
  readonly secrets: ReadonlyMap<string, Known<SecretSight | undefined>>;
  readonly issuer: Known<IssuerAnswer>;
  readonly groupFilter: Known<GroupFilterVerdict>;
  /** Where Argo Server looks for accounts with rules. */
  readonly accountNamespace: string;
  readonly accounts: Known<readonly AccountSight[]>;
  /** Names of hand-made accounts with rules in the install namespace, where Argo Server looks elsewhere. */
  readonly strays: readonly string[];
  /** Accounts with rules of other namespaces, as `team-a/admin`, where there is none in the right one. */
  readonly elsewhere: readonly string[];
  /** Accounts of other namespaces, where Argo Server delegates. */
  readonly delegated: Known<readonly AccountSight[]>;
  /** What of the accounts' grants could not be read, for people. */
  readonly grantsHidden: readonly string[];
  readonly access: Known<readonly AccessGap[]>;
  readonly keycloak: Known<KeycloakSight>;
  readonly proof: Known<ProofAnswer>;
  readonly loginPage: Known<LoginAnswer>;
  /** Policies of the namespace; none where the cluster does not know what that is. */
  readonly policies: Known<readonly Policy[]>;
}

/** The value, or undefined also where it is not known. */
export function orUndefined<T>(known: Known<T>): T | undefined {
  return 'known' in known ? known.known : undefined;
}

/** `kubectl`, with the flags by which it looks at the same cluster, and at a namespace of it; default Argo Server's. */
export function kubectl({ kubectlFlags, namespace: home }: DoctorSnapshot, namespace: string = home): string {
  return `kubectl${kubectlFlags} --namespace ${namespace}`;
}

/** A client that is there. */
export interface SeenClient {
  /** For people. */
  readonly object: string;
  readonly sight: ClientSight;
}

/** The client, where it is known to be there. */
export function seenClient({ keycloak }: DoctorSnapshot): SeenClient | undefined {
  const seen = orUndefined(keycloak);
  if (seen?.client === undefined) return undefined;
  return { object: `client ${seen.client.client.clientId} of realm ${seen.realm}`, sight: seen.client };
}

/** Argo Server, for people. */
export function serverName({ namespace, deploymentName }: DoctorSnapshot): string {
  return `Deployment ${namespace}/${deploymentName}`;
}

/** All accounts whose rules count somewhere. */
export function everyAccount({
  accounts,
  delegated,
}: Pick<DoctorSnapshot, 'accounts' | 'delegated'>): readonly AccountSight[] {
  return [...(orUndefined(accounts) ?? []), ...(orUndefined(delegated) ?? [])];
}
