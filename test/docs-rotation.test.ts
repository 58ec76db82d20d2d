import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_CLUSTER } from '../operator/api/names.ts';
import {
  coverageOf,
  readClientPolicies,
  readClientProfiles,
  rotationRules,
} from '../operator/keycloak/rotation-coverage.ts';
import type { RotationNote } from '../operator/policy/rotation-notes.ts';
import type { PostponeCause } from '../operator/policy/rotation-step.ts';
import { describeNote, describeStanding, describeStep } from '../operator/policy/rotation-words.ts';
import { blocks, ROOT, read, tableRows } from './docs-pages.ts';
import { makeClient } from './policy/fixtures.ts';

const ROTATION = 'docs/rotation.md';

/** What is shown to users, by cause; what is told of the Lease has words of its own, and a proof is not told of. */
const POSTPONED: Readonly<Record<PostponeCause, boolean>> = {
  NotLeading: false,
  TokenEndpointUnclear: false,
  IssuerSilent: true,
  ClientDisabled: true,
  DeploymentMissing: true,
  DeploymentPaused: true,
  RolloutReverted: true,
  PodsNotReady: true,
  SettingsWrong: true,
  ServerAccessMissing: true,
  ArgoSecretEmpty: true,
  CoverageHidden: true,
  OverlapNeedsPolicy: true,
  RotatedPeriodTooShort: true,
};

const NOTES: Readonly<Record<RotationNote, true>> = {
  OverlapNeedsPolicy: true,
  RotatedPeriodTooShort: true,
  NoOverlap: true,
  OverlapShorterThanRollout: true,
  OverlapOutlastsSchedule: true,
  ExpiresBeforeSchedule: true,
  OverlapOutlastsLife: true,
  LifeShorterThanRotation: true,
  RestartLeftToUser: true,
  RestartInterrupts: true,
  RequestUnreadable: true,
  RequestOutdated: true,
};

const ROTATION_REASONS = [
  'Rotating',
  'AwaitingRollout',
  'Overlapping',
  'RotationPostponed',
  'RolloutPostponed',
  'RotationFailed',
  'RotationInvalid',
  'RotationUnknown',
  'SecretRefused',
  ...Object.keys(NOTES),
];

describe(ROTATION, () => {
  const text = read(ROTATION);
  const names = {
    clientId: 'argo-workflows',
    realm: 'platform',
    secret: 'argo-server-sso',
    deployment: 'argo-server',
    handled: '2026-01-31T09:30:00Z',
  };
  const rows = tableRows(ROTATION);

  it.each(ROTATION_REASONS)('explains %s in a table', reason => {
    expect(rows.some(row => row.startsWith(`| \`${reason}\``))).toBe(true);
  });

  const obstacles = Object.entries(POSTPONED).flatMap(([cause, isShown]) => (isShown ? [cause] : []));

  it.each(obstacles as readonly PostponeCause[])('has the words that tell of %s', cause => {
    const rotation = describeStep({ kind: 'Postpone', what: 'Rotation', cause }, names);
    const rollout = describeStep({ kind: 'Postpone', what: 'Rollout', cause }, names);
    const [, obstacle = ''] = rotation.split('the rotation waits until ');
    expect(rollout).toBe(`the restart of Argo Server waits until ${obstacle}`);
    expect(rows.filter(row => row.startsWith(`| ${obstacle} |`))).toHaveLength(1);
  });

  const LEASE = 'argo-access-system/argo-access-operator-default';

  it.each([
    { state: 'Held' },
    { state: 'Barred', lease: LEASE, message: '…' },
    { state: 'Follows', lease: LEASE, holder: '…' },
  ] as const)('has the words of who may not make a new secret: $state', standing => {
    const [, obstacle = ''] = describeStanding(standing, names).split('the rotation waits until ');
    expect(rows.filter(row => row.startsWith(`| ${obstacle} |`))).toHaveLength(1);
  });

  it('has the words that tell of what failed', () => {
    const late = { kind: 'AwaitRollout', until: 0, late: true, why: '…' } as const;
    const said = [
      describeStep(late, names),
      describeStep({ kind: 'Failed', cause: 'SecretExpired' }, names),
      describeStep({ kind: 'Failed', cause: 'SecretRefused' }, names),
    ];
    for (const message of said) expect(rows.filter(row => row.includes(`| ${message} |`))).toHaveLength(1);
  });

  it.each(Object.keys(NOTES) as readonly RotationNote[])('has the words of the note %s', note => {
    const row = `| \`${note}\` | ${describeNote(note, names)} |`;
    expect(rows.filter(each => each.startsWith(row))).toHaveLength(1);
  });

  it('has the words of the events', () => {
    for (const step of [
      { kind: 'AwaitRollout', until: 0, late: false, why: undefined },
      { kind: 'AwaitOverlap', until: 0 },
    ] as const) {
      expect(text).toContain(`${describeStep(step, names)}\n`);
    }
  });

  it('names no metric that does not exist', () => {
    const metrics = readFileSync(join(ROOT, 'operator', 'metrics.ts'), 'utf8');
    const named = [...text.matchAll(/argo_access_\w+/g)].map(([name]) => name);
    expect(named.filter(name => !metrics.includes(`'${name}'`))).toEqual([]);
  });

  it('shows client policies that cover the client, for longer than overlap and rollout', () => {
    const [profiles, clientPolicies] = blocks(ROTATION, 'json').map(block => JSON.parse(block) as unknown);
    const policiesRead = readClientPolicies(clientPolicies);
    const profilesRead = readClientProfiles(profiles);
    if (policiesRead === undefined || profilesRead === undefined) throw new Error('none that Keycloak has');
    const rules = rotationRules(policiesRead, profilesRead);
    const cluster = '11111111-2222-3333-4444-555555555555';
    const covered = makeClient({ attributes: { [ATTRIBUTE_CLUSTER]: cluster } });
    expect(coverageOf(rules, covered)).toEqual({ rotatedPeriod: 24 * 3_600_000 });
    expect(coverageOf(rules, makeClient({ attributes: { [ATTRIBUTE_CLUSTER]: 'another' } }))).toBeUndefined();
  });
});
