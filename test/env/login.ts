import { randomBytes } from 'node:crypto';
import { USER_PASSWORD } from './keycloak-admin.ts';

const DEADLINE_MS = 90_000;

/** The client at which a user signs in. */
export interface LoginClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  /** Default: `openid`. */
  readonly scope?: string;
}

/** Claims by name, as they stand in a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a login gave. */
export interface Login {
  /** Claims of the ID token. */
  readonly claims: Claims;
  /** What the userinfo endpoint answers to the access token. */
  readonly userinfo: Claims;
}

/** The part of an issuer's discovery document that a login needs. */
export interface Discovery {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly userinfo_endpoint: string;
}

/** Where a login ended that did not succeed. */
export class LoginError extends Error {
  /** The step that failed: `discovery`, `redirect`, `authorize`, `form`, `callback`, `exchange` or `userinfo`. */
  readonly step: string;

  constructor(step: string, message: string) {
    super(`login failed at ${step}: ${message}`);
    this.step = step;
  }
}

/** One request of a browser; redirects are not followed. */
export type Browse = (url: string, init?: RequestInit) => Promise<Response>;

/** A browser with its cookies, as far as one server needs them. */
export function createBrowser(): Browse {
  const cookies = new Map<string, string>();
  return async (url, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(cookie !== '' && { cookie }) },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  };
}

/** The text of a page as a person reads it. */
function readable(html: string): string {
  return html
    .replace(/<(script|style)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}

/** Sends a login form; gives the address that the user is sent back to, with the code. */
export type SendForm = (username: string, password: string) => Promise<URL>;

/**
 * Loads the login form that Keycloak's authorization endpoint shows, and gives what sends it.
 *
 * @param url of the authorization endpoint, with the client's parameters
 * @throws LoginError where there is no form; the result throws one where the user is not sent back with a code
 */
export async function openForm(url: string, redirectUri: string): Promise<SendForm> {
  const browse = createBrowser();
  const page = await browse(url);
  const html = await page.text();
  const form = /<form[^>]*id="kc-form-login"[^>]*>/.exec(html)?.[0];
  const action = form && /action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&');
  if (!action) {
    throw new LoginError('authorize', `${page.status} ${page.headers.get('location') ?? readable(html)}`);
  }
  return async (username, password) => {
    const answer = await browse(action, {
      method: 'POST',
      body: new URLSearchParams({ username, password }),
    });
    const text = await answer.text();
    const location = answer.headers.get('location');
    if (location === null) throw new LoginError('form', `${answer.status} ${readable(text)}`);
    const back = new URL(location);
    if (!location.startsWith(redirectUri) || !back.searchParams.has('code')) {
      throw new LoginError('form', `redirected to ${location}`);
    }
    return back;
  };
}

/** Address of the authorization endpoint for one login at a client. */
export function authorizationUrl(
  { authorization_endpoint }: Discovery,
  client: Omit<LoginClient, 'clientSecret'>,
  state: string,
): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: client.scope ?? 'openid',
    state,
  });
  return `${authorization_endpoint}?${query}`;
}

/** Sends the login form that the authorization endpoint shows; gives the code that it redirects with. */
async function authorize(
  discovery: Discovery,
  client: LoginClient,
  username: string,
  password: string,
): Promise<string> {
  const state = randomBytes(8).toString('hex');
  const send = await openForm(authorizationUrl(discovery, client, state), client.redirectUri);
  const { href, searchParams } = await send(username, password);
  if (searchParams.get('state') !== state) throw new LoginError('form', `redirected to ${href}`);
  return searchParams.get('code') ?? '';
}

/** What the token endpoint gives for a code. */
export interface Tokens {
  readonly id_token: string;
  readonly access_token: string;
}

/** Exchanges a code with the client's credentials, by HTTP Basic. */
export async function exchange(discovery: Discovery, client: LoginClient, code: string): Promise<Tokens> {
  const basic = [client.clientId, client.clientSecret].map(encodeURIComponent).join(':');
  const response = await fetch(discovery.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new LoginError('exchange', `${response.status} ${await response.text()}`);
  return response.json() as Promise<Tokens>;
}

/** Reads an issuer's discovery document. */
export async function discover(issuer: string): Promise<Discovery> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new LoginError('discovery', String(response.status));
  return response.json() as Promise<Discovery>;
}

/** The claims of a token; its signature is not looked at, for it came from the server itself. */
export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
}

/**
 * Signs a user in as a browser and Argo Server do together: Keycloak's own login form, the code that it redirects
 * with, and the exchange of that code with the client's credentials (HTTP Basic).
 *
 * @throws LoginError naming the step that failed
 */
export async function login(client: LoginClient, username: string, password = USER_PASSWORD): Promise<Login> {
  const discovery = await discover(client.issuer);
  const code = await authorize(discovery, client, username, password);
  const tokens = await exchange(discovery, client, code);
  const response = await fetch(discovery.userinfo_endpoint, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new LoginError('userinfo', `${response.status} ${await response.text()}`);
  return { claims: claimsOf(tokens.id_token), userinfo: (await response.json()) as Claims };
}
