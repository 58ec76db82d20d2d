/**
 * Password policy of a realm. By itself Keycloak spends most of a login, and of the making of a user, on hashing the
 * password. It counts for passwords that are set after it, and for others once their user has signed in.
 */
export const CHEAP_PASSWORDS = 'hashAlgorithm(pbkdf2-sha256) and hashIterations(1)';

/**
 * Keys of a new realm, and the algorithm of its tokens. By itself Keycloak makes two RSA keys, and signs with one: the
 * JVM of the tests, which compiles quickly rather than well, takes two seconds of a processor for the keys, and three
 * times as long for each token as with an elliptic curve.
 */
export function realmKeys(): Readonly<Record<string, unknown>> {
  const provider = (providerId: string, config: Readonly<Record<string, readonly string[]>>) => ({
    name: providerId,
    providerId,
    config: { priority: ['100'], ...config },
  });
  return {
    defaultSignatureAlgorithm: 'ES256',
    components: {
      'org.keycloak.keys.KeyProvider': [
        provider('ecdsa-generated', { ecdsaEllipticCurveKey: ['P-256'] }),
        provider('hmac-generated', { algorithm: ['HS512'] }),
        provider('aes-generated', {}),
      ],
    },
  };
}
