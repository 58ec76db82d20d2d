import type { SecretValue } from '../api/secret-value.ts';

function formEncode(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice('x='.length);
}

/**
 * Value of an Authorization header that authenticates a client: id and secret are form-encoded *before* they
 * are joined (RFC 6749, section 2.3.1), or a colon or percent sign in them would be misread.
 */
export function basicAuthorization(clientId: string, secret: SecretValue): string {
  const pair = `${formEncode(clientId)}:${formEncode(secret.reveal())}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}
