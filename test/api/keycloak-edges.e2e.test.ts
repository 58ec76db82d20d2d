import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specSchema } from '../../operator/api/schema.ts';
import { planClient, redirectUri } from '../../operator/policy/client.ts';
import type { KeycloakAdmin } from '../env/keycloak-admin.ts';
import { realmKeys } from '../env/realm-keys.ts';
import { sharedEnvironment, uniqueName } from '../env/shared.ts';
import { makePolicy, observe } from '../policy/fixtures.ts';
import { keycloakWith } from '../policy/objects.ts';

let admin: KeycloakAdmin;
const realm = uniqueName('edges');
beforeAll(async () => {
  ({ admin } = (await sharedEnvironment()).keycloak);
  await admin.createRealm(realm);
});
afterAll(() => admin.removeRealm(realm));

const base = { clientId: 'argo', url: 'https://a.example', secret: { name: 's' } };
const everyone = [{ name: 'viewer', everyone: true }];

function isValid(spec: unknown): boolean {
  return specSchema.safeParse(spec).success;
}

/** Whether Keycloak does something without an error. */
async function succeeds(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch {
    return false;
  }
}

/** Makes the client of a policy in one request, as the operator does, reads it back and removes it. */
async function roundTrip(spec: unknown) {
  const policy = makePolicy(spec);
  const [change] = planClient(observe(policy, { keycloak: keycloakWith(undefined, { realm }) }));
  if (change?.kind !== 'CreateClient') throw new Error('no client is planned');
  const protocolMappers = change.mappers.map(mapper => ({ ...mapper, protocol: 'openid-connect' }));
  const id = await admin.createClient(realm, { ...change.fields, protocolMappers });
  const found = await admin.client(realm, change.fields.clientId);
  await admin.removeClient(realm, id);
  return found;
}

const AWKWARD = [
  ...['a b', "o'neil", '"quoted"', 'a/b', '/a', 'a/', '//', 'a\\b', 'a%2fb', '100%', '.', '..', 'a?b', 'a#b'],
  ...['*', '<b>', 'a&b=c', 'a+b', 'a;b', 'a:b', '{a}', '$(a)', '[a]', 'a,b', 'Büro', '管理', 'a\u0308', '🚀'],
  ...['a\u200bb', '\u202ea', '\ufeffa', '\ufffd', 'x'.repeat(255), 'ü'.repeat(255), '🚀'.repeat(127)],
];
const REFUSED_NAMES = [
  ...['', ' ', ' a', 'a ', 'a\u00a0', '\u3000a', 'a\nb', 'a\n', 'a\tb', '\r', 'a\0b', 'a\u0007b', 'a\u0085b'],
  ...['a\u2028b', 'x'.repeat(256), '🚀'.repeat(128), `${'x'.repeat(254)}🚀`],
];
const TOO_LONG = ['x'.repeat(256), '🚀'.repeat(128), `${'x'.repeat(254)}🚀`];

describe('a clientId', () => {
  it.each(AWKWARD)('%j is taken as it is', async clientId => {
    const spec = { client: { ...base, clientId }, roles: everyone };
    expect(isValid(spec)).toBe(true);
    expect((await roundTrip(spec))?.clientId).toBe(clientId);
  });

  it.each(REFUSED_NAMES)('%j is refused', clientId => {
    expect(isValid({ client: { ...base, clientId }, roles: everyone })).toBe(false);
  });

  it.each(TOO_LONG)('%j would be an error of Keycloak', async clientId => {
    expect(await succeeds(() => admin.createClient(realm, { clientId }))).toBe(false);
  });
});

describe('an address', () => {
  const addresses = [
    ...[
      'https://w.example.com',
      'https://w.example.com/',
      'http://localhost:2746',
      'http://10.0.0.1:1/argo/',
    ],
    ...[
      'https://a--b.example.com',
      'https://xn--mller-kva.example',
      'https://1a.example',
      'https://w.example:65535',
    ],
    ...['https://w.example.com/~u/a_b-c.d', `https://${'l'.repeat(63)}.example`],
    `https://w.example.com/${'p'.repeat(217)}`,
  ];

  it.each(addresses)('%s becomes base URL and redirect URI, and reads the same everywhere', async url => {
    const client = await roundTrip({ client: { ...base, url, additionalUrls: [url] }, roles: everyone });
    expect(client?.baseUrl).toBe(url);
    expect(client?.redirectUris).toEqual([redirectUri(url)]);
    expect(URL.parse(url)?.href.replace(/\/$/, '')).toBe(url.replace(/\/$/, ''));
  });

  it('is refused where the redirect URI would be longer than Keycloak takes', async () => {
    const url = `https://w.example.com/${'p'.repeat(218)}`;
    expect(isValid({ client: { ...base, url }, roles: everyone })).toBe(false);
    expect(isValid({ client: { ...base, additionalUrls: [url] }, roles: everyone })).toBe(false);
    const redirectUris = [redirectUri(url)];
    expect(await succeeds(() => admin.createClient(realm, { clientId: 'long', redirectUris }))).toBe(false);
  });

  it('is refused where browser, Keycloak and Argo would not agree on what it says', () => {
    const wrong = [
      ...['', 'https://', 'https:///a', '//a.example', 'a.example', 'HTTPS://a.example', 'https://A.example'],
      ...[
        'https://a_b.example',
        'https://-a.example',
        'https://a-.example',
        'https://a..example',
        'https://a.example.',
      ],
      ...[
        'https://1.2.3',
        'https://1.2.3.256',
        'https://01.2.3.4',
        'https://a.0x1',
        'https://a.1',
        'https://0x7f.1',
      ],
      ...[
        'https://a.example:0',
        'https://a.example:080',
        'https://a.example:65536',
        'https://a.example:',
        'https://[::1]',
      ],
      ...['https://a.example//', 'https://a.example/a//b', 'https://a.example/.', 'https://a.example/../b'],
      ...['https://a.example/%2e', 'https://a.example/a b', 'https://a.example/*', 'https://a.example/a\\b'],
      ...[
        'https://a@a.example',
        'https://a:b@a.example',
        'https://a.example?',
        'https://a.example#',
        'https://müller.example',
      ],
      ...[
        'https://a.example\n',
        ' https://a.example',
        'https://a.example\\@b.example',
        `https://${'l'.repeat(64)}.example`,
      ],
    ];
    expect(wrong.filter(url => isValid({ client: { ...base, url }, roles: everyone }))).toEqual([]);
  });
});

describe('a role of the client', () => {
  it.each(AWKWARD)('%j is made as it is', async group => {
    const spec = {
      keycloak: { groups: { source: 'ClientRoles' } },
      client: base,
      roles: [{ name: 'viewer', groups: [group] }],
    };
    expect(isValid(spec)).toBe(true);
    const account = await admin.client(realm, 'account');
    await admin.request('POST', `/${realm}/clients/${String(account?.id)}/roles`, { name: group });
    const answer = await admin.request('GET', `/${realm}/clients/${String(account?.id)}/roles`);
    const roles = (await answer.json()) as readonly { readonly name: string }[];
    expect(roles.map(({ name }) => name)).toContain(group);
  });

  it.each(REFUSED_NAMES)('%j is refused', group => {
    const keycloak = { groups: { source: 'ClientRoles' } };
    expect(isValid({ keycloak, roles: [{ name: 'viewer', groups: [group] }] })).toBe(false);
  });
});

describe('a group', () => {
  // Keycloak has groups of such names; as part of a path they look like a slip of the pen, so they are refused.
  const slips = new Set(['/a', 'a/', '//']);

  it.each(AWKWARD)('named %j has the path that a policy would name it by', async name => {
    const id = await admin.createNamedGroup(realm, name);
    const { path } = (await (await admin.request('GET', `/${realm}/groups/${id}`)).json()) as {
      readonly path: string;
    };
    await admin.removeGroup(realm, id);
    expect(path).toBe(`/${name}`);
    expect(isValid({ roles: [{ name: 'viewer', groups: [path] }] })).toBe(!slips.has(name));
    const keycloak = { groups: { fullPath: false } };
    expect(isValid({ keycloak, roles: [{ name: 'viewer', groups: [name] }] })).toBe(!name.startsWith('/'));
  });

  it('of a path longer than any name is named by it, for groups are nested', () => {
    const groups = [`/${'a'.repeat(255)}/${'b'.repeat(255)}`];
    expect(isValid({ roles: [{ name: 'viewer', groups }] })).toBe(true);
    expect(isValid({ roles: [{ name: 'viewer', groups: [`${groups[0]}x`] }] })).toBe(false);
  });
});

describe('a realm', () => {
  it('with all sorts of characters in its name can be', async () => {
    const name = `..O'Neil's "100%" ~Büro 管理 ${realm}`;
    expect(isValid({ keycloak: { realm: name }, roles: everyone })).toBe(true);
    await admin.request('POST', '', { realm: name, ...realmKeys() });
    await admin.request('DELETE', `/${encodeURIComponent(name)}`);
  });

  const impossible = [...'/?#[]@!$&()*+,;=:\\'].map(character => `a${character}b`);
  it.each([...impossible, 'r'.repeat(238)])('%j cannot be', async name => {
    expect(isValid({ keycloak: { realm: name }, roles: everyone })).toBe(false);
    expect(await succeeds(() => admin.request('POST', '', { realm: name, ...realmKeys() }))).toBe(false);
  });

  it.each(['.', '..', '...'])('%j would leave the path of its address', name => {
    expect(isValid({ keycloak: { realm: name }, roles: everyone })).toBe(false);
  });
});

describe('a claim', () => {
  it.each(['groups', 'roles', 'https:/example/groups', 'c'.repeat(128)])('%j is written', async claim => {
    const client = await roundTrip({ keycloak: { groups: { claim } }, client: base, roles: everyone });
    expect(JSON.stringify(client?.protocolMappers)).toContain(JSON.stringify(claim));
  });

  it.each(['', 'a.b', 'a b', 'c'.repeat(129), 'sub', 'email', 'exp', 'name'])('%j is refused', claim => {
    expect(isValid({ keycloak: { groups: { claim } }, client: base, roles: everyone })).toBe(false);
  });
});
