import type { DoctorSnapshot } from './snapshot.ts';

/** What the checks are about, in the order in which they are told. */
export const SUBJECTS = {
  server: "Argo Server's start",
  settings: 'Settings sso',
  secret: 'Secrets',
  issuer: 'Issuer',
  client: 'Keycloak client',
  accounts: 'ServiceAccounts and rules',
  rights: "Rights of Argo Server's account",
  namespaces: 'Namespaces and delegation',
  sessions: 'Sessions',
  policies: 'Policies',
} as const;

/** One of the {@link SUBJECTS}. */
export type Subject = keyof typeof SUBJECTS;

/** `warn` is no fault, but a risk, or to be known. */
export type Verdict = 'pass' | 'fail' | 'warn' | 'unknown';

/** What a check says of one thing. */
export interface Outcome {
  readonly verdict: Verdict;
  /** As `ConfigMap argo/workflow-controller-configmap`. */
  readonly object: string;
  /** What is as it should be, what is wrong, or why it is not known. */
  readonly message: string;
  /** Of what is wrong. */
  readonly remedy?: string;
}

/** One thing that a login needs. */
export interface Check {
  /** For programs, and to tell checks apart. */
  readonly id: string;
  readonly subject: Subject;
  /** Nothing where it rests on something of which another check tells that it is missing or not known. */
  readonly judge: (snapshot: DoctorSnapshot) => readonly Outcome[];
}

/** What is said of one thing by one check. */
export interface Finding extends Outcome {
  readonly check: string;
  readonly subject: Subject;
}

/** What is as it should be. */
export function pass(object: string, message: string): Outcome {
  return { verdict: 'pass', object, message };
}

/** A fault. */
export function fail(object: string, message: string, remedy: string): Outcome {
  return { verdict: 'fail', object, message, remedy };
}

/** A risk. */
export function warn(object: string, message: string, remedy: string): Outcome {
  return { verdict: 'warn', object, message, remedy };
}

/** What could not be looked at. */
export function unknown(object: string, message: string): Outcome {
  return { verdict: 'unknown', object, message };
}

/** The outcomes of several things; where nothing is wrong with any, one for all of them. */
export function orPass(outcomes: readonly Outcome[], object: string, message: string): readonly Outcome[] {
  return outcomes.length > 0 ? outcomes : [pass(object, message)];
}
