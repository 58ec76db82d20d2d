import { cutShort } from '../../policy/short.ts';
import { ACCOUNT_CHECKS } from './checks-accounts.ts';
import { CLIENT_CHECKS } from './checks-client.ts';
import { ISSUER_CHECKS } from './checks-issuer.ts';
import { NAMESPACE_CHECKS, POLICY_CHECKS, RIGHTS_CHECKS } from './checks-namespaces.ts';
import { SECRET_CHECKS } from './checks-secrets.ts';
import { SERVER_CHECKS } from './checks-server.ts';
import { SESSION_CHECKS, SETTINGS_CHECKS } from './checks-settings.ts';
import type { Check, Finding, Outcome } from './finding.ts';
import type { DoctorSnapshot } from './snapshot.ts';

/** All that a login needs, in the order in which it is told. */
export const CHECKS: readonly Check[] = [
  ...SERVER_CHECKS,
  ...SETTINGS_CHECKS,
  ...SECRET_CHECKS,
  ...ISSUER_CHECKS,
  ...CLIENT_CHECKS,
  ...ACCOUNT_CHECKS,
  ...RIGHTS_CHECKS,
  ...NAMESPACE_CHECKS,
  ...SESSION_CHECKS,
  ...POLICY_CHECKS,
];

/** What comes of the checks, and those that could not be made because of what others tell. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Ids of checks. */
  readonly notJudged: readonly string[];
}

/** Most characters of a text. */
const LONGEST = 2000;

/** A text with what others have written in it, for a terminal, and without users and passwords of addresses. */
function tidy(text: string): string {
  return cutShort(text.replaceAll(/(?<=:\/\/)[^\s/@]*@/g, ''), LONGEST);
}

function tidied({ remedy, ...outcome }: Outcome): Outcome {
  const told = { ...outcome, object: tidy(outcome.object), message: tidy(outcome.message) };
  return remedy === undefined ? told : { ...told, remedy: tidy(remedy) };
}

/** Runs all checks. */
export function diagnose(snapshot: DoctorSnapshot): Diagnosis {
  const judged = CHECKS.map(({ id, subject, judge }) => ({
    id,
    findings: judge(snapshot).map((outcome): Finding => ({ check: id, subject, ...tidied(outcome) })),
  }));
  // That there is no policy is nothing that is missing.
  const silent = judged.filter(({ id, findings }) => findings.length === 0 && id !== 'policies');
  return {
    findings: judged.flatMap(({ findings }) => findings),
    notJudged: silent.map(({ id }) => id),
  };
}
