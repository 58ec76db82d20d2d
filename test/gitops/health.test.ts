import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../docs-pages.ts';
import { healthOf } from './lua.ts';
import { STORED } from './statuses.ts';

const SCRIPT = readFileSync(join(ROOT, 'examples', 'gitops', 'argocd', 'health.lua'), 'utf8');

describe("Argo CD's health of a policy", () => {
  it.each([
    ['ready', 'Healthy', 'InSync: everything is as the policy says'],
    ['warning', 'Healthy', 'GroupMissing: realm platform has no group /platform/admins (role admin)'],
    ['progressing', 'Progressing', 'Progressing: changes are being made'],
    ['waiting', 'Progressing', 'KeycloakUnavailable: Keycloak does not answer'],
    ['stalled', 'Degraded', 'NamespaceNotServed: '],
    ['suspended', 'Suspended', 'Suspended: spec.suspend is true'],
    ['deleting', 'Progressing', 'Deleting: being removed: '],
    ['new', 'Progressing', 'the operator has not looked at it yet'],
    ['changed', 'Progressing', 'the operator has not looked at this version yet'],
  ] satisfies readonly (readonly [keyof typeof STORED, string, string])[])(
    '%s is %s',
    (name, status, message) => {
      const health = healthOf(SCRIPT, STORED[name]);
      expect(health.status).toBe(status);
      expect(health.message?.slice(0, message.length)).toBe(message);
    },
  );

  it('is Progressing while the status has no conditions', () => {
    const bare = { ...STORED.new, status: { observedGeneration: 1 } };
    expect(healthOf(SCRIPT, bare).status).toBe('Progressing');
    expect(healthOf(SCRIPT, { ...bare, status: { observedGeneration: 1, conditions: [] } }).status).toBe(
      'Progressing',
    );
  });

  it('is worked out by a script that fails where it uses what Argo CD does not give it', () => {
    expect(() => healthOf('return string.format("%s", obj.kind)', STORED.ready)).toThrow(/string/);
    expect(() => healthOf('return 1', STORED.ready)).toThrow('returns no table');
  });
});
