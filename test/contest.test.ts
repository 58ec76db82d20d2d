import { describe, expect, it } from 'vitest';
import { createContest } from '../operator/contest.ts';
import type { Change } from '../operator/policy/change.ts';
import { makePolicy, NOW } from './policy/fixtures.ts';

const ROLES = { roles: [{ name: 'viewer', everyone: true }] };

function applied(name: string): Change {
  const metadata = { name, namespace: 'argo', labels: {}, annotations: {} };
  return { kind: 'ApplyObject', object: { kind: 'ServiceAccount', metadata }, uid: 'u' };
}

const clientChanged: Change = { kind: 'UpdateClient', id: '1', fields: { baseUrl: 'https://a.example.com' } };

describe('a contest', () => {
  it('is seen after twenty changes to one object within ten minutes', () => {
    const contest = createContest(() => NOW);
    const policy = makePolicy(ROLES);
    for (let count = 0; count < 19; count += 1) contest.record(policy, applied('viewer'));
    expect(contest.contested(policy)).toEqual([]);
    contest.record(policy, applied('viewer'));
    expect(contest.contested(policy)).toEqual([
      { part: 'roles', kind: 'ServiceAccount', what: 'ServiceAccount argo/viewer' },
    ]);
  });

  it('is not seen where the changes go to different objects', () => {
    const contest = createContest(() => NOW);
    const policy = makePolicy(ROLES);
    for (let count = 0; count < 40; count += 1) contest.record(policy, applied(`viewer-${count}`));
    expect(contest.contested(policy)).toEqual([]);
  });

  it('is over once the changes are ten minutes old', () => {
    let now = NOW;
    const contest = createContest(() => now);
    const policy = makePolicy(ROLES);
    for (let count = 0; count < 20; count += 1) contest.record(policy, clientChanged);
    expect(contest.contested(policy)).toHaveLength(1);
    now += 10 * 60_000;
    expect(contest.contested(policy)).toEqual([]);
  });

  it('is over where the changes seem to lie in the future, as somebody has set the clock back', () => {
    let now = NOW;
    const contest = createContest(() => now);
    const policy = makePolicy(ROLES);
    for (let count = 0; count < 20; count += 1) contest.record(policy, clientChanged);
    now -= 60 * 60_000;
    expect(contest.contested(policy)).toEqual([]);
  });

  it('does not count what an earlier version of the policy asked for', () => {
    const contest = createContest(() => NOW);
    for (let count = 0; count < 20; count += 1) contest.record(makePolicy(ROLES), clientChanged);
    const next = makePolicy(ROLES, { metadata: { generation: 2 } });
    expect(contest.contested(next)).toEqual([]);
    contest.record(next, clientChanged);
    expect(contest.contested(next)).toEqual([]);
  });

  it('over the restart of Argo Server is seen at the third with the same mark, for an hour', () => {
    let now = NOW;
    const contest = createContest(() => now);
    const policy = makePolicy(ROLES);
    const rolled = (mark: string): Change => ({
      kind: 'RollDeployment',
      ref: { namespace: 'argo', name: 'argo-server', uid: 'u' },
      mark,
    });
    for (const mark of ['1-a', '2-a', '3-a', '4-a', '4-a']) contest.record(policy, rolled(mark));
    expect(contest.contested(policy)).toEqual([]);
    contest.record(policy, rolled('4-a'));
    expect(contest.contested(policy)).toEqual([
      { part: 'server', kind: 'Deployment', what: 'Deployment argo/argo-server' },
    ]);
    now += 59 * 60_000;
    expect(contest.contested(policy)).toHaveLength(1);
    now += 60_000;
    expect(contest.contested(policy)).toEqual([]);
  });

  it('does not hold up a deletion', () => {
    const contest = createContest(() => NOW);
    for (let count = 0; count < 20; count += 1) contest.record(makePolicy(ROLES), clientChanged);
    const going = makePolicy(ROLES, { metadata: { deletionTimestamp: '2026-03-01T12:00:00Z' } });
    expect(contest.contested(going)).toEqual([]);
  });
});
