import { refusals } from './allow.ts';
import type { Observation } from './observation.ts';
import type { Part, Violation } from './reasons.ts';
import { Reason } from './reasons.ts';

const EVERYTHING: readonly Part[] = ['client', 'secret', 'roles'];

/** A policy and what it may use. */
type Asked = Pick<Observation, 'policy' | 'allowance' | 'connection'>;

/** A namespace that the operator's configuration does not name. */
export function namespaceNotServed({ policy, allowance }: Observation): Violation | undefined {
  if (allowance !== undefined) return undefined;
  const { namespace } = policy.metadata;
  return {
    reason: Reason.NamespaceNotServed,
    message: `namespace ${namespace} is not served; ask the platform team to add it under namespaces in the operator's configuration`,
    part: 'policy',
    blocks: EVERYTHING,
  };
}

/** What the namespace may not ask for, field by field. */
export function notAllowed({ policy, allowance, connection }: Asked): Violation | undefined {
  if (allowance === undefined) return undefined;
  const refused = refusals(policy, allowance, policy.spec.keycloak.realm ?? connection?.realm);
  if (refused.length === 0) return undefined;
  const list = refused.map(
    ({ field, value, setting }) =>
      `${field} ${JSON.stringify(value)} (namespaces[${allowance.name}].${setting})`,
  );
  return {
    reason: Reason.NotAllowed,
    message:
      `policies in namespace ${allowance.name} may not ask for ${list.join(', ')}; change the policy, or ask the ` +
      `platform team to allow it in the operator's configuration, at the setting in brackets`,
    part: 'policy',
    blocks: EVERYTHING,
  };
}

/**
 * Whether a policy has a client, or may get one. One that may not have what it asks for, and of which the status
 * tells no client, never got any: nothing is asked in its name, and to others it is one without.
 */
export function mayHaveClient(asked: Asked): boolean {
  const { spec, status, invalid } = asked.policy;
  if (spec.client === undefined) return false;
  // Of an invalid spec too little is kept to tell what is allowed; it was valid once.
  return status?.client !== undefined || invalid !== undefined || notAllowed(asked) === undefined;
}

/** A connection that the namespace may use but the configuration does not define. */
export function connectionUnknown({ policy, allowance, connection }: Observation): Violation | undefined {
  if (allowance === undefined || connection !== undefined) return undefined;
  return {
    reason: Reason.ConnectionUnknown,
    message: `spec.keycloak.connection: the operator's configuration has no connection ${policy.spec.keycloak.connection}`,
    part: 'policy',
    blocks: EVERYTHING,
  };
}
