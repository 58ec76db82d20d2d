import type { Policy } from '../api/objects.ts';
import { clientOwner, desiredMapper, rivalMappers } from './client.ts';
import type { KeycloakClient } from './keycloak-types.ts';
import type { Observation } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { rotationOf } from './rotation-changes.ts';

/** Clients that Keycloak makes in every realm (keycloak, services, `Constants.java`). */
const BUILT_IN = new Set([
  'account',
  'account-console',
  'admin-cli',
  'broker',
  'realm-management',
  'security-admin-console',
]);

function observedClient({ keycloak }: Observation): KeycloakClient | undefined {
  return keycloak.state === 'Observed' ? keycloak.client : undefined;
}

/**
 * Keycloak did not answer, or refused: client and Secret wait. Roles whose groups have been looked up before are
 * kept as they should be; others wait, for a name may turn out to be that of several groups.
 */
export function keycloakFailed({ policy, keycloak }: Observation): Violation | undefined {
  if (keycloak.state !== 'Failed') return undefined;
  return {
    reason: keycloak.reason,
    message: keycloak.message,
    part: 'client',
    blocks: needsGroups(policy) ? ['client', 'secret', 'roles'] : ['client', 'secret'],
  };
}

/** Whether roles wait for a look at their groups, as none was had with the present spec. */
function needsGroups({ spec, status, metadata }: Policy): boolean {
  const asks = spec.keycloak.groups.source === 'Groups' && spec.roles.some(role => role.groups !== undefined);
  const roles = status?.conditions?.find(({ type }) => type === 'RolesReady');
  const known = roles?.status === 'True' && roles.observedGeneration === metadata.generation;
  return asks && !known;
}

/** Only the groups could not be looked up: roles are kept or wait as in an outage, and all else goes on. */
export function groupsHidden({ policy, keycloak }: Observation): Violation | undefined {
  if (keycloak.state !== 'Observed' || keycloak.groupsHidden === undefined) return undefined;
  const { reason, message } = keycloak.groupsHidden;
  return { reason, message, part: 'roles', blocks: needsGroups(policy) ? ['roles'] : [] };
}

function whyNotAdoptable(observation: Observation, client: KeycloakClient): string | undefined {
  const { clientId } = client;
  if (BUILT_IN.has(clientId) || clientId.endsWith('-realm')) return 'is one of Keycloak itself';
  if (clientId === observation.operator.ownClientId) return 'is the one with which the operator signs in';
  if (client.protocol !== 'openid-connect') return `speaks ${client.protocol}`;
  if (client.publicClient || client.bearerOnly) return 'is public or bearer-only';
  if (client.serviceAccountsEnabled) return 'has a service account, which somebody may be using';
  return undefined;
}

/** Clients that are never taken over, whatever a policy says. */
export function clientNotAdoptable(observation: Observation): Violation | undefined {
  const client = observedClient(observation);
  if (client === undefined || clientOwner(observation, client) !== 'nobody') return undefined;
  const why = whyNotAdoptable(observation, client);
  if (why === undefined) return undefined;
  return {
    reason: Reason.ClientNotAdoptable,
    message: `spec.client.clientId: client ${client.clientId} ${why} and is never taken over; choose another clientId`,
    part: 'client',
    blocks: ['client', 'secret'],
  };
}

/** A client marked as another policy's, another operator's, or another cluster's. */
export function clientOwnedByAnother(observation: Observation): Violation | undefined {
  const client = observedClient(observation);
  if (client === undefined || clientOwner(observation, client) !== 'another') return undefined;
  return {
    reason: Reason.ClientOwnedByAnother,
    message:
      `spec.client.clientId: client ${client.clientId} belongs to another policy, operator or cluster, as its ` +
      `attributes argo-access.io/owner and argo-access.io/cluster say; choose another clientId. If it belonged to this cluster before it ` +
      `was rebuilt, list the former cluster's id under formerClusters in the operator's configuration`,
    part: 'client',
    blocks: ['client', 'secret'],
  };
}

/** A client that exists and belongs to nobody is taken over only where the policy says so. */
export function clientExists(observation: Observation): Violation | undefined {
  const client = observedClient(observation);
  const spec = observation.policy.spec.client;
  if (client === undefined || spec === undefined || spec.adopt) return undefined;
  if (clientOwner(observation, client) !== 'nobody') return undefined;
  if (whyNotAdoptable(observation, client) !== undefined) return undefined;
  return {
    reason: Reason.ClientExists,
    message: `spec.client.clientId: client ${client.clientId} exists already; set spec.client.adopt to true to take it over, or choose another clientId`,
    part: 'client',
    blocks: ['client', 'secret'],
  };
}

/** Two mappers that write one claim: what arrives in the token is neither's. */
export function claimTaken(observation: Observation): Violation | undefined {
  const client = observedClient(observation);
  const spec = observation.policy.spec.client;
  if (client === undefined || spec === undefined) return undefined;
  const rivals = rivalMappers(client, desiredMapper(observation.policy, spec.clientId));
  if (rivals.length === 0) return undefined;
  const { claim } = observation.policy.spec.keycloak.groups;
  return {
    reason: Reason.ClaimTaken,
    message: `client ${client.clientId}: mapper ${rivals.map(({ name }) => `"${name}"`).join(', ')} writes the claim ${claim} too; remove it in Keycloak, or choose another spec.keycloak.groups.claim`,
    part: 'client',
    blocks: ['client'],
  };
}

/** Groups named by roles that Keycloak does not have, each once. */
export function missingGroups(
  { policy, keycloak }: Observation,
  groups: readonly string[],
): readonly string[] {
  if (keycloak.state !== 'Observed' || policy.spec.keycloak.groups.source !== 'Groups') return [];
  return [...new Set(groups)].filter(group => keycloak.groups.get(group)?.kind === 'missing');
}

/** A role for a group that nobody can be in matches nobody; it may be made later. */
export function groupMissing(observation: Observation): Violation | undefined {
  const missing = observation.policy.spec.roles.flatMap(role =>
    missingGroups(observation, role.groups ?? []).map(group => `${group} (role ${role.name})`),
  );
  if (missing.length === 0) return undefined;
  const realm = observation.keycloak.state === 'Observed' ? observation.keycloak.realm : '';
  return {
    reason: Reason.GroupMissing,
    message: `realm ${realm} has no group ${missing.join(', ')}; nobody gets in by it until it is made there, or the name is corrected`,
    part: 'roles',
    blocks: [],
  };
}

/** A name that several groups answer to gives the role to members of all of them. */
export function groupAmbiguous(observation: Observation): Violation | undefined {
  const { keycloak } = observation;
  if (keycloak.state !== 'Observed') return undefined;
  const ambiguous = [...keycloak.groups].flatMap(([group, lookup]) =>
    lookup.kind === 'ambiguous' ? [`${group} (${lookup.paths.join(', ')})`] : [],
  );
  if (ambiguous.length === 0) return undefined;
  return {
    reason: Reason.GroupAmbiguous,
    message: `realm ${keycloak.realm} has several groups that Argo cannot tell apart: ${ambiguous.join('; ')}; rename one of them in Keycloak. Roles stay as they are until then`,
    part: 'roles',
    blocks: ['roles'],
  };
}

/** A client that an administrator has switched off stays off. */
export function clientDisabled(observation: Observation): Violation | undefined {
  const client = observedClient(observation);
  if (client?.enabled !== false) return undefined;
  return {
    reason: Reason.ClientDisabled,
    message: `client ${client.clientId} is disabled in Keycloak, so nobody can sign in; enable it there when that is wanted`,
    part: 'client',
    blocks: [],
  };
}

/** The token endpoint refuses what the admin interface gave as the client's secret. */
export function secretRefused(observation: Observation): Violation | undefined {
  const { policy, proof } = observation;
  if (proof?.result !== 'refused') return undefined;
  // Of a secret whose life is over the rotation tells.
  const step = rotationOf(observation)?.step;
  if (step?.kind === 'Failed' && step.cause === 'SecretExpired') return undefined;
  return {
    reason: Reason.SecretRefused,
    message: `Keycloak refuses the credentials of client ${policy.spec.client?.clientId ?? ''}, although it gave them itself: ${proof.message}`,
    part: 'secret',
    blocks: [],
  };
}
