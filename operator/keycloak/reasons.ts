import { Reason } from '../policy/reasons.ts';
import type { KeycloakError, KeycloakErrorKind } from './errors.ts';

/** What a failed exchange with Keycloak means for a policy. */
export interface KeycloakJudgement {
  readonly reason: Reason;
  readonly message: string;
  /** Whether waiting, or planning again from what is then there, can heal it. */
  readonly transient: boolean;
}

type Meaning = Omit<KeycloakJudgement, 'message'>;

const UNAVAILABLE: Meaning = { reason: Reason.KeycloakUnavailable, transient: true };

/** The world has changed between observation and write: an object came, or went. */
const OVERTAKEN: Meaning = { reason: Reason.Progressing, transient: true };

const MEANINGS: Readonly<Record<KeycloakErrorKind, Meaning>> = {
  Unreachable: UNAVAILABLE,
  Timeout: UNAVAILABLE,
  ServerError: UNAVAILABLE,
  Conflict: OVERTAKEN,
  NotFound: OVERTAKEN,
  Untrusted: { reason: Reason.KeycloakUntrusted, transient: false },
  WrongCredentials: { reason: Reason.KeycloakCredentialsRefused, transient: false },
  Forbidden: { reason: Reason.KeycloakForbidden, transient: false },
  RealmNotFound: { reason: Reason.RealmNotFound, transient: false },
  Invalid: { reason: Reason.KeycloakRejected, transient: false },
};

/** Tells what a failed exchange with Keycloak means for a policy, and whether it heals by itself. */
export function judgeKeycloakError({ kind, message }: KeycloakError): KeycloakJudgement {
  return { ...MEANINGS[kind], message };
}
