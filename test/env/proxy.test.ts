import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startProxy } from './proxy.ts';

let server: Server;
let received: string[];
let proxy: FaultProxy;

function answer(request: IncomingMessage, response: ServerResponse): void {
  received.push(`${request.method} ${request.url}`);
  if (request.url === '/stream') {
    response.write('first');
    return;
  }
  request.pipe(response);
}

beforeEach(async () => {
  received = [];
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startProxy({ target: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

afterEach(async () => {
  await proxy.close();
  server.closeAllConnections();
  server.close();
});

const post = (path: string) => fetch(proxy.url + path, { method: 'POST', body: 'text' });

describe('proxy', () => {
  it('passes requests on and lists them until it is reset', async () => {
    expect(await (await post('/a?b=c')).text()).toBe('text');
    await fetch(`${proxy.url}/d`);
    expect(proxy.requests).toEqual([
      { method: 'POST', path: '/a?b=c', status: 200 },
      { method: 'GET', path: '/d', status: 200 },
    ]);
    proxy.reset();
    expect(proxy.requests).toEqual([]);
  });

  it('passes on what a stream has given so far, and ends it when the server goes away', async () => {
    const reader = (await fetch(`${proxy.url}/stream`)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first');
    server.closeAllConnections();
    await expect(reader?.read()).rejects.toThrow();
  });

  it('refuses connections until it is healed, on the same port', async () => {
    await proxy.fail({ kind: 'refuse' });
    await expect(post('/')).rejects.toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ECONNREFUSED' }) }),
    );
    await proxy.heal();
    expect((await post('/')).status).toBe(200);
    expect(received).toEqual(['POST /']);
  });

  it('comes back at its port once nobody holds that any more', async () => {
    await proxy.fail({ kind: 'refuse' });
    const holder = createServer().listen(Number(new URL(proxy.url).port), '127.0.0.1');
    await once(holder, 'listening');
    const healed = proxy.heal();
    expect(await Promise.race([healed.then(() => 'healed'), pause(100).then(() => 'waits')])).toBe('waits');
    holder.close();
    await healed;
    expect((await post('/')).status).toBe(200);
  });

  it('answers with a status itself, only where the request matches', async () => {
    await proxy.fail({ kind: 'status', status: 503, matches: ({ path }) => path === '/broken' });
    expect((await post('/broken')).status).toBe(503);
    expect((await post('/whole')).status).toBe(200);
    expect(received).toEqual(['POST /whole']);
    expect(proxy.requests[0]).toEqual({ method: 'POST', path: '/broken', status: undefined });
  });

  it('loses the answer to a request that the server has handled', async () => {
    await proxy.fail({ kind: 'lose' });
    await expect(post('/')).rejects.toThrow();
    expect(received).toEqual(['POST /']);
    expect(proxy.requests[0]?.status).toBe(200);
  });

  it('leaves a request without an answer, and the server without the request', async () => {
    await proxy.fail({ kind: 'hang' });
    await expect(fetch(proxy.url, { signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout');
    expect(received).toEqual([]);
  });

  it('passes a delayed request on', async () => {
    await proxy.fail({ kind: 'delay', ms: 1 });
    expect((await post('/')).status).toBe(200);
  });

  it('acts after the chosen write, whose answer is lost, and only once', async () => {
    const acts: number[] = [];
    proxy.killAfter({ count: 2, answer: 'lost', action: () => void acts.push(received.length) });
    await post('/1');
    await fetch(proxy.url);
    await post('/realms/r/protocol/openid-connect/token');
    await expect(post('/2')).rejects.toThrow();
    expect(acts).toEqual([4]);
    expect((await post('/3')).status).toBe(200);
    expect(acts).toEqual([4]);
  });

  it('acts after the answer to the chosen request has been passed on', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.killAfter({ count: 1, matches: ({ path }) => path === '/1', answer: 'passed', action: resolve });
    expect(await (await post('/1')).text()).toBe('text');
    await promise;
  });

  it('holds the answer to the chosen request back until it has acted', async () => {
    const acts: string[] = [];
    const action = async () => {
      await new Promise(resolve => setImmediate(resolve));
      acts.push(...received);
    };
    proxy.killAfter({ count: 1, answer: 'held', action });
    expect(await (await post('/1')).text()).toBe('text');
    expect(acts).toEqual(['POST /1']);
  });

  it('resets the connection when the server behind is gone', async () => {
    server.closeAllConnections();
    server.close();
    await expect(post('/')).rejects.toThrow();
  });
});
