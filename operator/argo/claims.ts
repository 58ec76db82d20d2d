/** What Argo Server takes from a user's ID token. */
export interface TokenClaims {
  readonly sub: string;
  readonly groups?: readonly string[] | null;
  readonly email?: string;
  readonly name?: string;
  readonly preferred_username?: string;
  readonly service_account_name?: string;
  readonly service_account_namespace?: string;
}

/** The issuer that Argo Server writes into its sessions (argo-workflows, server/auth/sso/sso.go). */
const ISSUER = 'argo-server';

/**
 * The names that a rule can use for a user: Argo Server copies these claims into its session and leaves empty ones
 * out, so that a rule naming one fails (argo-workflows, server/auth/types/claims.go and server/auth/gatekeeper.go).
 *
 * @param exp when the session ends, in seconds since the epoch
 */
export function ruleClaims(token: TokenClaims, exp: number): Readonly<Record<string, unknown>> {
  const { sub, groups, email, name, preferred_username, service_account_name, service_account_namespace } =
    token;
  const copied = {
    sub,
    groups,
    email,
    name,
    preferred_username,
    service_account_name,
    service_account_namespace,
  };
  const filled = Object.entries(copied).filter(([, value]) => value != null && value.length > 0);
  return { iss: ISSUER, exp, ...Object.fromEntries(filled) };
}
