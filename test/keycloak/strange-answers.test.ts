import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clients } from '../../operator/keycloak/clients.ts';
import { createClients } from '../../operator/keycloak/clients.ts';
import type { Groups } from '../../operator/keycloak/groups.ts';
import { createGroups } from '../../operator/keycloak/groups.ts';
import { createRealm, type KeycloakRealm } from '../../operator/keycloak/realm.ts';
import { createSession, type Session } from '../../operator/keycloak/session.ts';
import { makeClient } from '../policy/fixtures.ts';
import { clientFields, credentials, failureOf, GROUPS_MAPPER } from './harness.ts';

/** What answers in the place of Keycloak: a real one never gives these. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection breaks after the body. */
  readonly breaks?: boolean;
}

const HTML = '<html><body>default backend</body></html>';
const TOKEN = JSON.stringify({ access_token: 'a.b.c', expires_in: 60 });

let server: Server;
let session: Session;
let clients: Clients;
let groups: Groups;
let realm: KeycloakRealm;
let answer: Answer;
let tokenAnswer: Answer;
let requests: string[];

beforeEach(async () => {
  requests = [];
  tokenAnswer = { status: 200, body: TOKEN };
  server = createServer((request, response) => {
    requests.push(request.method ?? '');
    request.resume();
    const { status, headers, body, breaks } = request.url?.endsWith('/token') ? tokenAnswer : answer;
    response.writeHead(status, headers);
    if (breaks) response.write(body, () => response.destroy());
    else response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  session = createSession({
    name: 'default',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/`,
    signInRealm: 'platform',
    readCredentials: async () => credentials({ clientId: 'operator', secret: 'top-secret' }),
  });
  clients = createClients(session, 'platform');
  groups = createGroups(session, 'platform');
  realm = createRealm({ session, realm: 'other', signInRealm: 'platform', wanted: () => [] });
});

afterEach(async () => {
  await session.close();
  server.closeAllConnections();
  server.close();
});

const CALLS: readonly [string, () => Promise<unknown>][] = [
  ['find', () => clients.find('x')],
  ['read', () => clients.read('x')],
  ['page', () => clients.page(0, 10)],
  ['create', () => clients.create(clientFields('x'), [])],
  ['roles', () => clients.roles('x')],
  ['groups', () => groups.lookup(['/x'], { fullPath: true })],
  ['regenerate', () => clients.regenerate('x', () => true)],
  ['coverage', () => realm.coverage(makeClient())],
  ['issuer', () => realm.issuer()],
];

const WRITES: readonly [string, () => Promise<unknown>][] = [
  ['update', () => clients.update('x', { description: 'y' })],
  ['delete', () => clients.delete('x')],
  ['createMapper', () => clients.createMapper('x', GROUPS_MAPPER)],
  ['updateMapper', () => clients.updateMapper('x', 'y', GROUPS_MAPPER)],
  ['deleteMapper', () => clients.deleteMapper('x', 'y')],
  ['createRole', () => clients.createRole('x', 'y')],
  ['endOverlap', () => clients.endOverlap('x')],
];

describe('an answer that is not one of Keycloak', () => {
  it.each([...CALLS, ...WRITES])('is none although it is a success: %s', async (_, call) => {
    const successes: readonly Answer[] = [
      { status: 200, body: HTML },
      { status: 200, body: '{"some":"thing"}' },
      { status: 200, body: '[{"some":"thing"}]' },
    ];
    for (answer of successes) {
      const message = expect.stringContaining(
        "is not one of Keycloak; see what answers at the connection's url",
      );
      await expect(call()).rejects.toMatchObject({ kind: 'ServerError', message });
    }
  });

  it.each([...CALLS, ...WRITES])('says nothing about what exists: 404 to %s', async (_, call) => {
    answer = { status: 404, body: HTML };
    await expect(call()).rejects.toMatchObject({ kind: 'ServerError', status: 404 });
  });

  it.each([...CALLS, ...WRITES])('is not followed where it leads elsewhere: %s', async (_, call) => {
    answer = { status: 302, headers: { location: 'https://sso.example.com/login' } };
    await expect(call()).rejects.toMatchObject({
      kind: 'ServerError',
      message: expect.stringContaining("set the connection's url to where Keycloak itself answers"),
    });
  });

  it('counts as none, so that the connection is failing', async () => {
    answer = { status: 200, body: '[]' };
    await clients.find('x');
    expect(session.failingSince()).toBeUndefined();
    answer = { status: 200, body: HTML };
    await failureOf(clients.find('x'));
    expect(session.failingSince()).toBeGreaterThan(0);
  });

  it('to a sign-in is no token', async () => {
    answer = { status: 200, body: '[]' };
    const answers: readonly [Answer, string][] = [
      [{ status: 200, body: HTML }, 'ServerError'],
      [{ status: 200, body: '{"access_token":"","expires_in":1}' }, 'ServerError'],
      [{ status: 302, headers: { location: '/' } }, 'ServerError'],
      [{ status: 404, body: HTML }, 'ServerError'],
      [{ status: 429, body: '' }, 'ServerError'],
      [{ status: 400, body: '{"error":"invalid_scope"}' }, 'Invalid'],
    ];
    for (const [wrong, kind] of answers) {
      tokenAnswer = wrong;
      await expect(clients.find('x')).rejects.toMatchObject({ kind });
    }
    tokenAnswer = { status: 200, body: TOKEN };
    expect(await clients.find('x')).toBeUndefined();
  });

  it('is no whole one where the connection breaks, and is not asked for again', async () => {
    answer = { status: 200, headers: { 'content-length': '100' }, body: '[', breaks: true };
    await expect(clients.find('x')).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(requests).toEqual(['POST', 'GET']);
  });

  it('is no answer of the issuer', async () => {
    const answers: readonly Answer[] = [
      { status: 200, body: HTML },
      { status: 200, body: '{"issuer":"here"}' },
      { status: 302, headers: { location: '/' } },
      { status: 404, body: HTML },
      { status: 503, body: '{"issuer":"https://x"}' },
      { status: 200, headers: { 'content-length': '100' }, body: '{', breaks: true },
    ];
    for (answer of answers) expect(await realm.issuerAnswers()).toBe(false);
    answer = { status: 200, body: '{"issuer":"https://x"}' };
    expect(await realm.issuerAnswers()).toBe(true);
  });

  it('proves nothing', async () => {
    const proofs: readonly Answer[] = [
      { status: 200, body: TOKEN },
      { status: 200, body: HTML },
      { status: 302, headers: { location: '/' } },
      { status: 400, body: '{"error":"invalid_request"}' },
      { status: 400, body: '' },
      { status: 401, body: '{"error":"invalid_grant"}' },
      { status: 401, body: HTML },
      { status: 404, body: '{"error":"unauthorized_client"}' },
      { status: 429, body: '{"error":"invalid_grant"}' },
      { status: 503, body: '{"error":"invalid_grant"}' },
    ];
    const request = { ...credentials({ clientId: 'x', secret: 'y' }), redirectUri: 'https://x', revision: 7 };
    for (tokenAnswer of proofs) {
      expect(await realm.prove(request)).toMatchObject({ revision: 7, result: 'unknown' });
    }
  });
});

describe('an overloaded Keycloak', () => {
  it('says how long it wants to be left alone', async () => {
    for (const status of [429, 503]) {
      answer = { status, headers: { 'retry-after': '7' } };
      expect(await failureOf(clients.find('x'))).toMatchObject({ kind: 'ServerError', retryAfterMs: 7000 });
    }
  });
});

describe('what a server says', () => {
  it('is told without credentials, control characters and excess', async () => {
    answer = {
      status: 400,
      body: JSON.stringify({
        errorMessage: `bad\n\u001b[31m client_secret=abc token "eyJhbGciOi.eyJpc3Mi.c2ln" ${'x'.repeat(1000)}`,
      }),
    };
    const error = await failureOf(clients.find('x'));
    expect(error).toMatchObject({ kind: 'Invalid' });
    const { message } = error as Error;
    expect(message).not.toMatch(/abc|eyJ/);
    expect([...message].every(char => char >= ' ')).toBe(true);
    expect(message.length).toBeLessThan(500);
  });
});
