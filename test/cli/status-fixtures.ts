import type { Policy } from '../../operator/api/objects.ts';
import type { Condition } from '../../operator/api/status-schema.ts';
import { makePolicy, NOW } from '../policy/fixtures.ts';

const DAY = 86_400_000;

/** A time so many milliseconds after {@link NOW}, as the status has it. */
export function at(ms: number): string {
  return new Date(NOW + ms).toISOString().replace('.000Z', 'Z');
}

/** A condition that has lasted for three days. */
export function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
): Condition {
  return { type, status, reason, message, lastTransitionTime: at(-3 * DAY), observedGeneration: 1 };
}

/** The spec of a policy that uses most of what there is. */
export const SPEC = {
  keycloak: { realm: 'platform' },
  client: {
    clientId: 'argo-workflows',
    url: 'https://workflows.example.com',
    secret: {
      name: 'argo-server-sso',
      rotation: { schedule: '0 3 * * 0', timeZone: 'Europe/Berlin', overlap: '1h' },
    },
  },
  server: { configMap: { name: 'workflow-controller-configmap' }, deployment: 'argo-server' },
  roles: [
    {
      name: 'admin',
      groups: ['/platform/admins', '/platform/on-call'],
      grants: [{ clusterRole: 'argo-access-admin', namespaces: ['argo', 'team-a'] }],
    },
    { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] },
  ],
};

/** The status of that policy where all is well. */
export const FINE: NonNullable<Policy['status']> = {
  observedGeneration: 1,
  conditions: [
    condition('Ready', 'True', 'InSync', 'everything is as the policy says'),
    condition('ClientReady', 'True', 'InSync', 'the Keycloak client is as the policy says'),
    condition('SecretReady', 'True', 'InSync', 'the Secret holds what Keycloak accepts'),
    condition('ServerReady', 'True', 'InSync', "Argo Server's settings are as the policy says"),
    condition('RolesReady', 'True', 'InSync', 'accounts, rules, tokens and grants are as the policy says'),
  ],
  issuer: 'https://sso.example.com/realms/platform',
  client: { id: 'id-1', clientId: 'argo-workflows', realm: 'platform', adopted: false },
  secret: {
    name: 'argo-server-sso',
    revision: 4,
    provedRevision: 4,
    lastRotated: at(-6 * DAY),
    nextRotation: at(DAY),
  },
  roles: [
    { name: 'admin', serviceAccount: 'workflows-admin', precedence: 1000 },
    { name: 'viewer', serviceAccount: 'workflows-viewer', precedence: 990 },
  ],
  summary: { roles: '2/2', realm: 'platform' },
};

/** The policy, with its status or another one. */
export function policyWith(
  status: Policy['status'] = FINE,
  spec: object = {},
  overrides: { readonly name?: string; readonly metadata?: object } = {},
): Policy {
  return makePolicy({ ...SPEC, ...spec }, { ...overrides, ...(status && { status }) });
}

/** The status with some conditions replaced. */
export function statusWith(
  conditions: readonly Condition[],
  more: Partial<NonNullable<Policy['status']>> = {},
): NonNullable<Policy['status']> {
  const replaced = (FINE.conditions ?? []).filter(({ type }) => !conditions.some(each => each.type === type));
  return { ...FINE, conditions: [...conditions, ...replaced], ...more };
}
