import type { SecretValue } from '../api/secret-value.ts';
import type { ClientFields } from './change.ts';

/** A protocol mapper of a client. */
export interface KeycloakMapper {
  readonly id: string;
  readonly name: string;
  readonly protocolMapper: string;
  readonly config: Readonly<Record<string, string>>;
}

/** What the operator knows of a Keycloak client; its attributes without anything that is secret. */
export interface KeycloakClient extends Omit<ClientFields, 'protocol'> {
  /** Keycloak's internal id, a UUID. */
  readonly id: string;
  readonly enabled: boolean;
  readonly protocol: string;
  readonly secret: SecretValue | undefined;
  readonly mappers: readonly KeycloakMapper[];
}

/** What Keycloak has under the name of a group. */
export type GroupLookup =
  | { readonly kind: 'found' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly paths: readonly string[] };
