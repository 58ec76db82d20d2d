import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';
import { reply, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const SKIP = { 'insecure-skip-tls-verify': true };
const { signal } = new AbortController();

let folder: Folder;
let server: ScriptedServer;
let client: KubernetesClient | undefined;

beforeEach(async () => {
  folder = await makeFolder();
  server = await startScriptedServer();
});

afterEach(async () => {
  vi.useRealTimers();
  await client?.close();
  await server.close();
  await folder.remove();
});

async function connect(user: object, address = server.url): Promise<KubernetesClient> {
  client = createKubernetesClient({
    kubeconfigPath: await folder.kubeconfig({ server: address, ...SKIP }, user),
    deadlineMs: 10_000,
  });
  return client;
}

describe('a request', () => {
  it('carries method, path, query and body, and answers with what the server says', async () => {
    server.answer(reply(201, { made: true }));
    const { request } = await connect({ token: 't' }, `${server.url}/`);
    const query = { fieldManager: 'a b', dryRun: 'All' };
    const answer = await request({ method: 'POST', path: '/api/v1/x', query, body: { a: 1 }, signal });
    expect(answer).toEqual({ made: true });
    expect(server.requests).toEqual(['POST /api/v1/x?fieldManager=a+b&dryRun=All']);
  });

  it('follows no redirect, which would carry the credentials elsewhere', async () => {
    server.answer(reply(307, '', { location: `${server.url}/elsewhere` }));
    const { request } = await connect({ token: 't' });
    await expect(request({ method: 'GET', path: '/x', signal })).rejects.toMatchObject({
      kind: 'Unavailable',
      status: 307,
    });
    expect(server.requests).toEqual(['GET /x']);
  });

  it('fails with words of ours when the answer is no JSON, as from a captive portal', async () => {
    server.answer(reply(200, '<html>hunter2'));
    const { request } = await connect({ token: 't' });
    await expect(request({ method: 'GET', path: '/x', signal })).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'GET /x: the answer is no JSON',
    });
  });

  it('is not sent when its signal was aborted before', async () => {
    const { request } = await connect({ token: 't' });
    const reason = new Error('stopping');
    await expect(request({ method: 'GET', path: '/x', signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(server.requests).toEqual([]);
  });

  it('fails after the client was closed, and opens no connection any more', async () => {
    server.answer(reply(200, {}), reply(200, {}));
    const { request, close } = await connect({ token: 't' });
    await request({ method: 'GET', path: '/x', signal });
    await close();
    await expect(request({ method: 'GET', path: '/x', signal })).rejects.toMatchObject({
      kind: 'Unavailable',
    });
    expect(server.requests).toHaveLength(1);
    await vi.waitFor(async () => expect(await server.openConnections()).toBe(0));
  });
});

describe('the credentials', () => {
  /** Answers with the `Authorization` header that came. */
  function echo(response: Parameters<ReturnType<typeof reply>>[0]): void {
    response.end(JSON.stringify(response.req.headers.authorization));
  }

  it('of an account in a Pod are read again from their file, as the kubelet renews them', async () => {
    const tokenFile = await folder.write('token', 'first\n');
    // What loadFromCluster makes of the account's folder.
    const { request } = await connect({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } });
    const ask = () => {
      server.answer(echo);
      return request({ method: 'GET', path: '/x', signal });
    };
    vi.useFakeTimers({ toFake: ['Date'] });
    expect(await ask()).toBe('Bearer first');
    await folder.write('token', 'second\n');
    vi.setSystemTime(Date.now() + 61_000);
    expect(await ask()).toBe('Bearer second');
    expect(await server.openConnections()).toBe(1);
  });

  it('that cannot be read are an error of the request, which names no path', async () => {
    const tokenFile = folder.path('missing');
    const { request } = await connect({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } });
    await expect(request({ method: 'GET', path: '/x', signal })).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'GET /x: reading the credentials: ENOENT',
    });
  });

  it('that a plugin does not give in time are not waited for any longer than the request is', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['--eval', 'process.stdin.resume()'],
      interactiveMode: 'Never',
    };
    const { request } = await connect({ exec });
    const reason = new Error('stopping');
    const stopping = new AbortController();
    const late = request({ method: 'GET', path: '/x', signal: stopping.signal });
    stopping.abort(reason);
    await expect(late).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
  });

  it('that change give a new connection; the old one goes once nothing is under way on it', async () => {
    const key = await folder.write('key.pem', 'a');
    const { request } = await connect({ token: 't', 'client-key': key });
    // The first request stays without an answer for now.
    const first = Promise.withResolvers<() => void>();
    server.answer(response => first.resolve(() => response.end('"late"')), reply(200, {}));
    const late = request({ method: 'GET', path: '/1', signal });
    const answerLate = await first.promise;
    await folder.write('key.pem', 'b');
    await request({ method: 'GET', path: '/2', signal });
    expect(await server.openConnections()).toBe(2);
    answerLate();
    expect(await late).toBe('late');
    await vi.waitFor(async () => expect(await server.openConnections()).toBe(1));
  });
});

describe('a kubeconfig', () => {
  it('without HTTPS is refused at once, unless it says itself that nothing is verified', async () => {
    const kubeconfigPath = await folder.kubeconfig({ server: server.url }, {});
    expect(() => createKubernetesClient({ kubeconfigPath })).toThrow(`not reached by HTTPS: ${server.url}`);
  });

  it('without a cluster is refused at once', async () => {
    const kubeconfigPath = await folder.write('empty', '{"clusters":[],"users":[],"contexts":[]}');
    expect(() => createKubernetesClient({ kubeconfigPath })).toThrow('the kubeconfig names no cluster');
  });
});
