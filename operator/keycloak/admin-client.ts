import KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import type { Place } from './failures.ts';
import type { Transport } from './transport.ts';

/** Terms of one call, in place of those of its session. */
export interface CallTerms {
  /** Deadline of the request in milliseconds, its whole answer included. */
  readonly timeoutMs: number;
  /** Asked each time right before the request is sent; where it says false, {@link Withdrawn} is thrown instead. */
  readonly mayStill: () => boolean;
}

/** A request was not sent, because it was no longer to be. Says nothing about Keycloak. */
export class Withdrawn extends Error {
  override readonly name = 'Withdrawn';
}

/**
 * Speaks to one realm with tokens of another's making, each request within the place's deadline. The token is the
 * last thing that a request waits for: `mayStill` is asked once it is there.
 */
export function createAdminClient(
  { url, realm, timeoutMs }: Place,
  { requestOptions }: Transport,
  getToken: () => Promise<string>,
  mayStill: CallTerms['mayStill'] = () => true,
): KeycloakAdminClient {
  const client = new KeycloakAdminClient({
    baseUrl: url,
    realmName: realm,
    timeout: timeoutMs,
    requestOptions,
  });
  client.registerTokenProvider({
    getAccessToken: async () => {
      const token = await getToken();
      if (!mayStill()) throw new Withdrawn('the request is not to be sent any more');
      return token;
    },
  });
  return client;
}
