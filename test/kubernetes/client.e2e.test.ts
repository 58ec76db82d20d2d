import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { Watch } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { KubernetesError } from '../../operator/kubernetes/errors.ts';
import { startProxy } from '../env/proxy.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';
import { startTunnel, type Tunnel } from './tunnel.ts';

const { signal } = new AbortController();
const namespace = uniqueName('client');
const SECRETS = `/api/v1/namespaces/${namespace}/secrets`;

let env: SharedEnvironment['kubernetes'];
let folder: Folder;
let admin: KubernetesClient;
let cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  folder = await makeFolder();
  admin = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  await admin.request({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { metadata: { name: namespace } },
    signal,
  });
});

afterEach(async () => {
  for (const step of cleanUp.toReversed()) await step();
  cleanUp = [];
});

afterAll(async () => {
  await admin.request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}`, signal });
  await admin.close();
  await folder.remove();
});

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Connects as administrator, unless told otherwise, to an address that leads to the API server. */
async function connect(
  address: string,
  options: { readonly user?: object; readonly ca?: string; readonly deadlineMs?: number } = {},
): Promise<KubernetesClient> {
  const { user = { token: env.adminToken }, ca = env.ca, deadlineMs = 20_000 } = options;
  const cluster = { server: address, 'certificate-authority-data': encoded(ca) };
  const client = createKubernetesClient({
    kubeconfigPath: await folder.kubeconfig(cluster, user),
    deadlineMs,
  });
  cleanUp.push(client.close);
  return client;
}

async function openTunnel(): Promise<Tunnel> {
  const tunnel = await startTunnel(env.url);
  cleanUp.push(tunnel.close);
  return tunnel;
}

async function openProxy() {
  const [cert, key] = await Promise.all([
    readFile(env.tls.certPath, 'utf8'),
    readFile(env.tls.keyPath, 'utf8'),
  ]);
  const proxy = await startProxy({ target: env.url, tls: { cert, key, ca: env.ca } });
  cleanUp.push(proxy.close);
  return proxy;
}

const get = ({ request }: KubernetesClient, path = `/api/v1/namespaces/${namespace}`) =>
  request({ method: 'GET', path, signal });

/** The error of a request that must fail. */
async function errorOf(request: Promise<unknown>): Promise<KubernetesError> {
  const error = await request.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof KubernetesError) return error;
  throw error;
}

describe('the connections of a client', () => {
  it('are reused: 200 requests in turn need one, 200 at once and 150 watches beside them a handful', async () => {
    const tunnel = await openTunnel();
    const client = await connect(tunnel.url);
    for (let count = 0; count < 200; count += 1) await get(client);
    expect(tunnel.opened()).toBe(1);
    await Promise.all(Array.from({ length: 200 }, () => get(client)));
    const path = SECRETS;
    const watches = await Promise.all(
      Array.from({ length: 150 }, () =>
        new Watch(client.config).watch(
          path,
          { resourceVersion: '0' },
          () => {},
          () => {},
        ),
      ),
    );
    await get(client);
    expect(tunnel.opened()).toBeLessThan(20);
    for (const watch of watches) watch.abort();
    await client.close();
    await vi.waitFor(() => expect(tunnel.open()).toBe(0));
  });

  it('end when the client is closed, with the watch that is open', async () => {
    const tunnel = await openTunnel();
    const client = await connect(tunnel.url);
    const ended = Promise.withResolvers<unknown>();
    await new Watch(client.config).watch(SECRETS, { resourceVersion: '0' }, () => {}, ended.resolve);
    await client.close();
    expect(await ended.promise).toBeInstanceOf(Error);
    await vi.waitFor(() => expect(tunnel.open()).toBe(0));
  });

  it('are not made to a server whose certificate another authority has signed', async () => {
    const client = await connect(env.url, { ca: rootCertificates[0] ?? '' });
    const error = await errorOf(get(client));
    expect(error.kind).toBe('Unavailable');
    expect(error.message).toMatch(/: (SELF_SIGNED_CERT|UNABLE_TO|DEPTH_ZERO)[A-Z_]+$/);
  });

  it('present the certificate of a kubeconfig that has one', async () => {
    const [cert, key] = await Promise.all([readFile(env.tls.certPath), readFile(env.tls.keyPath)]);
    const server = createServer(
      { cert, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate();
        response.end(JSON.stringify({ fingerprint256, authorization: request.headers.authorization }));
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp.push(async () => server.close());
    const user = {
      'client-certificate-data': cert.toString('base64'),
      'client-key-data': key.toString('base64'),
    };
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await connect(address, { user });
    expect(await get(client)).toEqual({ fingerprint256: new X509Certificate(cert).fingerprint256 });
  });
});

describe('a request that gets no answer', () => {
  it('ends at its deadline', async () => {
    const proxy = await openProxy();
    const client = await connect(proxy.url, { deadlineMs: 300 });
    await proxy.fail({ kind: 'hang' });
    const error = await errorOf(get(client));
    expect(error).toMatchObject({ kind: 'Unavailable', status: undefined });
    expect(error.message).toBe(`GET /api/v1/namespaces/${namespace}: no answer within 0.3 s`);
    await proxy.heal();
    await get(await connect(proxy.url));
  });

  it('ends when its signal is aborted, with the reason', async () => {
    const proxy = await openProxy();
    const client = await connect(proxy.url);
    await proxy.fail({ kind: 'hang' });
    const controller = new AbortController();
    const reason = new Error('stopping');
    const asked = client.request({ method: 'GET', path: '/api', signal: controller.signal });
    await vi.waitFor(() => expect(proxy.requests).toHaveLength(1));
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  it('is an error, and the next one a success, when the server was away for a while', async () => {
    const proxy = await openProxy();
    const client = await connect(proxy.url);
    await get(client);
    await proxy.fail({ kind: 'refuse' });
    const error = await errorOf(get(client));
    expect(error.kind).toBe('Unavailable');
    expect(error.message).toMatch(/: (ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET)$/);
    await proxy.heal();
    await get(client);
  });

  it('is an error when the answer is lost, although the server has done what was asked', async () => {
    const proxy = await openProxy();
    const client = await connect(proxy.url);
    await proxy.fail({ kind: 'lose' });
    const body = { metadata: { name: 'lost' } };
    const error = await errorOf(client.request({ method: 'POST', path: SECRETS, body, signal }));
    expect(error.kind).toBe('Unavailable');
    await get(admin, `${SECRETS}/lost`);
    expect(proxy.requests).toHaveLength(1);
  });
});

describe('an answer that is an error', () => {
  const post = (path: string, body: object, client = admin) =>
    client.request({ method: 'POST', path, body, signal });
  const secret = { metadata: { name: 'taken' }, data: { k: encoded('v') } };

  it('is NotFound for an object, a namespace and a kind that are not there', async () => {
    expect(await errorOf(get(admin, `${SECRETS}/missing`))).toMatchObject({ kind: 'NotFound', status: 404 });
    expect(await errorOf(post('/api/v1/namespaces/no-such/secrets', secret))).toMatchObject({
      kind: 'NotFound',
    });
    expect(await errorOf(get(admin, '/apis/example.com/v1/things'))).toMatchObject({ kind: 'NotFound' });
  });

  it('is AlreadyExists for a creation under a taken name, and Conflict for an outdated version', async () => {
    await post(SECRETS, secret);
    expect(await errorOf(post(SECRETS, secret))).toMatchObject({ kind: 'AlreadyExists', status: 409 });
    const body = { ...secret, metadata: { name: 'taken', resourceVersion: '1' } };
    const update = admin.request({ method: 'PUT', path: `${SECRETS}/taken`, body, signal });
    expect(await errorOf(update)).toMatchObject({ kind: 'Conflict', status: 409 });
  });

  it('is Unauthorized for a wrong token, which is not in the error', async () => {
    const token = 'a-token-that-nobody-has';
    const error = await errorOf(get(await connect(env.url, { user: { token } })));
    expect(error).toMatchObject({ kind: 'Unauthorized', status: 401 });
    expect(
      JSON.stringify(Object.getOwnPropertyNames(error).map(key => Reflect.get(error, key))),
    ).not.toContain(token);
  });

  it('is Forbidden for an account without rights, with the server’s words about which', async () => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await post(path, { metadata: { name: 'powerless' } });
    const answer = await post(`${path}/powerless/token`, { spec: {} });
    const { token } = (answer as { readonly status: { readonly token: string } }).status;
    const error = await errorOf(post(SECRETS, secret, await connect(env.url, { user: { token } })));
    expect(error).toMatchObject({ kind: 'Forbidden', status: 403 });
    expect(error.message).toContain('cannot create resource "secrets"');
    expect(error.message).not.toContain(token);
  });

  it.each([
    { what: 'a wrong key', data: { 'wrong key': encoded('hunter2') }, field: 'data[wrong key]' },
    { what: 'a value that is not base64', data: { k: 'hunter2!' }, field: undefined },
    { what: 'data of another type', data: 'hunter2', field: undefined },
  ])('is Invalid for a Secret with $what, and does not repeat its value', async ({ data, field }) => {
    const error = await errorOf(post(SECRETS, { metadata: { name: 'invalid' }, data }));
    expect(error.kind).toBe('Invalid');
    expect(error.message).not.toMatch(new RegExp(`hunter2|${encoded('hunter2')}`));
    if (field !== undefined) expect(error.message).toContain(field);
  });

  it('is Invalid for another object, with the server’s words', async () => {
    const error = await errorOf(
      post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'A_' } }),
    );
    expect(error).toMatchObject({ kind: 'Invalid', status: 422 });
    expect(error.message).toContain('metadata.name: Invalid value: "A_"');
  });

  it('is NamespaceTerminating for a creation in a namespace that is going away', async () => {
    const ending = uniqueName('ending');
    const path = `/api/v1/namespaces/${ending}`;
    await post('/api/v1/namespaces', { metadata: { name: ending } });
    const hold = { metadata: { name: 'held', finalizers: ['example.com/hold'] } };
    await post(`${path}/secrets`, hold);
    await admin.request({ method: 'DELETE', path, signal });
    expect(await errorOf(post(`${path}/secrets`, secret))).toMatchObject({
      kind: 'NamespaceTerminating',
      status: 403,
    });
    await admin.request({
      method: 'PATCH',
      path: `${path}/secrets/held`,
      body: { metadata: { finalizers: null } },
      contentType: 'application/merge-patch+json',
      signal,
    });
  });
});
