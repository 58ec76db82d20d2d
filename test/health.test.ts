import { afterEach, describe, expect, it } from 'vitest';
import { type Health, parseAddress, serveHealth } from '../operator/health.ts';

describe('the address of the probes', () => {
  it.each([
    ['0.0.0.0:8080', { host: '0.0.0.0', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    [':8080', { host: '', port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['8080', undefined],
    ['127.0.0.1:', undefined],
    ['127.0.0.1:65536', undefined],
    ['::1:8080', undefined],
  ])('%s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });
});

describe('the probes', () => {
  let health: Health | undefined;
  afterEach(() => health?.close());

  it('say that the process lives, and whether it is ready at the moment', async () => {
    let isReady = false;
    health = await serveHealth({ host: '127.0.0.1', port: 0 }, () => isReady);
    const { port } = health;
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    expect([await ask('/livez'), await ask('/readyz'), await ask('/else')]).toEqual([200, 503, 404]);
    isReady = true;
    expect([await ask('/livez'), await ask('/readyz')]).toEqual([200, 200]);
  });

  it('cannot be at an address that is taken', async () => {
    health = await serveHealth({ host: '127.0.0.1', port: 0 }, () => true);
    const taken = { host: '127.0.0.1', port: health.port };
    await expect(serveHealth(taken, () => true)).rejects.toThrow('EADDRINUSE');
  });
});

describe('the metrics', () => {
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' };
  let health: Health | undefined;
  afterEach(async () => {
    await health?.close();
    health = undefined;
  });

  async function ask(path: string, shown?: () => typeof metrics | undefined) {
    health ??= await serveHealth({ host: '127.0.0.1', port: 0 }, () => false, shown);
    const answer = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return [answer.status, answer.headers.get('content-type'), await answer.text()];
  }

  it('are beside the probes, whether or not the process is ready', async () => {
    expect(await ask('/metrics', () => metrics)).toEqual([200, 'text/plain; version=0.0.4', 'up 1\n']);
  });

  it.each([
    ['for good', undefined],
    ['yet', () => undefined],
  ])('are not found where there are none %s', async (_, shown) => {
    expect((await ask('/metrics', shown))[0]).toBe(404);
  });

  it('that fail say nothing of why, and leave the probes alone', async () => {
    const text = async () => {
      throw new Error('a secret');
    };
    expect(await ask('/metrics', () => ({ ...metrics, text }))).toEqual([500, 'text/plain', 'no metrics\n']);
    expect((await ask('/livez'))[0]).toBe(200);
  });
});
