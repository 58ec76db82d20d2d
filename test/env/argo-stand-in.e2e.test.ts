import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { type ArgoDeployment, argoServerDeployment } from './argo-deployment.ts';
import { settingsOfBlock, settingsOfConfigMap } from './argo-settings.ts';
import { type LoginSite, loginThrough, openLogin, startLoad } from './login-load.ts';
import { type Pods, type PodsOptions, startPods } from './pods.ts';
import { eventually } from './process.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from './shared.ts';

const REDIRECT = 'https://workflows.example.com/oauth2/callback';
const CLIENT = 'argo-workflows';
const SECRET = 'argo-server-sso';
const NAME = 'argo-server';
const USERS = ['ada', 'tim'] as const;
const MERGE = 'application/merge-patch+json';

let environment: SharedEnvironment;
let client: KubernetesClient;
let realm: string;
let issuer: string;
let clientUuid: string;
let namespace: string;
let pods: Pods | undefined;

const send = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) =>
  client.request({
    method,
    path,
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body }),
    ...(method === 'PATCH' && { contentType: MERGE }),
  });
const core = (plural: string, name = '') => `/api/v1/namespaces/${namespace}/${plural}${name && `/${name}`}`;
const deploymentPath = (name = '') =>
  `/apis/apps/v1/namespaces/${namespace}/deployments${name && `/${name}`}`;

beforeAll(async () => {
  environment = await sharedEnvironment();
  client = createKubernetesClient({ kubeconfigPath: environment.kubernetes.kubeconfigPath });
  const { admin, url } = environment.keycloak;
  realm = uniqueName('stand-in');
  issuer = `${url}/realms/${realm}`;
  await admin.createRealm(realm);
  for (const username of USERS) await admin.createUser(realm, { username, groups: [] });
  clientUuid = await admin.createClient(realm, { clientId: CLIENT, redirectUris: [REDIRECT] });
});

afterAll(async () => {
  await environment.keycloak.admin.removeRealm(realm);
  await client.close();
});

beforeEach(async () => {
  namespace = uniqueName('stand-in');
  await send('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
});

afterEach(async () => {
  await pods?.stop();
  pods = undefined;
  await send('DELETE', `/api/v1/namespaces/${namespace}`);
});

const secretPath = () => `/${realm}/clients/${clientUuid}/client-secret`;

/** Values of the Secret with what Keycloak holds now. */
async function secretData() {
  const answer = await environment.keycloak.admin.request('GET', secretPath());
  const { value } = (await answer.json()) as { value: string };
  return { stringData: { 'client-id': CLIENT, 'client-secret': value } };
}

const makeSecret = async () =>
  send('POST', core('secrets'), { metadata: { name: SECRET }, ...(await secretData()) });

const readSettings = () =>
  settingsOfBlock(client, namespace, {
    issuer,
    redirectUrl: REDIRECT,
    clientId: { name: SECRET, key: 'client-id' },
    clientSecret: { name: SECRET, key: 'client-secret' },
  });

const site = (from: Pods): LoginSite => ({ service: from.service, redirectUri: REDIRECT });

/** Makes the Deployment, and runs its pods. */
async function deploy(
  options: Partial<PodsOptions> = {},
  deployment: Partial<ArgoDeployment> = {},
): Promise<Pods> {
  await send('POST', deploymentPath(), argoServerDeployment({ name: NAME, namespace, ...deployment }));
  pods = await startPods({ client, namespace, deployment: NAME, readSettings, ...options });
  return pods;
}

interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly replicas?: number;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
  }[];
}

async function deploymentNow() {
  return (await send('GET', deploymentPath(NAME))) as {
    readonly metadata: { readonly generation: number };
    readonly status?: DeploymentStatus;
  };
}

/** Waits until the rollout of the present generation is complete, as the deployment controller tells. */
const rolledOut = () =>
  eventually('the rollout is complete', async () => {
    const { metadata, status = {} } = await deploymentNow();
    const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status;
    return (
      observedGeneration === metadata.generation &&
      replicas !== undefined &&
      updatedReplicas === replicas &&
      availableReplicas === replicas
    );
  });

const annotate = (revision: string) =>
  send('PATCH', deploymentPath(NAME), {
    spec: { template: { metadata: { annotations: { 'argo-access.io/sso-revision': revision } } } },
  });

/** What has become of pods, in order, each named by its revision. */
const story = (from: Pods) =>
  from.events.map(({ pod, what }) => `${pod.annotations['argo-access.io/sso-revision'] ?? 'first'} ${what}`);

const became = (from: Pods, what: string) =>
  eventually(`a pod is ${what}`, async () => from.events.some(event => event.what === what));

describe('the stand-in for Argo Server', () => {
  it('keeps the secret that it has read until a new pod takes over, before the old one goes', async () => {
    await makeSecret();
    const run = await deploy();
    await rolledOut();
    expect(await loginThrough(site(run), 'ada')).toMatchObject({ ok: true });
    const [between, across] = [await openLogin(site(run), 'ada'), await openLogin(site(run), 'tim')];

    await environment.keycloak.admin.request('POST', secretPath());
    const refused = { ok: false, status: 401, reason: expect.stringContaining('unauthorized_client') };
    expect(await between.submit()).toMatchObject(refused);
    await send('PATCH', core('secrets', SECRET), await secretData());
    expect(await loginThrough(site(run), 'ada')).toMatchObject(refused);

    await annotate('2');
    await rolledOut();
    await became(run, 'gone');
    expect(await loginThrough(site(run), 'ada')).toMatchObject({ ok: true });
    expect(await across.submit()).toMatchObject({ ok: true });
    expect(story(run)).toEqual(['first ready', '2 ready', 'first going', 'first gone']);
  });

  it('fails no login of those that go on, or sit at the form, while pods are replaced', async () => {
    await makeSecret();
    const run = await deploy({}, { replicas: 2 });
    await rolledOut();
    const load = startLoad({ site: site(run), users: USERS, concurrency: 2 });
    for (const revision of ['2', '3']) {
      await load.hold(3);
      await annotate(revision);
      await rolledOut();
      expect(await load.submitHeld(2)).toHaveLength(2);
    }
    expect(load.held()).toBe(2);
    await load.submitHeld();
    const results = await load.stop();
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBeGreaterThan(10);
    expect(results.every(({ openedAt, doneAt }) => openedAt < doneAt)).toBe(true);
    expect(story(run).filter(event => event.endsWith('ready'))).toHaveLength(6);
  });

  it('reads its settings from the ConfigMap, and crashes until it can start', async () => {
    const run = await deploy({ readSettings: () => settingsOfConfigMap(client, namespace) });
    await became(run, 'crashed');
    expect(run.events[0]?.message).toContain('workflow-controller-configmap');
    expect(await loginThrough(site(run), 'ada')).toMatchObject({ ok: false, status: 503 });
    await makeSecret();
    const sso = {
      issuer,
      redirectUrl: REDIRECT,
      clientId: { name: SECRET, key: 'client-id' },
      clientSecret: { name: SECRET, key: 'client-secret' },
      rbac: { enabled: true },
    };
    await send('POST', core('configmaps'), {
      metadata: { name: 'workflow-controller-configmap' },
      data: { sso: JSON.stringify(sso) },
    });
    await rolledOut();
    expect(await loginThrough(site(run), 'ada')).toMatchObject({ ok: true });
  });

  it('does not start while the issuer does not answer', async () => {
    await makeSecret();
    const nowhere = async () => ({ ...(await readSettings()), issuer: `${issuer}-of-nobody` });
    const run = await deploy({ readSettings: nowhere });
    await became(run, 'crashed');
    expect(run.events[0]?.message).toContain('discovery: 404');
    expect(run.ready()).toEqual([]);
  });
});

describe('pods', () => {
  it('keep the old one in service where the new one never becomes ready', async () => {
    await makeSecret();
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "argocli:nope"' };
    const run = await deploy(
      { fate: ({ image }) => (image === 'argocli:nope' ? { kind: 'waits', waiting } : { kind: 'starts' }) },
      { progressDeadlineSeconds: 1 },
    );
    await rolledOut();
    const containers = [{ name: 'argo-server', image: 'argocli:nope' }];
    await send('PATCH', deploymentPath(NAME), { spec: { template: { spec: { containers } } } });
    await eventually('the rollout has failed', async () => {
      const { status } = await deploymentNow();
      return status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded');
    });
    const { items } = (await send('GET', core('pods'))) as {
      items: { status: { phase: string; containerStatuses: { state: { waiting?: unknown } }[] } }[];
    };
    const states = items.map(({ status }) => [status.phase, status.containerStatuses[0]?.state.waiting]);
    expect(states).toContainEqual(['Pending', waiting]);
    expect(run.ready().map(({ image }) => image)).toEqual(['quay.io/argoproj/argocli:v4.1.2']);
    expect(await loginThrough(site(run), 'ada')).toMatchObject({ ok: true });
  });

  it('end once the requests under way are answered, and not before', async () => {
    await makeSecret();
    const run = await deploy();
    await rolledOut();
    const used = Promise.withResolvers<void>();
    const answer = run.service.through(async url => {
      await used.promise;
      return (await fetch(`${url}/readyz`)).status;
    });
    await annotate('2');
    await became(run, 'going');
    expect(story(run)).not.toContain('first gone');
    used.resolve();
    expect(await answer).toBe(200);
    await became(run, 'gone');
  });

  it('are removed where the API server waits for their kubelet', async () => {
    await makeSecret();
    const run = await deploy();
    await rolledOut();
    const [pod] = run.ready();
    const target = { apiVersion: 'v1', kind: 'Node', name: 'nowhere' };
    await send('POST', `${core('pods', pod?.name)}/binding`, { metadata: { name: pod?.name }, target });
    await send('DELETE', core('pods', pod?.name));
    await became(run, 'gone');
    await eventually('another one takes over', async () => run.ready().some(({ uid }) => uid !== pod?.uid));
    await eventually('the old one is no longer there', async () => {
      const { items } = (await send('GET', core('pods'))) as { items: { metadata: { name: string } }[] };
      return items.every(({ metadata }) => metadata.name !== pod?.name);
    });
  });
});
