import { readFile } from 'node:fs/promises';
import { setTimeout as shortly } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServiceAccount } from '../../operator/api/objects.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { decodeServiceAccount } from '../../operator/kubernetes/decode.ts';
import { collectionPath, objectPath, RESOURCES } from '../../operator/kubernetes/paths.ts';
import { type ReflectorOptions, startReflector } from '../../operator/kubernetes/reflector.ts';
import { createStore, type Store } from '../../operator/kubernetes/store.ts';
import { startProxy } from '../env/proxy.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';

const { signal } = new AbortController();
const WAIT = { timeout: 20_000 };

let env: SharedEnvironment['kubernetes'];
let folder: Folder;
let admin: KubernetesClient;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let namespaces: string[] = [];
let cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  folder = await makeFolder();
  admin = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  const [cert, key] = await Promise.all([
    readFile(env.tls.certPath, 'utf8'),
    readFile(env.tls.keyPath, 'utf8'),
  ]);
  proxy = await startProxy({ target: env.url, tls: { cert, key, ca: env.ca } });
});

afterEach(async () => {
  for (const step of cleanUp.toReversed()) await step();
  cleanUp = [];
  await proxy.heal();
});

afterAll(async () => {
  for (const name of namespaces) {
    await admin.request({ method: 'DELETE', path: `/api/v1/namespaces/${name}`, signal });
  }
  namespaces = [];
  await proxy.close();
  await admin.close();
  await folder.remove();
});

const post = (path: string, body: object) => admin.request({ method: 'POST', path, body, signal });

async function makeNamespace(): Promise<string> {
  const name = uniqueName('reflector');
  await post('/api/v1/namespaces', { metadata: { name } });
  namespaces.push(name);
  return name;
}

const accounts = (namespace: string) => collectionPath(RESOURCES.ServiceAccount, namespace);
const create = (namespace: string, name: string) => post(accounts(namespace), { metadata: { name } });
const remove = (namespace: string, name: string) =>
  admin.request({ method: 'DELETE', path: objectPath(RESOURCES.ServiceAccount, namespace, name), signal });

/** Follows the ServiceAccounts of a namespace through the proxy, with every wait ended by the test. */
async function follow(
  namespace: string,
  options: Partial<ReflectorOptions<ServiceAccount>> = {},
  token = env.adminToken,
) {
  const cluster = {
    server: proxy.url,
    'certificate-authority-data': Buffer.from(env.ca).toString('base64'),
  };
  const client = createKubernetesClient({ kubeconfigPath: await folder.kubeconfig(cluster, { token }) });
  const store: Store<ServiceAccount> = createStore();
  const states: string[] = [];
  const waiting: (() => void)[] = [];
  proxy.reset();
  const reflector = startReflector({
    client,
    resource: RESOURCES.ServiceAccount,
    namespace,
    decode: decodeServiceAccount,
    store,
    onState: state => states.push(state),
    pause: (_ms, stopped) =>
      new Promise(resolve => {
        waiting.push(resolve);
        stopped.addEventListener('abort', () => resolve());
      }),
    ...options,
  });
  cleanUp.push(client.close, reflector.stop);
  return {
    reflector,
    client,
    store,
    states,
    /** Lets the wait that the reflector is in, or comes to, end. */
    goOn: async () => {
      await vi.waitFor(() => expect(waiting).not.toEqual([]), WAIT);
      waiting.shift()?.();
    },
    synced: () => vi.waitFor(() => expect(reflector.state()).toBe('synced'), WAIT),
    /** Waits until the store holds exactly these; the API server adds `default` to each namespace. */
    holds: (...names: readonly string[]) =>
      vi.waitFor(() => {
        const held = store.list(namespace).map(({ metadata }) => metadata.name);
        expect(held.filter(name => name !== 'default').toSorted()).toEqual(names);
      }, WAIT),
  };
}

const lists = () => proxy.requests.filter(({ path }) => path.includes('limit='));
const watches = () => proxy.requests.filter(({ path }) => path.includes('watch=true'));

describe('a reflector on a real API server', () => {
  it('lists page by page, and sees what is created, changed and deleted after that', async () => {
    const namespace = await makeNamespace();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(namespace, name);
    const { reflector, store, states, synced, holds } = await follow(namespace, { pageSize: 2 });
    await synced();
    await holds('a', 'b', 'c', 'd', 'e');
    expect(reflector.hasSynced()).toBe(true);
    expect(lists().length).toBeGreaterThanOrEqual(3);
    await create(namespace, 'f');
    await remove(namespace, 'b');
    await admin.request({
      method: 'PATCH',
      path: objectPath(RESOURCES.ServiceAccount, namespace, 'a'),
      body: { metadata: { labels: { changed: 'yes' } } },
      contentType: 'application/merge-patch+json',
      signal,
    });
    await holds('a', 'c', 'd', 'e', 'f');
    await vi.waitFor(
      () => expect(store.get(namespace, 'a')?.metadata.labels).toEqual({ changed: 'yes' }),
      WAIT,
    );
    expect(watches()).toHaveLength(1);
    expect(states).toEqual(['synced']);
  });

  it('sees an object that was recreated under the same name as another one', async () => {
    const namespace = await makeNamespace();
    await create(namespace, 'a');
    const { store, synced, holds } = await follow(namespace);
    await synced();
    await holds('a');
    const before = store.get(namespace, 'a')?.metadata.uid;
    await remove(namespace, 'a');
    await create(namespace, 'a');
    await vi.waitFor(() => {
      const now = store.get(namespace, 'a')?.metadata.uid;
      expect(now).toBeDefined();
      expect(now).not.toBe(before);
    }, WAIT);
  });

  it('goes on after a cut connection where it was, without a new list, and misses nothing', async () => {
    const namespace = await makeNamespace();
    await create(namespace, 'gone');
    const { states, synced, holds, goOn } = await follow(namespace);
    await synced();
    await create(namespace, 'a');
    await holds('a', 'gone');
    await proxy.fail({ kind: 'refuse' });
    await create(namespace, 'b');
    await remove(namespace, 'gone');
    await proxy.heal();
    await goOn();
    await holds('a', 'b');
    expect(lists()).toHaveLength(1);
    expect(watches()).toHaveLength(2);
    expect(states).toEqual(['synced']);
  });

  it('says so while the API server is away, and then finds what it has missed by a new list', async () => {
    const namespace = await makeNamespace();
    await create(namespace, 'gone');
    const { reflector, states, synced, holds, goOn } = await follow(namespace);
    await synced();
    await holds('gone');
    await proxy.fail({ kind: 'refuse' });
    await goOn();
    await vi.waitFor(() => expect(reflector.state()).toBe('disconnected'), WAIT);
    await goOn();
    await remove(namespace, 'gone');
    await create(namespace, 'new');
    expect(reflector.hasSynced()).toBe(true);
    await proxy.heal();
    await goOn();
    await synced();
    await holds('new');
    expect(lists()).toHaveLength(2);
    expect(states).toEqual(['synced', 'disconnected', 'synced']);
  });

  it('starts to follow once the API server, away at first, is there', async () => {
    const namespace = await makeNamespace();
    await proxy.fail({ kind: 'refuse' });
    const { reflector, states, synced, goOn } = await follow(namespace);
    await vi.waitFor(() => expect(reflector.state()).toBe('disconnected'), WAIT);
    expect(reflector.hasSynced()).toBe(false);
    await proxy.heal();
    await goOn();
    await synced();
    expect(states).toEqual(['disconnected', 'synced']);
  });

  it('says that it may not read, and follows once the right is given', async () => {
    const namespace = await makeNamespace();
    await create(namespace, 'reader');
    const answer = await post(`${accounts(namespace)}/reader/token`, { spec: {} });
    const { token } = (answer as { readonly status: { readonly token: string } }).status;
    const pause = async () => void (await shortly(50));
    const { reflector, store, states, synced } = await follow(namespace, { pause }, token);
    await vi.waitFor(() => expect(reflector.state()).toBe('forbidden'), WAIT);
    expect(store.list(namespace)).toEqual([]);
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const rule = { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['list', 'watch'] };
    await post(`${rbac}/roles`, { metadata: { name: 'reader' }, rules: [rule] });
    await post(`${rbac}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
    });
    await synced();
    await vi.waitFor(() => expect(store.get(namespace, 'reader')).toBeDefined(), WAIT);
    expect(states).toEqual(['forbidden', 'synced']);
  });

  it('lists anew when the server no longer knows the version', async () => {
    const namespace = await makeNamespace();
    const { states, synced, goOn, holds } = await follow(namespace);
    await synced();
    await proxy.fail({ kind: 'status', status: 410, matches: ({ path }) => path.includes('watch=true') });
    await proxy.fail({ kind: 'refuse' });
    await create(namespace, 'a');
    await proxy.fail({ kind: 'status', status: 410, matches: ({ path }) => path.includes('watch=true') });
    await goOn();
    await vi.waitFor(() => expect(watches().length).toBeGreaterThanOrEqual(2), WAIT);
    await proxy.heal();
    await goOn();
    await holds('a');
    expect(lists()).toHaveLength(2);
    expect(states).toEqual(['synced']);
  });

  it('keeps what a write has answered, whether the watch tells of it before or after', async () => {
    const namespace = await makeNamespace();
    const { store, synced, holds } = await follow(namespace);
    await synced();
    const told: boolean[] = [];
    store.onChange(({ object, deleted }) => {
      if (object.metadata.name === 'a') told.push(deleted);
    });
    const made = decodeServiceAccount((await create(namespace, 'a')) as object);
    store.put(made);
    store.remove(namespace, 'a', made.metadata.uid);
    await remove(namespace, 'a');
    await create(namespace, 'z');
    await holds('z');
    expect(told).toEqual([false, true]);
  });
});
