import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import { ruleForGroups } from '../../operator/policy/rules.ts';
import { documents } from '../docs-pages.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { readyStatus } from '../env/pod-status.ts';
import { eventually } from '../env/process.ts';
import { tokenOf } from './install.ts';
import { edit } from './quiet.ts';
import { DEPLOYMENT_PATH, installArgoServer, SETTINGS_PATH } from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import { replaceSettings } from './server-looks.ts';
import { bindingsPath, corePath, type Got, HOME, type World, type WorldConfig } from './world.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** The client that somebody has made by hand. */
export const CLIENT = 'argo-by-hand';
/** The Secret with its id and secret. */
export const SECRET = 'argo-sso';
/** The rule of one account. */
export const ADMIN_RULE = ruleForGroups(['/platform/admins']);
/** Where Argo Server is reached. */
export const REDIRECT = 'https://workflows.example.com/oauth2/callback';

/** Argo's settings of an installation that works, as data. */
export function goodSettings(world: World): Readonly<Record<string, unknown>> {
  return {
    issuer: `${world.keycloak.url}/realms/${world.realm}`,
    clientId: { name: SECRET, key: 'client-id' },
    clientSecret: { name: SECRET, key: 'client-secret' },
    redirectUrl: REDIRECT,
    rbac: { enabled: true },
  };
}

interface Pod extends Got {
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] };
}

interface Rolled extends Got {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

async function livePods(world: World): Promise<readonly Pod[]> {
  const pods = await world.list<Pod>(`${corePath('pods', '').slice(0, -1)}?labelSelector=app=argo-server`);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Has the containers of all pods run since a time, as a kubelet tells. */
export async function startPods(world: World, at = new Date()): Promise<void> {
  for (const { metadata, spec } of await livePods(world)) {
    const { name, uid, annotations = {} } = metadata;
    const [container = { name: '', image: '' }] = spec.containers;
    const view = { name, uid, annotations, container: container.name, image: container.image };
    await edit(world, `${corePath('pods', name)}/status`, { status: readyStatus(view, 0, at) });
  }
}

function isRolledOut({ metadata, status = {} }: Rolled): boolean {
  const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status;
  const counts = [replicas, updatedReplicas, availableReplicas];
  return observedGeneration === metadata.generation && counts.every(count => count === 1);
}

/** Lets a rollout of Argo Server come to its end. */
export async function rollOut(world: World): Promise<void> {
  await eventually('Argo Server is rolled out', async () => {
    const found = await world.get<Rolled>(DEPLOYMENT_PATH);
    if (found !== undefined && isRolledOut(found)) return true;
    await startPods(world);
    return undefined;
  });
}

/** Writes Argo's settings, with which Argo Server starts anew. */
export async function writeSettings(world: World, data: Readonly<Record<string, unknown>>): Promise<void> {
  const found = (await world.get(SETTINGS_PATH))?.data ?? {};
  const gone = Object.fromEntries(Object.keys(found).map(key => [key, null]));
  await edit(world, SETTINGS_PATH, { data: { ...gone, ...data } });
  await startPods(world);
}

/** Writes the block `sso` with some of it changed. */
export function writeSso(world: World, change: Readonly<Record<string, unknown>> = {}): Promise<void> {
  return writeSettings(world, { sso: stringify({ ...goodSettings(world), ...change }) });
}

/** Makes an account with a rule, its token and a role. */
export async function makeAccount(
  world: World,
  name: string,
  rule: string,
  precedence: string,
  namespace = HOME,
): Promise<void> {
  const annotations = { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: precedence };
  const base = `/api/v1/namespaces/${namespace}`;
  await world.send('POST', `${base}/serviceaccounts`, { metadata: { name, annotations } });
  await makeToken(world, name, namespace);
  await bindViewer(world, name, namespace);
}

/** Lets an account look at workflows. */
export function bindViewer(world: World, name: string, namespace: string): Promise<unknown> {
  return world.send('POST', bindingsPath(namespace), {
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'argo-access-viewer' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
}

/** Makes the Secret with an account's token, and waits for the token. */
export async function makeToken(world: World, name: string, namespace = HOME): Promise<void> {
  const secret = `${name}.service-account-token`;
  await world.send('POST', `/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: secret, annotations: { 'kubernetes.io/service-account.name': name } },
    type: 'kubernetes.io/service-account-token',
  });
  await eventually('the token is there', async () => {
    return (await world.get(corePath('secrets', secret, namespace)))?.data?.token;
  });
}

/** Removes what {@link makeAccount} makes. */
export async function removeAccount(world: World, name: string, namespace = HOME): Promise<void> {
  await world.send('DELETE', corePath('serviceaccounts', name, namespace));
  await world.send('DELETE', `${bindingsPath(namespace)}/${name}`);
}

/** The client of the realm, as somebody makes it by hand. */
async function makeClient({ admin, realm }: World): Promise<string> {
  return admin.createClient(realm, {
    clientId: CLIENT,
    publicClient: false,
    standardFlowEnabled: true,
    redirectUris: [REDIRECT],
    protocolMappers: [groupsMapper()],
  });
}

/** The mapper that puts groups into tokens. */
export function groupsMapper(): Readonly<Record<string, unknown>> {
  const config = { 'claim.name': 'groups', 'full.path': 'true', 'id.token.claim': 'true' };
  return {
    name: 'groups',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-group-membership-mapper',
    config,
  };
}

/** Writes the client's id and its present secret into the Secret, with which Argo Server starts anew. */
export async function writeCredentials(
  world: World,
  change: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { current } = await world.admin.clientSecretState(world.realm, CLIENT);
  const stringData = { 'client-id': CLIENT, 'client-secret': current, ...change };
  const path = corePath('secrets', SECRET);
  if ((await world.get(path)) !== undefined) await world.send('DELETE', path);
  await world.send('POST', corePath('secrets', '').slice(0, -1), { metadata: { name: SECRET }, stringData });
  await startPods(world);
}

/** Makes Argo's own Secret as Argo Server does. */
export async function makeCookieKey(world: World): Promise<void> {
  const data = { cookieEncryptionPrivateKey: Buffer.from('a key that is none').toString('base64') };
  await world.send('POST', corePath('secrets', '').slice(0, -1), { metadata: { name: 'sso' }, data });
}

/** Makes a working installation without any policy; gives Keycloak's id of the client. */
export async function installByHand(world: World): Promise<string> {
  const id = await makeClient(world);
  await letServerWork(world);
  await installArgoServer(world);
  await makeCookieKey(world);
  await makeAccount(world, 'admin', ADMIN_RULE, '100');
  await makeAccount(world, 'viewer', 'true', '10');
  await writeCredentials(world);
  // Of one that was made empty, the API server does not note who writes what.
  await replaceSettings(world, { sso: stringify(goodSettings(world)) });
  await rollOut(world);
  // The pods may have been ready before the settings were there.
  await startPods(world);
  return id;
}

/** Kubeconfig of an account, which may do nothing yet. */
export async function accountKubeconfig(world: World, name: string): Promise<string> {
  const { kubernetes, folder, send } = world;
  const metadata = { name, namespace: 'default' };
  await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata });
  const path = join(folder, `kubeconfig-${name}`);
  const token = await tokenOf(send, metadata);
  await writeFile(path, kubeconfig(kubernetes.url, kubernetes.ca, token, HOME), { mode: 0o600 });
  return path;
}

/** Gives an account exactly the rights that docs/cli.md says are enough for `doctor`. */
export async function letLook(world: World, name: string, namespaces: readonly string[]): Promise<void> {
  const roles = documents('docs/cli.md') as readonly { kind?: string; metadata?: { name: string } }[];
  const role = (wanted: string) => roles.find(({ metadata }) => metadata?.name === wanted);
  const subjects = [{ kind: 'ServiceAccount', name, namespace: 'default' }];
  const bind = (path: string, to: string) =>
    world.send('POST', path, {
      metadata: { name: to },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: to },
      subjects,
    });
  const [whole, within] = ['argo-access-doctor', 'argo-access-doctor-namespace'];
  for (const each of [whole, within]) {
    await world.send('POST', `/apis/${RBAC}/v1/clusterroles`, role(each ?? ''));
  }
  await bind(`/apis/${RBAC}/v1/clusterrolebindings`, 'argo-access-doctor');
  for (const namespace of namespaces) await bind(bindingsPath(namespace), 'argo-access-doctor-namespace');
}

/** The operator's configuration, with a client of Keycloak that may only look. */
export async function lookingConfig(world: World): Promise<string> {
  const roles = ['view-clients', 'view-users'];
  const { clientId, secret } = await world.admin.createOperator(world.realm, roles, 'argo-access-doctor');
  const secretPath = join(world.folder, 'keycloak-secret-doctor');
  await writeFile(secretPath, secret, { mode: 0o600 });
  const config = parse(await readFile(world.configPath, 'utf8')) as WorldConfig;
  const connections = config.connections.map(each => ({ ...each, clientId, clientSecretFile: secretPath }));
  const path = join(world.folder, 'config-doctor.yaml');
  await writeFile(path, stringify({ ...config, connections }));
  return path;
}
