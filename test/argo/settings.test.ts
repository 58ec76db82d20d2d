import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalSso, mergedSso, settingDifferences } from '../../operator/policy/server-compare.ts';
import { helmValues, pasteBlock, pasteIntoConfig } from '../../operator/policy/server-paste.ts';
import { readSettings } from '../../operator/policy/server-read.ts';
import { desiredSso, renderSso, type SsoSettings } from '../../operator/policy/server-sso.ts';
import { fromYaml, toYaml } from '../../operator/policy/server-yaml.ts';
import { ARGO_RELEASES, type ArgoConfig, argoConfigPrograms, startArgoConfig } from '../env/argo-config.ts';
import { makePolicy } from '../policy/fixtures.ts';
import { makeConfigMap, SPEC } from '../policy/server-objects.ts';

const POLICIES = 500;
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** What YAML, JSON or Go could take for something else. */
const AWKWARD = [
  ...[
    'yes',
    'No',
    'on',
    'y',
    'null',
    '~',
    'true',
    '.inf',
    '.nan',
    '010',
    '0x1F',
    '0b1',
    '1_000',
    '1e3',
    '1:30',
  ],
  ...[
    '2001-01-01',
    '=',
    '<<',
    '*a',
    '&a',
    '!!str a',
    '!a',
    '|',
    '>',
    '%a',
    '@a',
    '`a`',
    '#a',
    'a #b',
    'a: b',
    'a:',
  ],
  ...[
    '- a',
    '-',
    '?',
    '? a',
    ':',
    ',',
    '[a',
    ']',
    '{a',
    '}',
    '{{a}}',
    "'",
    '"',
    "it's",
    '"a"',
    '\\',
    '\\n',
    '\\d+',
  ],
  ...[
    '^/platform/',
    '(?i)admins$',
    'a|b',
    'Büro',
    '管理',
    '🚀',
    '\ufeffa',
    '\ufffe',
    '\u{10ffff}',
    '\u00ad',
    '---',
    '...',
  ],
];

const name = fc.stringMatching(/^[a-z0-9](?:[-a-z0-9]{0,8}[a-z0-9])?$/);
const key = fc.oneof(
  fc.stringMatching(/^[-_A-Za-z0-9]{1,8}$/),
  fc.constantFrom('yes', 'null', '010', '-', '1e3', '_'),
);
const regex = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.tuple(fc.constantFrom(...AWKWARD), fc.constantFrom(...AWKWARD)).map(([a, b]) => `${a} ${b}`),
);
const isName = (text: string) => !/^\p{Z}|\p{Z}$|[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
const pem = fc.constantFrom(
  PEM,
  PEM.trim(),
  PEM.replaceAll('\n', '\r\n'),
  `\n  # Büro: "a" 'b'\n\n\n${PEM}\n\n${PEM}\n\n`,
  `\tkey: value\n---\n${PEM}`,
  `# \u0007 \u0085 \ufeff \u2028 🚀\n${PEM}`,
);

const policies = fc
  .record({
    claim: fc.constantFrom('groups', 'roles', 'a:b', 'https://example/groups', '-', 'yes', '1', '0_1'),
    url: fc.constantFrom('https://workflows.example.com', 'http://10.0.0.1:80/a/b/', 'https://a.example/~x'),
    secret: fc.record({ name, clientIdKey: key, clientSecretKey: key }),
    sessionExpiry: fc.constantFrom(undefined, '8h', '90m', '1h30m'),
    filterGroupsRegex: fc.uniqueArray(regex.filter(isName), { maxLength: 4 }),
    rootCA: fc.option(pem, { nil: undefined }),
  })
  .filter(({ secret }) => secret.clientIdKey !== secret.clientSecretKey && secret.name !== 'sso')
  .map(({ claim, url, secret, ...server }) =>
    makePolicy({
      ...SPEC,
      keycloak: { groups: { claim } },
      client: { ...SPEC.client, url, secret },
      server: { configMap: { name: 'settings' }, ...server },
    }),
  );

const issuers = fc.constantFrom(
  'https://sso.example.com/realms/platform',
  'http://127.0.0.1:8080/realms/a%20b',
  'https://sso.example.com/realms/Büro',
);

const OTHERS = {
  metricsConfig: 'enabled: true\npath: /metrics\n',
  parallelism: '10',
  nodeEvents: '\n\nenabled: false\n\n',
};

const V3 = { major: 3, minor: 5 };
const V4 = { major: 4, minor: 1 };

/** What Argo is to have made of the block: as the policy says, in Go's own form. */
function expected(want: SsoSettings): Readonly<Record<string, unknown>> {
  const expiry = { '8h': '8h0m0s', '90m': '1h30m0s', '1h30m': '1h30m0s' }[want.sessionExpiry ?? ''] ?? '0s';
  const { scopes, sessionExpiry, ...rest } = want;
  return { ...rest, sessionExpiry: expiry };
}

/** The one form of what the operator reads of a block; `refused` where Argo would not start with it. */
function meaningOf(sso: string): string {
  const reading = readSettings(makeConfigMap({ sso }), undefined);
  if (reading.form !== 'sections' || reading.sso.state === 'broken') return 'refused';
  if (reading.sso.state === 'absent') return canonicalSso({});
  return reading.sso.unknown.length > 0 ? 'refused' : canonicalSso(reading.sso.block);
}

function wanted(policy: Parameters<typeof desiredSso>[0], issuer: string, version: typeof V3): SsoSettings {
  const want = desiredSso(policy, issuer, version);
  if (want === undefined) throw new Error('the policy wants no settings');
  return want;
}

describe('what Argo itself makes of its settings', () => {
  const programs = new Map<string, ArgoConfig>();
  beforeAll(async () => {
    const folder = await argoConfigPrograms(console.log);
    for (const { module, as } of ARGO_RELEASES) programs.set(as, startArgoConfig(join(folder, module)));
  }, 900_000);
  afterAll(async () => {
    await Promise.all([...programs.values()].map(program => program.close()));
  });

  async function ask(as: '3.5' | '4.1', data: Readonly<Record<string, string>>) {
    const answers = await programs.get(as)?.read([data]);
    if (answers?.[0] === undefined) throw new Error('no answer');
    return answers[0];
  }

  it(`is what the policy says, in 3.5 and in 4.1: ${POLICIES} generated policies`, async () => {
    await fc.assert(
      fc.asyncProperty(policies, issuers, async (policy, issuer) => {
        const old = wanted(policy, issuer, V3);
        const current = wanted(policy, issuer, V4);
        expect(await ask('3.5', { ...OTHERS, sso: renderSso(old) })).toEqual({ sso: expected(old) });
        expect(await ask('4.1', { ...OTHERS, sso: renderSso(current) })).toEqual({ sso: expected(current) });
      }),
      { numRuns: POLICIES },
    );
  }, 240_000);

  it('is what the operator reads of the same ConfigMap, so that nothing is written twice', async () => {
    await fc.assert(
      fc.property(policies, issuers, (policy, issuer) => {
        const want = wanted(policy, issuer, V4);
        const reading = readSettings(makeConfigMap({ ...OTHERS, sso: renderSso(want) }), V4);
        if (reading.form === 'mixed' || reading.sso.state !== 'read')
          throw new Error(JSON.stringify(reading));
        expect(settingDifferences(want, reading.sso.block)).toEqual([]);
        expect(reading.sso.unknown).toEqual([]);
        expect(canonicalSso(reading.sso.block)).toBe(canonicalSso(want));
        expect(renderSso(mergedSso(reading.sso.block, want))).toBe(renderSso(want));
      }),
      { numRuns: POLICIES },
    );
  });

  it('is the same where the block is pasted, as a section or into the key config', async () => {
    await fc.assert(
      fc.asyncProperty(policies, issuers, async (policy, issuer) => {
        const want = wanted(policy, issuer, V4);
        const pasted: Readonly<Record<string, string>> = fromYaml(pasteBlock(want)).toJS();
        expect(await ask('4.1', pasted)).toEqual({ sso: expected(want) });
        const config = `parallelism: 10\n${pasteIntoConfig(want)}`;
        expect(await ask('4.1', { config })).toEqual({ sso: expected(want) });
      }),
      { numRuns: 100 },
    );
  });

  it('is the same where argo-helm’s chart makes it of the values', async () => {
    await fc.assert(
      fc.asyncProperty(policies, issuers, async (policy, issuer) => {
        const { rootCA, ...want } = wanted(policy, issuer, V3);
        const { enabled, ...sso } = fromYaml(helmValues(want)).toJS().server.sso;
        expect(enabled).toBe(true);
        expect(await ask('3.5', { config: toYaml({ sso }) })).toEqual({ sso: expected(want) });
      }),
      { numRuns: 100 },
    );
  });

  it('is nothing at all in 3.5 where rootCA stands there, and is fine in 4.1', async () => {
    const policy = makePolicy({ ...SPEC, server: { configMap: { name: 'settings' }, rootCA: PEM } });
    const sso = renderSso(wanted(policy, 'https://sso.example.com', V4));
    expect(sso).toContain('rootCA: |\n  -----BEGIN CERTIFICATE-----\n');
    expect(await ask('3.5', { sso })).toEqual({ error: expect.stringContaining('unknown field "rootCA"') });
    expect(await ask('4.1', { sso })).toMatchObject({ sso: { rootCA: PEM } });
    expect(readSettings(makeConfigMap({ sso }), V3)).toMatchObject({ sso: { unknown: ['rootCA'] } });
    expect(renderSso(wanted(policy, 'https://sso.example.com', V3))).not.toContain('rootCA');
  });

  it.each(['3.5', '4.1'] as const)('is nothing in %s where config stands beside other keys', async as => {
    expect(await ask(as, { config: 'parallelism: 10', sso: 'issuer: a' })).toEqual({
      error: expect.stringContaining('you must only have one item'),
    });
  });

  /** Blocks as hands write them, and whether Argo takes them; what the operator reads must be the same. */
  const BLOCKS: readonly (readonly [string, string, boolean])[] = [
    ['in one line', '{issuer: a, scopes: [groups]}', true],
    ['with lines before and behind', '\n\nissuer: a\nscopes:\n- groups\n\n', true],
    [
      'with keys in other cases',
      'Issuer: a\nredirectURL: https://b\nRBAC:\n  Enabled: true\nclientid:\n  NAME: x\n',
      true,
    ],
    [
      'with a key in two cases',
      'redirectURL: https://b\nredirecturl: https://c\nredirectUrl: https://d\n',
      true,
    ],
    [
      'with numbers and switches for text',
      'issuer: 12\nissuerAlias: true\nscopes: [1, yes]\nclientId: {name: x, key: off}\n',
      true,
    ],
    ['with switches of YAML 1.1', 'insecureSkipVerify: yes\nrbac:\n  enabled: on\n', true],
    ['with nothing in it', 'issuer: a\nscopes:\nrbac: null\nclientId:\n', true],
    ['with a date and a time for text', 'issuer: 2001-01-01\nissuerAlias: 1:30\n', true],
    ['with anchors and merged keys', 'clientId: &s\n  name: x\nclientSecret:\n  <<: *s\n  key: b\n', true],
    ['with durations of all kinds', 'sessionExpiry: 1.5h\n', true],
    ['with a duration of parts', 'sessionExpiry: +1h30m5.5s3ms\n', true],
    ['with less than nothing for a duration', 'sessionExpiry: -1h\n', true],
    ['with an optional Secret', 'clientId: {name: x, key: a, optional: true}\n', true],
    ['that is empty', '', true],
    ['with text for a list', 'scopes: groups\n', false],
    ['with text for a switch', 'rbac:\n  enabled: sometimes\n', false],
    ['with a switch for the whole', 'rbac: true\n', false],
    ['with a number for a Secret', 'clientId: {name: 7}\n', false],
    ['with nothing for a duration', 'sessionExpiry:\n', false],
    ['with a number for a duration', 'sessionExpiry: 36000\n', false],
    ['with days', 'sessionExpiry: 1d\n', false],
    ['with a key twice', 'issuer: a\nissuer: b\n', false],
    ['with an unknown key', 'issuer: a\npkce: true\n', false],
    ['with an unknown key further in', 'rbac:\n  enabled: true\n  secretWhitelist: []\n', false],
    ['with a tab', 'issuer: a\n\tscopes: []\n', false],
    ['that ends in the middle', 'scopes: [groups\n', false],
    ['with an alias to nothing', 'issuer: *a\n', false],
    ['that is a list', '- issuer: a\n- b\n', false],
    ['that is text', 'issuer\n', false],
  ];

  it.each(BLOCKS)('agrees with what the operator makes of a block %s', async (_, sso, accepted) => {
    const answers = [await ask('3.5', { sso }), await ask('4.1', { sso })];
    const meanings = answers.map(answer =>
      'sso' in answer ? meaningOf(JSON.stringify(answer.sso)) : 'refused',
    );
    const own = meaningOf(sso);
    expect(own === 'refused').toBe(!accepted);
    expect(meanings).toEqual([own, own]);
  });

  it.each(['3.5', '4.1'] as const)('is nothing in %s where another section cannot be read', async as => {
    const data = { sso: 'issuer: a\n', links: '- name: [\n' };
    expect(await ask(as, data)).toHaveProperty('error');
    expect(readSettings(makeConfigMap(data), undefined)).toMatchObject({
      sso: { state: 'broken', message: expect.stringContaining('key links: ') },
    });
  });
});
