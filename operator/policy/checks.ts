import * as cluster from './checks-cluster.ts';
import * as keycloak from './checks-keycloak.ts';
import * as names from './checks-names.ts';
import * as order from './checks-order.ts';
import * as permission from './checks-permission.ts';
import * as rotation from './checks-rotation.ts';
import { SERVER_CHECKS } from './checks-server.ts';
import * as when from './checks-when.ts';
import { formerSecretKept } from './former-secrets.ts';
import type { Observation } from './observation.ts';
import type { Part, Violation } from './reasons.ts';

/** Finds one thing that is not right, or nothing. */
export type Check = (observation: Observation) => Violation | undefined;

/** What a policy may not ask for; decided before anything else, so that no request reaches Keycloak. */
export const PERMISSION_CHECKS: readonly Check[] = [
  permission.namespaceNotServed,
  cluster.invalidSpec,
  permission.notAllowed,
  permission.connectionUnknown,
];

/** What can be judged from Kubernetes alone; of several warnings the first gives the condition its reason. */
export const CLUSTER_CHECKS: readonly Check[] = [
  cluster.clusterUnread,
  ...cluster.FIELD_NOT_HELD_CHECKS,
  cluster.grantOutOfSight,
  cluster.grantNamespaceMissing,
  order.precedenceOverlap,
  names.nameTakenByPolicy,
  names.nameTakenAtStart,
  names.serverTakenByPolicy,
  names.secretNameTaken,
  names.accountNameTaken,
  names.bindingNameTaken,
  when.whenFails,
  when.whenUnjudged,
  order.foreignRuleBreaksLogin,
  order.precedenceTied,
  order.roleNeverMatches,
];

/** What needs Keycloak's answer. */
export const KEYCLOAK_CHECKS: readonly Check[] = [
  keycloak.keycloakFailed,
  keycloak.clientNotAdoptable,
  keycloak.clientOwnedByAnother,
  keycloak.clientExists,
  keycloak.claimTaken,
  keycloak.groupsHidden,
  keycloak.groupAmbiguous,
  keycloak.groupMissing,
  keycloak.clientDisabled,
  keycloak.secretRefused,
  ...SERVER_CHECKS,
  formerSecretKept,
  rotation.updateWaitsForOverlap,
  rotation.rotationInvalid,
  rotation.rotationUnknown,
  rotation.rotationUnderWay,
  ...rotation.ROTATION_NOTE_CHECKS,
];

const ALL_PARTS: readonly Part[] = ['client', 'secret', 'roles'];

function run(checks: readonly Check[], observation: Observation): readonly Violation[] {
  return checks.flatMap(check => check(observation) ?? []);
}

/** Whether nothing at all may be done for the policy. */
export function blocksEverything(violations: readonly Violation[]): boolean {
  return ALL_PARTS.every(part => violations.some(({ blocks }) => blocks.includes(part)));
}

/** The checks that come before any request to Keycloak. */
export function checkCluster(observation: Observation): readonly Violation[] {
  const permissions = run(PERMISSION_CHECKS, observation);
  return blocksEverything(permissions) ? permissions : [...permissions, ...run(CLUSTER_CHECKS, observation)];
}

/** All checks; those about Keycloak only where it may be asked. */
export function check(observation: Observation): readonly Violation[] {
  const cluster = checkCluster(observation);
  return blocksEverything(cluster) ? cluster : [...cluster, ...run(KEYCLOAK_CHECKS, observation)];
}
