import { describe, expect, it } from 'vitest';
import { canonicalSso, mergedSso, settingDifferences } from '../../operator/policy/server-compare.ts';
import { desiredSso, renderSso, type SsoBlock, type SsoSettings } from '../../operator/policy/server-sso.ts';
import { makePolicy } from './fixtures.ts';
import { ISSUER, SPEC } from './server-objects.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const V3 = { major: 3, minor: 7 };
const V4 = { major: 4, minor: 0 };

function want(server: object = {}, keycloak: object = {}, version: typeof V3 | undefined = V4): SsoSettings {
  const policy = makePolicy({ ...SPEC, keycloak, server: { ...SPEC.server, ...server } });
  const settings = desiredSso(policy, ISSUER, version);
  if (settings === undefined) throw new Error('the policy wants no settings');
  return settings;
}

describe('the settings that a policy wants', () => {
  it('are as short as can be where it says nothing more', () => {
    expect(renderSso(want())).toBe(`issuer: https://sso.example.com/realms/platform
clientId:
  name: argo-server-sso
  key: client-id
clientSecret:
  name: argo-server-sso
  key: client-secret
redirectUrl: https://workflows.example.com/oauth2/callback
rbac:
  enabled: true
scopes: []
`);
  });

  it('hold what it says', () => {
    const settings = want(
      { sessionExpiry: '8h', filterGroupsRegex: ['^/platform/', 'yes'], rootCA: PEM.trim() },
      { groups: { claim: 'roles' } },
    );
    expect(renderSso(settings)).toContain(`scopes: []
sessionExpiry: "8h"
customGroupClaimName: roles
filterGroupsRegex:
  - "^/platform/"
  - "yes"
rootCA: |
  -----BEGIN CERTIFICATE-----
  MIIB
  -----END CERTIFICATE-----
`);
  });

  it.each([
    ['4.0', V4, true],
    ['4.1', { major: 4, minor: 1 }, true],
    ['3.7', V3, false],
    ['a version that nobody knows', undefined, false],
  ])('hold rootCA for %s: %j', (_, version, there) => {
    // Not by default of the parameter: undefined is a case of its own.
    const policy = makePolicy({ ...SPEC, server: { ...SPEC.server, rootCA: PEM } });
    expect(desiredSso(policy, ISSUER, version)?.rootCA).toBe(there ? PEM : undefined);
  });

  it.each([
    ['client', { roles: SPEC.roles }],
    ['server', { ...SPEC, server: undefined }],
    ['ConfigMap', { ...SPEC, server: { deployment: 'argo-server' } }],
  ])('are none without %s', (_, spec) => {
    expect(desiredSso(makePolicy(spec), ISSUER, V4)).toBeUndefined();
  });
});

describe('differences of settings', () => {
  const base: SsoBlock = want();

  it.each<[string, SsoBlock, SsoSettings]>([
    ['in nothing', base, want()],
    ['in how a duration is written', { ...base, sessionExpiry: '480m' }, want({ sessionExpiry: '8h' })],
    ['in Argo’s default said or not', { ...base, sessionExpiry: '10h0m0s' }, want()],
    ['in a duration of nothing', { ...base, sessionExpiry: '0s' }, want()],
    ['in scopes of none', { ...base, scopes: [] }, want()],
    ['in a claim that Argo reads anyway', { ...base, customGroupClaimName: 'groups' }, want()],
    ['in lists of nothing', { ...base, filterGroupsRegex: [] }, want()],
    [
      'in the order of expressions',
      { ...base, filterGroupsRegex: ['b', 'a'] },
      want({ filterGroupsRegex: ['a', 'b'] }),
    ],
    ['in the line ends of certificates', { ...base, rootCA: PEM.trim() }, want({ rootCA: `\r\n${PEM}\n` })],
    ['in what a policy has no say in', { ...base, issuerAlias: 'https://a', userInfoPath: '/u' }, want()],
    ['in certificates that the policy does not give', { ...base, rootCA: PEM }, want()],
    ['in insecureSkipVerify, which is told by itself', { ...base, insecureSkipVerify: true }, want()],
    ['in an optional Secret', { ...base, clientId: { ...base.clientId, optional: true } }, want()],
  ])('are none %s', (_, have, settings) => {
    expect(settingDifferences(settings, have)).toEqual([]);
  });

  it.each<[string, SsoBlock, SsoSettings, object]>([
    ['issuer', { ...base, issuer: 'https://b' }, want(), { want: ISSUER, have: 'https://b' }],
    ['issuer', { ...base, issuer: `${ISSUER}/` }, want(), { want: ISSUER, have: `${ISSUER}/` }],
    [
      'clientId',
      { ...base, clientId: { name: 'a', key: 'client-id' } },
      want(),
      { want: 'argo-server-sso, key client-id', have: 'a, key client-id' },
    ],
    [
      'clientSecret',
      { ...base, clientSecret: { name: 'argo-server-sso', key: 'b' } },
      want(),
      { want: 'argo-server-sso, key client-secret', have: 'argo-server-sso, key b' },
    ],
    ['redirectUrl', { ...base, redirectUrl: '' }, want(), { have: undefined }],
    ['rbac', { ...base, rbac: { enabled: false } }, want(), { want: 'enabled: true', have: undefined }],
    ['scopes', { ...base, scopes: ['groups'] }, want(), { want: undefined, have: '["groups"]' }],
    ['sessionExpiry', { ...base, sessionExpiry: '24h' }, want(), { want: undefined, have: '24h' }],
    ['sessionExpiry', base, want({ sessionExpiry: '8h' }), { want: '8h', have: undefined }],
    ['customGroupClaimName', { ...base, customGroupClaimName: 'roles' }, want(), { have: 'roles' }],
    ['filterGroupsRegex', { ...base, filterGroupsRegex: ['a'] }, want(), { have: '["a"]' }],
    ['rootCA', base, want({ rootCA: PEM }), { want: 'certificates of 59 characters', have: undefined }],
  ])('are told of %s', (field, have, settings, told) => {
    expect(settingDifferences(settings, have)).toEqual([expect.objectContaining({ field, ...told })]);
  });

  it('are told of everything where nothing stands', () => {
    const fields = settingDifferences(want(), {}).map(({ field }) => field);
    expect(fields).toEqual(['issuer', 'clientId', 'clientSecret', 'redirectUrl', 'rbac']);
  });
});

describe('the block to write', () => {
  it('keeps what a policy has no say in, and takes the rest from the policy', () => {
    const have: SsoBlock = {
      issuer: 'https://old',
      issuerAlias: 'https://alias',
      userInfoPath: '/userinfo',
      rootCA: PEM,
      scopes: ['groups'],
      sessionExpiry: '240h',
    };
    expect(mergedSso(have, want())).toEqual({
      ...want(),
      issuerAlias: 'https://alias',
      userInfoPath: '/userinfo',
      rootCA: PEM,
    });
  });

  it('never holds insecureSkipVerify', () => {
    expect(renderSso(mergedSso({ insecureSkipVerify: true }, want()))).toBe(renderSso(want()));
  });
});

describe('what Argo reads at its start, as text', () => {
  it('is the same for the same meaning', () => {
    const have: SsoBlock = {
      scopes: ['b', 'a'],
      issuer: 'x',
      sessionExpiry: '60m',
      insecureSkipVerify: false,
    };
    const same: SsoBlock = { issuer: 'x', sessionExpiry: '1h', scopes: ['a', 'b'], rbac: { enabled: false } };
    expect(canonicalSso(have)).toBe(canonicalSso(same));
  });

  it.each<SsoBlock>([
    { issuer: 'y' },
    { issuer: 'x', insecureSkipVerify: true },
    { issuer: 'x', issuerAlias: 'y' },
    { issuer: 'x', userInfoPath: '/u' },
    { issuer: 'x', rootCA: PEM },
    { issuer: 'x', sessionExpiry: '1h' },
    { issuer: 'x', rbac: { enabled: true } },
  ])('is another for %j', block => {
    expect(canonicalSso(block)).not.toBe(canonicalSso({ issuer: 'x' }));
  });
});
