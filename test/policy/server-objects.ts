import { ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import type { ConfigMap, Container, Deployment } from '../../operator/api/objects.ts';
import type { Observation, ServerObservation } from '../../operator/policy/observation.ts';
import { makeClient, makePolicy, observe } from './fixtures.ts';
import { keycloakWith, makeMeta, makeSecret, SPEC as PLAIN } from './objects.ts';

/** Issuer of the realm that the fixtures use. */
export const ISSUER = 'https://sso.example.com/realms/platform';

/** A spec with client, one role, and an Argo Server whose settings are managed. */
export const SPEC = {
  ...PLAIN,
  server: { configMap: { name: 'workflow-controller-configmap' }, deployment: 'argo-server' },
};

/** A ConfigMap with Argo's settings in namespace `argo`. */
export function makeConfigMap(
  data: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): ConfigMap {
  return { kind: 'ConfigMap', metadata: makeMeta('workflow-controller-configmap', { labels }), data };
}

/** Argo Server's container as its own manifests have it, with single sign-on. */
export function makeContainer(overrides: Partial<Container> = {}): Container {
  return {
    name: 'argo-server',
    image: 'quay.io/argoproj/argocli:v4.1.2',
    words: ['argo', 'server', '--auth-mode=sso'],
    env: {},
    ...overrides,
  };
}

/** Argo Server's Deployment in namespace `argo`, rolled out. */
export function makeDeployment(container: Partial<Container> = {}): Deployment {
  return {
    kind: 'Deployment',
    metadata: makeMeta('argo-server'),
    templateAnnotations: {},
    paused: false,
    selector: { app: 'argo-server' },
    rollout: { progress: 'complete', startedAt: undefined, completedAt: undefined, why: undefined },
    serviceAccountName: 'argo-server',
    containers: [makeContainer(container)],
  };
}

/** Fields of a spec's `server` beside those of {@link SPEC}. */
export type ServerFields = Readonly<Record<string, unknown>>;

/** An observation of a policy with an Argo Server, whose client and Secret are there. */
export function observeServer(
  server: Partial<ServerObservation>,
  fields: ServerFields = {},
  overrides: Partial<Observation> = {},
): Observation {
  const policy = makePolicy({ ...SPEC, server: { ...SPEC.server, ...fields } });
  const attributes = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };
  const secret = makeSecret('argo-server-sso', { 'client-id': 'argo-workflows', 'client-secret': 'x' });
  return observe(policy, {
    keycloak: keycloakWith(makeClient({ attributes }), { issuer: ISSUER }),
    secrets: [secret],
    server: {
      configMap: policy.spec.server?.configMap && { state: 'found', object: makeConfigMap({}) },
      deployment: { state: 'found', object: makeDeployment() },
      missingAccess: [],
      groupFilter: { invalid: [], dropped: [] },
      delegating: [],
      cookieKey: undefined,
      ...server,
    },
    ...overrides,
  });
}

/** An observation with Argo's settings as given. */
export function observeSettings(
  data: Readonly<Record<string, string>>,
  fields: ServerFields = {},
  labels: Readonly<Record<string, string>> = {},
): Observation {
  const seen = observeServer({}, fields);
  const configMap =
    seen.server.configMap && ({ state: 'found', object: makeConfigMap(data, labels) } as const);
  return { ...seen, server: { ...seen.server, configMap } };
}

/** An observation with Argo Server's container as given. */
export function observeContainer(container: Partial<Container>, fields: ServerFields = {}): Observation {
  return observeServer({ deployment: { state: 'found', object: makeDeployment(container) } }, fields);
}
