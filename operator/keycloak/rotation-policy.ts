import type { KeycloakClient, RotationCoverage } from '../policy/keycloak-types.ts';
import type { Purpose } from './failures.ts';
import type { RotationRule } from './rotation-coverage.ts';
import { coverageOf, readClientPolicies, readClientProfiles, rotationRules } from './rotation-coverage.ts';
import type { Session } from './session.ts';

/** A realm's client policies, as far as they are about secrets. */
export interface RotationPolicies {
  /**
   * The policy as it applies to the client; undefined where none does. Throws `KeycloakError`.
   *
   * @param maxAgeMs how old the reading may be, in milliseconds; by default as old as it is kept
   */
  coverage(client: KeycloakClient, maxAgeMs?: number): Promise<RotationCoverage | undefined>;
}

interface Kept {
  readonly rules: Promise<readonly RotationRule[]>;
  /** In milliseconds since the epoch. */
  readonly asked: number;
  /** In milliseconds since the epoch; endless while the reading is under way. */
  until: number;
}

/** One of the future was read before somebody set the clock back: nobody can tell how old it is. */
function serves({ asked, until }: Kept, time: number, maxAgeMs: number): boolean {
  return asked <= time && time < until && time - asked <= maxAgeMs;
}

/** How long a reading serves at most, in milliseconds: a policy that somebody has yet to make is looked for soon. */
const KEPT_MS = { some: 9 * 60_000, none: 60_000 };

/** Needed to read client policies and profiles (keycloak, `ClientPoliciesResource.java`). */
const needs = (action: string): Purpose => ({ action, role: 'view-realm', missing: 'realm' });

async function readRules(session: Session, realm: string): Promise<readonly RotationRule[]> {
  const [policies, profiles] = await Promise.all([
    session.call(
      realm,
      needs('read the client policies'),
      ({ clientPolicies }) => clientPolicies.listPolicies({ includeGlobalPolicies: true }),
      readClientPolicies,
    ),
    session.call(
      realm,
      needs('read the client profiles'),
      ({ clientPolicies }) => clientPolicies.listProfiles({ includeGlobalProfiles: true }),
      readClientProfiles,
    ),
  ]);
  return rotationRules(policies, profiles);
}

/**
 * A realm's client policies, read as the session's service account (role `view-realm`) for all clients together;
 * two requests, again after `resyncMs` at the latest.
 */
export function createRotationPolicies(
  session: Session,
  realm: string,
  resyncMs: number = Number.POSITIVE_INFINITY,
): RotationPolicies {
  let kept: Kept | undefined;

  function read(): Kept {
    const asked = session.now();
    const reading: Kept = { rules: readRules(session, realm), asked, until: Number.POSITIVE_INFINITY };
    reading.rules.then(
      rules => {
        reading.until = asked + Math.min(rules.length > 0 ? KEPT_MS.some : KEPT_MS.none, resyncMs);
      },
      () => {
        if (kept === reading) kept = undefined;
      },
    );
    return reading;
  }

  return {
    async coverage(client, maxAgeMs = Number.POSITIVE_INFINITY) {
      const time = session.now();
      if (kept === undefined || !serves(kept, time, maxAgeMs)) kept = read();
      return coverageOf(await kept.rules, client);
    },
  };
}
