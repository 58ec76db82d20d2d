import type { Policy } from '../../operator/api/objects.ts';
import { check } from '../../operator/policy/checks.ts';
import { conclude } from '../../operator/policy/conclude.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { NOW, observe } from '../policy/fixtures.ts';
import { convergedCluster, keycloakDown, keycloakWith, SPEC, settledPolicy } from '../policy/objects.ts';
import { objectsOf } from '../policy/simulate.ts';

const AT = '2026-03-01T12:00:00Z';
const ROLES = { roles: SPEC.roles };
const TEAM = settledPolicy({}, ROLES);
const THERE = objectsOf(convergedCluster(TEAM));

/** The policy of an observation with the status that the operator writes then, as the API server has it. */
function concluded(observation: Observation): object {
  const violations = check(observation);
  const left = plan(observation, violations);
  const ending = { left, failures: [], changed: [], regenerated: undefined };
  const { status } = conclude(observation, violations, ending, AT);
  return asStored({ ...observation.policy, status });
}

function asStored(policy: Policy): object {
  return { apiVersion: 'argo-access.io/v1alpha1', ...policy };
}

/** With roles, accounts and grants as they should be. */
const seeing = (policy: Policy, overrides: Partial<Observation> = {}) =>
  observe(policy, { ...THERE, keycloak: keycloakWith(undefined), ...overrides });

const READY = concluded(seeing(TEAM)) as Policy;

const GOING = { finalizers: ['argo-access.io/cleanup'], deletionTimestamp: AT, generation: 2 };

/** Policies as tools find them in a cluster, by how they are doing. */
export const STORED = {
  ready: READY,
  warning: concluded(
    seeing(TEAM, {
      keycloak: keycloakWith(undefined, { groups: new Map([['/platform/admins', { kind: 'missing' }]]) }),
    }),
  ),
  progressing: concluded(observe(TEAM, { keycloak: keycloakWith(undefined) })),
  waiting: concluded(seeing(settledPolicy(), { keycloak: keycloakDown(NOW) })),
  stalled: concluded(seeing(TEAM, { allowance: undefined })),
  suspended: concluded(seeing(settledPolicy({ status: READY.status }, { ...ROLES, suspend: true }))),
  deleting: concluded(seeing(settledPolicy({ metadata: GOING, status: READY.status }, ROLES))),
  new: asStored(TEAM),
  changed: asStored({ ...READY, metadata: { ...READY.metadata, generation: 2 } }),
} satisfies Readonly<Record<string, object>>;
