import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { createConnections } from '../../operator/keycloak/connections.ts';
import { createRealm, type KeycloakRealm } from '../../operator/keycloak/realm.ts';
import { uniqueName } from '../env/shared.ts';
import { type Bench, clientFields, credentials, failureOf, GROUPS_MAPPER, startBench } from './harness.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench('realm', ['manage-clients', 'view-users']);
  await bench.admin.createGroup(bench.realm, '/platform/admins');
});

afterAll(() => bench.close());

beforeEach(() => bench.proxy.reset());

afterEach(() => bench.proxy.heal());

function open(
  options: { realm?: string; wanted?: readonly string[]; timeoutMs?: number } = {},
): KeycloakRealm {
  const { realm = bench.realm, wanted = [], timeoutMs = 10_000 } = options;
  const session = bench.open({ timeoutMs });
  return createRealm({ session, realm, signInRealm: bench.realm, wanted: () => wanted });
}

describe('the issuer', () => {
  it("is taken from the operator's own token where that is of the realm", async () => {
    const { issuer } = (await (
      await fetch(`${bench.proxy.url}/realms/${bench.realm}/.well-known/openid-configuration`)
    ).json()) as { issuer: string };
    bench.proxy.reset();
    const realm = open();
    expect(await Promise.all([realm.issuer(), realm.issuer()])).toEqual([issuer, issuer]);
    expect(await realm.issuer()).toBe(issuer);
    expect(bench.requests()).toEqual([]);
    expect(bench.tokenRequests()).toHaveLength(1);
  });

  it('is read once from the discovery document of another realm; a failure is not kept', async () => {
    const realm = open({ realm: 'master' });
    await bench.proxy.fail({ kind: 'status', status: 503 });
    await expect(realm.issuer()).rejects.toMatchObject({ kind: 'ServerError' });
    await bench.proxy.heal();
    bench.proxy.reset();
    const issuer = `${bench.proxy.url}/realms/master`;
    expect(await Promise.all([realm.issuer(), realm.issuer()])).toEqual([issuer, issuer]);
    expect(await realm.issuer()).toBe(issuer);
    expect(bench.proxy.requests).toHaveLength(1);
  });
});

describe('a new policy with one role and one group', () => {
  it('costs three reads, one write and one proof', async () => {
    const fields = clientFields(uniqueName('client'));
    const realm = open({ wanted: [fields.clientId] });
    await realm.issuer();
    expect((await realm.snapshot.get(fields.clientId, 0)).client).toBeUndefined();
    const groups = await realm.groups.lookup(['/platform/admins'], { fullPath: true });
    expect(groups.get('/platform/admins')).toEqual({ kind: 'found' });
    const client = await realm.clients.read(await realm.clients.create(fields, [GROUPS_MAPPER]));
    const secret = client?.secret ?? new SecretValue('');
    const [redirectUri = ''] = fields.redirectUris;
    expect(await realm.prove({ clientId: fields.clientId, secret, redirectUri, revision: 1 })).toEqual({
      revision: 1,
      result: 'proved',
      message: '',
    });
    expect(bench.requests().map(({ method }) => method)).toEqual(['GET', 'GET', 'POST', 'GET']);
    // One to sign in, one for the proof.
    expect(bench.tokenRequests()).toHaveLength(2);
  });
});

describe('a resync of a hundred policies', () => {
  it('costs one request for a realm with more clients than they have, and none while that is new', async () => {
    const all = Array.from({ length: 120 }, (_, index) => `client-${1000 + index}`);
    const make = (clientId: string) =>
      bench.admin.createClient(bench.realm, {
        clientId,
        secret: `secret of ${clientId}`,
        publicClient: false,
      });
    for (let first = 0; first < all.length; first += 10) {
      await Promise.all(all.slice(first, first + 10).map(make));
    }
    const wanted = [...all.slice(0, 99), 'not-there'];
    const realm = open({ wanted });
    bench.proxy.reset();
    const askAll = () => Promise.all(wanted.map(clientId => realm.snapshot.get(clientId, 60_000)));
    const entries = await askAll();
    expect(entries.map(({ client }) => client?.secret?.reveal())).toEqual([
      ...all.slice(0, 99).map(clientId => `secret of ${clientId}`),
      undefined,
    ]);
    expect(bench.requests()).toHaveLength(1);
    await askAll();
    expect(bench.requests()).toHaveLength(1);
    realm.snapshot.drop('client-1000');
    await askAll();
    expect(bench.requests()).toHaveLength(2);
  });
});

describe('a proof', () => {
  const redirectUri = 'https://argo.example.com/oauth2/callback';

  async function proof(made: Record<string, unknown>, secret = 'right', realm = open()) {
    const clientId = uniqueName('client');
    await bench.admin.createClient(bench.realm, {
      clientId,
      publicClient: false,
      redirectUris: [redirectUri],
      secret: 'right',
      ...made,
    });
    bench.proxy.reset();
    return realm.prove({ clientId, secret: new SecretValue(secret), redirectUri, revision: 3 });
  }

  it.each(['right', ':', '%41', 'a+b c', 'ä€"\\&='])('is given for the right secret: %s', async secret => {
    expect(await proof({ secret }, secret)).toEqual({ revision: 3, result: 'proved', message: '' });
    expect(bench.proxy.requests).toHaveLength(1);
  });

  it.each([
    ['a wrong secret', {}, 'wrong', 'unauthorized_client'],
    ['an empty secret', {}, '', ''],
    ['a disabled client', { enabled: false }, 'right', 'invalid_client'],
    ['a client that is not there', { clientId: 'another-one' }, 'right', 'invalid_client'],
  ])('is refused for %s', async (_, made, secret, code) => {
    const { result, message } = await proof(made, secret);
    expect(result).toBe('refused');
    expect(message).toMatch(new RegExp(`the token endpoint answered 401 .*${code}`));
  });

  it.each([
    ['refuses connections', { kind: 'refuse' }, 'cannot be reached'],
    ['does not answer', { kind: 'hang' }, 'within 0.3 s'],
    ['loses its answer', { kind: 'lose' }, 'cannot be reached'],
    ['fails', { kind: 'status', status: 503 }, '503'],
  ] as const)('is not known where Keycloak %s, and the secret is not told', async (_, fault, words) => {
    const realm = open({ timeoutMs: 300 });
    await bench.proxy.fail(fault);
    const answer = await proof({}, 'top-secret', realm);
    expect(answer).toMatchObject({ revision: 3, result: 'unknown', message: expect.stringContaining(words) });
    expect(JSON.stringify(answer)).not.toContain('top-secret');
  });

  it('is not known where the realm is not there', async () => {
    expect(await proof({}, 'right', open({ realm: 'no-such' }))).toMatchObject({ result: 'unknown' });
  });
});

describe('connections', () => {
  it('share a realm among all who use it, and know only what is configured', async () => {
    const asked: string[][] = [];
    const connections = createConnections(
      ['one', 'two'].map(name => ({
        name,
        url: `${bench.proxy.url}/`,
        realm: bench.realm,
        signInRealm: bench.realm,
        readCredentials: async () => credentials(bench.operator),
      })),
      (...names) => {
        asked.push(names);
        return [];
      },
    );
    try {
      const realm = connections.realm('one');
      expect(realm?.name).toBe(bench.realm);
      expect(connections.realm('one', bench.realm)).toBe(realm);
      expect(connections.realm('one', 'master')).not.toBe(realm);
      expect(connections.realm('one', 'master')?.name).toBe('master');
      expect(connections.realm('two')).not.toBe(realm);
      expect(connections.realm('three')).toBeUndefined();
      expect((await realm?.snapshot.get('account', 0))?.client).toBeDefined();
      expect(asked).toContainEqual(['one', bench.realm]);
      await bench.proxy.fail({ kind: 'refuse' });
      await failureOf(connections.realm('two')?.clients.find('account') ?? Promise.resolve());
      expect(connections.failingSince('one')).toBeUndefined();
      expect(connections.failingSince('two')).toBeGreaterThan(0);
      expect(connections.failingSince('three')).toBeUndefined();
    } finally {
      await connections.close();
    }
    await bench.proxy.heal();
    await expect(connections.realm('one')?.clients.find('account')).rejects.toMatchObject({
      kind: 'Unreachable',
    });
  });

  it('name the one whose certificates cannot be read', () => {
    const readCredentials = async () => credentials(bench.operator);
    const options = { name: 'broken', url: bench.url, realm: 'a', signInRealm: 'a', readCredentials };
    expect(() => createConnections([{ ...options, ca: 'nothing' }], () => [])).toThrow(
      'connection broken: its CA certificates cannot be read: there is no certificate in PEM',
    );
  });
});
