import { describe, expect, it } from 'vitest';
import { formatTime } from '../../operator/api/time.ts';
import { leastPeriod, rotationNotes } from '../../operator/policy/rotation-notes.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import {
  describeNote,
  describeStanding,
  describeStep,
  rotationReason,
} from '../../operator/policy/rotation-words.ts';
import { CAME, DAILY, type Differences, days, hours, minutes, rotationView } from './rotation-fixtures.ts';

const NAMES = {
  clientId: 'argo-workflows',
  realm: 'platform',
  secret: 'argo-server-sso',
  deployment: 'argo-server',
};

describe('the words of a rotation', () => {
  const steps: Readonly<Record<string, readonly [RotationStep, string | undefined, string]>> = {
    'nothing has no reason': [{ kind: 'Nothing' }, undefined, 'no rotation is due'],
    'a new secret': [
      { kind: 'RegenerateSecret', cause: 'Schedule' },
      'Rotating',
      'client argo-workflows gets a new secret',
    ],
    'a rollout under way': [
      { kind: 'AwaitRollout', until: 1, late: false, why: 'pulling' },
      'AwaitingRollout',
      'the rollout of Deployment argo-server is awaited: pulling',
    ],
    'a rollout under way of which nothing is known': [
      { kind: 'AwaitRollout', until: 1, late: false, why: undefined },
      'AwaitingRollout',
      'the rollout of Deployment argo-server is awaited',
    ],
    'a rollout that is late says why, and what follows': [
      { kind: 'AwaitRollout', until: 1, late: true, why: 'the image cannot be pulled' },
      'RotationFailed',
      'the rollout of Deployment argo-server does not come to its end: the image cannot be pulled; mend it, for there is no new secret before',
    ],
    'a rollout that is late for reasons unknown': [
      { kind: 'AwaitRollout', until: 1, late: true, why: undefined },
      'RotationFailed',
      'the rollout of Deployment argo-server does not come to its end; mend it, for there is no new secret before',
    ],
    'an overlap': [
      { kind: 'AwaitOverlap', until: 1 },
      'Overlapping',
      'the old secret of client argo-workflows stays valid for logins under way',
    ],
    'a pause says the command that ends it': [
      { kind: 'Postpone', what: 'Rotation', cause: 'DeploymentPaused' },
      'RotationPostponed',
      'the rotation waits until Deployment argo-server is resumed: kubectl rollout resume deployment/argo-server',
    ],
    'a missing policy says what to add or to leave out': [
      { kind: 'Postpone', what: 'Rotation', cause: 'OverlapNeedsPolicy' },
      'RotationPostponed',
      'the rotation waits until a client policy of realm platform with the executor secret-rotation covers client argo-workflows; add one, or leave out spec.client.secret.rotation.overlap',
    ],
    'a refused secret': [
      { kind: 'Failed', cause: 'SecretRefused' },
      'RotationFailed',
      'realm platform refuses the secret of client argo-workflows although it was just read there; see whether another authenticator is set for the client',
    ],
  };

  it.each(Object.entries(steps))('%s', (_, [step, reason, message]) => {
    expect(rotationReason(step)).toBe(reason);
    expect(describeStep(step, NAMES)).toBe(message);
  });
});

describe('the words of a rotation that only another may begin', () => {
  it.each([
    [
      { state: 'Held' },
      'a minute has passed since the answer to the last request for a new secret of client argo-workflows was lost, as Keycloak may still follow it',
    ],
    [
      { state: 'Barred', lease: 'ns/lease', message: 'forbidden' },
      'this operator can hold Lease ns/lease: forbidden; where a right is missing, apply the output of `argo-access rbac --config FILE`',
    ],
    [
      { state: 'Follows', lease: 'ns/lease', holder: 'pod-2' },
      'operator pod-2 begins it, which holds Lease ns/lease; it is overdue: see the log of that operator',
    ],
  ] as const)('say what is waited for: %j', (standing, until) => {
    expect(describeStanding(standing, NAMES)).toBe(`the rotation waits until ${until}`);
  });
});

describe('rotationNotes', () => {
  const NO_POLICY = { coverage: undefined };
  const LIVES_TWO_HOURS = { expiresAt: CAME + hours(2) };
  const WEEKLY = { ...DAILY, tickAfter: (time: number) => time + days(7), shortestPeriod: days(7) };
  const notes: Readonly<Record<string, readonly [Differences, readonly string[]]>> = {
    'nothing to note where the realm keeps old secrets long enough': [{}, []],
    'without the policy of the realm logins under way fail': [{ keycloak: NO_POLICY }, ['NoOverlap']],
    'an overlap that is asked for and that no policy of the realm allows for is told before it is due': [
      { keycloak: NO_POLICY, overlap: hours(1) },
      ['OverlapNeedsPolicy'],
    ],
    'where the policies of the realm are hidden nobody can tell': [
      { keycloak: { ...NO_POLICY, coverageHidden: true }, overlap: hours(1) },
      [],
    ],
    'so is one for which the realm keeps old secrets too short': [
      { keycloak: { coverage: { rotatedPeriod: hours(1) } }, overlap: hours(1) },
      ['RotatedPeriodTooShort'],
    ],
    'an overlap and a rollout fit into the time until the next is due': [
      { keycloak: { ...LIVES_TWO_HOURS, coverage: { rotatedPeriod: hours(2) } }, overlap: minutes(80) },
      ['ExpiresBeforeSchedule'],
    ],
    'where they do not fit no rotation can be over in time': [
      { keycloak: { ...LIVES_TWO_HOURS, coverage: { rotatedPeriod: hours(2) } }, overlap: minutes(81) },
      ['LifeShorterThanRotation', 'ExpiresBeforeSchedule'],
    ],
    'nor where the rollout alone does not': [
      { keycloak: { expiresAt: CAME + minutes(13), coverage: { rotatedPeriod: minutes(13) } } },
      ['LifeShorterThanRotation', 'ExpiresBeforeSchedule'],
    ],
    'an old secret that the realm keeps for as long as the new one lives has to make room': [
      { keycloak: { ...LIVES_TWO_HOURS, coverage: { rotatedPeriod: hours(2) } } },
      ['OverlapOutlastsLife', 'ExpiresBeforeSchedule'],
    ],
    'a period shorter than a rollout is told': [
      { keycloak: { coverage: { rotatedPeriod: minutes(10) - 1 } } },
      ['OverlapShorterThanRollout'],
    ],
    'a period as long as a rollout is enough': [
      { keycloak: { coverage: { rotatedPeriod: minutes(10) } } },
      [],
    ],
    'a period longer than the schedule waits is told': [
      { keycloak: { coverage: { rotatedPeriod: days(1) + 1 } } },
      ['OverlapOutlastsSchedule'],
    ],
    'a period as long as the schedule waits is fine': [
      { keycloak: { coverage: { rotatedPeriod: days(1) } } },
      [],
    ],
    'a period longer than the schedule waits does not matter where the policy has an overlap': [
      { keycloak: { coverage: { rotatedPeriod: days(9) } }, overlap: hours(1) },
      [],
    ],
    'a request that is older than the last one met is told': [
      {
        request: { value: 'a', at: CAME },
        secret: { marks: { created: CAME, since: CAME, handled: formatTime(CAME + 1) } },
      },
      ['RequestOutdated'],
    ],
    'the last request that was met is not': [
      {
        request: { value: 'a', at: CAME },
        secret: { marks: { created: CAME, since: CAME, handled: formatTime(CAME) } },
      },
      [],
    ],
    'a schedule later than the end of the secret is told': [
      { keycloak: { expiresAt: CAME + hours(20) } },
      ['ExpiresBeforeSchedule'],
    ],
    'a schedule before the end of the secret is fine': [{ keycloak: { expiresAt: CAME + hours(48) } }, []],
    'an old secret that is kept until the new one is to be replaced is told': [
      {
        keycloak: { expiresAt: CAME + hours(40), coverage: { rotatedPeriod: hours(30) - minutes(5) + 1 } },
        rules: WEEKLY,
      },
      ['OverlapOutlastsLife', 'ExpiresBeforeSchedule'],
    ],
    'one that is kept for less is fine': [
      {
        keycloak: { expiresAt: CAME + hours(40), coverage: { rotatedPeriod: hours(30) - minutes(5) } },
        rules: WEEKLY,
      },
      ['ExpiresBeforeSchedule'],
    ],
    'so is one that the policy has ended before': [
      {
        keycloak: { expiresAt: CAME + hours(40), coverage: { rotatedPeriod: hours(40) } },
        rules: WEEKLY,
        overlap: hours(1),
      },
      ['ExpiresBeforeSchedule'],
    ],
    'a life that is too short for overlap and rollout is told': [
      { keycloak: { expiresAt: CAME + minutes(40) - 4 }, overlap: minutes(20) },
      ['LifeShorterThanRotation', 'ExpiresBeforeSchedule'],
    ],
    'one that is just enough is fine': [
      { keycloak: { expiresAt: CAME + minutes(40) }, overlap: minutes(20) },
      ['ExpiresBeforeSchedule'],
    ],
    'a request that is no time is told': [
      { request: { value: 'now', at: undefined } },
      ['RequestUnreadable'],
    ],
    'without rotation there is nothing to note': [{ rules: undefined, keycloak: NO_POLICY }, []],
  };

  it.each(Object.entries(notes))('%s', (_, [differences, expected]) => {
    expect(rotationNotes(rotationView(differences))).toEqual(expected);
  });

  it('says that a restart is left to the user where no Deployment is named, and of which Secret', () => {
    const found = rotationNotes({ ...rotationView(), deployment: undefined });
    expect(found.map(note => describeNote(note, NAMES))).toEqual([
      'spec.server.deployment names none: restart Argo Server whenever Secret argo-server-sso changes',
    ]);
  });
});

describe('leastPeriod', () => {
  it('is a rollout and the overlap together', () => {
    expect([leastPeriod(undefined, minutes(10)), leastPeriod(hours(1), minutes(10))]).toEqual([
      minutes(10),
      hours(1) + minutes(10),
    ]);
  });
});
