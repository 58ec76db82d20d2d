import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { documents } from '../docs-pages.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { type FaultProxy, startProxy } from '../env/proxy.ts';
import { tokenOf } from './install.ts';
import type { Planner } from './plan-check.ts';
import { createRotatingWorld, freeLease, installArgoServer } from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import { bindingsPath, HOME, TEAM, type World, type WorldConfig } from './world.ts';

/** A world with an operator, and two who plan what it will do. */
export interface PlanningWorld {
  readonly world: World;
  /** May read what docs/cli.md says is enough. */
  readonly frugal: Planner;
  /** May list Secrets besides. */
  readonly planner: Planner;
  readonly stop: () => Promise<void>;
}

const USERS = [
  { username: 'ada', groups: ['/platform/admins'] },
  { username: 'bob', groups: ['/teams/a'] },
  { username: 'cleo', groups: ['/platform/admins', '/teams/a'] },
];

const RBAC = 'rbac.authorization.k8s.io';
const CLUSTER_ROLES = `/apis/${RBAC}/v1/clusterroles`;

interface NamedRole {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** The ClusterRoles that the documentation shows. */
function documentedRoles(): readonly NamedRole[] {
  return (documents('docs/cli.md') as readonly unknown[] as readonly (NamedRole | null)[]).filter(
    (each): each is NamedRole => each?.kind === 'ClusterRole',
  );
}

async function bind(world: World, account: string, role: string, namespace?: string): Promise<void> {
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const path = namespace === undefined ? `/apis/${RBAC}/v1/clusterrolebindings` : bindingsPath(namespace);
  await world.send('POST', path, {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name: `${account}-${role}` },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'default' }],
  });
}

/** The operator's configuration, with a client of Keycloak that may only look. */
async function planningConfig(world: World): Promise<string> {
  const roles = ['view-clients', 'view-users', 'view-realm'];
  const { clientId, secret } = await world.admin.createOperator(world.realm, roles, 'argo-access-plan');
  const secretPath = join(world.folder, 'keycloak-secret-plan');
  await writeFile(secretPath, secret, { mode: 0o600 });
  const config = parse(await readFile(world.configPath, 'utf8')) as WorldConfig;
  const connections = config.connections.map(each => ({ ...each, clientId, clientSecretFile: secretPath }));
  const path = join(world.folder, 'config-plan.yaml');
  await writeFile(path, stringify({ ...config, connections }));
  return path;
}

async function makePlanner(
  world: World,
  api: FaultProxy,
  name: string,
  configPath: string,
): Promise<Planner> {
  const metadata = { name, namespace: 'default' };
  await world.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata });
  await bind(world, name, 'argo-access-plan');
  for (const namespace of [HOME, TEAM]) await bind(world, name, 'argo-access-plan-namespace', namespace);
  const kubeconfigPath = join(world.folder, `kubeconfig-${name}`);
  const token = await tokenOf(world.send, metadata);
  await writeFile(kubeconfigPath, kubeconfig(api.url, world.kubernetes.ca, token, HOME), { mode: 0o600 });
  return { world, api, kubeconfigPath, configPath };
}

async function startApiProxy({ kubernetes: { tls, url, ca } }: World): Promise<FaultProxy> {
  const [cert, key] = await Promise.all([readFile(tls.certPath, 'utf8'), readFile(tls.keyPath, 'utf8')]);
  return startProxy({ target: url, tls: { cert, key, ca } });
}

/** Starts it, with an operator and an Argo Server, and no policy yet. */
export async function createPlanningWorld(): Promise<PlanningWorld> {
  const world = await createRotatingWorld({
    groups: ['/platform/admins', '/teams/a', '/teams/b'],
    users: USERS,
    configure: config => ({
      ...config,
      namespaces: config.namespaces.map(each => ({
        ...each,
        groups: ['/platform/*', '/teams/*', 'argo-*'],
        when: true,
      })),
    }),
  });
  const api = await startApiProxy(world);
  for (const role of documentedRoles()) await world.send('POST', CLUSTER_ROLES, role);
  await world.send('POST', CLUSTER_ROLES, {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'list-secrets' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }],
  });
  const configPath = await planningConfig(world);
  const frugal = await makePlanner(world, api, 'frugal', configPath);
  const planner = await makePlanner(world, api, 'planner', configPath);
  await bind(world, 'planner', 'list-secrets', HOME);
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await freeLease(world);
  await world.startOperator();
  const stop = async () => {
    await world.stop();
    await api.close();
  };
  return { world, frugal, planner, stop };
}
