import { describe, expect, it } from 'vitest';
import { formatTime } from '../../operator/api/time.ts';
import { planRotation } from '../../operator/policy/rotation.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import type { RotationView } from '../../operator/policy/rotation-view.ts';
import {
  CAME,
  DAILY,
  type Differences,
  days,
  hours,
  minutes,
  rotationView,
  TICK,
} from './rotation-fixtures.ts';

const NOTHING: RotationStep = { kind: 'Nothing' };
const SCHEDULED: RotationStep = { kind: 'RegenerateSecret', cause: 'Schedule' };
const REQUESTED: RotationStep = { kind: 'RegenerateSecret', cause: 'Request' };
const EXPIRING: RotationStep = { kind: 'RegenerateSecret', cause: 'Expiry' };
const DUE = { now: TICK };
const AS_LONG_AS_THE_NEW = {
  expiresAt: CAME + hours(20),
  rotated: { expiresAt: CAME + hours(20) },
  coverage: { rotatedPeriod: hours(20) },
};
const OLD = { rotated: { expiresAt: CAME + hours(2) } };

/** As long as the new one lives. */
const KEPT = { rotated: { expiresAt: CAME + hours(20) } };

const postponed = (cause: string, what = 'Rotation') => ({ kind: 'Postpone', what, cause });
const asked = (value: string, at: number | undefined) => ({ request: { value, at } });

/** By a sentence: what differs from a policy at rest, and the step that follows. */
const STEPS: Readonly<Record<string, readonly [Differences, object]>> = {
  'nothing is done between ticks': [{}, NOTHING],
  'a secret is due at the tick': [DUE, SCHEDULED],
  'a secret is not due a millisecond before the tick': [{ now: TICK - 1 }, NOTHING],
  'the jitter delays it': [{ ...DUE, rules: { ...DAILY, jitter: minutes(4) } }, NOTHING],
  'after the jitter it is due': [
    { now: TICK + minutes(4), rules: { ...DAILY, jitter: minutes(4) } },
    SCHEDULED,
  ],
  'three missed ticks count once: one secret is due': [{ now: TICK + days(3) }, SCHEDULED],
  'a secret made after three missed ticks serves all of them': [
    {
      now: TICK + days(3) + minutes(2),
      keycloak: { createdAt: TICK + days(3) + minutes(1) },
      secret: {
        marks: {
          created: TICK + days(3) + minutes(1),
          since: TICK + days(3) + minutes(1),
          handled: undefined,
        },
      },
    },
    NOTHING,
  ],
  'a tick is served by a secret made five minutes before it': [
    {
      ...DUE,
      keycloak: { createdAt: TICK - minutes(5) },
      secret: { marks: { created: TICK - minutes(5), since: TICK - minutes(5), handled: undefined } },
    },
    NOTHING,
  ],
  'a tick is not served by a secret made earlier than that': [
    {
      ...DUE,
      keycloak: { createdAt: TICK - minutes(5) - 1 },
      secret: { marks: { created: TICK - minutes(5) - 1, since: TICK - minutes(5) - 1, handled: undefined } },
    },
    SCHEDULED,
  ],
  'without rotation in the policy no tick counts': [{ ...DUE, rules: undefined }, NOTHING],
  'a schedule that has no further tick is over': [
    { now: TICK + days(400), rules: { ...DAILY, tickAfter: () => undefined } },
    NOTHING,
  ],

  'a secret is replaced a quarter of its life before Keycloak ends it': [
    { keycloak: { expiresAt: CAME + hours(20) }, now: CAME + hours(15) },
    EXPIRING,
  ],
  'and not before': [{ keycloak: { expiresAt: CAME + hours(20) }, now: CAME + hours(15) - 1 }, NOTHING],
  'a secret that lives long is replaced a day before its end': [
    {
      keycloak: { expiresAt: CAME + days(40) },
      rules: { ...DAILY, tickAfter: () => undefined },
      now: CAME + days(39),
    },
    EXPIRING,
  ],
  'without rotation in the policy Keycloak ends the secret': [
    { keycloak: { expiresAt: CAME + hours(20) }, now: CAME + hours(19), rules: undefined },
    NOTHING,
  ],
  'a secret that is refused because its life is over is replaced, whatever was to be rolled out': [
    {
      keycloak: { expiresAt: CAME + hours(20) },
      now: CAME + hours(21),
      secret: { proof: 'refused' },
      deployment: { mark: undefined },
    },
    EXPIRING,
  ],
  'the overlap is no reason to wait once its life is over': [
    {
      keycloak: { expiresAt: CAME + hours(20), coverage: undefined },
      overlap: hours(1),
      now: CAME + hours(21),
      secret: { proof: 'refused' },
    },
    EXPIRING,
  ],
  'nothing else is a reason to wait then': [
    {
      keycloak: { expiresAt: CAME + hours(20) },
      now: CAME + hours(21),
      secret: { proof: 'refused' },
      serverObstacle: 'SettingsWrong',
      deployment: { paused: true },
    },
    EXPIRING,
  ],
  'a secret that is refused within the difference between clocks is expired': [
    {
      ...asked('a', CAME),
      keycloak: { expiresAt: CAME + hours(20) },
      now: CAME + hours(20) - minutes(5),
      secret: { proof: 'refused' },
    },
    REQUESTED,
  ],
  'one that is refused before that is not, and asking for another does not help': [
    {
      ...asked('a', CAME),
      keycloak: { expiresAt: CAME + hours(20) },
      now: CAME + hours(20) - minutes(5) - 1,
      secret: { proof: 'refused' },
    },
    { kind: 'Failed', cause: 'SecretRefused' },
  ],
  'without rotation in the policy an expired secret is told': [
    {
      keycloak: { expiresAt: CAME + hours(20) },
      now: CAME + hours(21),
      secret: { proof: 'refused' },
      rules: undefined,
    },
    { kind: 'Failed', cause: 'SecretExpired' },
  ],

  'a request is met at once': [asked('a', TICK - hours(1)), REQUESTED],
  'a request is met without rotation in the policy': [
    { ...asked('a', TICK - hours(1)), rules: undefined },
    REQUESTED,
  ],
  'a request by a clock five minutes ahead is met at once': [
    asked('a', TICK - hours(1) + minutes(5)),
    REQUESTED,
  ],
  'a request for later waits': [asked('a', TICK - minutes(30)), NOTHING],
  'a request from long ago that was never met is met': [asked('a', 0), REQUESTED],
  'a request right after a rotation waits until Keycloak would give its secret another time': [
    { ...asked('b', CAME), now: CAME + 1999 },
    NOTHING,
  ],
  'and is met then': [{ ...asked('b', CAME), now: CAME + 2000 }, REQUESTED],
  'a request is met once': [
    {
      ...asked('a', TICK - hours(1)),
      secret: { marks: { created: CAME, since: CAME, handled: 'a' } },
    },
    NOTHING,
  ],
  'a later request is another one': [
    {
      ...asked('b', TICK - hours(1)),
      secret: { marks: { created: CAME, since: CAME, handled: formatTime(TICK - hours(1) - 1) } },
    },
    REQUESTED,
  ],
  'a request that comes back after a later one was met is not met again': [
    {
      ...asked('a', TICK - hours(2)),
      secret: { marks: { created: CAME, since: CAME, handled: formatTime(TICK - hours(1)) } },
    },
    NOTHING,
  ],
  'the same time in other words is the same request': [
    {
      ...asked('a', TICK - hours(1)),
      secret: { marks: { created: CAME, since: CAME, handled: formatTime(TICK - hours(1)) } },
    },
    NOTHING,
  ],
  'a damaged mark of what was met hides no request': [
    {
      ...asked('b', TICK - hours(1)),
      secret: { marks: { created: CAME, since: CAME, handled: 'a' } },
    },
    REQUESTED,
  ],
  'a request that is no time is not met': [asked('now', undefined), NOTHING],

  'a Secret that differs takes over first, even when a secret is due': [
    { ...DUE, secret: { holdsValue: false } },
    { kind: 'TakeOver', marks: { created: CAME, since: CAME, handled: undefined } },
  ],
  'a new secret in Keycloak came now, by our clock': [
    { keycloak: { createdAt: CAME + hours(9) }, secret: { holdsValue: false } },
    { kind: 'TakeOver', marks: { created: CAME + hours(9), since: TICK - hours(1), handled: undefined } },
  ],
  'a value that was set in Keycloak by hand, which does not date it, came now': [
    { secret: { holdsValue: false, isUntouched: true } },
    { kind: 'TakeOver', marks: { created: CAME, since: TICK - hours(1), handled: undefined } },
  ],
  'a new secret came now also where nobody knows when the former one did': [
    {
      keycloak: { createdAt: TICK + minutes(6) },
      secret: { holdsValue: false, marks: { created: undefined, since: CAME, handled: undefined } },
    },
    { kind: 'TakeOver', marks: { created: TICK + minutes(6), since: TICK - hours(1), handled: undefined } },
  ],
  'a new secret that somebody has copied into the Secret is taken over all the same': [
    { keycloak: { createdAt: CAME + hours(9) } },
    { kind: 'TakeOver', marks: { created: CAME + hours(9), since: TICK - hours(1), handled: undefined } },
  ],
  'a value that somebody has set in Keycloak, undated, and in the Secret alike is taken over, for pods have not read it':
    [
      { secret: { holdsValue: true, isUntouched: false } },
      { kind: 'TakeOver', marks: { created: CAME, since: CAME, handled: undefined } },
    ],
  'a new secret meets the request that waits': [
    { ...asked('a', CAME), keycloak: { createdAt: CAME + hours(9) }, secret: { holdsValue: false } },
    { kind: 'TakeOver', marks: { created: CAME + hours(9), since: TICK - hours(1), handled: 'a' } },
  ],
  'a Secret that was edited meets no request': [
    { ...asked('a', CAME), secret: { holdsValue: false } },
    { kind: 'TakeOver', marks: { created: CAME, since: CAME, handled: undefined } },
  ],
  'a new secret does not meet a request for later': [
    {
      ...asked('a', TICK + hours(9)),
      keycloak: { createdAt: CAME + hours(9) },
      secret: { holdsValue: false },
    },
    { kind: 'TakeOver', marks: { created: CAME + hours(9), since: TICK - hours(1), handled: undefined } },
  ],
  'a Secret without marks learns what Keycloak knows': [
    { secret: { marks: { created: undefined, since: undefined, handled: undefined } } },
    { kind: 'RecordMarks', marks: { created: CAME, since: CAME, handled: undefined } },
  ],
  'where Keycloak does not know either, the age counts from now': [
    {
      keycloak: { createdAt: undefined },
      secret: { marks: { created: undefined, since: undefined, handled: undefined } },
    },
    { kind: 'RecordMarks', marks: { created: undefined, since: TICK - hours(1), handled: undefined } },
  ],
  'a request in git that is older than the secret is not met by a Secret that lost its marks': [
    {
      ...asked('a', CAME - days(9)),
      secret: { marks: { created: undefined, since: undefined, handled: undefined } },
    },
    { kind: 'RecordMarks', marks: { created: CAME, since: CAME, handled: 'a' } },
  ],
  'a mark from the future is not believed': [
    { secret: { marks: { created: CAME, since: TICK + days(9), handled: undefined } } },
    { kind: 'RecordMarks', marks: { created: CAME, since: CAME, handled: undefined } },
  ],

  'a new revision is proved before it is rolled out': [
    { secret: { mark: '2-a', proof: 'missing' } },
    { kind: 'Prove' },
  ],
  'a proof without a clear answer is waited for': [
    { secret: { mark: '2-a', proof: 'unknown' } },
    postponed('TokenEndpointUnclear', 'Proof'),
  ],
  'a secret that is refused is not rolled out': [
    { secret: { mark: '2-a', proof: 'refused' } },
    { kind: 'Failed', cause: 'SecretRefused' },
  ],
  'nothing is asked of an issuer that does not answer': [
    { secret: { proof: 'missing' }, issuerAnswers: false },
    postponed('IssuerSilent', 'Proof'),
  ],
  'a disabled client cannot be proved': [
    { secret: { proof: 'missing' }, keycloak: { enabled: false } },
    postponed('ClientDisabled', 'Proof'),
  ],

  'what is proved is rolled out': [{ secret: { mark: '2-a' } }, { kind: 'Roll', mark: '2-a' }],
  'a rollout under way is replaced by that of the new secret': [
    { secret: { mark: '2-a' }, deployment: { progress: 'rolling' } },
    { kind: 'Roll', mark: '2-a' },
  ],
  'nothing is rolled out while the issuer does not answer': [
    { secret: { mark: '2-a' }, issuerAnswers: false },
    postponed('IssuerSilent', 'Rollout'),
  ],
  'nothing is rolled out that would read wrong settings': [
    { secret: { mark: '2-a' }, serverObstacle: 'SettingsWrong' },
    postponed('SettingsWrong', 'Rollout'),
  ],
  'a paused Deployment is left alone': [
    { secret: { mark: '2-a' }, deployment: { paused: true } },
    postponed('DeploymentPaused', 'Rollout'),
  ],
  'what takes the mark off every time is not fought': [
    { secret: { mark: '2-a' }, deployment: { reverted: true } },
    postponed('RolloutReverted', 'Rollout'),
  ],
  'a rollout is awaited': [
    { deployment: { progress: 'rolling', startedAt: TICK - hours(1) } },
    { kind: 'AwaitRollout', until: TICK - minutes(50), late: false, why: undefined },
  ],
  'a rollout past its deadline is late': [
    { ...DUE, deployment: { progress: 'rolling', startedAt: TICK - minutes(10), why: 'no such image' } },
    { kind: 'AwaitRollout', until: TICK, late: true, why: 'no such image' },
  ],
  'a rollout that Kubernetes has given up is late at once': [
    { ...DUE, deployment: { progress: 'failed', why: 'quota' } },
    { kind: 'AwaitRollout', until: undefined, late: true, why: 'quota' },
  ],
  'pods that are missing long after a rollout put a new secret off': [
    { ...DUE, deployment: { progress: 'degraded' } },
    postponed('PodsNotReady'),
  ],
  'so do pods of which none is left': [
    { ...DUE, deployment: { progress: 'down', why: 'quota' } },
    postponed('PodsNotReady'),
  ],
  'while nothing is due, missing pods are none of the rotation’s business': [
    { deployment: { progress: 'down' } },
    NOTHING,
  ],
  'pods that are missing have not read the old secret, which is ended': [
    {
      keycloak: OLD,
      overlap: hours(1),
      now: CAME + hours(1) + minutes(3),
      deployment: { progress: 'degraded' },
    },
    { kind: 'EndOverlap' },
  ],
  'an old secret is left as long as the realm says, and clocks differ': [
    { keycloak: OLD, now: CAME + hours(2) + minutes(4) },
    { kind: 'AwaitOverlap', until: CAME + hours(2) + minutes(5) },
  ],
  'an old secret makes room before the new one ends': [
    { keycloak: AS_LONG_AS_THE_NEW, now: CAME + hours(15) },
    { kind: 'EndOverlap' },
  ],
  'and is left until then': [
    { keycloak: AS_LONG_AS_THE_NEW, now: CAME + hours(15) - 1 },
    { kind: 'AwaitOverlap', until: CAME + hours(15) },
  ],
  'also where the policy would have it stay for longer': [
    { keycloak: AS_LONG_AS_THE_NEW, overlap: hours(19), now: CAME + hours(15) },
    { kind: 'EndOverlap' },
  ],
  'also for a request, without rotation in the policy': [
    {
      ...asked('a', CAME + hours(1)),
      rules: undefined,
      keycloak: AS_LONG_AS_THE_NEW,
      now: CAME + hours(15),
    },
    { kind: 'EndOverlap' },
  ],
  'but not while a rollout is pending': [
    { keycloak: AS_LONG_AS_THE_NEW, now: CAME + hours(15), deployment: { progress: 'rolling' } },
    { kind: 'AwaitRollout', until: undefined, late: false, why: undefined },
  ],
  'nor where nothing asks for a new one': [
    { rules: undefined, keycloak: AS_LONG_AS_THE_NEW, now: CAME + hours(15) },
    { kind: 'AwaitOverlap', until: CAME + hours(20) + minutes(5) },
  ],
  'an old secret that has ended by itself needs no end': [
    { keycloak: OLD, now: CAME + hours(2) + minutes(5) },
    NOTHING,
  ],
  'the overlap counts from the end of the rollout': [
    { keycloak: OLD, overlap: hours(1), now: CAME + hours(1) },
    { kind: 'AwaitOverlap', until: CAME + hours(1) + minutes(3) },
  ],
  'after the overlap the old secret is ended': [
    { keycloak: OLD, overlap: hours(1), now: CAME + hours(1) + minutes(3) },
    { kind: 'EndOverlap' },
  ],
  'only the leader ends it': [
    {
      keycloak: OLD,
      overlap: hours(1),
      now: CAME + hours(1) + minutes(3),
      leading: false,
    },
    postponed('NotLeading'),
  ],
  'where nobody tells the end of the rollout, the deadline is taken for it': [
    {
      keycloak: OLD,
      overlap: hours(1),
      now: CAME + hours(1),
      deployment: { completedAt: undefined },
    },
    { kind: 'AwaitOverlap', until: CAME + hours(1) + minutes(10) },
  ],
  'an old secret makes room before the new one would end': [
    { keycloak: { expiresAt: CAME + hours(20), ...KEPT }, now: CAME + hours(15) - 1 },
    { kind: 'AwaitOverlap', until: CAME + hours(15) },
  ],
  'and is ended then': [
    { keycloak: { expiresAt: CAME + hours(20), ...KEPT }, now: CAME + hours(15) },
    { kind: 'EndOverlap' },
  ],
  'also where the policy wants it to stay for longer': [
    { keycloak: { expiresAt: CAME + hours(20), ...KEPT }, overlap: hours(19), now: CAME + hours(15) },
    { kind: 'EndOverlap' },
  ],
  'not while a rollout is under way, whose pods may need it': [
    {
      keycloak: { expiresAt: CAME + hours(20), ...KEPT },
      now: CAME + hours(15),
      deployment: { progress: 'rolling', startedAt: CAME + hours(15) },
    },
    { kind: 'AwaitRollout', until: CAME + hours(15) + minutes(10), late: false, why: undefined },
  ],
  'for a request too, where there is no schedule': [
    {
      ...asked('a', CAME + hours(1)),
      rules: undefined,
      keycloak: { expiresAt: CAME + hours(20), ...KEPT },
      now: CAME + hours(15),
    },
    { kind: 'EndOverlap' },
  ],
  'without either, nothing is to come that needs room': [
    { rules: undefined, keycloak: { expiresAt: CAME + hours(20), ...KEPT }, now: CAME + hours(15) },
    { kind: 'AwaitOverlap', until: CAME + hours(20) + minutes(5) },
  ],
  'an old secret that would never end is ended when nobody needs it': [
    { keycloak: { rotated: { expiresAt: undefined } } },
    { kind: 'EndOverlap' },
  ],
  'no new secret comes while an old one overlaps': [
    { ...asked('a', CAME + hours(1)), keycloak: OLD, now: CAME + hours(1) },
    { kind: 'AwaitOverlap', until: CAME + hours(2) + minutes(5) },
  ],

  'only the leader makes a new secret': [{ ...DUE, leading: false }, postponed('NotLeading')],
  'no new secret while the client is disabled': [
    { ...DUE, keycloak: { enabled: false } },
    postponed('ClientDisabled'),
  ],
  'no new secret while the issuer does not answer': [
    { ...DUE, issuerAnswers: false },
    postponed('IssuerSilent'),
  ],
  'no new secret while Argo Server would read wrong settings': [
    { ...DUE, serverObstacle: 'SettingsWrong' },
    postponed('SettingsWrong'),
  ],
  'no new secret that Argo Server could not read for want of rights': [
    { ...DUE, serverObstacle: 'ServerAccessMissing' },
    postponed('ServerAccessMissing'),
  ],
  'no new secret while nobody can tell whether the overlap that is asked for will come': [
    { ...asked('a', CAME), overlap: hours(1), keycloak: { coverageHidden: true, coverage: undefined } },
    postponed('CoverageHidden'),
  ],
  'a request is met without knowing that, where no overlap is asked for': [
    { ...asked('a', CAME), rules: undefined, keycloak: { coverageHidden: true, coverage: undefined } },
    REQUESTED,
  ],
  'an overlap is asked for also where the schedule cannot be followed': [
    { ...asked('a', CAME), rules: undefined, overlap: hours(1), keycloak: { coverage: undefined } },
    postponed('OverlapNeedsPolicy'),
  ],
  'no new secret while the Deployment is paused': [
    { ...DUE, deployment: { paused: true } },
    postponed('DeploymentPaused'),
  ],
  'no new secret where its rollout would be reverted': [
    { ...DUE, deployment: { reverted: true } },
    postponed('RolloutReverted'),
  ],
  'no new secret without the policy that the overlap needs': [
    { ...DUE, overlap: hours(1), keycloak: { coverage: undefined } },
    postponed('OverlapNeedsPolicy'),
  ],
  'no new secret where the realm ends the old one too early': [
    {
      ...DUE,
      overlap: hours(1),
      keycloak: { coverage: { rotatedPeriod: hours(1) + minutes(10) - 1 } },
    },
    postponed('RotatedPeriodTooShort'),
  ],
  'the period of the realm may be just enough': [
    {
      ...DUE,
      overlap: hours(1),
      keycloak: { coverage: { rotatedPeriod: hours(1) + minutes(10) } },
    },
    SCHEDULED,
  ],
  'without an overlap in the policy the realm needs none': [
    { ...DUE, keycloak: { coverage: undefined } },
    SCHEDULED,
  ],
};

describe('planRotation', () => {
  it.each(Object.entries(STEPS))('%s', (_, [differences, step]) => {
    expect(planRotation(rotationView(differences)).step).toEqual(step);
  });

  it('makes the Secret where there is none', () => {
    const view: RotationView = { ...rotationView(), secret: undefined };
    const marks = { created: CAME, since: CAME, handled: undefined };
    expect(planRotation(view).step).toEqual({ kind: 'TakeOver', marks });
  });

  it('leaves it to the user how Argo Server fares where no Deployment is named', () => {
    const view = rotationView({ ...DUE, serverObstacle: 'SettingsWrong' });
    expect(planRotation({ ...view, deployment: undefined }).step).toEqual(SCHEDULED);
  });

  it('postpones the rollout and the next secret while the Deployment is missing', () => {
    const view: RotationView = { ...rotationView(DUE), deployment: { state: 'missing' } };
    expect(planRotation(view).step).toEqual(postponed('DeploymentMissing', 'Rollout'));
  });

  it('rotates without a Deployment, and leaves the old secret as long as a rollout and the overlap may take', () => {
    const overlap = hours(1);
    const due: RotationView = { ...rotationView({ ...DUE, overlap }), deployment: undefined };
    expect(planRotation(due).step).toEqual(SCHEDULED);
    const over: RotationView = { ...rotationView({ overlap, keycloak: OLD }), deployment: undefined };
    expect(planRotation({ ...over, now: CAME + hours(1) }).step).toEqual({
      kind: 'AwaitOverlap',
      until: CAME + hours(1) + minutes(10),
    });
  });

  it('shows the end of an old secret for the next rotation where that comes later', () => {
    const view = rotationView({ keycloak: { rotated: { expiresAt: TICK + hours(9) } } });
    expect(planRotation(view)).toMatchObject({
      nextRotation: TICK + hours(9) + minutes(5),
      overlapUntil: TICK + hours(9),
    });
  });

  it('shows the last rotation and the next one, by the last and not by now', () => {
    const early = planRotation(rotationView({ now: CAME + hours(3) }));
    const late = planRotation(rotationView({ now: TICK + days(2) }));
    for (const plan of [early, late]) {
      expect(plan).toMatchObject({ lastRotated: CAME, nextRotation: TICK, overlapUntil: undefined });
    }
  });

  it('shows until when the old secret stays, without the allowance for clocks', () => {
    const view = rotationView({ keycloak: OLD, now: CAME + hours(1) });
    expect(planRotation(view)).toMatchObject({
      overlapUntil: CAME + hours(2),
      lookAgainAt: CAME + hours(2) + minutes(5),
    });
  });

  it('follows a change of the schedule at once', () => {
    const hourly = { ...DAILY, tickAfter: (time: number) => (Math.floor(time / hours(1)) + 1) * hours(1) };
    const before = planRotation(rotationView({ now: CAME + hours(2) }));
    const after = planRotation(rotationView({ now: CAME + hours(2), rules: hourly }));
    expect([before.step, after.step]).toEqual([NOTHING, SCHEDULED]);
  });

  it('looks again when the next secret is due, when a rollout is late, and soon where somebody else must act', () => {
    const at = (differences: Differences) => planRotation(rotationView(differences)).lookAgainAt;
    const rolling = { progress: 'rolling', startedAt: TICK - hours(1) } as const;
    expect(at({})).toBe(TICK);
    // What keeps pods from being ready is looked for in between.
    expect(at({ deployment: rolling })).toBe(TICK - minutes(59));
    expect(at({ deployment: rolling, now: TICK - minutes(50) - 1 })).toBe(TICK - minutes(50));
    expect(at({ ...DUE, issuerAnswers: false })).toBe(TICK + minutes(1));
    const ends = CAME + hours(20);
    const unasked = { rules: undefined, keycloak: AS_LONG_AS_THE_NEW };
    expect(at({ ...unasked, now: CAME + hours(19) })).toBe(ends);
    expect(at({ ...unasked, now: ends })).toBe(ends + minutes(1));
    expect(at({ rules: undefined })).toBeUndefined();
  });
});
