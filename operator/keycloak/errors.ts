/** What went wrong between the operator and Keycloak. */
export const KeycloakErrorKind = {
  /** No connection, or it broke. */
  Unreachable: 'Unreachable',
  /** No complete answer within the deadline. */
  Timeout: 'Timeout',
  /** The server's certificate is not trusted, has expired, or is another host's. */
  Untrusted: 'Untrusted',
  /** The operator's own credentials, or the token it got for them, are refused. */
  WrongCredentials: 'WrongCredentials',
  /** The operator's service account lacks a role, or the realm turns everybody away. */
  Forbidden: 'Forbidden',
  /** The realm does not exist. */
  RealmNotFound: 'RealmNotFound',
  /** The object of the call does not exist. */
  NotFound: 'NotFound',
  /** Another object has the same name. */
  Conflict: 'Conflict',
  /** Keycloak refused the request as invalid. */
  Invalid: 'Invalid',
  /** Keycloak failed (5xx), asked to be left alone (429), or something else answered in its place. */
  ServerError: 'ServerError',
} as const;

/** Any kind of {@link KeycloakError}. */
export type KeycloakErrorKind = (typeof KeycloakErrorKind)[keyof typeof KeycloakErrorKind];

/** What a {@link KeycloakError} is made of. */
export interface KeycloakFailure {
  readonly kind: KeycloakErrorKind;
  /** Name of the connection in the operator's configuration. */
  readonly connection: string;
  readonly realm: string;
  /** What was being done, as in "read client argo". */
  readonly action: string;
  /** What Keycloak or the network said. */
  readonly detail: string;
  /** What a person can do about it. */
  readonly remedy?: string;
  /** HTTP status of the answer, where there was one. */
  readonly status?: number;
  /** How long Keycloak asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Longest detail that is kept of what a server said, in characters. */
const MAX_DETAIL = 300;

const SECRETS: readonly RegExp[] = [
  /\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g,
  /(?<=\b(?:bearer|basic) )[\w+/=.~-]+/gi,
  /(?<=(?:secret|password|token|\bcode)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"'&,;}]+)/gi,
  /(?<=:\/\/)[^/\s@]+(?=@)/g,
];

/** Takes out of a text what looks like a credential, control characters, and all beyond a short length. */
export function redact(text: string): string {
  const clean = SECRETS.reduce((rest, pattern) => rest.replace(pattern, '[redacted]'), text);
  const line = clean.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line;
}

/**
 * A failed exchange with Keycloak. Its message names connection, realm, action and remedy; it keeps neither
 * request nor response, and what a server said is redacted before it becomes part of the message.
 */
export class KeycloakError extends Error {
  override readonly name = 'KeycloakError';
  readonly kind: KeycloakErrorKind;
  readonly connection: string;
  readonly realm: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(failure: KeycloakFailure) {
    const { kind, connection, realm, action, detail, remedy } = failure;
    const what = `Keycloak connection ${connection}, realm ${realm}: cannot ${action}: ${redact(detail)}`;
    super(remedy === undefined ? what : `${what}; ${remedy}`);
    this.kind = kind;
    this.connection = connection;
    this.realm = realm;
    this.status = failure.status;
    this.retryAfterMs = failure.retryAfterMs;
  }
}
