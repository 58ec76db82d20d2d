import { z } from 'zod';
import { parseJson } from '../../keycloak/json.ts';
import type { Answer, Transport } from '../../keycloak/transport.ts';
import { cutShort } from '../../policy/short.ts';

/** What Keycloak would show to a browser that Argo Server sends to sign in. */
export type LoginAnswer =
  | { readonly kind: 'login' }
  /** Keycloak leads back to Argo Server with an error (RFC 6749, section 4.1.2.1). */
  | { readonly kind: 'refused'; readonly error: string; readonly description: string }
  /** An error page, which leads nowhere; with its words. */
  | { readonly kind: 'error'; readonly status: number; readonly words: string }
  | { readonly kind: 'none'; readonly why: string };

/** What a login begins with (argo-workflows, server/auth/sso/sso.go, HandleRedirect). */
export interface LoginRequest {
  /** Base address of the realm, without a slash at its end. */
  readonly realmUrl: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

/** Longest part of an error page that is told, in characters. */
const MAX_WORDS = 200;

function addressOf({ realmUrl, clientId, redirectUri, scopes }: LoginRequest): string {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: [...scopes, 'openid'].join(' '),
    state: 'argo-access-doctor',
  });
  return `${realmUrl}/protocol/openid-connect/auth?${query}`;
}

const errorSchema = z.object({ error: z.string() });

/** The words of Keycloak's error page, which to whom asks for JSON is JSON. */
function wordsOf(text: string): string {
  return cutShort(errorSchema.safeParse(parseJson(text)).data?.error ?? '', MAX_WORDS);
}

function judge({ status, headers, text }: Answer, redirectUri: string): LoginAnswer {
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location?.startsWith(redirectUri)) {
    const said = URL.parse(location)?.searchParams;
    const part = (name: string) => cutShort(said?.get(name) ?? '', MAX_WORDS);
    return { kind: 'refused', error: part('error'), description: part('error_description') };
  }
  // To a login page, or on to another identity provider; 401 asks the browser for a Kerberos ticket first.
  if (status < 400 || status === 401) return { kind: 'login' };
  return { kind: 'error', status, words: wordsOf(text) };
}

/**
 * Asks Keycloak for its login page as a browser does that comes from Argo Server. Nobody signs in; a refusal stands
 * in the realm's events. Never throws for what Keycloak or the network does.
 */
export async function askLoginPage(
  transport: Pick<Transport, 'get'>,
  request: LoginRequest,
): Promise<LoginAnswer> {
  try {
    return judge(await transport.get(addressOf(request)), request.redirectUri);
  } catch (error) {
    return { kind: 'none', why: error instanceof Error ? error.message : String(error) };
  }
}
