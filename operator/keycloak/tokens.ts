import { z } from 'zod';
import type { SecretValue } from '../api/secret-value.ts';
import { basicAuthorization } from './basic.ts';
import { KeycloakError } from './errors.ts';
import type { Place, Purpose } from './failures.ts';
import { answerFailure, strangeAnswer, toKeycloakError } from './failures.ts';
import { parseJson } from './json.ts';
import type { Answer, Transport } from './transport.ts';

/** What the operator signs in with. */
export interface Credentials {
  readonly clientId: string;
  readonly secret: SecretValue;
}

/** What {@link createTokens} needs. */
export interface TokensOptions {
  readonly place: Place;
  readonly transport: Transport;
  /** Asked at each sign-in, so that changed credentials are found without a restart. */
  readonly readCredentials: () => Promise<Credentials>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The operator's access token, renewed as needed. */
export interface Tokens {
  /** The token, signed in for if there is none or it ends soon; at most one sign-in is under way. */
  get(): Promise<string>;
  /** Forgets a token that Keycloak refused, unless another has replaced it. */
  drop(token: string | undefined): void;
  /** The token kept at this moment. */
  peek(): string | undefined;
  /** The issuer that Keycloak itself named in the last token. */
  issuer(): string | undefined;
}

/** Part of its life after which a token is replaced: the rest is for calls that are on their way. */
const USABLE_PART = 0.75;

/** What a sign-in is for. */
export const SIGN_IN: Purpose = { action: 'sign in', missing: 'realm' };

const answerSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const claimsSchema = z.object({ iss: z.url() });

/** URL of a realm as users and clients see it (OpenID Connect, as laid out by Keycloak). */
export function realmUrl(url: string, realm: string): string {
  return `${url.replace(/\/+$/, '')}/realms/${encodeURIComponent(realm)}`;
}

/** URL of the token endpoint of a realm. */
export function tokenEndpoint(url: string, realm: string): string {
  return `${realmUrl(url, realm)}/protocol/openid-connect/token`;
}

/** The `iss` claim of a token that came straight from its issuer, so its signature need not be checked. */
function issuerOf(token: string): string | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  return claimsSchema.safeParse(parseJson(payload)).data?.iss;
}

function credentialsError(place: Place, detail: string): KeycloakError {
  return new KeycloakError({
    kind: 'WrongCredentials',
    connection: place.connection,
    realm: place.realm,
    action: SIGN_IN.action,
    detail,
    remedy:
      "correct the connection's clientId and clientSecret; in Keycloak the client must be enabled and have a " +
      'service account',
  });
}

/** Keycloak answers 401 for a wrong client or secret, 400 for a client that may not use this grant. */
function refused(answer: Answer, body: unknown, place: Place, clientId: string): KeycloakError {
  const code = z.object({ error: z.string() }).safeParse(body).data?.error ?? '';
  if (answer.status === 401 || code === 'unauthorized_client') {
    return credentialsError(place, `client ${clientId} is refused (${answer.status} ${code})`);
  }
  return answerFailure(answer, body, SIGN_IN, place);
}

async function credentialsOf({ place, readCredentials }: TokensOptions): Promise<Credentials> {
  try {
    return await readCredentials();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw credentialsError(place, `the operator's credentials cannot be read: ${why}`);
  }
}

async function signIn(options: TokensOptions): Promise<z.infer<typeof answerSchema>> {
  const { place, transport } = options;
  const { clientId, secret } = await credentialsOf(options);
  const url = tokenEndpoint(place.url, place.realm);
  const form = { grant_type: 'client_credentials' };
  const answer = await transport.post(url, basicAuthorization(clientId, secret), form).catch(error => {
    throw toKeycloakError(error, SIGN_IN, place);
  });
  const body = parseJson(answer.text);
  if (answer.status !== 200) throw refused(answer, body, place, clientId);
  const token = answerSchema.safeParse(body);
  if (!token.success) throw strangeAnswer(place, SIGN_IN.action);
  return token.data;
}

/** Keeps one access token by the client-credentials grant (RFC 6749, section 4.4). */
export function createTokens(options: TokensOptions): Tokens {
  let kept: { readonly token: string; readonly until: number } | undefined;
  let pending: Promise<string> | undefined;
  let issuer: string | undefined;

  async function renew(): Promise<string> {
    const asked = options.now();
    const answer = await signIn(options);
    kept = { token: answer.access_token, until: asked + answer.expires_in * 1000 * USABLE_PART };
    issuer = issuerOf(answer.access_token);
    return answer.access_token;
  }

  return {
    async get() {
      if (kept !== undefined && options.now() < kept.until) return kept.token;
      pending ??= renew().finally(() => {
        pending = undefined;
      });
      return pending;
    },
    drop(token) {
      if (kept?.token === token) kept = undefined;
    },
    peek: () => kept?.token,
    issuer: () => issuer,
  };
}
