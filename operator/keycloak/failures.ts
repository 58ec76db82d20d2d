import { NetworkError } from '@keycloak/keycloak-admin-client';
import type { KeycloakFailure } from './errors.ts';
import { KeycloakError } from './errors.ts';

/** Role of the operator's service account that a call needs (keycloak, `AdminRoles.java`). */
export type AdminRole = 'manage-clients' | 'query-groups' | 'view-clients' | 'view-realm' | 'view-users';

/** What a call is for, so that its failure can be told in a person's words. */
export interface Purpose {
  /** Completes "cannot …", as in "read client argo". */
  readonly action: string;
  /** Absent where none is needed. */
  readonly role?: AdminRole;
  /** What an answer of 404 says is missing. */
  readonly missing: 'realm' | 'object';
}

/** Where a call went. */
export interface Place {
  readonly connection: string;
  readonly realm: string;
  /** Base URL of Keycloak. */
  readonly url: string;
  /** Deadline of the call in milliseconds. */
  readonly timeoutMs: number;
}

type Known = Omit<KeycloakFailure, 'connection' | 'realm' | 'action'>;

const NOT_KEYCLOAK = 'the answer is not one of Keycloak';
const CHECK_URL = "see what answers at the connection's url";

/** Codes of Node's TLS layer (node, `doc/api/tls.md`, "X509 certificate error codes"). */
const UNTRUSTED =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|CRL_)/;

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  return codeOf(error.cause);
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TimeoutError' || /^(UND_ERR_\w+_TIMEOUT|ETIMEDOUT)$/.test(codeOf(error))) return true;
  return error.cause !== undefined && isTimeout(error.cause);
}

function timeout(host: string, timeoutMs: number): Known {
  return {
    kind: 'Timeout',
    detail: `${host} gave no complete answer within ${timeoutMs / 1000} s`,
    remedy: "see whether Keycloak is overloaded and whether a firewall drops the operator's traffic",
  };
}

function transportFailure(error: unknown, { url, timeoutMs }: Place): Known {
  const { host } = new URL(url);
  if (isTimeout(error)) return timeout(host, timeoutMs);
  const code = codeOf(error);
  if (UNTRUSTED.test(code)) {
    return {
      kind: 'Untrusted',
      detail: `the certificate of ${host} is not accepted (${code})`,
      remedy:
        "give the connection a caFile with the CA of Keycloak's certificate, or correct the certificate",
    };
  }
  return {
    kind: 'Unreachable',
    detail: `${host} cannot be reached (${code === '' ? 'no connection' : code})`,
    remedy: "see whether Keycloak is up and the connection's url is right",
  };
}

/** Milliseconds that a Retry-After header asks to wait, where it is in seconds (RFC 9110, section 10.2.3). */
function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** The words in Keycloak's error body: `error_description`, `errorMessage` and `error` are all in use. */
function wordsOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return '';
  const fields = body as Record<string, unknown>;
  const texts = [fields.errorMessage, fields.error_description, fields.error];
  return texts.find(text => typeof text === 'string' && text !== '')?.toString() ?? '';
}

function remedyOfRole({ realm }: Place, role: AdminRole): string {
  const give =
    `give the operator's service account the role ${role} of client realm-management in realm ${realm} ` +
    `(of client ${realm}-realm where it signs in at realm master)`;
  return role === 'query-groups'
    ? `${give} and let it view groups by the realm's fine-grained admin permissions; or give it the role view-users`
    : give;
}

/** Without a role to lack, 403 is about the realm itself (keycloak, `TokenEndpoint.java`). */
function forbidden(detail: string, place: Place, { role }: Purpose): Known {
  if (role !== undefined) {
    return { kind: 'Forbidden', detail: 'the operator lacks a role', remedy: remedyOfRole(place, role) };
  }
  const remedy = `see that realm ${place.realm} is enabled, and that the connection's url is one of https where the realm requires it`;
  return { kind: 'Forbidden', detail, remedy };
}

function notFound(purpose: Purpose, { realm }: Place, words: string): Known {
  // What stands before Keycloak says 404 too while there is no Keycloak behind it: then nothing is known.
  if (words === '') return { kind: 'ServerError', detail: NOT_KEYCLOAK, remedy: CHECK_URL };
  if (purpose.missing === 'object') return { kind: 'NotFound', detail: words };
  return {
    kind: 'RealmNotFound',
    detail: `there is no realm ${realm}`,
    remedy: "create it, or correct the realm's name or the connection's url",
  };
}

function refusal(status: number, words: string, purpose: Purpose, place: Place): Known {
  const detail = words === '' ? `answered ${status}` : words;
  switch (status) {
    case 401:
      return {
        kind: 'WrongCredentials',
        detail: 'the token that Keycloak gave the operator is refused',
        remedy: "see that the operator's client is enabled and that all nodes of Keycloak have one hostname",
      };
    case 403:
      return forbidden(detail, place, purpose);
    case 404:
      return notFound(purpose, place, words);
    case 409:
      return { kind: 'Conflict', detail };
    default:
      return serverOrInvalid(status, detail);
  }
}

function serverOrInvalid(status: number, detail: string): Known {
  if (status >= 500 || status === 429 || status === 408) return { kind: 'ServerError', detail };
  if (status >= 300 && status < 400) {
    return {
      kind: 'ServerError',
      detail: `answered with a redirect (${status}), which is not followed`,
      remedy: "set the connection's url to where Keycloak itself answers",
    };
  }
  return { kind: 'Invalid', detail };
}

/** Tells what an HTTP answer that is no success, with its parsed `body`, means for the call. */
export function answerFailure(
  answer: Pick<Response, 'status' | 'headers'>,
  body: unknown,
  purpose: Purpose,
  place: Place,
): KeycloakError {
  const { connection, realm } = place;
  const wait = retryAfterMs(answer.headers.get('retry-after'));
  return new KeycloakError({
    ...refusal(answer.status, wordsOf(body), purpose, place),
    connection,
    realm,
    action: purpose.action,
    status: answer.status,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  });
}

/** What a request is told that is not sent, because the last one was not answered in time either. */
export function noAnswer({ connection, realm, url, timeoutMs }: Place, action: string): KeycloakError {
  return new KeycloakError({ ...timeout(new URL(url).host, timeoutMs), connection, realm, action });
}

/** Something answered, with a success, but not in Keycloak's words. */
export function strangeAnswer({ connection, realm }: Place, action: string): KeycloakError {
  return new KeycloakError({
    kind: 'ServerError',
    connection,
    realm,
    action,
    detail: NOT_KEYCLOAK,
    remedy: CHECK_URL,
  });
}

/** Keycloak has groups that it does not show to the operator. */
export function hiddenGroups(place: Place, { action }: Purpose): KeycloakError {
  return new KeycloakError({
    kind: 'Forbidden',
    connection: place.connection,
    realm: place.realm,
    action,
    detail: 'the operator may ask for groups, but not view them',
    remedy: remedyOfRole(place, 'query-groups'),
  });
}

/** Whether `fetch` threw it: with the network's error as its cause, or because the deadline had come. */
function isTransport(error: unknown): boolean {
  return error instanceof Error && (error.cause !== undefined || error instanceof DOMException);
}

/** The admin client throws a plain Error where an answer of success lacks its Location header. */
function strangeAnswerOr(error: unknown, { action }: Purpose, place: Place): KeycloakError {
  if (error instanceof Error && error.name === 'Error') return strangeAnswer(place, action);
  throw error;
}

/**
 * Makes a {@link KeycloakError} of what a call threw; nothing of the request or response stays in it. Rethrows
 * what is neither an answer nor the network's doing.
 */
export function toKeycloakError(error: unknown, purpose: Purpose, place: Place): KeycloakError {
  if (error instanceof KeycloakError) return error;
  if (error instanceof NetworkError) return answerFailure(error.response, error.responseData, purpose, place);
  if (!isTransport(error)) return strangeAnswerOr(error, purpose, place);
  const { connection, realm } = place;
  return new KeycloakError({
    ...transportFailure(error, place),
    connection,
    realm,
    action: purpose.action,
  });
}
