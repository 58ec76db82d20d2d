import type { Purpose } from './failures.ts';
import { type ClientScope, readScopeRepresentations } from './representation.ts';
import type { Session } from './session.ts';

/** The client scopes of a client. */
export interface AssignedScopes {
  /** Always in effect. */
  readonly byDefault: readonly ClientScope[];
  /** In effect where a login asks for them by name. */
  readonly optional: readonly ClientScope[];
}

/** The client scopes of a realm. Throws `KeycloakError`. */
export interface ClientScopes {
  /**
   * Those of one client, with their mappers; three requests.
   *
   * @param id internal id of the client
   */
  of(id: string): Promise<AssignedScopes>;
}

function needs(action: string): Purpose {
  return { action, role: 'view-clients', missing: 'object' };
}

/** The client scopes of a realm, as the session's service account sees them (role `view-clients`). */
export function createClientScopes(session: Session, realm: string): ClientScopes {
  return {
    async of(id) {
      const assigned = needs(`list the client scopes of client ${id}`);
      const [all, byDefault, optional] = await Promise.all([
        session.call(
          realm,
          needs('list client scopes'),
          ({ clientScopes }) => clientScopes.find(),
          readScopeRepresentations,
        ),
        session.call(
          realm,
          assigned,
          ({ clients }) => clients.listDefaultClientScopes({ id }),
          readScopeRepresentations,
        ),
        session.call(
          realm,
          assigned,
          ({ clients }) => clients.listOptionalClientScopes({ id }),
          readScopeRepresentations,
        ),
      ]);
      // Those of a client come by their names alone.
      const whole = (scope: ClientScope) => all.find(({ name }) => name === scope.name) ?? scope;
      return { byDefault: byDefault.map(whole), optional: optional.map(whole) };
    },
  };
}
