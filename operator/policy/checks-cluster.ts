import { wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import type { Part, Violation } from './reasons.ts';
import { Reason } from './reasons.ts';

/** The stored spec does not fit this version of the operator: nothing in it can be relied on. */
export function invalidSpec({ policy }: Observation): Violation | undefined {
  if (policy.invalid === undefined) return undefined;
  return {
    reason: Reason.InvalidSpec,
    message:
      `the stored spec is not valid for this version of the operator: ${policy.invalid}; correct it, and see ` +
      `that the CRD in the cluster is the one that came with the operator`,
    part: 'policy',
    blocks: ['client', 'secret', 'roles'],
  };
}

/** What the operator cannot read it does not judge: what is there might be another's, or still in use. */
export function clusterUnread({ policy, unread }: Observation): Violation | undefined {
  const first = unread.find(({ forbidden }) => forbidden) ?? unread[0];
  if (first === undefined) return undefined;
  const what = `${first.plural} of namespace ${first.namespace}`;
  const message = first.forbidden
    ? `the operator may not read the ${what}; apply the rights that "argo-access rbac" renders from its configuration`
    : `the ${what} have not been read yet${first.message === '' ? '' : `: ${first.message}`}`;
  const home = unread.some(({ namespace }) => namespace === policy.metadata.namespace);
  return {
    reason: first.forbidden ? Reason.KubernetesForbidden : Reason.KubernetesUnavailable,
    message,
    part: 'roles',
    blocks: home ? ['client', 'secret', 'roles'] : ['roles'],
  };
}

/**
 * A grant in a namespace that the configuration no longer names can be neither seen nor taken back, and would be
 * there for whatever account gets the name later.
 */
export function grantOutOfSight({ outOfSight }: Observation): Violation | undefined {
  if (outOfSight.length === 0) return undefined;
  const list = outOfSight.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
  const namespaces = [...new Set(outOfSight.map(({ namespace }) => namespace))];
  return {
    reason: Reason.OutOfSight,
    message:
      `${list.join(', ')} was made for this policy and may still give what it gave, but the operator's configuration no ` +
      `longer names namespace ${namespaces.join(', ')}. Name it there again, with the rights that "argo-access rbac" ` +
      `renders, until this is gone`,
    part: 'roles',
    blocks: [],
  };
}

/** A grant in a namespace that is not there gives nothing; the others stand. */
export function grantNamespaceMissing({
  policy,
  neighbours,
  endingNamespaces,
}: Observation): Violation | undefined {
  const missing = wantedRoles(policy, neighbours).flatMap(role =>
    role.bindings
      .filter(({ metadata }) => endingNamespaces.has(metadata.namespace))
      .map(({ metadata }) => `${metadata.namespace} (role ${role.spec.name})`),
  );
  if (missing.length === 0) return undefined;
  return {
    reason: Reason.NamespaceMissing,
    message: `spec.roles: namespace ${[...new Set(missing)].join(', ')} does not exist or is going away, so nothing is granted there; create it, or remove it from the grants`,
    part: 'roles',
    blocks: [],
  };
}

/** Something takes a change of one part back each time: it is reported, not fought. */
function fieldNotHeld(part: Part, observation: Observation): Violation | undefined {
  // Of the Deployment the rotation itself tells, which waits for it.
  const contested = observation.contested.filter(each => each.kind !== 'Deployment' && each.part === part);
  if (contested.length === 0) return undefined;
  return {
    reason: Reason.FieldNotHeld,
    message:
      `${contested.map(({ what }) => what).join(', ')} is changed back every time it is corrected; find what else ` +
      `manages it (managedFields tells, or Keycloak's admin events) and stop that. It is tried again after some minutes`,
    part,
    blocks: [part],
  };
}

const PARTS: readonly Part[] = ['client', 'secret', 'server', 'roles'];

/** What is changed back each time, told for each part of the policy. */
export const FIELD_NOT_HELD_CHECKS = PARTS.map(
  part => (observation: Observation) => fieldNotHeld(part, observation),
);
