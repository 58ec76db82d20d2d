import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Clients } from '../../operator/keycloak/clients.ts';
import { OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import { credentials } from './harness.ts';
import { CLUSTER, type RotationBench, startRotationBench } from './rotation-bench.ts';

const always = () => true;

let bench: RotationBench;
let clients: Clients;

beforeAll(async () => {
  bench = await startRotationBench('coverage');
  clients = bench.keycloak.clients;
});
afterEach(async () => {
  await bench.proxy.heal();
  await bench.admin.removeRotationPolicy(bench.realm);
});
afterAll(() => bench?.close());

const PERIODS = {
  'expiration-period': 3600,
  'rotated-expiration-period': 600,
  'remaining-rotation-period': 0,
};
const ANY = { condition: 'any-client', configuration: {} };
const NONE = { condition: 'any-client', configuration: { 'is-negative-logic': true } };
const GRANT = { condition: 'grant-type', configuration: { grant_types: ['authorization_code'] } };

function profileOf(name: string, rotated: unknown = 600, executor = 'secret-rotation') {
  const rotation = { ...PERIODS, 'rotated-expiration-period': rotated };
  return { name, executors: [{ executor, configuration: executor === 'secret-rotation' ? rotation : {} }] };
}

function policyOf(conditions: readonly object[], more: object = {}) {
  return { name: 'rotate', enabled: true, conditions, profiles: ['secrets'], ...more };
}

function attributesCondition(...pairs: readonly (readonly [string, string])[]) {
  const attributes = JSON.stringify(pairs.map(([key, value]) => ({ key, value })));
  return { condition: 'client-attributes', configuration: { attributes } };
}

/** Whether a policy covers the client as Keycloak shows by what it does, and as the operator foretells it. */
async function comparison(profiles: readonly object[], policies: readonly object[]) {
  const client = await bench.makeClient();
  await bench.admin.setClientPolicies(bench.realm, profiles, policies);
  const foretold = await bench.openRealm().coverage(client);
  await clients.regenerate(client.id, always);
  const { createdAt = 0, rotated } = (await bench.readClient(client.id)).secretLife;
  const period = rotated?.expiresAt === undefined ? undefined : rotated.expiresAt - createdAt;
  return { foretold: foretold?.rotatedPeriod, found: period };
}

describe('coverage', () => {
  const cases: readonly [string, readonly object[], readonly object[], number | undefined][] = [
    ['no policy', [], [], undefined],
    ['any client', [profileOf('secrets')], [policyOf([ANY])], 600_000],
    ['no client', [profileOf('secrets')], [policyOf([NONE])], undefined],
    ['no condition', [profileOf('secrets')], [policyOf([])], undefined],
    ['a disabled policy', [profileOf('secrets')], [policyOf([ANY], { enabled: false })], undefined],
    ['a policy without profile', [profileOf('secrets')], [policyOf([ANY], { profiles: [] })], undefined],
    ['another executor', [profileOf('secrets', 600, 'pkce-enforcer')], [policyOf([ANY])], undefined],
    ['its attributes', [profileOf('secrets')], [policyOf([attributesCondition(CLUSTER)])], 600_000],
    [
      'other attributes',
      [profileOf('secrets')],
      [policyOf([attributesCondition(['argo-access.io/cluster', 'cluster-2'])])],
      undefined,
    ],
    [
      'one attribute of two',
      [profileOf('secrets')],
      [policyOf([attributesCondition(CLUSTER, ['x', 'y'])])],
      undefined,
    ],
    [
      'an attribute twice',
      [profileOf('secrets')],
      [policyOf([attributesCondition(CLUSTER, CLUSTER)])],
      undefined,
    ],
    ['an empty list of attributes', [profileOf('secrets')], [policyOf([attributesCondition()])], 600_000],
    [
      'no list of attributes',
      [profileOf('secrets')],
      [policyOf([{ condition: 'client-attributes', configuration: {} }])],
      undefined,
    ],
    [
      'confidential clients',
      [profileOf('secrets')],
      [policyOf([{ condition: 'client-access-type', configuration: { type: ['public', 'confidential'] } }])],
      600_000,
    ],
    [
      'public clients',
      [profileOf('secrets')],
      [policyOf([{ condition: 'client-access-type', configuration: { type: ['public'] } }])],
      undefined,
    ],
    [
      'clients of OpenID Connect',
      [profileOf('secrets')],
      [policyOf([{ condition: 'client-type', configuration: { protocol: 'openid-connect' } }])],
      600_000,
    ],
    [
      'all but clients of SAML',
      [profileOf('secrets')],
      [
        policyOf([
          { condition: 'client-type', configuration: { protocol: 'saml', 'is-negative-logic': true } },
        ]),
      ],
      600_000,
    ],
    ['any client, in one of two conditions', [profileOf('secrets')], [policyOf([ANY, NONE])], undefined],
    ['a grant, which is no matter of an update', [profileOf('secrets')], [policyOf([GRANT])], undefined],
    ['any client and a grant', [profileOf('secrets')], [policyOf([ANY, GRANT])], 600_000],
    [
      'any client and a grant, strictly',
      [profileOf('secrets')],
      [policyOf([ANY, GRANT], { mode: 'STRICT' })],
      undefined,
    ],
    ['a period in text', [profileOf('secrets', '60')], [policyOf([ANY])], 60_000],
    [
      'two profiles',
      [profileOf('secrets', 60), profileOf('more', 120)],
      [policyOf([ANY], { profiles: ['secrets', 'more'] })],
      120_000,
    ],
    [
      'two policies',
      [profileOf('secrets', 60), profileOf('more', 120)],
      [policyOf([ANY], { name: 'first', profiles: ['more'] }), policyOf([ANY])],
      60_000,
    ],
  ];

  it.each(cases)('is what Keycloak does: %s', async (_, profiles, policies, expected) => {
    expect(await comparison(profiles, policies)).toEqual({ foretold: expected, found: expected });
  });

  it('is a period of nothing where the old secret ends at once', async () => {
    expect(await comparison([profileOf('secrets', 0)], [policyOf([ANY])])).toEqual({
      foretold: 0,
      found: undefined,
    });
  });

  it.each([
    [
      'who changes it',
      {
        condition: 'client-updater-context',
        configuration: { 'update-client-source': ['ByAuthenticatedUser'] },
      },
      600_000,
    ],
    ['its roles', { condition: 'client-roles', configuration: { roles: ['rotated'] } }, undefined],
  ])(
    'is learned from what Keycloak has done where more than the client decides: %s',
    async (_, condition, expected) => {
      const client = await bench.makeClient();
      await bench.admin.setClientPolicies(bench.realm, [profileOf('secrets')], [policyOf([condition])]);
      const learning = bench.openRealm();
      expect(await learning.coverage(client)).toBeUndefined();
      await clients.regenerate(client.id, always);
      const after = await bench.readClient(client.id);
      expect((await learning.coverage(after))?.rotatedPeriod).toBe(expected);
      expect(after.secretLife.rotated !== undefined).toBe(expected !== undefined);
    },
  );

  it('is nothing for a client without secret', async () => {
    const client = await bench.makeClient();
    await bench.cover();
    const covering = bench.openRealm();
    expect(await covering.coverage(client)).toEqual({ rotatedPeriod: 600_000 });
    expect(await covering.coverage({ ...client, publicClient: true })).toBeUndefined();
    expect(await covering.coverage({ ...client, bearerOnly: true })).toBeUndefined();
  });

  it('is read once for all clients, and again after the resync period or when it failed', async () => {
    const client = await bench.makeClient();
    await bench.cover();
    let now = Date.now();
    const reading = bench.openRealm({ now: () => now }, 5_000);
    bench.proxy.reset();
    await bench.proxy.fail({ kind: 'status', status: 503 });
    await expect(reading.coverage(client)).rejects.toMatchObject({ kind: 'ServerError' });
    await bench.proxy.heal();
    bench.proxy.reset();
    const answers = await Promise.all([reading.coverage(client), reading.coverage(client)]);
    expect(answers).toEqual([{ rotatedPeriod: 600_000 }, { rotatedPeriod: 600_000 }]);
    await bench.admin.removeRotationPolicy(bench.realm);
    now += 4_999;
    expect(await reading.coverage(client)).toBeDefined();
    expect(bench.requests().map(({ path }) => path.split(/[/?]/).at(-2))).toEqual(['policies', 'profiles']);
    now += 1;
    expect(await reading.coverage(client)).toBeUndefined();
    expect(bench.requests()).toHaveLength(4);
  });

  it('is read anew where an answer of just now is asked for', async () => {
    const client = await bench.makeClient();
    await bench.cover();
    let now = Date.now();
    const reading = bench.openRealm({ now: () => now });
    expect(await reading.coverage(client)).toBeDefined();
    await bench.admin.removeRotationPolicy(bench.realm);
    now += 10_000;
    expect(await reading.coverage(client, 10_000)).toBeDefined();
    now += 1;
    expect(await reading.coverage(client, 10_000)).toBeUndefined();
    expect(await reading.coverage(client)).toBeUndefined();
  });

  it('that is missing is looked for again after a minute, however rarely policies are compared', async () => {
    const client = await bench.makeClient();
    let now = Date.now();
    const reading = bench.openRealm({ now: () => now });
    expect(await reading.coverage(client)).toBeUndefined();
    await bench.cover();
    now += 60_000;
    expect(await reading.coverage(client)).toEqual({ rotatedPeriod: 600_000 });
  });

  it('needs a role, which the failure names', async () => {
    const client = await bench.makeClient();
    const narrow = await bench.admin.createOperator(bench.realm, OPERATOR_ROLES, 'narrow-operator');
    const lacking = bench.openRealm({ readCredentials: async () => credentials(narrow) });
    await expect(lacking.coverage(client)).rejects.toMatchObject({
      kind: 'Forbidden',
      message: expect.stringContaining('the role view-realm of client realm-management'),
    });
    expect(await lacking.clients.regenerate(client.id, always)).toBe(true);
  });
});
