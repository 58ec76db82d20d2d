import type { KeycloakError, KeycloakErrorKind } from './errors.ts';
import type { KeycloakRealm } from './realm.ts';
import { createRealm } from './realm.ts';
import type { Session } from './session.ts';
import { createSession } from './session.ts';
import type { Credentials } from './tokens.ts';

/** A connection to Keycloak, as the operator's configuration gives it. */
export interface ConnectionOptions {
  readonly name: string;
  /** Base URL of Keycloak, with its path where it has one. */
  readonly url: string;
  /** Realm of the policies that name none. */
  readonly realm: string;
  /** Realm in which the operator's own client lives. */
  readonly signInRealm: string;
  /** How often policies are compared with Keycloak, in milliseconds. */
  readonly resyncPeriodMs?: number;
  /** Certificates in PEM that are trusted besides the well-known ones. */
  readonly ca?: string;
  /** Asked at each sign-in. What it throws is shown to people, so its message may hold no secret. */
  readonly readCredentials: () => Promise<Credentials>;
  /** Told once when requests are no longer answered, and with undefined when they are again. */
  readonly onHealth?: (error: KeycloakError | undefined) => void;
  /** Told how each request ended. */
  readonly onOutcome?: (outcome: 'Ok' | KeycloakErrorKind) => void;
}

/** All connections of the operator's configuration. */
export interface Connections {
  /** A realm, by default the connection's own; undefined where no connection has that name. */
  realm(connection: string, realm?: string): KeycloakRealm | undefined;
  /** Since when a connection has not been answering, in milliseconds since the epoch; undefined while it is. */
  failingSince(connection: string): number | undefined;
  /** Breaks off all that is under way. */
  close(): Promise<void>;
}

interface Connection {
  readonly options: ConnectionOptions;
  readonly session: Session;
  readonly realms: Map<string, KeycloakRealm>;
}

/**
 * Opens all connections; nothing is sent before the first call. Throws where CA certificates cannot be read.
 *
 * @param wanted clientIds of all policies of a realm
 * @param now milliseconds since the epoch
 */
export function createConnections(
  options: readonly ConnectionOptions[],
  wanted: (connection: string, realm: string) => Iterable<string>,
  now: () => number = Date.now,
): Connections {
  const connections = new Map(
    options.map((each): [string, Connection] => [
      each.name,
      { options: each, session: createSession({ ...each, now }), realms: new Map() },
    ]),
  );

  function open(
    { options: { name, ...options }, session, realms }: Connection,
    realm: string,
  ): KeycloakRealm {
    const opened =
      realms.get(realm) ?? createRealm({ ...options, session, realm, wanted: () => wanted(name, realm) });
    realms.set(realm, opened);
    return opened;
  }

  return {
    realm(name, realm) {
      const connection = connections.get(name);
      return connection && open(connection, realm ?? connection.options.realm);
    },
    failingSince: name => connections.get(name)?.session.failingSince(),
    async close() {
      await Promise.all([...connections.values()].map(({ session }) => session.close()));
    },
  };
}
