import { randomBytes } from 'node:crypto';
import { USER_PASSWORD } from './keycloak-admin.ts';

const DEADLINE_MS = 30_000;

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

interface Discovery {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly userinfo_endpoint: string;
}

/** Where a login ended that did not succeed. */
export class LoginError extends Error {
  /** The step that failed: `discovery`, `authorize`, `form`, `exchange` or `userinfo`. */
  readonly step: string;

  constructor(step: string, message: string) {
    super(`login failed at ${step}: ${message}`);
    this.step = step;
  }
}

/** A browser's cookies, as far as one server needs them. */
function cookieJar() {
  const cookies = new Map<string, string>();
  return async (url: string, init: RequestInit = {}): Promise<Response> => {
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

/** Sends the login form that the authorization endpoint shows; gives the code that it redirects with. */
async function authorize(
  discovery: Discovery,
  client: LoginClient,
  username: string,
  password: string,
): Promise<string> {
  const browse = cookieJar();
  const state = randomBytes(8).toString('hex');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: client.scope ?? 'openid',
    state,
  });
  const page = await browse(`${discovery.authorization_endpoint}?${query}`);
  const html = await page.text();
  const form = /<form[^>]*id="kc-form-login"[^>]*>/.exec(html)?.[0];
  const action = form && /action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&');
  if (!action) {
    throw new LoginError('authorize', `${page.status} ${page.headers.get('location') ?? readable(html)}`);
  }
  const body = new URLSearchParams({ username, password });
  const answer = await browse(action, { method: 'POST', body });
  const location = answer.headers.get('location');
  if (location === null) throw new LoginError('form', `${answer.status} ${readable(await answer.text())}`);
  const { searchParams } = new URL(location);
  const code = searchParams.get('code');
  if (!location.startsWith(client.redirectUri) || code === null || searchParams.get('state') !== state) {
    throw new LoginError('form', `redirected to ${location}`);
  }
  return code;
}

async function exchange(
  discovery: Discovery,
  client: LoginClient,
  code: string,
): Promise<{ readonly id_token: string; readonly access_token: string }> {
  const basic = [client.clientId, client.clientSecret].map(encodeURIComponent).join(':');
  const response = await fetch(discovery.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new LoginError('exchange', `${response.status} ${await response.text()}`);
  return response.json() as Promise<{ id_token: string; access_token: string }>;
}

async function discover(issuer: string): Promise<Discovery> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new LoginError('discovery', String(response.status));
  return response.json() as Promise<Discovery>;
}

/** The claims of a token; its signature is not looked at, for it came from the server itself. */
function claimsOf(token: string): Claims {
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
