import { SecretValue } from '../../operator/api/secret-value.ts';
import { basicAuthorization } from '../../operator/keycloak/basic.ts';
import { argoServerDeployment } from '../env/argo-deployment.ts';
import { type Fault, type FaultProxy, isLasting, type Matches, type Seen, startProxy } from '../env/proxy.ts';
import { sharedEnvironment } from '../env/shared.ts';
import { ARGO_SERVER, SETTINGS } from './rotating-world.ts';
import { applyPolicy, corePath, type Got, HOME, type World, type WorldConfig } from './world.ts';

/** Name of the policy, and of its Secret, in each lane. */
export const POLICY = 'workflows';
export const SECRET = 'argo-server-sso';

/**
 * A policy whose secret rotates with all that it needs for itself alone: a namespace with an Argo Server of its own, a
 * connection to Keycloak, and a proxy before it. Its writes are counted, those to either server together, so that the
 * same thing can go wrong after another one of them in each lane.
 */
export interface RotationLane {
  readonly home: string;
  readonly clientId: string;
  readonly connection: string;
  readonly keycloak: FaultProxy;
  /** Forgets the writes so far, and chooses the one at which something goes wrong. */
  readonly open: (chosen?: WritePoint) => void;
  /** Writes that were let through since the lane was opened. */
  readonly writes: () => readonly Seen[];
  /** The chosen write; undefined as long as it has not come. */
  readonly chosen: () => Seen | undefined;
  /** Whether a request comes after the chosen write. Counts it where it does not. */
  readonly comesAfter: Matches;
  /** Whether a request is the chosen write itself. Counts it. */
  readonly isChosen: Matches;
}

/** One of a rotation's writes: which of those of its kind. */
export interface WritePoint {
  readonly kind: WriteKind;
  /** 1 is the first. */
  readonly nth: number;
}

/** What a rotation writes: the method, and the word of the path that tells what it is. */
export const WRITE_KINDS = [
  'POST client-secret',
  'PATCH secrets',
  'PATCH deployments',
  'DELETE rotated',
  'PUT status',
  'POST events',
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

/** Which of the writes of a rotation this is; undefined where it is none. */
export function kindOf({ method, path }: Seen): WriteKind | undefined {
  const words = path.split(/[/?]/);
  return WRITE_KINDS.find(kind => {
    const [verb, word = ''] = kind.split(' ');
    return verb === method && words.includes(word);
  });
}

/** Starts lanes, the first of them in namespace {@link HOME}. */
export async function startRotationLanes(count: number): Promise<readonly RotationLane[]> {
  const { keycloak } = await sharedEnvironment();
  return Promise.all(Array.from({ length: count }, (_, index) => startLane(index + 1, keycloak.url)));
}

async function startLane(number: number, target: string): Promise<RotationLane> {
  let point: WritePoint | undefined;
  let writes: Seen[] = [];
  let chosen: Seen | undefined;
  const count = (request: Seen) => {
    // The proxy asks about a request again once it has been answered.
    if (!isLasting(request) || writes.includes(request)) return;
    writes.push(request);
    if (chosen !== undefined || kindOf(request) !== point?.kind) return;
    if (writes.filter(each => kindOf(each) === point?.kind).length === point?.nth) chosen = request;
  };
  return {
    home: number === 1 ? HOME : `home-${number}`,
    clientId: `argo-${number}`,
    connection: `lane-${number}`,
    keycloak: await startProxy({ target }),
    open: at => {
      point = at;
      writes = [];
      chosen = undefined;
    },
    writes: () => writes,
    chosen: () => chosen,
    comesAfter: request => {
      if (chosen !== undefined) return true;
      count(request);
      return false;
    },
    isChosen: request => {
      count(request);
      return request === chosen;
    },
  };
}

/** The operator's configuration with a connection and a served namespace for each lane, like those that are there. */
export function withRotationLanes(config: WorldConfig, lanes: readonly RotationLane[]): WorldConfig {
  const [connection] = config.connections;
  const [namespace] = config.namespaces;
  return {
    ...config,
    connections: lanes.map(lane => ({ ...connection, name: lane.connection, url: lane.keycloak.url })),
    namespaces: lanes.map(lane => ({
      ...namespace,
      name: lane.home,
      connections: [{ name: lane.connection }],
      clusterRoles: [],
    })),
  };
}

/**
 * From the chosen write on nothing of a lane reaches a server, exactly as if the operator had been killed at that
 * moment. Not left without an answer: that would keep the operator from the other lanes.
 */
export async function stopAtChosen(world: World, lanes: readonly RotationLane[]): Promise<void> {
  await failEach(world, lanes, ({ comesAfter }) => ({ kind: 'status', status: 503, matches: comesAfter }));
}

/** The chosen write of a lane is made, and its answer gets lost. */
export async function loseChosen(world: World, lanes: readonly RotationLane[]): Promise<void> {
  await failEach(world, lanes, ({ isChosen }) => ({ kind: 'lose', matches: isChosen }));
}

type LaneFault = Extract<Fault, { kind: 'status' | 'lose' }> & { readonly matches: Matches };

async function failEach(
  { api }: World,
  lanes: readonly RotationLane[],
  faultOf: (lane: RotationLane) => LaneFault,
): Promise<void> {
  const faults = new Map(lanes.map(lane => [lane.home, faultOf(lane)]));
  await Promise.all(lanes.map(lane => lane.keycloak.fail(faultOf(lane))));
  const [first] = faults.values();
  if (first === undefined) throw new Error('no lane');
  const matches: Matches = request => {
    const [, namespace = ''] = /\/namespaces\/([^/?]+)/.exec(request.path) ?? [];
    return faults.get(namespace)?.matches(request) ?? false;
  };
  await api.fail({ ...first, matches });
}

/** Gives the accounts of the lanes' Argo Servers the rights that Argo's own manifests give them. */
export async function allowArgoServers(world: World, lanes: readonly RotationLane[]): Promise<void> {
  const rbac = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'argo-server-role' };
  const path = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: rbac.name };
  const verbs = ['get', 'list', 'watch', 'create'];
  const rules = [{ apiGroups: [''], resources: ['configmaps', 'secrets', 'serviceaccounts'], verbs }];
  const subjects = lanes.map(({ home }) => ({ kind: 'ServiceAccount', name: 'default', namespace: home }));
  await world.send('POST', `${path}/clusterroles`, { metadata, rules });
  await world.send('POST', `${path}/clusterrolebindings`, { metadata, roleRef: rbac, subjects });
}

/** Makes the Argo Server of a lane, and the policy. */
export async function settleLane(world: World, { home, clientId, connection }: RotationLane): Promise<void> {
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: SETTINGS, namespace: home } };
  await world.send('POST', `/api/v1/namespaces/${home}/configmaps`, settings);
  const deployment = argoServerDeployment({ name: ARGO_SERVER, namespace: home, replicas: 0 });
  await world.send('POST', `/apis/apps/v1/namespaces/${home}/deployments`, deployment);
  const rotation = { schedule: '@yearly', overlap: '0s' };
  const spec = {
    keycloak: { connection },
    client: { clientId, url: 'https://workflows.example.com', secret: { name: SECRET, rotation } },
    server: { configMap: { name: SETTINGS }, deployment: ARGO_SERVER },
    roles: [{ name: 'viewer', everyone: true }],
  };
  await applyPolicy(world, spec, POLICY, home);
}

interface GotDeployment extends Got {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  };
}

/** Path of the Deployment of a lane. */
export function deploymentPath({ home }: RotationLane): string {
  return `/apis/apps/v1/namespaces/${home}/deployments/${ARGO_SERVER}`;
}

/** What of a lane tells where its rotation stands. */
export interface LaneState {
  /** Value in the Secret, and the Secret's annotations. */
  readonly value: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly secretUid: string;
  /** Of the Deployment's pod template. */
  readonly mark: string;
  /** Counts changes of the Deployment's spec. */
  readonly generation: number;
}

/** Reads Secret and Deployment as administrator. */
export async function stateOf(world: World, lane: RotationLane): Promise<LaneState> {
  const [secret, deployment] = await Promise.all([
    world.get(corePath('secrets', SECRET, lane.home)),
    world.get<GotDeployment>(deploymentPath(lane)),
  ]);
  const template = deployment?.spec.template.metadata.annotations ?? {};
  return {
    value: Buffer.from(secret?.data?.['client-secret'] ?? '', 'base64').toString('utf8'),
    annotations: secret?.metadata.annotations ?? {},
    secretUid: secret?.metadata.uid ?? '',
    mark: template['argo-access.io/sso-revision'] ?? '',
    generation: deployment?.metadata.generation ?? 0,
  };
}

/** What Keycloak's token endpoint says to a made-up code and these credentials; 400 `invalid_grant`: they are right. */
export async function askTokenEndpoint(world: World, clientId: string, value: string): Promise<string> {
  const response = await fetch(`${world.admin.url}/realms/${world.realm}/protocol/openid-connect/token`, {
    method: 'POST',
    headers: { authorization: basicAuthorization(clientId, new SecretValue(value)) },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: 'made-up' }),
  });
  return `${response.status} ${((await response.json()) as { error: string }).error}`;
}

/** Regenerations of a lane's secret that have reached Keycloak since its proxy was last reset. */
export function regenerations({ keycloak }: RotationLane): number {
  return keycloak.requests.filter(request => isRegeneration(request) && request.status !== undefined).length;
}

/** Whether a request has Keycloak make a new secret. */
export const isRegeneration: Matches = ({ method, path }) =>
  method === 'POST' && /\/clients\/[^/]+\/client-secret$/.test(path);
