import { describe, expect, it } from 'vitest';
import { ARGO_RULE } from '../../operator/api/names.ts';
import { check } from '../../operator/policy/checks.ts';
import { whenFails, whenUnjudged } from '../../operator/policy/checks-when.ts';
import { conclude } from '../../operator/policy/conclude.ts';
import { expressionsOf, wantedRoles } from '../../operator/policy/desired.ts';
import type { Observation, WhenVerdict } from '../../operator/policy/observation.ts';
import { changesOf, NO_CHANGES, plan } from '../../operator/policy/plan.ts';
import { makePolicy, observe } from './fixtures.ts';
import { convergedCluster, keycloakWith, settledPolicy } from './objects.ts';
import { objectsOf } from './simulate.ts';

const MAIL = '($env?.email ?? "") endsWith "@example.com"';
const UNSAFE = '"/a" in groups';
const POLICY = settledPolicy(
  {},
  {
    roles: [
      { name: 'staff', when: MAIL },
      { name: 'team', when: UNSAFE },
      { name: 'admin', groups: ['/admins'] },
    ],
  },
);
const SOUND: WhenVerdict = { kind: 'sound' };
const FAILS: WhenVerdict = {
  kind: 'fails',
  user: 'a user in no group',
  message: 'unknown name groups (1:8)\n | "/a" in groups\n | .......^',
  always: false,
};
const UNJUDGED: WhenVerdict = { kind: 'unjudged', message: 'no engine' };
const TOLD = { left: NO_CHANGES, failures: [], changed: [], regenerated: undefined };

function seen(staff: WhenVerdict | undefined, team: WhenVerdict | undefined): Partial<Observation> {
  const entries = [
    [MAIL, staff],
    [UNSAFE, team],
  ] as const;
  return {
    expressions: new Map(entries.flatMap(([rule, verdict]) => (verdict ? [[rule, verdict] as const] : []))),
  };
}

describe('an expression', () => {
  it('is the rule of its role, to the letter', () => {
    const odd = 'true // "\n\t or ($env?.name ?? "") == \'\\u0000\'';
    const roles = wantedRoles(makePolicy({ roles: [{ name: 'a', when: odd }] }), []);
    expect(roles.map(({ rule }) => rule)).toEqual([odd]);
    expect(expressionsOf(POLICY)).toEqual([MAIL, UNSAFE]);
  });

  it('that fails for somebody keeps all roles as they are, and says for whom, why, and what helps', () => {
    expect(whenFails(observe(POLICY, seen(SOUND, FAILS)))).toEqual({
      reason: 'WhenFails',
      message:
        'spec.roles[1].when: the expression of role team is neither true nor false for a user in no group ' +
        '(unknown name groups (1:8)). Argo would deny everybody whom it fails for, so no role is changed until it is ' +
        'mended. Give what a user may lack a default, as in ($env?.email ?? "") endsWith "@example.com" and ' +
        'any($env?.groups ?? [], {# startsWith "/teams/"})',
      part: 'roles',
      blocks: ['roles'],
    });
  });

  it('is told together with others that fail, and what helps with each', () => {
    const message = whenFails(
      observe(POLICY, seen({ ...FAILS, user: 'a user without email', always: true }, FAILS)),
    )?.message;
    expect(message).toMatch(
      /is mended\. Write a condition in .* a block\. Give what a user may lack a default, /,
    );
    expect(message).toContain(
      'spec.roles: the expression of role staff is neither true nor false for a user without',
    );
    expect(message).toContain('; the expression of role team is neither');
  });

  it('shows no more than a line of what the engine says, and nothing that a terminal would obey', () => {
    const message = `${'é'.repeat(500)}\n`;
    expect(whenFails(observe(POLICY, seen(SOUND, { ...FAILS, message })))?.message).toContain(
      `(${'é'.repeat(199)}…)`,
    );
    const obeyed = '\u001b[2J\u202e"';
    const told = whenFails(observe(POLICY, seen(SOUND, { ...FAILS, message: obeyed })))?.message;
    expect(told).toContain('( [2J ")');
  });

  it.each([
    ['could not be tried', UNJUDGED, 'no engine'],
    ['was never tried', undefined, 'it was not tried yet'],
  ])('that %s keeps all roles as they are, and is tried again', (_, verdict, why) => {
    const observation = observe(POLICY, seen(SOUND, verdict));
    expect(whenUnjudged(observation)).toEqual({
      reason: 'WhenUnjudged',
      message:
        `spec.roles[1].when: the expression of role team could not be tried: ${why}. No role is changed before ` +
        'that; it is tried again',
      part: 'roles',
      blocks: ['roles'],
    });
    const { status, retry } = conclude(observation, check(observation), TOLD, '2026-03-01T12:00:00Z');
    expect(status.conditions?.map(({ type, reason }) => [type, reason])).toEqual([
      ['Ready', 'WhenUnjudged'],
      ['Reconciling', 'WhenUnjudged'],
      ['RolesReady', 'WhenUnjudged'],
    ]);
    expect(retry).toBe(true);
  });

  it('that stands already needs no new verdict, unless it turns out to fail', () => {
    const cluster = objectsOf(convergedCluster(POLICY, seen(SOUND, SOUND)));
    const again = observe(POLICY, cluster);
    expect(whenUnjudged(again)).toBeUndefined();
    expect(changesOf(plan(again, check(again)))).toEqual([]);
    expect(whenFails(observe(POLICY, { ...cluster, ...seen(UNJUDGED, FAILS) }))?.reason).toBe('WhenFails');
    const elsewhere = settledPolicy({}, { roles: [{ name: 'admin', when: UNSAFE }] });
    expect(whenUnjudged(observe(elsewhere, cluster))?.reason).toBe('WhenUnjudged');
  });

  it('that fails is not tried again, for it will not mend itself', () => {
    const observation = observe(POLICY, seen(SOUND, FAILS));
    const { status, retry } = conclude(observation, check(observation), TOLD, '2026-03-01T12:00:00Z');
    expect(status.conditions?.map(({ type, reason }) => [type, reason])).toEqual([
      ['Ready', 'WhenFails'],
      ['Stalled', 'WhenFails'],
      ['RolesReady', 'WhenFails'],
    ]);
    expect(retry).toBe(false);
  });

  it.each([undefined, FAILS, UNJUDGED])(
    'is written once it was found sound, and not while it is %j',
    verdict => {
      const blocked = observe(POLICY, { ...seen(SOUND, verdict), keycloak: keycloakWith(undefined) });
      expect(changesOf(plan(blocked, check(blocked)))).toEqual([]);
      const cluster = objectsOf(convergedCluster(POLICY, seen(SOUND, SOUND)));
      expect(cluster.accounts.map(({ metadata }) => metadata.annotations?.[ARGO_RULE])).toEqual([
        MAIL,
        UNSAFE,
        'any($env?.groups ?? [], # in ["/admins"])',
      ]);
      // What stands is left alone, also where the policy now asks for something else.
      const changed = settledPolicy({}, { roles: [{ name: 'admin', when: UNSAFE }] });
      const later = observe(changed, { ...cluster, ...seen(undefined, verdict) });
      expect(changesOf(plan(later, check(later)))).toEqual([]);
    },
  );

  it.each([
    ['is suspended', { suspend: true }, {}],
    ['goes', {}, { deletionTimestamp: '2026-03-01T11:00:00Z' }],
  ])('needs no verdict while its policy %s', (_, spec, metadata) => {
    const policy = makePolicy({ ...spec, roles: [{ name: 'team', when: UNSAFE }] }, { metadata });
    const observation = observe(policy);
    expect([whenFails(observation), whenUnjudged(observation)]).toEqual([undefined, undefined]);
  });

  it('does not keep a policy from going that had written it', () => {
    const cluster = objectsOf(convergedCluster(POLICY, seen(SOUND, SOUND)));
    const going = {
      ...POLICY,
      metadata: { ...POLICY.metadata, deletionTimestamp: '2026-03-01T11:00:00Z' },
    };
    const observation = observe(going, cluster);
    const kinds = changesOf(plan(observation, check(observation))).map(({ kind }) => kind);
    expect(kinds.filter(kind => kind === 'PatchObject')).toHaveLength(3);
  });
});
