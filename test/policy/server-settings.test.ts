import { describe, expect, it } from 'vitest';
import type { Observation } from '../../operator/policy/observation.ts';
import { planSettings } from '../../operator/policy/server-settings.ts';
import { renderSso } from '../../operator/policy/server-sso.ts';
import { settingsServe, settingsText, wantedSso } from '../../operator/policy/server-view.ts';
import { makeClient, makePolicy, observe } from './fixtures.ts';
import { keycloakDown, keycloakWith, makeSecret } from './objects.ts';
import { ISSUER, observeServer, observeSettings, SPEC } from './server-objects.ts';

const REF = {
  namespace: 'argo',
  name: 'workflow-controller-configmap',
  uid: 'uid-of-workflow-controller-configmap',
};
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function rightText(observation: Observation = observeSettings({})): string {
  const want = wantedSso(observation);
  if (want === undefined) throw new Error('the policy wants no settings');
  return renderSso(want);
}

const RIGHT = rightText();
const UNMANAGED = { configMap: { name: 'workflow-controller-configmap', manage: false } };

describe('the write of Argo’s settings', () => {
  it.each([
    ['there are none', {}],
    ['the key is empty', { sso: '' }],
    ['something else stands there', { sso: RIGHT.replace('platform', 'other') }],
    ['a scope is asked for', { sso: RIGHT.replace('scopes: []', 'scopes: [groups]') }],
    ['Keycloak’s certificate is not verified', { sso: `${RIGHT}insecureSkipVerify: true\n` }],
    ['a key stops Argo', { sso: `${RIGHT}pkce: true\n` }],
    ['other sections stand beside', { parallelism: '10', links: '- name: a\n  url: b\n' }],
  ])('is one where %s', (_, data) => {
    expect(planSettings(observeSettings(data))).toEqual([{ kind: 'ApplySettings', ref: REF, sso: RIGHT }]);
  });

  it('leaves what policies have no say in', () => {
    const [change] = planSettings(observeSettings({ sso: 'issuer: a\nissuerAlias: b\nuserInfoPath: /c\n' }));
    expect(change).toMatchObject({ sso: expect.stringContaining('issuerAlias: b\n') });
    expect(change).toMatchObject({ sso: expect.stringContaining('userInfoPath: /c\n') });
  });

  it.each([
    ['all is right', { sso: RIGHT }, {}],
    ['the same is said in other words', { sso: `${RIGHT}sessionExpiry: 480m\n` }, { sessionExpiry: '8h' }],
    ['there is the key config', { config: 'parallelism: 10\n' }, {}],
    ['there is the key config beside others', { config: '', links: '' }, {}],
    ['it cannot be read', { sso: 'issuer: [' }, {}],
    ['another section cannot be read', { sso: 'issuer: a', links: '[' }, {}],
    ['the policy does not want it', {}, UNMANAGED],
    ['the policy names no ConfigMap', {}, { configMap: undefined }],
  ])('is none where %s', (_, data, fields) => {
    expect(planSettings(observeSettings(data, fields))).toEqual([]);
  });

  it.each<[string, Partial<Observation>]>([
    ['the Secret is not there yet', { secrets: [] }],
    [
      'a key of the Secret is not there yet',
      { secrets: [makeSecret('argo-server-sso', { 'client-id': 'a' })] },
    ],
    ['the client is not there yet', { keycloak: keycloakWith(undefined) }],
    ['the client is not the policy’s yet', { keycloak: keycloakWith(makeClient()) }],
    ['Keycloak does not answer', { keycloak: keycloakDown(0) }],
  ])('is none as long as %s', (_, overrides) => {
    expect(planSettings(observeServer({}, {}, overrides))).toEqual([]);
  });

  it.each<[string, Parameters<typeof observeServer>[0]]>([
    ['the ConfigMap does not exist: it is never made', { configMap: { state: 'missing' } }],
    ['the ConfigMap may not be read', { configMap: { state: 'unread', forbidden: true, message: '' } }],
    [
      'an expression would stop Argo',
      { groupFilter: { invalid: [{ regex: '(', message: '' }], dropped: [] } },
    ],
  ])('is none where %s', (_, server) => {
    expect(planSettings(observeServer(server))).toEqual([]);
  });
});

describe('settings with which Argo Server may be restarted', () => {
  it.each([
    ['as they should be', { sso: RIGHT }, {}],
    ['as they should be in the key config', { config: `sso:\n${RIGHT.replace(/^/gm, '  ')}` }, {}],
    ['as they should be and seen to by others', { sso: RIGHT }, UNMANAGED],
    ['of no concern to the policy', { sso: 'issuer: [' }, { configMap: undefined }],
    ['without what an unknown version may not know', { sso: RIGHT }, { rootCA: PEM, image: 'latest' }],
  ])('are such %s', (_, data, { image, ...fields }: Record<string, unknown>) => {
    const seen = observeSettings(data, fields);
    const unknown = { ...seen, server: { ...seen.server, deployment: undefined } };
    expect(settingsServe(image === undefined ? seen : unknown)).toBe(true);
  });

  it.each([
    ['that differ', { sso: RIGHT.replace('enabled: true', 'enabled: false') }],
    ['that are not there', {}],
    ['that cannot be read', { sso: 'issuer: [' }],
    ['with a key that stops Argo', { sso: `${RIGHT}pkce: true\n` }],
    ['in config beside others', { config: `sso:\n${RIGHT.replace(/^/gm, '  ')}`, links: '' }],
  ])('are none %s', (_, data) => {
    expect(settingsServe(observeSettings(data))).toBe(false);
  });

  it.each([
    ['another expiry', 'sessionExpiry: 1h\n'],
    ['fewer groups', 'filterGroupsRegex: ["^nobody$"]\n'],
  ])('are such where a login does without, as with %s', (_, line) => {
    expect(settingsServe(observeSettings({ sso: `${RIGHT}${line}` }))).toBe(true);
  });

  it('are none where people would sign in elsewhere or as somebody else', () => {
    expect(settingsServe(observeSettings({ sso: `${RIGHT}customGroupClaimName: roles\n` }))).toBe(false);
    expect(settingsServe(observeSettings({ sso: RIGHT.replace('https://workflows', 'https://other') }))).toBe(
      false,
    );
  });

  it('are none of a ConfigMap that is not known, nor with an expression that stops Argo', () => {
    expect(settingsServe(observeServer({ configMap: { state: 'missing' } }))).toBe(false);
    const seen = observeSettings({ sso: RIGHT });
    const groupFilter = { invalid: [{ regex: '(', message: '' }], dropped: [] };
    expect(settingsServe({ ...seen, server: { ...seen.server, groupFilter } })).toBe(false);
  });

  it('are told by the issuer that the status remembers, where Keycloak does not answer', () => {
    const seen = observeSettings({ sso: RIGHT });
    const status = { ...seen.policy.status, issuer: ISSUER };
    const down = { ...seen, keycloak: keycloakDown(0) };
    expect(settingsServe(down)).toBe(false);
    expect(settingsServe({ ...down, policy: { ...seen.policy, status } })).toBe(true);
  });
});

describe('what Argo Server reads of its settings, for the mark of its pods', () => {
  it('is the same however it is written, and another where it is changed', () => {
    const text = settingsText(observeSettings({ sso: RIGHT }));
    expect(text).toContain(ISSUER);
    expect(settingsText(observeSettings({ sso: `\n\n${RIGHT}\n` }))).toBe(text);
    expect(settingsText(observeSettings({ config: `sso:\n${RIGHT.replace(/^/gm, '  ')}` }))).toBe(text);
    expect(settingsText(observeSettings({ sso: RIGHT, links: '- name: a\n' }))).toBe(text);
    expect(settingsText(observeSettings({ sso: `${RIGHT}userInfoPath: /u\n` }))).not.toBe(text);
  });

  it('is empty where nothing is known of it', () => {
    expect(settingsText(observe(makePolicy(SPEC)))).toBe('');
    expect(settingsText(observeSettings({ sso: 'issuer: [' }))).toBe('');
  });
});
