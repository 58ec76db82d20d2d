import { generateKeyPairSync } from 'node:crypto';

let key: string | undefined;

/** A private key, PEM; one for all realms that this thread makes. */
function privateKey(): string {
  key ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
  return key;
}

/**
 * Components of a new realm with its keys. Without them Keycloak makes two RSA keys, for which the JVM of the tests,
 * which compiles quickly rather than well, takes two seconds of a processor.
 */
export function realmKeys(): Readonly<Record<string, readonly object[]>> {
  const provider = (providerId: string, config: Readonly<Record<string, readonly string[]>>) => ({
    name: providerId,
    providerId,
    config: { priority: ['100'], ...config },
  });
  return {
    'org.keycloak.keys.KeyProvider': [
      provider('rsa', { privateKey: [privateKey()], algorithm: ['RS256'] }),
      provider('hmac-generated', { algorithm: ['HS512'] }),
      provider('aes-generated', {}),
    ],
  };
}
