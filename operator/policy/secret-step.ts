import type { KeycloakChange } from './change.ts';
import type { KeycloakClient } from './keycloak-types.ts';

/** A change of what secrets a client has. */
export type SecretStep = Extract<KeycloakChange, { readonly kind: 'RegenerateSecret' | 'EndOverlap' }>;

/** Whether a client's secrets still are those by which it was decided to make a new one, or to end the old one. */
export function isAsDecided({ id, life }: SecretStep, client: KeycloakClient | undefined): boolean {
  if (client?.id !== id) return false;
  const { createdAt, expiresAt, rotated } = client.secretLife;
  return (
    createdAt === life.createdAt &&
    expiresAt === life.expiresAt &&
    (rotated === undefined) === (life.rotated === undefined) &&
    rotated?.expiresAt === life.rotated?.expiresAt
  );
}
