import type { SecretValue } from '../api/secret-value.ts';
import type { ClientFields } from './change.ts';

/** A protocol mapper of a client. */
export interface KeycloakMapper {
  readonly id: string;
  readonly name: string;
  readonly protocolMapper: string;
  readonly config: Readonly<Record<string, string>>;
}

/** What Keycloak tells of the life of a client's secret; times in milliseconds since the epoch, by Keycloak's clock. */
export interface SecretLife {
  /** Attribute `client.secret.creation.time`; a secret that was set by hand leaves it as it was. */
  readonly createdAt: number | undefined;
  /** Attribute `client.secret.expiration.time`: from then on Keycloak refuses this secret and the old one. */
  readonly expiresAt: number | undefined;
  /** The old secret, where one is kept, also once its time is over; without `expiresAt` Keycloak refuses it. */
  readonly rotated: { readonly expiresAt: number | undefined } | undefined;
}

/** A realm's secret-rotation policy as it applies to a client. */
export interface RotationCoverage {
  /** How long an old secret stays valid, in milliseconds: the executor's `rotated-expiration-period`. */
  readonly rotatedPeriod: number;
}

/** What the operator knows of a Keycloak client; its attributes without anything that is secret. */
export interface KeycloakClient extends Omit<ClientFields, 'protocol'> {
  /** Keycloak's internal id, a UUID. */
  readonly id: string;
  readonly enabled: boolean;
  readonly protocol: string;
  readonly secret: SecretValue | undefined;
  readonly secretLife: SecretLife;
  readonly mappers: readonly KeycloakMapper[];
}

/** What Keycloak has under the name of a group. */
export type GroupLookup =
  | { readonly kind: 'found' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly paths: readonly string[] };
