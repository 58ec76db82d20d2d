import { describe, expect, it } from 'vitest';
import type { Policy } from '../../operator/api/objects.ts';
import { judgeProgress, stepsOf } from '../../operator/cli/rotate/progress.ts';
import { requestTime, whyNotRotated } from '../../operator/cli/rotate/refusal.ts';
import { NOW } from '../policy/fixtures.ts';
import { at, condition, FINE, policyWith, statusWith } from './status-fixtures.ts';

const KEY = 'argo-access.io/rotate-requested-at';
const MINUTE = 60_000;

function requested(value: string): Policy {
  return policyWith(FINE, {}, { metadata: { annotations: { [KEY]: value } } });
}

describe('a request to rotate', () => {
  const refused: Readonly<Record<string, readonly [Policy, string]>> = {
    'of a policy without a client': [
      policyWith(FINE, { client: undefined, server: undefined }),
      'policy argo/workflows has no spec.client, and so no secret; rotate the policy of the login that it belongs to',
    ],
    'of a suspended policy': [
      policyWith(FINE, { suspend: true }),
      'policy argo/workflows is suspended; let it go on first: argo-access resume workflows --namespace argo',
    ],
    'of a policy that goes': [
      policyWith(FINE, {}, { metadata: { deletionTimestamp: at(0) } }),
      'policy argo/workflows is being deleted, and its client with it',
    ],
    'of a policy that nobody has looked at': [
      policyWith({}),
      'the operator has not looked at policy argo/workflows yet; see whether it runs',
    ],
    'of a policy that may not have what it asks for': [
      policyWith(statusWith([condition('Ready', 'False', 'NotAllowed', 'spec.client.url: is not allowed')])),
      'nothing is done for policy argo/workflows: NotAllowed: spec.client.url: is not allowed',
    ],
    'of a policy that has no secret yet': [
      policyWith({
        observedGeneration: 1,
        conditions: [condition('Ready', 'False', 'ClientExists', 'client argo-workflows exists')],
      }),
      'policy argo/workflows has no secret yet that could be replaced: ClientExists: client argo-workflows exists',
    ],
    'of a policy that cannot be read': [
      { ...policyWith(), invalid: 'spec.roles: is required' },
      'policy argo/workflows cannot be read: spec.roles: is required',
    ],
  };
  it.each(Object.entries(refused))('%s is refused', (_, [policy, message]) => {
    expect(whyNotRotated(policy)).toBe(message);
  });

  it('of a policy in trouble is not, for a new secret may be what mends it', () => {
    const expired = condition('Ready', 'False', 'RotationFailed', 'its life is over');
    expect(whyNotRotated(policyWith())).toBeUndefined();
    expect(whyNotRotated(policyWith(statusWith([expired])))).toBeUndefined();
  });

  it.each([
    ['the present second', policyWith(), at(0)],
    ['later than one of the same second', requested(at(0)), at(1000)],
    ['later than one that somebody’s faster clock has made', requested(at(4 * MINUTE)), at(241_000)],
    ['now in place of one that is still to come', requested(at(60 * MINUTE)), at(0)],
    ['now in place of one that is no time', requested('tomorrow'), at(0)],
  ])('asks for %s', (_, policy, time) => {
    expect(requestTime(policy, NOW + 300)).toBe(time);
  });
});

describe('a rotation that is followed', () => {
  const EARLY = { early: true, until: NOW + 5 * MINUTE };
  const LATE = { ...EARLY, early: false };
  const before = policyWith();
  const SECRET = { name: 'argo-server-sso', revision: 5, lastRotated: at(0), nextRotation: at(0) };
  const awaiting = condition(
    'ServerReady',
    'False',
    'AwaitingRollout',
    'the rollout of Deployment argo-server is awaited',
  );
  const postponed = condition(
    'SecretReady',
    'True',
    'RotationPostponed',
    'the rotation waits until Keycloak answers',
  );
  const stalled = (message: string) => condition('Stalled', 'True', 'RotationFailed', message);

  it('has not begun at first, and waits for the operator', () => {
    expect(stepsOf(before, before)).toEqual([]);
    expect(judgeProgress(before, before, EARLY)).toEqual({
      state: 'going',
      waitsFor: 'the operator to take up the request; see whether it runs',
    });
  });

  it('tells each step', () => {
    const now = policyWith(statusWith([awaiting], { secret: { ...SECRET, provedRevision: 5 } }));
    expect(stepsOf(before, now)).toEqual([
      { reason: 'NewSecret', message: 'Secret argo-server-sso has the new value, its revision 5' },
      { reason: 'Proved', message: "Keycloak's token endpoint accepts it" },
      { reason: 'AwaitingRollout', message: 'the rollout of Deployment argo-server is awaited' },
    ]);
    expect(judgeProgress(before, now, EARLY)).toEqual({
      state: 'going',
      waitsFor: 'AwaitingRollout: the rollout of Deployment argo-server is awaited',
    });
  });

  it('waits for the proof', () => {
    const pending = condition('SecretReady', 'False', 'Progressing', 'not been proved yet');
    const now = policyWith(statusWith([pending], { secret: SECRET }));
    expect(stepsOf(before, now).map(({ reason }) => reason)).toEqual(['NewSecret']);
    expect(judgeProgress(before, now, LATE)).toEqual({
      state: 'going',
      waitsFor: 'Progressing: not been proved yet',
    });
  });

  it('is done once the new secret is proved and Argo Server has it, also while the old one is valid', () => {
    const overlapping = condition('SecretReady', 'True', 'Overlapping', 'the old secret stays valid');
    const secret = { ...SECRET, provedRevision: 5, overlapUntil: at(60 * MINUTE) };
    const now = policyWith(statusWith([overlapping], { secret }));
    expect(stepsOf(before, now).at(-1)).toEqual({
      reason: 'Overlapping',
      message: 'the old secret stays valid',
    });
    expect(judgeProgress(before, now, LATE)).toEqual({ state: 'done' });
  });

  it('is done whatever is wrong with the roles', () => {
    const now = policyWith(
      statusWith(
        [
          condition('Ready', 'False', 'NameTaken', 'an account is somebody else’s'),
          condition('Stalled', 'True', 'NameTaken', 'an account is somebody else’s'),
          condition('RolesReady', 'False', 'NameTaken', 'an account is somebody else’s'),
        ],
        { secret: { ...SECRET, provedRevision: 5 } },
      ),
    );
    expect(judgeProgress(before, now, LATE)).toEqual({ state: 'done' });
    const held = policyWith(statusWith(now.status?.conditions ?? [], { secret: FINE.secret }));
    expect(judgeProgress(before, held, LATE).state).toBe('going');
  });

  it('is held up where it is postponed, by what is new at once', () => {
    const now = policyWith(statusWith([postponed]));
    const why = 'RotationPostponed: the rotation waits until Keycloak answers';
    expect(judgeProgress(before, now, EARLY)).toEqual({ state: 'held', why });
  });

  it('is not held up for a while by what was there before, of which the operator may not have looked again', () => {
    const stuck = policyWith(statusWith([postponed]));
    expect(judgeProgress(stuck, stuck, EARLY).state).toBe('going');
    expect(judgeProgress(stuck, stuck, LATE).state).toBe('held');
  });

  it('is held up where the restart fails', () => {
    const failed = condition(
      'ServerReady',
      'False',
      'RotationFailed',
      'the rollout does not come to its end',
    );
    const secret = { ...SECRET, provedRevision: 5 };
    const now = policyWith(statusWith([failed, stalled('the rollout does not come to its end')], { secret }));
    expect(judgeProgress(before, now, EARLY)).toEqual({
      state: 'held',
      why: 'RotationFailed: the rollout does not come to its end',
    });
  });

  it('is held up by an old secret that is valid for longer than is waited, at once', () => {
    const overlapping = (until: string) =>
      policyWith(
        statusWith([condition('SecretReady', 'True', 'Overlapping', 'the old secret stays valid')], {
          secret: { ...SECRET, revision: 4, provedRevision: 4, overlapUntil: until },
        }),
      );
    const long = overlapping(at(60 * MINUTE));
    expect(judgeProgress(long, long, EARLY)).toMatchObject({
      state: 'held',
      why: expect.stringContaining(`stays valid until ${at(60 * MINUTE)}, and there is room for one`),
    });
    const short = overlapping(at(4 * MINUTE));
    expect(judgeProgress(short, short, LATE)).toEqual({
      state: 'going',
      waitsFor: `the end of the old secret at ${at(4 * MINUTE)}`,
    });
  });

  it('takes a value that was only put back for no rotation', () => {
    const secret = { ...FINE.secret, name: 'argo-server-sso', revision: 5, provedRevision: 5 };
    expect(judgeProgress(before, policyWith(statusWith([], { secret })), EARLY).state).toBe('going');
  });
});
