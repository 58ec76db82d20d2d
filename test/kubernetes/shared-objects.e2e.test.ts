import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { crdManifest } from '../../operator/api/crd.ts';
import type { Rollout } from '../../operator/api/objects.ts';
import { type ClusterCache, startCache } from '../../operator/kubernetes/cache.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { decodeConfigMap } from '../../operator/kubernetes/decode-server.ts';
import type { NamedObjects } from '../../operator/kubernetes/shared-objects.ts';
import { createWriter } from '../../operator/kubernetes/write.ts';
import { eventually } from '../env/process.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { argoServer, type Kubectl, makeKubectl } from './argo-server-objects.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';

const { signal } = new AbortController();
const namespace = uniqueName('shared');
const WAIT = { timeout: 30_000 };
const SETTINGS = 'workflow-controller-configmap';
const SERVER = 'argo-server';
const NAMED: NamedObjects = { namespace, configMaps: [SETTINGS], deployments: [SERVER] };

let env: SharedEnvironment['kubernetes'];
let kubectl: Kubectl;
let folder: Folder;
let admin: KubernetesClient;

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  kubectl = makeKubectl(env);
  folder = await makeFolder();
  admin = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  await kubectl(['create', 'namespace', namespace]);
  // A cache settles once the policies are read, and for that there has to be their kind.
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(crdManifest()));
  await kubectl(['wait', '--for=condition=Established', 'crd', crdManifest().metadata.name]);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await admin.close();
  await folder.remove();
});

interface Caches {
  readonly cache: ClusterCache;
  readonly client: KubernetesClient;
  /** States, as `object state`. */
  readonly states: readonly string[];
  /** Namespaces told of since this was asked last. */
  readonly told: () => readonly string[];
}

const running: Caches[] = [];

afterAll(async () => {
  for (const { cache, client } of running) {
    cache.stop();
    await client.close();
  }
});

function start(client: KubernetesClient, named: readonly NamedObjects[]): Caches {
  const states: string[] = [];
  let told: string[] = [];
  const cache = startCache({
    client,
    served: [],
    targets: [],
    named,
    onState: (collection, state) => states.push(`${collection} ${state}`),
  });
  cache.onServerChange(changed => told.push(changed));
  const takeTold = () => {
    const seen = told;
    told = [];
    return seen;
  };
  const caches = { cache, client, states, told: takeTold };
  running.push(caches);
  return caches;
}

/** An account with rights to exactly the named objects, and to nothing else. */
async function clientWithRights(account: string, allowed: NamedObjects): Promise<KubernetesClient> {
  await kubectl(['create', 'serviceaccount', account, '-n', namespace]);
  await giveRights(account, allowed);
  await untilGiven(account, allowed);
  const token = (await kubectl(['create', 'token', account, '-n', namespace])).trim();
  const cluster = { server: env.url, 'certificate-authority-data': Buffer.from(env.ca).toString('base64') };
  return createKubernetesClient({ kubeconfigPath: await folder.kubeconfig(cluster, { token }) });
}

async function giveRights(account: string, { configMaps, deployments }: NamedObjects): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: account, namespace };
  const verbs = ['list', 'watch', 'patch'];
  const objects = [
    {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: [''], resources: ['configmaps'], resourceNames: configMaps, verbs },
        { apiGroups: ['apps'], resources: ['deployments'], resourceNames: deployments, verbs },
      ],
    },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    },
  ];
  for (const object of objects) await kubectl(['apply', '-f', '-'], JSON.stringify(object));
}

/** The authorizer sees a right a moment after it was given. */
async function untilGiven(account: string, { configMaps, deployments }: NamedObjects): Promise<void> {
  const as = ['--as', `system:serviceaccount:${namespace}:${account}`, '-n', namespace];
  const objects = [
    ...configMaps.map(name => `configmaps/${name}`),
    ...deployments.map(name => `deployments/${name}`),
  ];
  for (const object of objects) {
    await eventually(`the right of ${account} to ${object}`, async () => {
      const { code } = await env.kubectl(['auth', 'can-i', 'watch', object, ...as]);
      return code === 0;
    });
  }
}

const configMap = (name: string, data: object) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
const create = (object: string) => kubectl(['create', '-f', '-'], object);
const remove = (kind: string, name: string) =>
  kubectl(['delete', kind, name, '-n', namespace, '--ignore-not-found']);

describe('objects of others that are followed by name', () => {
  it('are seen with rights to these names alone: as they come, change and go', async () => {
    const client = await clientWithRights('named', NAMED);
    const { cache, told } = start(client, [NAMED]);
    await vi.waitFor(() => expect(cache.configMap(namespace, SETTINGS)).toEqual({ state: 'missing' }), WAIT);
    await vi.waitFor(() => expect(cache.deployment(namespace, SERVER)).toEqual({ state: 'missing' }), WAIT);
    await vi.waitFor(() => expect(told()).toContain(namespace), WAIT);
    await create(configMap('another', { sso: 'not ours to know' }));
    await create(configMap(SETTINGS, { sso: 'a' }));
    await create(JSON.stringify(argoServer(namespace, SERVER)));
    await vi.waitFor(
      () =>
        expect(cache.configMap(namespace, SETTINGS)).toMatchObject({
          state: 'found',
          object: { kind: 'ConfigMap', metadata: { namespace, name: SETTINGS }, data: { sso: 'a' } },
        }),
      WAIT,
    );
    await vi.waitFor(
      () =>
        expect(cache.deployment(namespace, SERVER)).toMatchObject({
          state: 'found',
          object: { kind: 'Deployment', selector: { app: SERVER }, serviceAccountName: 'argo-server' },
        }),
      WAIT,
    );
    told();
    await kubectl(['patch', 'configmap', SETTINGS, '-n', namespace, '-p', '{"data":{"sso":"b"}}']);
    await vi.waitFor(
      () => expect(cache.configMap(namespace, SETTINGS)).toMatchObject({ object: { data: { sso: 'b' } } }),
      WAIT,
    );
    expect(told()).toContain(namespace);
    await remove('configmap', SETTINGS);
    await vi.waitFor(() => expect(cache.configMap(namespace, SETTINGS)).toEqual({ state: 'missing' }), WAIT);
    expect(cache.deployment(namespace, SERVER)).toMatchObject({ state: 'found' });
    expect(told()).toContain(namespace);
    await remove('deployment', SERVER);
    await remove('configmap', 'another');
  });

  it('can be written with these rights, and what a write answers is seen at once', async () => {
    await create(configMap(SETTINGS, { other: 'o' }));
    const client = await clientWithRights('writes', NAMED);
    const { cache } = start(client, [NAMED]);
    await vi.waitFor(() => expect(cache.configMap(namespace, SETTINGS).state).toBe('found'), WAIT);
    const before = cache.configMap(namespace, SETTINGS);
    if (before.state !== 'found') throw new Error('not found');
    const { uid } = before.object.metadata;
    const writer = createWriter(client, 'test', () => 0);
    const answer = await writer.applySettings({ namespace, name: SETTINGS, uid }, 'ours', signal);
    cache.putShared(answer);
    expect(cache.configMap(namespace, SETTINGS)).toEqual({ state: 'found', object: answer });
    cache.putShared(before.object);
    expect(cache.configMap(namespace, SETTINGS)).toEqual({ state: 'found', object: answer });
    await remove('configmap', SETTINGS);
  });

  it('that the configuration does not name are not looked for, and said to be so', async () => {
    const { cache } = start(admin, [NAMED]);
    await create(configMap('unnamed', { a: 'b' }));
    const made = decodeConfigMap(
      (await admin.request({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/configmaps/unnamed`,
        signal,
      })) as RawObject,
    );
    cache.putShared(made);
    expect(cache.configMap(namespace, 'unnamed')).toEqual({
      state: 'unread',
      forbidden: true,
      message: `the operator's configuration does not name unnamed in namespaces[${namespace}].configMaps`,
    });
    expect(cache.deployment('elsewhere', SERVER)).toMatchObject({ state: 'unread', forbidden: true });
    await remove('configmap', 'unnamed');
  });

  it('that may not be read say so, block no policy, and are seen once the right is given', async () => {
    const client = await clientWithRights('refused', { ...NAMED, configMaps: ['another'] });
    const { cache, states, told } = start(client, [NAMED]);
    const refused = () => cache.configMap(namespace, SETTINGS);
    await vi.waitFor(() => expect(refused()).toMatchObject({ state: 'unread', forbidden: true }), WAIT);
    expect(refused()).toMatchObject({
      message: expect.stringContaining('cannot list resource "configmaps"'),
    });
    expect(states).toContain(`${namespace}/configmaps/${SETTINGS} forbidden`);
    expect(cache.unread([namespace])).toEqual([]);
    expect(cache.follows(namespace)).toBe(false);
    await vi.waitFor(() => expect(cache.deployment(namespace, SERVER).state).toBe('missing'), WAIT);
    await vi.waitFor(() => expect(told().length).toBeGreaterThan(0), WAIT);
    await giveRights('refused', NAMED);
    await vi.waitFor(() => expect(refused()).toEqual({ state: 'missing' }), WAIT);
    expect(told()).toContain(namespace);
  });

  it('are waited for until each is listed or refused', async () => {
    const client = await clientWithRights('settles', { ...NAMED, deployments: ['another'] });
    const { cache } = start(client, [NAMED, NAMED]);
    expect(cache.configMap(namespace, SETTINGS)).toEqual({ state: 'unread', forbidden: false, message: '' });
    await cache.whenSettled();
    expect(cache.configMap(namespace, SETTINGS).state).toBe('missing');
    expect(cache.deployment(namespace, SERVER)).toMatchObject({ state: 'unread', forbidden: true });
  });
});

describe('the rollout of a Deployment that is followed', () => {
  const names = Array.from({ length: 6 }, (_, index) => `server-${index}`);
  let cache: ClusterCache;

  beforeAll(async () => {
    await kubectl(['create', 'serviceaccount', 'argo-server', '-n', namespace]);
    ({ cache } = start(admin, [{ namespace, configMaps: [], deployments: names }]));
    await cache.whenSettled();
  });

  const make = async (name: string, spec: object = {}) => {
    await create(JSON.stringify(argoServer(namespace, name, spec)));
  };
  const found = (name: string) => {
    const sighting = cache.deployment(namespace, name);
    if (sighting.state !== 'found') throw new Error(`${name} is ${sighting.state}`);
    return sighting.object;
  };
  const becomes = async (name: string, expected: Partial<Rollout>, generation = 1) => {
    await vi.waitFor(() => {
      expect(found(name).metadata.generation).toBe(generation);
      expect(found(name).rollout).toMatchObject(expected);
    }, WAIT);
    return found(name).rollout;
  };
  /** Does what a kubelet would do to make pods ready. */
  const makeReady = async (name: string) => {
    const at = new Date().toISOString();
    const ready = ['Ready', 'ContainersReady'].map(type => ({
      type,
      status: 'True',
      lastTransitionTime: at,
    }));
    const patch = JSON.stringify({ status: { phase: 'Running', conditions: ready } });
    const pods = await kubectl(['get', 'pods', '-n', namespace, '-l', `app=${name}`, '-o', 'name']);
    for (const pod of pods.split('\n').filter(Boolean)) {
      await kubectl(['patch', pod, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch]);
    }
  };
  const recent = (time: number | undefined) => {
    expect(time).toBeDefined();
    expect(Math.abs(Date.now() - (time ?? 0))).toBeLessThan(60_000);
  };

  it('goes from rolling to complete, and the same again for a new mark', async () => {
    const [name = ''] = names;
    await make(name);
    const { startedAt } = await becomes(name, {
      progress: 'rolling',
      why: 'Deployment does not have minimum availability',
    });
    recent(startedAt);
    await vi.waitFor(async () => {
      await makeReady(name);
      expect(found(name).rollout.progress).toBe('complete');
    }, WAIT);
    const { completedAt, ...complete } = await becomes(name, { progress: 'complete' });
    recent(completedAt);
    expect(complete).toEqual({ progress: 'complete', startedAt: undefined, why: undefined });
    const { uid } = found(name).metadata;
    const writer = createWriter(admin, 'test', () => 0);
    cache.putShared(await writer.rollDeployment({ ref: { namespace, name, uid }, mark: 'm' }, signal));
    expect(found(name).rollout).toEqual({
      progress: 'rolling',
      startedAt: expect.any(Number),
      completedAt: undefined,
      why: undefined,
    });
    recent(found(name).rollout.startedAt);
    await becomes(name, { progress: 'rolling', startedAt: expect.any(Number), completedAt: undefined }, 2);
    await vi.waitFor(async () => {
      await makeReady(name);
      expect(found(name).rollout.progress).toBe('complete');
    }, WAIT);
  });

  it('is complete at once with no replicas', async () => {
    const [, name = ''] = names;
    await make(name, { replicas: 0 });
    await becomes(name, { progress: 'complete', why: undefined });
  });

  it('fails when its deadline passes', async () => {
    const [, , name = ''] = names;
    await make(name, { progressDeadlineSeconds: 1 });
    const { why } = await becomes(name, { progress: 'failed', startedAt: undefined });
    expect(why).toMatch(/^ReplicaSet "server-2-[a-z0-9]+" has timed out progressing$/);
  });

  it('tells of a quota that refuses its pods', async () => {
    const [, , , name = ''] = names;
    const template = argoServer(namespace, name).spec.template;
    const [container] = template.spec.containers;
    const containers = [{ ...container, resources: { requests: { cpu: '1m' } } }];
    const spec = { template: { ...template, spec: { ...template.spec, containers } } };
    const hard = { pods: '0' };
    await create(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'no-pods', namespace },
        spec: { hard, scopes: ['NotBestEffort'] },
      }),
    );
    const patch = ['patch', 'resourcequota', 'no-pods', '-n', namespace, '--subresource=status'];
    await kubectl([...patch, '--type=merge', '-p', JSON.stringify({ status: { hard, used: hard } })]);
    await make(name, spec);
    await vi.waitFor(() => expect(found(name).rollout.why).toMatch(/is forbidden: exceeded quota/), WAIT);
    expect(found(name).rollout.progress).toBe('rolling');
  });

  it('that is paused goes no further, and says so', async () => {
    const [, , , , name = ''] = names;
    await make(name);
    await kubectl(['rollout', 'pause', `deployment/${name}`, '-n', namespace]);
    await becomes(name, { progress: 'rolling', why: 'Deployment is paused' }, 2);
    expect(found(name).paused).toBe(true);
  });

  it('began when its spec was changed where the Deployment has no deadline', async () => {
    const [, , , , , name = ''] = names;
    await make(name, { progressDeadlineSeconds: 2 ** 31 - 1 });
    recent((await becomes(name, { progress: 'rolling' })).startedAt);
    await vi.waitFor(async () => {
      await makeReady(name);
      expect(found(name).rollout.progress).toBe('complete');
    }, WAIT);
    expect(found(name).rollout.completedAt).toBeUndefined();
  });
});
