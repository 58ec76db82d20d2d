import type { SecretValue } from '../api/secret-value.ts';
import type { KeycloakClient, RotationCoverage } from '../policy/keycloak-types.ts';
import type { Proof } from '../policy/observation.ts';
import type { ClientScopes } from './client-scopes.ts';
import { createClientScopes } from './client-scopes.ts';
import type { Clients } from './clients.ts';
import { createClients } from './clients.ts';
import { KeycloakError } from './errors.ts';
import type { ExampleTokens } from './example-token.ts';
import { createExampleTokens } from './example-token.ts';
import type { Groups } from './groups.ts';
import { createGroups } from './groups.ts';
import type { Members } from './members.ts';
import { createMembers } from './members.ts';
import { proveSecret } from './prove.ts';
import { createRotationPolicies } from './rotation-policy.ts';
import type { Session } from './session.ts';
import type { Snapshot } from './snapshot.ts';
import { createSnapshot } from './snapshot.ts';

/** The credentials that are to be proved, and which revision of the Secret holds them. */
export interface RealmProofRequest {
  readonly clientId: string;
  readonly secret: SecretValue;
  /** One that the client has. */
  readonly redirectUri: string;
  readonly revision: number;
}

/** One realm of one connection, shared by all policies that use it. */
export interface KeycloakRealm {
  readonly name: string;
  readonly clients: Clients;
  readonly scopes: ClientScopes;
  readonly groups: Groups;
  readonly members: Members;
  readonly examples: ExampleTokens;
  readonly snapshot: Snapshot;
  /**
   * The issuer as Keycloak itself names it: from the operator's own token where that is of this realm, else from
   * the discovery document, read once. Throws `KeycloakError`.
   */
  issuer(): Promise<string>;
  /** Whether the discovery document names an issuer just now; never throws for what Keycloak or network does. */
  issuerAnswers(): Promise<boolean>;
  /** The realm's secret-rotation policy as it applies to the client; undefined where none does. Throws `KeycloakError`. */
  coverage(client: KeycloakClient, maxAgeMs?: number): Promise<RotationCoverage | undefined>;
  /** Asks the token endpoint whether it accepts the credentials; never throws for what Keycloak or network does. */
  prove(request: RealmProofRequest): Promise<Proof>;
}

/** What {@link createRealm} needs. */
export interface RealmOptions {
  readonly session: Session;
  readonly realm: string;
  /** Realm in which the operator's own client lives. */
  readonly signInRealm: string;
  /** clientIds of all policies of the realm. */
  readonly wanted: () => Iterable<string>;
  /** How often policies are compared with the realm, in milliseconds. */
  readonly resyncPeriodMs?: number;
}

/** Reads the issuer from the discovery document, and keeps it; a failure is not kept. */
function createDiscovery(session: Session, realm: string): () => Promise<string> {
  let issuer: Promise<string> | undefined;
  return async () => {
    issuer ??= session.discoverIssuer(realm).catch(error => {
      issuer = undefined;
      throw error;
    });
    return issuer;
  };
}

/** Deadline of the question whether the issuer answers, in milliseconds. */
const ISSUER_MS = 5_000;

async function asksIssuer(session: Session, realm: string): Promise<boolean> {
  try {
    await session.discoverIssuer(realm, ISSUER_MS);
    return true;
  } catch (error) {
    if (!(error instanceof KeycloakError)) throw error;
    return false;
  }
}

/** Opens a realm; nothing is sent yet. */
export function createRealm({
  session,
  realm,
  signInRealm,
  wanted,
  resyncPeriodMs,
}: RealmOptions): KeycloakRealm {
  const clients = createClients(session, realm);
  const discovered = createDiscovery(session, realm);
  return {
    name: realm,
    clients,
    scopes: createClientScopes(session, realm),
    groups: createGroups(session, realm, resyncPeriodMs),
    members: createMembers(session, realm),
    examples: createExampleTokens(session, realm),
    snapshot: createSnapshot({ clients, wanted, now: session.now }),
    issuer: realm === signInRealm ? session.tokenIssuer : discovered,
    issuerAnswers: () => asksIssuer(session, realm),
    coverage: createRotationPolicies(session, realm, resyncPeriodMs).coverage,
    async prove({ revision, ...credentials }) {
      return { revision, ...(await proveSecret(session, { realm, ...credentials })) };
    },
  };
}
