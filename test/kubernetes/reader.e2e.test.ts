import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { decodeDeployment } from '../../operator/kubernetes/decode-server.ts';
import { type ClusterReader, createReader } from '../../operator/kubernetes/reader.ts';
import { eventually } from '../env/process.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { argoServer, type Kubectl, makeKubectl } from './argo-server-objects.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';

const { signal } = new AbortController();
const namespace = uniqueName('reader');

let env: SharedEnvironment['kubernetes'];
let kubectl: Kubectl;
let folder: Folder;
let client: KubernetesClient;
let reader: ClusterReader;

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  kubectl = makeKubectl(env);
  folder = await makeFolder();
  client = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  reader = createReader(client);
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await client.close();
  await folder.remove();
});

const create = (object: object) => kubectl(['create', '-f', '-'], JSON.stringify(object));

interface Rule {
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Lets an account, or a group of them, do something in the namespace. */
async function allow(name: string, rules: readonly Rule[], kind = 'ServiceAccount', subject = name) {
  const apiGroup = 'rbac.authorization.k8s.io';
  const metadata = { name, namespace };
  const of = kind === 'ServiceAccount' ? { namespace } : { apiGroup };
  await create({
    apiVersion: `${apiGroup}/v1`,
    kind: 'Role',
    metadata,
    rules: rules.map(rule => ({ apiGroups: [''], ...rule })),
  });
  await create({
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup, kind: 'Role', name },
    subjects: [{ kind, name: subject, ...of }],
  });
}

/** The authorizer sees a rule a moment after it was made. */
const settles = (account: string, expected: readonly string[], names?: object) =>
  eventually(`what ${account} lacks is ${expected.join(', ')}`, async () => {
    const none = { configMaps: [], secrets: [] };
    const missing = await reader.missingServerAccess(namespace, account, signal, { ...none, ...names });
    expect(missing).toEqual(expected);
    return true;
  });

describe('what Argo Server’s account lacks', () => {
  const WHOLE: readonly Rule[] = [
    { resources: ['serviceaccounts'], verbs: ['get', 'list', 'watch'] },
    { resources: ['secrets'], verbs: ['get', 'create'] },
    { resources: ['configmaps'], verbs: ['get'] },
  ];

  it('is everything without any right, also for an account that is not there', async () => {
    expect(await reader.missingServerAccess(namespace, 'nobody', signal)).toEqual([
      'get serviceaccounts',
      'list serviceaccounts',
      'watch serviceaccounts',
      'get secrets',
      'create secrets',
      'get configmaps',
    ]);
  });

  it('is nothing with all of them', async () => {
    await allow('whole', WHOLE);
    await settles('whole', []);
  });

  it('is exactly what was left out', async () => {
    await allow('partly', [
      { resources: ['serviceaccounts'], verbs: ['get', 'watch'] },
      { resources: ['secrets', 'configmaps'], verbs: ['get'] },
    ]);
    await settles('partly', ['list serviceaccounts', 'create secrets']);
  });

  it('counts what the groups give that every account is in', async () => {
    await allow('group', WHOLE, 'Group', `system:serviceaccounts:${namespace}`);
    await settles('of-the-group', []);
    await kubectl(['delete', 'rolebinding', 'group', '-n', namespace]);
    await settles('of-the-group', [
      'get serviceaccounts',
      'list serviceaccounts',
      'watch serviceaccounts',
      'get secrets',
      'create secrets',
      'get configmaps',
    ]);
  });

  it('is told by name where the rights go by name, as argo-helm’s secretWhitelist has them', async () => {
    await allow('by-name', [
      { resources: ['serviceaccounts'], verbs: ['get', 'list', 'watch'] },
      { resources: ['secrets'], verbs: ['create'] },
      { resources: ['secrets'], resourceNames: ['sso'], verbs: ['get'] },
      { resources: ['configmaps'], resourceNames: ['settings'], verbs: ['get'] },
    ]);
    await settles('by-name', ['get secrets', 'get configmaps']);
    await settles('by-name', ['get secrets "argo-server-sso"'], {
      configMaps: ['settings'],
      secrets: ['sso', 'argo-server-sso'],
    });
  });

  it('is asked with the right to ask in this namespace alone, and refused without', async () => {
    const role = {
      apiGroups: ['authorization.k8s.io'],
      resources: ['localsubjectaccessreviews'],
      verbs: ['create'],
    };
    await kubectl(['create', 'serviceaccount', 'asker', '-n', namespace]);
    const token = (await kubectl(['create', 'token', 'asker', '-n', namespace])).trim();
    const cluster = { server: env.url, 'certificate-authority-data': Buffer.from(env.ca).toString('base64') };
    const asker = createKubernetesClient({ kubeconfigPath: await folder.kubeconfig(cluster, { token }) });
    try {
      const asked = createReader(asker);
      const refused = asked.missingServerAccess(namespace, 'nobody', signal);
      await expect(refused).rejects.toMatchObject({ name: 'KubernetesError', kind: 'Forbidden' });
      await allow('asker', [role]);
      const missing = await eventually('the right to ask', () =>
        asked.missingServerAccess(namespace, 'nobody', signal),
      );
      expect(missing).toHaveLength(6);
    } finally {
      await asker.close();
    }
  });
});

describe('what keeps the pods of a Deployment from being ready', () => {
  beforeAll(() => kubectl(['create', 'serviceaccount', 'argo-server', '-n', namespace]));

  const podsOf = async (name: string) =>
    (await kubectl(['get', 'pods', '-n', namespace, '-l', `app=${name}`, '-o', 'name']))
      .split('\n')
      .filter(Boolean);
  const creationTimes = async () => {
    const times = '{range .items[*]}{.metadata.creationTimestamp}{"\\n"}{end}';
    const told = await kubectl(['get', 'pods', '-n', namespace, '-o', `jsonpath=${times}`]);
    return told.split('\n').filter(Boolean).map(Date.parse);
  };
  const deployment = async (name: string) =>
    decodeDeployment(
      (await client.request({
        method: 'GET',
        path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
        signal,
      })) as RawObject,
    );

  it('is what the kubelet tells of its newest pods alone', async () => {
    const object = argoServer(namespace, 'argo-server');
    await create(object);
    await create(
      argoServer(namespace, 'argo-server-other', {
        selector: object.spec.selector,
        template: object.spec.template,
      }),
    );
    const before = await eventually('the first pods', async () => {
      const pods = await podsOf('argo-server');
      return pods.length === 2 && pods;
    });
    const waiting = (reason: string, message: string) => [
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({
        status: {
          phase: 'Pending',
          containerStatuses: [
            {
              name: 'argo-server',
              image: 'i',
              imageID: '',
              ready: false,
              restartCount: 0,
              state: { waiting: { reason, message } },
            },
          ],
        },
      }),
    ];
    for (const pod of before) {
      await kubectl(['patch', pod, '-n', namespace, ...waiting('CrashLoopBackOff', 'back-off 10s')]);
    }
    const found = await deployment('argo-server');
    const crashes =
      'container argo-server ends again and again (CrashLoopBackOff), last with exit code unknown';
    expect(await reader.podTroubles(found, signal)).toEqual([crashes]);
    // Which pods are the newest is told by whole seconds.
    const latest = Math.max(...(await creationTimes()));
    await eventually('the next second', async () => Date.now() >= latest + 1000);
    const image = 'quay.io/argoproj/argocli:v0';
    await kubectl(['set', 'image', 'deployment/argo-server', `argo-server=${image}`, '-n', namespace]);
    const next = await eventually('the next pod', async () =>
      (await podsOf('argo-server')).find(pod => !before.includes(pod)),
    );
    expect(await reader.podTroubles(found, signal)).toEqual([]);
    await kubectl(['patch', next, '-n', namespace, ...waiting('ErrImagePull', 'not found')]);
    expect(await reader.podTroubles(found, signal)).toEqual([
      `container argo-server cannot pull image ${image}: not found`,
    ]);
  });

  it('is nothing without pods', async () => {
    await create(argoServer(namespace, 'none', { replicas: 0 }));
    expect(await reader.podTroubles(await deployment('none'), signal)).toEqual([]);
  });
});
