import { Watch } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceAccount } from '../../operator/api/objects.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { decodeServiceAccount, type RawObject } from '../../operator/kubernetes/decode.ts';
import { RESOURCES } from '../../operator/kubernetes/paths.ts';
import {
  type Reflector,
  type ReflectorOptions,
  type ReflectorState,
  startReflector,
} from '../../operator/kubernetes/reflector.ts';
import { createStore, type Store } from '../../operator/kubernetes/store.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';
import { page, reply, type ScriptedServer, startScriptedServer, stream } from './scripted-server.ts';

const PATH = '/api/v1/namespaces/n/serviceaccounts';
const LIST = `GET ${PATH}?limit=500`;
const watchFrom = (version: string) =>
  `GET ${PATH}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;

function account(name: string, resourceVersion: string) {
  return { metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion } };
}

const added = (name: string, version: string) => ({ type: 'ADDED', object: account(name, version) });
const bookmark = (version: string) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version } },
});
const failure = (code: number, reason: string) => ({
  type: 'ERROR',
  object: { kind: 'Status', status: 'Failure', code, reason, message: `it is ${reason}` },
});

let folder: Folder;
let server: ScriptedServer;
let client: KubernetesClient;
let store: Store<ServiceAccount>;
let reflector: Reflector | undefined;
let states: string[];
let waits: number[];

beforeEach(async () => {
  folder = await makeFolder();
  server = await startScriptedServer();
  const cluster = { server: server.url, 'insecure-skip-tls-verify': true };
  client = createKubernetesClient({ kubeconfigPath: await folder.kubeconfig(cluster, { token: 't' }) });
  store = createStore();
  states = [];
  waits = [];
});

afterEach(async () => {
  reflector?.stop();
  await client.close();
  await server.close();
  await folder.remove();
});

function start(options: Partial<ReflectorOptions<ServiceAccount>> = {}): Reflector {
  reflector = startReflector({
    client,
    resource: RESOURCES.ServiceAccount,
    namespace: 'n',
    decode: decodeServiceAccount,
    store,
    onState: (state: ReflectorState, message: string) =>
      states.push(message === '' ? state : `${state}: ${message}`),
    random: () => 1,
    pause: async ms => {
      waits.push(ms);
    },
    ...options,
  });
  return reflector;
}

const requested = (...requests: readonly string[]) =>
  vi.waitFor(() => expect(server.requests).toEqual(requests), { timeout: 10_000 });
const names = () => store.list('n').map(({ metadata }) => metadata.name);

describe('a reflector', () => {
  it('lists page by page, then watches from the version of the list', async () => {
    server.answer(
      page('10', [account('a', '1')], 'more/='),
      page('10', [account('b', '2')]),
      stream([added('c', '11')]),
    );
    const started = start({ pageSize: 1 });
    expect(started.hasSynced()).toBe(false);
    expect(started.state()).toBe('starting');
    await requested(`GET ${PATH}?limit=1`, `GET ${PATH}?limit=1&continue=more%2F%3D`, watchFrom('10'));
    await vi.waitFor(() => expect(names()).toEqual(['a', 'b', 'c']));
    expect(started.hasSynced()).toBe(true);
    expect(states).toEqual(['synced']);
    expect(waits).toEqual([]);
  });

  it('lists anew when the list has become too old between two pages', async () => {
    server.answer(
      page('10', [account('a', '1')], 'more'),
      reply(410, {}),
      page('20', [account('b', '15')]),
      stream([]),
    );
    start();
    await requested(LIST, `${LIST}&continue=more`, LIST, watchFrom('20'));
    expect(names()).toEqual(['b']);
  });

  it('lists and watches one object by its name', async () => {
    server.answer(page('10', [account('a', '1')]), stream([]));
    start({ name: 'a' });
    const only = 'fieldSelector=metadata.name%3Da';
    await requested(`${LIST}&${only}`, `${watchFrom('10')}&${only}`);
    expect(names()).toEqual(['a']);
  });

  it('goes on from the last version it was told of when the server ends the watch, and says nothing', async () => {
    server.answer(page('10'), stream([added('a', '12'), bookmark('17')], 'ended'), stream([]));
    start();
    await requested(LIST, watchFrom('10'), watchFrom('17'));
    expect(names()).toEqual(['a']);
    expect(states).toEqual(['synced']);
  });

  it('goes on from the last whole event when the connection is cut, without a new list', async () => {
    server.answer(page('10'), stream([added('a', '12')], 'cut'), stream([added('b', '13')]));
    start();
    await requested(LIST, watchFrom('10'), watchFrom('12'));
    await vi.waitFor(() => expect(names()).toEqual(['a', 'b']));
    expect(states).toEqual(['synced']);
    expect(waits).toEqual([200]);
  });

  it('lists anew when the server says within the watch that the version is too old, and says nothing', async () => {
    server.answer(page('10', [account('a', '1')]), stream([failure(410, 'Expired')]), page('30'), stream([]));
    start();
    await requested(LIST, watchFrom('10'), LIST, watchFrom('30'));
    expect(names()).toEqual([]);
    expect(states).toEqual(['synced']);
    expect(waits).toEqual([200]);
  });

  it('lists anew when the server refuses the watch because the version is too old', async () => {
    server.answer(page('10'), reply(410, {}), page('30'), stream([]));
    start();
    await requested(LIST, watchFrom('10'), LIST, watchFrom('30'));
    await vi.waitFor(() => expect(states).toEqual(['synced']));
  });

  it('says so and lists anew when the server fails within the watch', async () => {
    server.answer(page('10'), stream([failure(500, 'InternalError')]), page('11'), stream([]));
    start();
    await requested(LIST, watchFrom('10'), LIST, watchFrom('11'));
    await vi.waitFor(() =>
      expect(states).toEqual(['synced', `disconnected: WATCH ${PATH}: it is InternalError`, 'synced']),
    );
  });

  it('asks again for the watch from the same version when the server is too busy for it', async () => {
    server.answer(page('10'), reply(429, ''), stream([]));
    start();
    await requested(LIST, watchFrom('10'), watchFrom('10'));
    await vi.waitFor(() => expect(states).toEqual(['synced']));
  });

  it('says so and lists anew when a watch cannot be mended at the first attempt', async () => {
    server.answer(page('10'), reply(503, ''), reply(503, ''), page('11'), stream([]));
    start();
    await requested(LIST, watchFrom('10'), watchFrom('10'), LIST, watchFrom('11'));
    await vi.waitFor(() => expect(states).toEqual([`disconnected: WATCH ${PATH}: status 503`, 'synced']));
  });

  it('stays forbidden, and does not claim to be synced in between, where it may list but not watch', async () => {
    server.answer(page('10'), reply(403, ''), page('11'), reply(403, ''), page('12'), stream([]));
    const started = start();
    await requested(LIST, watchFrom('10'), LIST, watchFrom('11'), LIST, watchFrom('12'));
    await vi.waitFor(() => expect(states).toEqual([`forbidden: WATCH ${PATH}: status 403`, 'synced']));
    expect(started.hasSynced()).toBe(true);
    expect(waits).toEqual([15_000, 15_000]);
  });

  it('waits longer and longer while the server fails, and anew after it has told something', async () => {
    const down = Array.from({ length: 9 }, () => reply(503, ''));
    server.answer(...down, page('10'), stream([added('a', '11')], 'ended'), reply(503, ''), stream([]));
    start();
    await vi.waitFor(() => expect(server.requests).toHaveLength(13));
    expect(waits.slice(0, 9)).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
    expect(waits.slice(9)).toEqual([200, 400]);
  });

  it('spreads its waits by half', async () => {
    server.answer(reply(503, ''), page('10'), stream([]));
    start({ random: () => 0 });
    await requested(LIST, LIST, watchFrom('10'));
    expect(waits).toEqual([100]);
  });

  it('waits as long as the server asks', async () => {
    server.answer(reply(429, '', { 'retry-after': '9' }), page('10'), stream([]));
    start();
    await requested(LIST, LIST, watchFrom('10'));
    expect(waits).toEqual([9000]);
  });

  it('waits longer and longer, too, while the server ends each watch without having told anything', async () => {
    const empty = Array.from({ length: 3 }, () => stream([], 'ended'));
    server.answer(page('10'), ...empty, stream([]));
    start();
    await requested(LIST, ...Array.from({ length: 4 }, () => watchFrom('10')));
    expect(waits).toEqual([200, 400, 800]);
    expect(states).toEqual(['synced']);
  });

  it('survives an object that cannot be decoded, in a watch and in a list', async () => {
    let broken = 2;
    const decode = (raw: RawObject) => {
      const decoded = decodeServiceAccount(raw);
      if (decoded.metadata.name === 'odd' && broken > 0) {
        broken -= 1;
        throw new Error('cannot be decoded');
      }
      return decoded;
    };
    server.answer(page('10'), stream([added('odd', '11'), added('b', '12')]));
    server.answer(page('12', [account('odd', '11'), account('b', '12')]));
    server.answer(page('13', [account('odd', '11'), account('b', '12')]), stream([]));
    start({ decode });
    await requested(LIST, watchFrom('10'), LIST, LIST, watchFrom('13'));
    await vi.waitFor(() => expect(states).toEqual(['synced', 'disconnected: cannot be decoded', 'synced']));
    expect(names()).toEqual(['odd', 'b']);
  });

  it('ends its watch when it is stopped, and takes in nothing any more', async () => {
    let told: ((event: object) => void) | undefined;
    const ended = Promise.withResolvers<void>();
    server.answer(page('10'), response => {
      response.writeHead(200);
      response.once('close', ended.resolve);
      told = event => response.write(`${JSON.stringify(event)}\n`);
      told(added('a', '11'));
    });
    const started = start();
    await vi.waitFor(() => expect(names()).toEqual(['a']));
    started.stop();
    told?.(added('b', '12'));
    await ended.promise;
    expect(names()).toEqual(['a']);
    expect(server.requests).toHaveLength(2);
    expect(states).toEqual(['synced']);
  });

  it('ends at once when it is stopped while it waits', async () => {
    server.answer(reply(403, ''));
    const waiting = Promise.withResolvers<AbortSignal>();
    const started = start({
      pause: (_ms, signal) => {
        waiting.resolve(signal);
        return new Promise(resolve => signal.addEventListener('abort', () => resolve()));
      },
    });
    const signal = await waiting.promise;
    started.stop();
    expect(signal.aborted).toBe(true);
    await new Promise(resolve => setImmediate(resolve));
    expect(server.requests).toEqual([LIST]);
  });
});

describe('client-node', () => {
  it('still has the limit of 30 s that must be raised above the time between two bookmarks', () => {
    expect(new Watch(client.config)).toHaveProperty('requestTimeoutMs', 30_000);
  });
});
