import type { SecretValue } from '../api/secret-value.ts';

/** A protocol mapper of a client. */
export interface KeycloakMapper {
  readonly id: string;
  readonly name: string;
  readonly protocolMapper: string;
  readonly config: Readonly<Record<string, string>>;
}

/** What the operator knows of a Keycloak client. */
export interface KeycloakClient {
  /** Keycloak's internal id, a UUID. */
  readonly id: string;
  readonly clientId: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly protocol: string;
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
  /** Without anything that is secret. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly secret: SecretValue | undefined;
  readonly mappers: readonly KeycloakMapper[];
}

/** What Keycloak has under the name of a group. */
export type GroupLookup =
  | { readonly kind: 'found' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly paths: readonly string[] };
