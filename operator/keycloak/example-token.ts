import { z } from 'zod';
import type { Purpose } from './failures.ts';
import type { Session } from './session.ts';

/** What Keycloak would put into users' tokens. Throws `KeycloakError`. */
export interface ExampleTokens {
  /** Internal id of the user of exactly this name; undefined where there is none. */
  userId(username: string): Promise<string | undefined>;
  /**
   * The claims of the ID token that a user would get for a client, which Keycloak makes for show only.
   *
   * @param clientId internal id of the client
   */
  idToken(clientId: string, userId: string): Promise<Readonly<Record<string, unknown>>>;
}

const usersSchema = z.array(z.object({ id: z.string(), username: z.string() }));
const claimsSchema = z.record(z.string(), z.unknown());

function needs(action: string): Purpose {
  return { action, role: 'view-users', missing: 'object' };
}

/** The example tokens of a realm, as the session's service account sees them (roles `view-users` and `view-clients`). */
export function createExampleTokens(session: Session, realm: string): ExampleTokens {
  return {
    async userId(username) {
      const found = await session.call(
        realm,
        needs(`look up user ${username}`),
        ({ users }) => users.find({ username, exact: true, max: 2 }),
        answer => usersSchema.safeParse(answer).data,
      );
      // Keycloak keeps user names in small letters, unless a realm says otherwise.
      return found.find(user => user.username.toLowerCase() === username.toLowerCase())?.id;
    },
    idToken: (id, userId) =>
      session.call(
        realm,
        needs('make an example of an ID token'),
        ({ clients }) => clients.evaluateGenerateIdToken({ id, userId, scope: 'openid' }),
        answer => claimsSchema.safeParse(answer).data,
      ),
  };
}
