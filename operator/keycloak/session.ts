import type KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import { NetworkError } from '@keycloak/keycloak-admin-client';
import { z } from 'zod';
import type { CallTerms } from './admin-client.ts';
import { createAdminClient } from './admin-client.ts';
import { createConnectionHealth } from './connection-health.ts';
import type { KeycloakError, KeycloakErrorKind } from './errors.ts';
import type { Place, Purpose } from './failures.ts';
import { answerFailure, noAnswer, strangeAnswer, toKeycloakError } from './failures.ts';
import { parseJson } from './json.ts';
import { createLimit } from './limit.ts';
import type { Credentials } from './tokens.ts';
import { createTokens, realmUrl, SIGN_IN, tokenEndpoint } from './tokens.ts';
import type { Answer, Transport } from './transport.ts';
import { createTransport } from './transport.ts';

/** A connection to Keycloak, as the operator's configuration gives it. */
export interface SessionOptions {
  /** Name of the connection, for messages. */
  readonly name: string;
  /** Base URL of Keycloak, with its path where it has one. */
  readonly url: string;
  /** Realm in which the operator's own client lives. */
  readonly signInRealm: string;
  /** Asked at each sign-in. What it throws is shown to people, so its message may hold no secret. */
  readonly readCredentials: () => Promise<Credentials>;
  /** Certificates in PEM that are trusted besides the well-known ones. */
  readonly ca?: string;
  /** Deadline of each request in milliseconds; default 10 s. */
  readonly timeoutMs?: number;
  /** Most requests under way at a time; default 8. */
  readonly inFlight?: number;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
  /** Told once when requests are no longer answered, and with undefined when they are again. */
  readonly onHealth?: (error: KeycloakError | undefined) => void;
  /** Told how each request ended; sign-ins are part of the request that needs them. */
  readonly onOutcome?: (outcome: 'Ok' | KeycloakErrorKind) => void;
}

/** Makes a value of an answer; undefined where it is none that Keycloak would give. */
export type Read<T> = (answer: unknown) => T | undefined;

/** Speaks to one Keycloak as the operator's service account, for all realms. */
export interface Session {
  readonly name: string;
  /** Base URL without a slash at the end. */
  readonly url: string;
  readonly now: () => number;
  /**
   * Makes one call with the admin client of a realm. Waits its turn, has a deadline, and signs in once more
   * where Keycloak refuses the token. `read` tells undefined from an answer that Keycloak would not give. Throws
   * {@link KeycloakError} only, and `Withdrawn` on terms that say so.
   */
  call<T>(
    realm: string,
    purpose: Purpose,
    send: (client: KeycloakAdminClient) => Promise<unknown>,
    read: Read<T>,
    terms?: CallTerms,
  ): Promise<T>;
  /** Asks a realm's token endpoint in the name of another client; any answer that is Keycloak's own is returned. */
  askForToken(
    realm: string,
    action: string,
    authorization: string,
    form: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** For messages about a realm. */
  place(realm: string): Place;
  /** The issuer that the operator's own token names, signed in for where there is none yet. */
  tokenIssuer(): Promise<string>;
  /** The issuer in a realm's discovery document (OpenID Connect Discovery 1.0); deadline in milliseconds. */
  discoverIssuer(realm: string, timeoutMs?: number): Promise<string>;
  /** Since when no request has been answered, in milliseconds since the epoch; undefined while they are. */
  failingSince(): number | undefined;
  /** Breaks off all that is under way. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_IN_FLIGHT = 8;

const DISCOVER: Purpose = { action: 'read the discovery document', missing: 'realm' };
const discoverySchema = z.object({ issuer: z.url() });

function openTransport({ name, ca }: SessionOptions, timeoutMs: number, connections: number): Transport {
  try {
    return createTransport({ ca, timeoutMs, connections });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Keycloak connection ${name}: its CA certificates cannot be read: ${why}`);
  }
}

/** Opens a session; nothing is sent before the first call. Throws where the CA certificates cannot be read. */
export function createSession(options: SessionOptions): Session {
  const { name, signInRealm, readCredentials, now = Date.now } = options;
  const url = options.url.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const inFlight = options.inFlight ?? DEFAULT_IN_FLIGHT;
  const transport = openTransport(options, timeoutMs, inFlight);
  const limit = createLimit(inFlight);
  const health = createConnectionHealth({ now, timeoutMs, tell: options.onHealth ?? (() => {}) });
  const clients = new Map<string, KeycloakAdminClient>();
  const place = (realm: string, deadlineMs = timeoutMs): Place => {
    return { connection: name, realm, url, timeoutMs: deadlineMs };
  };
  const tokens = createTokens({ place: place(signInRealm), transport, readCredentials, now });

  function clientOf(realm: string): KeycloakAdminClient {
    const client = clients.get(realm) ?? createAdminClient(place(realm), transport, tokens.get);
    clients.set(realm, client);
    return client;
  }

  /** Learns from the outcome of a request; undefined is an answer that Keycloak would not give. */
  async function watched<T>(at: Place, purpose: Purpose, task: () => Promise<T | undefined>): Promise<T> {
    if (!health.admits()) throw noAnswer(at, purpose.action);
    const sentAt = now();
    try {
      const value = await task();
      if (value === undefined) throw strangeAnswer(at, purpose.action);
      health.succeeded();
      options.onOutcome?.('Ok');
      return value;
    } catch (thrown) {
      const error = toKeycloakError(thrown, purpose, at);
      health.failed(error, sentAt);
      options.onOutcome?.(error.kind);
      throw error;
    }
  }

  function inTurn<T>(at: Place, purpose: Purpose, task: () => Promise<T | undefined>): Promise<T> {
    return limit(() => watched(at, purpose, task));
  }

  async function withFreshToken(task: () => Promise<unknown>): Promise<unknown> {
    const token = tokens.peek();
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof NetworkError) || error.response.status !== 401 || token === undefined)
        throw error;
      tokens.drop(token);
      return task();
    }
  }

  return {
    name,
    url,
    now,
    place,
    call: (realm, purpose, send, read, terms) => {
      const at = place(realm, terms?.timeoutMs);
      const client =
        terms === undefined ? clientOf(realm) : createAdminClient(at, transport, tokens.get, terms.mayStill);
      return inTurn(at, purpose, async () => read(await withFreshToken(() => send(client))));
    },
    askForToken: (realm, action, authorization, form) => {
      const purpose: Purpose = { action, missing: 'realm' };
      return inTurn(place(realm), purpose, async () => {
        const answer = await transport.post(tokenEndpoint(url, realm), authorization, form);
        if (answer.status >= 500) throw answerFailure(answer, parseJson(answer.text), purpose, place(realm));
        return answer;
      });
    },
    // Without a request nothing is learned about the connection's health.
    tokenIssuer: async () =>
      tokens.issuer() ??
      inTurn(place(signInRealm), SIGN_IN, async () => {
        await tokens.get();
        return tokens.issuer();
      }),
    discoverIssuer: (realm, deadlineMs) => {
      const at = place(realm, deadlineMs);
      const document = `${realmUrl(url, realm)}/.well-known/openid-configuration`;
      return inTurn(at, DISCOVER, async () => {
        const answer = await transport.get(document, deadlineMs);
        const body = parseJson(answer.text);
        if (answer.status !== 200) throw answerFailure(answer, body, DISCOVER, at);
        return discoverySchema.safeParse(body).data?.issuer;
      });
    },
    failingSince: health.since,
    close: transport.close,
  };
}
