import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Clients } from '../../operator/keycloak/clients.ts';
import { createClients } from '../../operator/keycloak/clients.ts';
import { KeycloakError } from '../../operator/keycloak/errors.ts';
import type { Session, SessionOptions } from '../../operator/keycloak/session.ts';
import type { Seen } from '../env/proxy.ts';
import { startProxy } from '../env/proxy.ts';
import { sharedEnvironment, uniqueName } from '../env/shared.ts';
import { type Bench, clientFields, credentials, failureOf, startBench } from './harness.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench('session');
});

afterAll(() => bench.close());

beforeEach(() => bench.proxy.reset());

afterEach(() => bench.proxy.heal());

function open(options: Partial<SessionOptions> = {}): Session & { readonly clients: Clients } {
  const session = bench.open(options);
  return { ...session, clients: createClients(session, bench.realm) };
}

/** Something that every operator may ask. */
const ask = ({ clients }: { readonly clients: Clients }) => clients.find('account');

const isAdmin = ({ path }: Seen) => path.startsWith('/admin/');

describe('the token', () => {
  it('is asked for once, however many calls need it at the same time', async () => {
    const session = open();
    const found = await Promise.all(Array.from({ length: 20 }, () => ask(session)));
    expect(found.map(client => client?.clientId)).toEqual(Array(20).fill('account'));
    expect(bench.tokenRequests()).toHaveLength(1);
  });

  it('is renewed after three quarters of its life, before it ends', async () => {
    const lifeMs = 200_000;
    await bench.admin.request('PUT', `/${bench.realm}`, { accessTokenLifespan: lifeMs / 1000 });
    let clock = 0;
    const session = open({ now: () => clock });
    await ask(session);
    clock = lifeMs * 0.75 - 1;
    await ask(session);
    expect(bench.tokenRequests()).toHaveLength(1);
    clock += 1;
    await ask(session);
    expect(bench.tokenRequests()).toHaveLength(2);
  });

  it('is replaced by one sign-in for all calls where Keycloak refuses it, and they succeed', async () => {
    const session = open();
    await ask(session);
    const issuedBy = Math.floor(Date.now() / 1000);
    await vi.waitUntil(() => Math.floor(Date.now() / 1000) > issuedBy, { timeout: 5000 });
    await bench.admin.request('POST', `/${bench.realm}/logout-all`);
    bench.proxy.reset();
    const found = await Promise.all(Array.from({ length: 5 }, () => ask(session)));
    expect(found.map(client => client?.clientId)).toEqual(Array(5).fill('account'));
    expect(bench.requests().filter(({ status }) => status === 401)).not.toEqual([]);
    expect(bench.tokenRequests()).toHaveLength(1);
  });

  it('is not asked for again and again where Keycloak refuses every one', async () => {
    const session = open();
    await bench.proxy.fail({ kind: 'status', status: 401, matches: isAdmin });
    await expect(ask(session)).rejects.toMatchObject({ kind: 'WrongCredentials', status: 401 });
    expect(bench.proxy.requests.length).toBeLessThanOrEqual(3);
  });

  it('is got with credentials that were corrected meanwhile', async () => {
    let secret = 'wrong';
    const session = open({ readCredentials: async () => credentials({ ...bench.operator, secret }) });
    await expect(ask(session)).rejects.toMatchObject({ kind: 'WrongCredentials' });
    secret = bench.operator.secret;
    expect(await ask(session)).toBeDefined();
  });
});

describe('credentials', () => {
  it.each([
    ['of a client that is not there', { publicClient: false }, 'another'],
    ['of a disabled client', { enabled: false, serviceAccountsEnabled: true }, undefined],
    ['of a client without service account', { serviceAccountsEnabled: false }, undefined],
    ['of a public client', { publicClient: true }, undefined],
  ])('%s are refused, with the remedy', async (_, representation, clientId) => {
    const made = { clientId: uniqueName('client'), secret: 'correct' };
    await bench.admin.createClient(bench.realm, { publicClient: false, ...made, ...representation });
    const used = { ...made, clientId: clientId ?? made.clientId };
    const session = open({ readCredentials: async () => credentials(used) });
    await expect(ask(session)).rejects.toMatchObject({
      kind: 'WrongCredentials',
      message: expect.stringMatching(/cannot sign in: client .* is refused .*; correct the connection's/),
    });
    expect(bench.proxy.requests).toHaveLength(1);
  });

  it('that cannot be read are said to be so, and nothing is sent', async () => {
    const readCredentials = async () => {
      throw new Error('file /etc/keycloak/secret is missing');
    };
    await expect(ask(open({ readCredentials }))).rejects.toMatchObject({
      kind: 'WrongCredentials',
      message: expect.stringContaining('file /etc/keycloak/secret is missing'),
    });
    expect(bench.proxy.requests).toEqual([]);
  });

  it.each([':', '%', '+', ' ', 'ä€', '&=', '"\\'])('with "%s" in clientId and secret work', async odd => {
    const operator = { clientId: `${uniqueName('client')}${odd}x`, secret: `se${odd}cret` };
    await bench.admin.createClient(bench.realm, {
      ...operator,
      publicClient: false,
      serviceAccountsEnabled: true,
    });
    const session = open({ readCredentials: async () => credentials(operator) });
    await expect(ask(session)).rejects.toMatchObject({ kind: 'Forbidden' });
  });
});

describe('a realm', () => {
  it('that does not exist is named, where the operator signs in and where it works', async () => {
    const missing = { kind: 'RealmNotFound', message: expect.stringContaining('there is no realm no-such') };
    await expect(ask(open({ signInRealm: 'no-such' }))).rejects.toMatchObject(missing);
    await expect(createClients(open(), 'no-such').find('x')).rejects.toMatchObject(missing);
    await expect(open().discoverIssuer('no-such')).rejects.toMatchObject(missing);
  });

  it("of others is closed to the operator's service account", async () => {
    await expect(createClients(open(), 'master').find('account')).rejects.toMatchObject({
      kind: 'Forbidden',
    });
  });

  it('that is disabled is said to be so, not that a role is lacking', async () => {
    await bench.admin.request('PUT', `/${bench.realm}`, { enabled: false });
    try {
      await expect(ask(open())).rejects.toMatchObject({
        kind: 'Forbidden',
        message: expect.stringMatching(/not enabled; see that realm .* is enabled/),
      });
    } finally {
      await bench.admin.request('PUT', `/${bench.realm}`, { enabled: true });
    }
  });
});

describe('an outage', () => {
  it.each([
    ['nobody listens', { kind: 'refuse' }, 'Unreachable', /cannot be reached \(ECONNREFUSED\)/],
    ['the answer is lost', { kind: 'lose' }, 'Unreachable', /cannot be reached/],
    ['no answer comes in time', { kind: 'hang' }, 'Timeout', /no complete answer within 0\.3 s/],
    ['Keycloak fails', { kind: 'status', status: 500 }, 'ServerError', /answered 500/],
  ] as const)('where %s is told, signed in or not, and ends', async (_, fault, kind, message) => {
    const fresh = open({ timeoutMs: 300 });
    const signedIn = open({ timeoutMs: 300 });
    await vi.waitUntil(() => ask(signedIn).catch(() => undefined), { timeout: 10_000 });
    await bench.proxy.fail(fault);
    const expected = { kind, message: expect.stringMatching(message) };
    await expect(ask(fresh)).rejects.toMatchObject(expected);
    await expect(ask(signedIn)).rejects.toMatchObject(expected);
    await expect(signedIn.discoverIssuer(bench.realm)).rejects.toMatchObject(expected);
    await bench.proxy.heal();
    await vi.waitUntil(() => ask(signedIn).catch(() => undefined), { timeout: 10_000 });
  });

  it('has lasted since the first call that was not answered', async () => {
    let clock = 1000;
    const session = open({ now: () => clock });
    await ask(session);
    expect(session.failingSince()).toBeUndefined();
    await bench.proxy.fail({ kind: 'status', status: 503 });
    for (clock of [2000, 3000, 4000]) {
      // Known from the token: says nothing about whether Keycloak answers now.
      expect(await session.tokenIssuer()).toBe(`${bench.proxy.url}/realms/${bench.realm}`);
      await failureOf(ask(session));
      await failureOf(session.discoverIssuer(bench.realm));
      await failureOf(session.askForToken(bench.realm, 'try', 'Basic eDp5', {}));
      expect(session.failingSince()).toBe(2000);
    }
    await bench.proxy.heal();
    await ask(session);
    expect(session.failingSince()).toBeUndefined();
  });

  it('is none where Keycloak answers with a refusal', async () => {
    const session = open();
    await bench.proxy.fail({ kind: 'refuse' });
    await failureOf(ask(session));
    expect(session.failingSince()).toBeDefined();
    await bench.proxy.heal();
    await failureOf(createClients(session, 'master').find('account'));
    expect(session.failingSince()).toBeUndefined();
  });

  it('in the middle of a creation leaves a client that the next attempt finds', async () => {
    const { clients } = open();
    await clients.find('account');
    const fields = clientFields(uniqueName('client'));
    await bench.proxy.fail({ kind: 'lose' });
    await expect(clients.create(fields, [])).rejects.toMatchObject({ kind: 'Unreachable' });
    await bench.proxy.heal();
    await expect(clients.create(fields, [])).rejects.toMatchObject({ kind: 'Conflict' });
    expect(await clients.find(fields.clientId)).toMatchObject(fields);
  });

  it('is not awaited by a session that closes', async () => {
    const session = open();
    await bench.proxy.fail({ kind: 'hang' });
    const hanging = failureOf(ask(session));
    await vi.waitUntil(() => bench.proxy.requests.length > 0);
    await session.close();
    expect(await hanging).toMatchObject({ kind: 'Unreachable' });
    await expect(ask(session)).rejects.toMatchObject({ kind: 'Unreachable' });
  });
});

describe('a certificate', () => {
  it('is accepted only with the authority that signed it', async () => {
    const { kubernetes } = await sharedEnvironment();
    const [cert, key] = await Promise.all([
      readFile(kubernetes.tls.certPath, 'utf8'),
      readFile(kubernetes.tls.keyPath, 'utf8'),
    ]);
    const proxy = await startProxy({ target: bench.url, tls: { cert, key, ca: kubernetes.ca } });
    try {
      const untrusted = {
        kind: 'Untrusted',
        message: expect.stringMatching(/certificate of 127\.0\.0\.1:.* is not accepted \(.*\); .* caFile/),
      };
      await expect(ask(open({ url: proxy.url }))).rejects.toMatchObject(untrusted);
      const [other = ''] = rootCertificates;
      await expect(ask(open({ url: proxy.url, ca: other }))).rejects.toMatchObject(untrusted);
      expect(proxy.requests).toEqual([]);
      const bundle = `# authorities\n${other}\n${kubernetes.ca}`;
      expect(await ask(open({ url: proxy.url, ca: bundle }))).toMatchObject({ clientId: 'account' });
    } finally {
      await proxy.close();
    }
  });
});

describe('no failure', () => {
  const failures: readonly [string, (session: ReturnType<typeof open>) => Promise<unknown>][] = [
    ['a refusal', session => createClients(session, 'master').find('account')],
    ['a conflict', ({ clients }) => clients.create(clientFields('account'), [])],
    ['an object that is gone', ({ clients }) => clients.update('none', { description: 'x' })],
    [
      'an invalid request',
      ({ clients }) => clients.create(clientFields('x', { baseUrl: 'javascript:0' }), []),
    ],
    ['a refused token', session => failing(session, { kind: 'status', status: 401, matches: isAdmin })],
    ['a failed server', session => failing(session, { kind: 'status', status: 502 })],
    ['a lost answer', session => failing(session, { kind: 'lose' })],
    ['no connection', session => failing(session, { kind: 'refuse' })],
    ['no answer', session => failing(session, { kind: 'hang' })],
    ['wrong credentials', () => ask(openWrong())],
  ];

  async function failing(session: ReturnType<typeof open>, fault: Parameters<typeof bench.proxy.fail>[0]) {
    await bench.proxy.fail(fault);
    return ask(session);
  }

  function openWrong() {
    const secret = new SecretValue(`${bench.operator.secret}-wrong`);
    return open({ readCredentials: async () => ({ clientId: bench.operator.clientId, secret }) });
  }

  it.each(failures)('keeps the request or the response: %s', async (_, cause) => {
    const session = open({ timeoutMs: 2000 });
    await ask(session);
    const error = await failureOf(cause(session));
    expect(error).toBeInstanceOf(KeycloakError);
    const everything = inspect(error, { depth: 20, showHidden: true, getters: true });
    expect(everything).not.toMatch(/bearer|basic |authorization|eyJ|responseData|Symbol\(/i);
    expect(everything).not.toContain(bench.operator.secret);
    expect((error as Error).cause).toBeUndefined();
  });
});
