import type { AssignedScopes } from '../../keycloak/client-scopes.ts';
import type { KeycloakMapper } from '../../policy/keycloak-types.ts';
import { DEFAULT_CLAIM, type SsoBlock } from '../../policy/server-sso.ts';

/** The claim from which Argo Server takes groups. */
export function claimOf({ customGroupClaimName = '', userInfoPath = '' }: SsoBlock): string {
  // Of the user info Argo reads this one alone (argo-workflows, server/auth/types/claims.go).
  return customGroupClaimName === '' || userInfoPath !== '' ? DEFAULT_CLAIM : customGroupClaimName;
}

/** The mappers that have a say in a token of the client, where a login asks for these scopes. */
export function mappersInEffect(
  own: readonly KeycloakMapper[],
  { byDefault, optional }: AssignedScopes,
  scopes: readonly string[],
): readonly KeycloakMapper[] {
  const asked = optional.filter(({ name }) => scopes.includes(name));
  return [...own, ...[...byDefault, ...asked].flatMap(({ mappers }) => mappers)];
}

/** Those that write a claim. */
export function writersOf(mappers: readonly KeycloakMapper[], claim: string): readonly KeycloakMapper[] {
  return mappers.filter(({ config }) => config['claim.name'] === claim);
}
