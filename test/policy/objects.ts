import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME, LABEL_POLICY_UID } from '../../operator/api/names.ts';
import type {
  ObjectMeta,
  OwnerReference,
  Policy,
  RoleBinding,
  Secret,
  ServiceAccount,
} from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { check } from '../../operator/policy/checks.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import type { KeycloakObservation, Observation } from '../../operator/policy/observation.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import type { Reason, Violation } from '../../operator/policy/reasons.ts';
import { makePolicy, observe } from './fixtures.ts';
import { applyToCluster, type Cluster, fillTokens, objectKey, objectsOf } from './simulate.ts';

/** What shows that our field manager owns something of an object, without naming fields. */
export const MANAGED = { labels: [], annotations: [], data: [] } as const;

/** A spec with client and one role, as the smallest useful policy has it. */
export const SPEC = {
  client: {
    clientId: 'argo-workflows',
    url: 'https://workflows.example.com',
    secret: { name: 'argo-server-sso' },
  },
  roles: [
    { name: 'admin', groups: ['/platform/admins'], grants: [{ clusterRole: 'argo-access-admin' }] },
    {
      name: 'viewer',
      everyone: true,
      grants: [{ clusterRole: 'argo-access-viewer', namespaces: ['team-a'] }],
    },
  ],
};

/** Metadata of an object in namespace `argo`; its uid follows from its name. */
export function makeMeta(name: string, overrides: Partial<ObjectMeta> = {}): ObjectMeta {
  return { name, namespace: 'argo', uid: `uid-of-${name}`, resourceVersion: '1', ...overrides };
}

/** The marks of ownership that a policy puts on its objects. */
export function marksOf({
  metadata: { name, uid },
}: Policy): Pick<ObjectMeta, 'labels' | 'ownerReferences' | 'managed'> {
  return { labels: { [LABEL_POLICY_UID]: uid }, ownerReferences: [ownerOf(name, uid)], managed: MANAGED };
}

/** An owner reference to a policy. */
export function ownerOf(name: string, uid: string): OwnerReference {
  return { apiVersion: 'argo-access.io/v1alpha1', kind: 'ArgoAccessPolicy', name, uid };
}

/** A ServiceAccount in namespace `argo`. */
export function makeAccount(name: string, metadata: Partial<ObjectMeta> = {}): ServiceAccount {
  return { kind: 'ServiceAccount', metadata: makeMeta(name, metadata), secrets: [] };
}

/** A ServiceAccount with Argo's rule, as a hand would make it. */
export function makeRuleAccount(name: string, rule: string, precedence: number | string): ServiceAccount {
  return makeAccount(name, { annotations: { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: String(precedence) } });
}

/** A Secret with credentials in namespace `argo`. */
export function makeSecret(
  name: string,
  data: Readonly<Record<string, string>> = {},
  metadata: Partial<ObjectMeta> = {},
): Secret {
  const values = Object.entries(data).map(([key, text]) => [key, new SecretValue(text)]);
  return {
    kind: 'Secret',
    metadata: makeMeta(name, metadata),
    type: 'Opaque',
    data: Object.fromEntries(values),
    tokenFilled: false,
  };
}

/** A filled token Secret of an account. */
export function makeToken(account: string, metadata: Partial<ObjectMeta> = {}): Secret {
  return {
    ...makeSecret(
      `${account}.service-account-token`,
      {},
      {
        annotations: { 'kubernetes.io/service-account.name': account },
        ...metadata,
      },
    ),
    type: 'kubernetes.io/service-account-token',
    tokenFilled: true,
  };
}

/** A RoleBinding of an account of namespace `argo` to a ClusterRole. */
export function makeBinding(
  account: string,
  clusterRole: string,
  metadata: Partial<ObjectMeta> = {},
): RoleBinding {
  return {
    kind: 'RoleBinding',
    metadata: makeMeta(`argo-access:argo:${account}:clusterrole:${clusterRole}`, metadata),
    roleRef: { kind: 'ClusterRole', name: clusterRole },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'argo' }],
  };
}

/** Keycloak's answer about a client. */
export function keycloakWith(
  client: KeycloakClient | undefined,
  overrides: Partial<Extract<KeycloakObservation, { state: 'Observed' }>> = {},
): Extract<KeycloakObservation, { state: 'Observed' }> {
  return {
    state: 'Observed',
    realm: 'platform',
    issuer: 'https://sso.example.com/realms/platform',
    fresh: true,
    client,
    coverage: undefined,
    coverageHidden: undefined,
    issuerAnswers: true,
    clientRoles: [],
    groups: new Map(),
    ...overrides,
  };
}

/** No answer from Keycloak since a moment. */
export function keycloakDown(
  since: number,
  overrides: Partial<Extract<KeycloakObservation, { state: 'Failed' }>> = {},
): Extract<KeycloakObservation, { state: 'Failed' }> {
  return {
    state: 'Failed',
    reason: 'KeycloakUnavailable',
    message: 'Keycloak does not answer',
    transient: true,
    since,
    ...overrides,
  };
}

/** The first violation with a reason, as all checks together find it. */
export function violationOf(observation: Observation, reason: Reason): Violation | undefined {
  return check(observation).find(violation => violation.reason === reason);
}

/** The cluster in which a policy's roles stand as it wants them. */
export function convergedCluster(policy: Policy, overrides: Partial<Observation> = {}): Cluster {
  let cluster: Cluster = new Map();
  for (let pass = 0; pass < 8; pass += 1) {
    const observation = observe(policy, { ...overrides, ...objectsOf(cluster) });
    const changes = changesOf(plan(observation, check(observation)));
    if (changes.length === 0) return cluster;
    cluster = fillTokens(changes.reduce(applyToCluster, cluster));
  }
  throw new Error('the cluster does not come to rest');
}

/** A cluster with further objects. */
export function withObjects(
  cluster: Cluster,
  ...objects: readonly (ServiceAccount | Secret | RoleBinding)[]
): Cluster {
  return new Map([...cluster, ...objects.map(object => [objectKey(object), object] as const)]);
}

/** A policy with the smallest useful spec, and the finalizer that it gets at its first change. */
export function settledPolicy(
  overrides: Parameters<typeof makePolicy>[1] = {},
  spec: unknown = SPEC,
): Policy {
  return makePolicy(spec, {
    ...overrides,
    metadata: { finalizers: ['argo-access.io/cleanup'], ...overrides.metadata },
  });
}

/** Argo's annotations of an account as a plain value. */
export function argoAnnotations(rule: string, precedence: number, account: string) {
  return {
    [ARGO_RULE]: rule,
    [ARGO_PRECEDENCE]: String(precedence),
    [ARGO_TOKEN_NAME]: `${account}.service-account-token`,
  };
}
