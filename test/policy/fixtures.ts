import type { Policy } from '../../operator/api/objects.ts';
import { type PolicySpec, specSchema } from '../../operator/api/schema.ts';
import type { NamespaceAllowance } from '../../operator/policy/allow.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import { NOTHING_SEEN } from '../../operator/policy/nothing-seen.ts';
import type { Observation } from '../../operator/policy/observation.ts';

/** A moment for tests that need one. */
export const NOW = Date.parse('2026-03-01T12:00:00Z');

/** An allowance that names everything the other fixtures use. */
export const ALLOWANCE: NamespaceAllowance = {
  name: 'argo',
  connections: [{ name: 'default', realms: ['platform'] }],
  clientIds: ['argo-*'],
  urls: ['https://*.example.com'],
  groups: ['*', '/*', '/*/*'],
  clusterRoles: ['A', 'B', 'C', 'argo-access-admin', 'argo-access-viewer'].map(name => ({
    name,
    namespaces: ['argo', 'team-a'],
  })),
  roles: [],
  configMaps: [],
  deployments: [],
  adopt: true,
  everyone: true,
  when: true,
  shortGroupNames: false,
};

/** A policy in namespace `argo` from the fields of its spec that matter. */
export function makePolicy(
  spec: unknown,
  overrides: { readonly name?: string; readonly metadata?: object; readonly status?: Policy['status'] } = {},
): Policy {
  const name = overrides.name ?? 'workflows';
  const parsed: PolicySpec = specSchema.parse(spec);
  return {
    kind: 'ArgoAccessPolicy',
    metadata: {
      name,
      namespace: 'argo',
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...overrides.metadata,
    },
    spec: parsed,
    ...(overrides.status && { status: overrides.status }),
  };
}

/** An observation of a policy in an otherwise empty cluster. */
export function observe(policy: Policy, overrides: Partial<Observation> = {}): Observation {
  return {
    ...NOTHING_SEEN,
    now: NOW,
    operator: { instanceId: 'test', clusterUid: 'cluster-1', formerClusters: [], ownClientId: 'operator' },
    policy,
    allowance: ALLOWANCE,
    connection: { name: 'default', realm: 'platform', url: 'https://sso.example.com' },
    neighbours: [],
    livePolicyUids: new Set([policy.metadata.uid]),
    rotation: { schedule: undefined, request: undefined, standing: { state: 'Leads' } },
    ...overrides,
  };
}

/** A Keycloak client as a hand would make it. */
export function makeClient(overrides: Partial<KeycloakClient> = {}): KeycloakClient {
  return {
    id: 'id-1',
    clientId: 'argo-workflows',
    description: '',
    enabled: true,
    protocol: 'openid-connect',
    publicClient: false,
    bearerOnly: false,
    standardFlowEnabled: true,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    serviceAccountsEnabled: false,
    fullScopeAllowed: true,
    clientAuthenticatorType: 'client-secret',
    baseUrl: '',
    redirectUris: [],
    attributes: {},
    secret: undefined,
    secretLife: { createdAt: undefined, expiresAt: undefined, rotated: undefined },
    mappers: [],
    ...overrides,
  };
}
