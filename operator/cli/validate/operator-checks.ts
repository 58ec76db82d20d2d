import { refusals } from '../../policy/allow.ts';
import { type Check, CLUSTER_CHECKS, KEYCLOAK_CHECKS, PERMISSION_CHECKS } from '../../policy/checks.ts';
import { sharedName } from '../../policy/checks-names.ts';
import { isOlder, roleNeverMatches, VAIN_REMEDY, vainRoles } from '../../policy/checks-order.ts';
import { notAllowed } from '../../policy/checks-permission.ts';
import { badExpressions, WHEN_DENIES, whenFails, whenUnjudged } from '../../policy/checks-when.ts';
import { isFault } from '../../policy/conclusions.ts';
import type { Observation } from '../../policy/observation.ts';
import { Reason, type Violation } from '../../policy/reasons.ts';
import type { Finding } from './finding.ts';

/** A finding whose place is still to be looked up. */
export type FieldFinding = Pick<Finding, 'severity' | 'rule' | 'field' | 'message'>;

/** Checks of which one violation tells of several fields: here each of these is told by itself. */
const SEVERAL: ReadonlyMap<Check, (observation: Observation) => readonly FieldFinding[]> = new Map([
  [notAllowed, notAllowedFields],
  [roleNeverMatches, vainFields],
  [whenFails, failingExpressions],
  // Offline they are all tried, or none, which is told apart from the checks.
  [whenUnjudged, () => []],
]);

/**
 * What the operator's own checks say of a policy, as far as they can without cluster and Keycloak. Those on what it may
 * ask for only where the operator's configuration is known.
 */
export function runChecks(observation: Observation, withConfig: boolean): readonly FieldFinding[] {
  const permissions = withConfig ? PERMISSION_CHECKS : [];
  return [...permissions, ...CLUSTER_CHECKS, ...KEYCLOAK_CHECKS].flatMap(check => {
    const several = SEVERAL.get(check);
    if (several !== undefined) return several(observation);
    const violation = check(observation);
    return violation === undefined ? [] : [asFinding(observation, violation)];
  });
}

function notAllowedFields(observation: Observation): readonly FieldFinding[] {
  const { policy, allowance, connection } = observation;
  if (allowance === undefined) return [];
  return refusals(policy, allowance, policy.spec.keycloak.realm ?? connection?.realm).map(
    ({ field, value, setting }) => ({
      severity: 'error',
      rule: Reason.NotAllowed,
      field,
      message:
        `${JSON.stringify(value)} is not allowed to policies in namespace ${allowance.name}; change it, or ask the platform ` +
        `team to allow it in the operator's configuration, at namespaces[${allowance.name}].${setting}`,
    }),
  );
}

function vainFields(observation: Observation): readonly FieldFinding[] {
  return vainRoles(observation).map(({ index, why }) => ({
    severity: 'warning',
    rule: Reason.RoleNeverMatches,
    field: `spec.roles[${index}]`,
    message: `${why}. ${VAIN_REMEDY}`,
  }));
}

function failingExpressions(observation: Observation): readonly FieldFinding[] {
  return badExpressions(observation).flatMap(({ field, reason, why, remedy }) => {
    if (reason !== Reason.WhenFails) return [];
    return [
      { severity: 'error' as const, rule: reason, field, message: `${why}. ${WHEN_DENIES}. ${remedy}` },
    ];
  });
}

/** Where a part is written, for violations that name no field. */
const FIELD_OF_PART: Readonly<Record<Violation['part'], string>> = {
  policy: 'metadata.name',
  client: 'spec.client',
  secret: 'spec.client.secret',
  server: 'spec.server',
  roles: 'spec.roles',
};

function asFinding(observation: Observation, violation: Violation): FieldFinding {
  const { reason, message, part } = violation;
  // Most messages begin with the field.
  const [, named, rest] = /^(spec[^\s:]*)(?:: | (?=[a-z]))(.*)$/s.exec(message) ?? [];
  return {
    severity: isFault(violation) ? 'error' : 'warning',
    rule: reason,
    field: fieldOfReason(observation, reason) ?? named ?? FIELD_OF_PART[part],
    // In files nobody is older: the one further down is told.
    message: (rest ?? message).replaceAll('the older policy', 'policy'),
  };
}

function fieldOfReason({ policy, neighbours }: Observation, reason: Reason): string | undefined {
  switch (reason) {
    case Reason.NamespaceNotServed:
      return 'metadata.namespace';
    case Reason.NameTakenByPolicy:
      return neighbours
        .filter(other => isOlder(other, policy))
        .flatMap(other => sharedName(policy, other) ?? [])[0]?.field;
    default:
      return undefined;
  }
}
