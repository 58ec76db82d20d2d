import { leaseName } from '../../operator/rbac.ts';
import { argoServerDeployment } from '../env/argo-deployment.ts';
import { ROTATING_OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import {
  corePath,
  createWorld,
  HOME,
  OPERATOR_NAMESPACE,
  usualSpec,
  type World,
  type WorldConfig,
  type WorldOptions,
} from './world.ts';

/** Names of Argo's ConfigMap and Deployment in these tests. */
export const SETTINGS = 'workflow-controller-configmap';
export const ARGO_SERVER = 'argo-server';

/** Path of Argo Server's Deployment. */
export const DEPLOYMENT_PATH = `/apis/apps/v1/namespaces/${HOME}/deployments/${ARGO_SERVER}`;
/** Path of the ConfigMap with Argo's settings. */
export const SETTINGS_PATH = corePath('configmaps', SETTINGS);

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases`;

/** Path of the operator's Lease. */
export function leasePath(instanceId = 'test'): string {
  return `${LEASES}/${leaseName(instanceId)}`;
}

/** A world whose operator may rotate secrets and follow Argo Server. */
export function createRotatingWorld(options: WorldOptions = {}): Promise<World> {
  const { configure = (config: WorldConfig) => config } = options;
  return createWorld({
    ...options,
    operatorRoles: options.operatorRoles ?? ROTATING_OPERATOR_ROLES,
    configure: config =>
      configure({
        ...config,
        namespaces: config.namespaces.map(each => ({
          ...each,
          configMaps: [SETTINGS],
          deployments: [ARGO_SERVER],
        })),
      }),
  });
}

/**
 * Makes the operator's Lease as one that was let go, so that the next operator leads at once. To be called before each
 * start, also after one that was killed.
 */
export async function freeLease(world: World, instanceId = 'test'): Promise<void> {
  const name = leaseName(instanceId);
  const body = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: OPERATOR_NAMESPACE },
    spec: { holderIdentity: '', leaseDurationSeconds: 1 },
  };
  const path = leasePath(instanceId);
  const found = await world.get(path);
  if (found === undefined) await world.send('POST', LEASES, body);
  else await world.send('PATCH', path, { spec: body.spec }, 'application/merge-patch+json');
}

/** Makes Argo Server's Deployment and its empty ConfigMap, as an installation has them before a policy comes. */
export async function installArgoServer(
  world: World,
  overrides: Partial<Parameters<typeof argoServerDeployment>[0]> = {},
): Promise<void> {
  await world.send('POST', `/api/v1/namespaces/${HOME}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: SETTINGS, namespace: HOME },
    data: {},
  });
  const deployment = argoServerDeployment({ name: ARGO_SERVER, namespace: HOME, ...overrides });
  await world.send('POST', `/apis/apps/v1/namespaces/${HOME}/deployments`, deployment);
}

/** The spec of a policy whose secret rotates, with Argo Server unless it is left out. */
export function rotatingSpec(
  rotation: Readonly<Record<string, unknown>> = { schedule: '@daily' },
  overrides: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const usual = usualSpec();
  const client = usual.client as Readonly<Record<string, unknown>>;
  return {
    ...usual,
    client: { ...client, secret: { name: 'argo-server-sso', rotation } },
    server: { configMap: { name: SETTINGS }, deployment: ARGO_SERVER },
    ...overrides,
  };
}
