import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SecretValue } from '../api/secret-value.ts';
import type { Proof } from '../policy/observation.ts';
import { basicAuthorization } from './basic.ts';
import { KeycloakError, redact } from './errors.ts';
import { parseJson } from './json.ts';
import type { Session } from './session.ts';
import type { Answer } from './transport.ts';

/** What is to be proved. */
export interface ProofRequest {
  readonly realm: string;
  readonly clientId: string;
  readonly secret: SecretValue;
  readonly redirectUri: string;
}

/** What the token endpoint said; `message` is for people and holds no secret. */
export type ProofAnswer = Omit<Proof, 'revision'>;

/** Error codes of RFC 6749 with which Keycloak turns a client away: wrong secret, unknown or disabled client. */
const REFUSALS: readonly string[] = ['unauthorized_client', 'invalid_client'];

const errorSchema = z.object({ error: z.string() });

function judge({ status, text }: Answer): ProofAnswer {
  const code = errorSchema.safeParse(parseJson(text)).data?.error ?? '';
  if (status === 400 && code === 'invalid_grant') return { result: 'proved', message: '' };
  const said = redact(code === '' ? String(status) : `${status} ${code}`);
  if (status === 401 && REFUSALS.includes(code)) {
    return { result: 'refused', message: `the token endpoint answered ${said}` };
  }
  return { result: 'unknown', message: `the token endpoint gave an unexpected answer: ${said}` };
}

/**
 * Proves a client's secret without any user: a token request with a made-up code is refused as `invalid_grant`
 * (RFC 6749, section 5.2) only after the client itself was accepted. Nothing else is proof. Never throws for
 * what Keycloak or the network does: that is `unknown`.
 */
export async function proveSecret(session: Session, request: ProofRequest): Promise<ProofAnswer> {
  const { realm, clientId, secret, redirectUri } = request;
  const action = `prove the secret of client ${clientId}`;
  const form = { grant_type: 'authorization_code', code: randomUUID(), redirect_uri: redirectUri };
  try {
    return judge(await session.askForToken(realm, action, basicAuthorization(clientId, secret), form));
  } catch (error) {
    if (error instanceof KeycloakError) return { result: 'unknown', message: error.message };
    throw error;
  }
}
