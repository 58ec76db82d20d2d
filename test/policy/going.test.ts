import { describe, expect, it } from 'vitest';
import type { Change } from '../../operator/policy/change.ts';
import { planDeletion } from '../../operator/policy/deletion.ts';
import { awaitedToGo, withoutGoing } from '../../operator/policy/going.ts';
import { refOf } from '../../operator/policy/ownership.ts';
import { observe } from './fixtures.ts';
import {
  keycloakWith,
  makeAccount,
  makeBinding,
  makeToken,
  marksOf,
  SPEC,
  settledPolicy,
} from './objects.ts';

const GOING = { deletionTimestamp: '2026-03-01T00:00:00Z', finalizers: ['example.com/hold'] };
const policy = settledPolicy({}, { roles: SPEC.roles });

describe('an object that a finalizer of somebody else holds', () => {
  const held = makeAccount('workflows-admin', { ...marksOf(policy), ...GOING });
  const free = makeAccount('workflows-viewer', marksOf(policy));
  const observation = observe(policy, { accounts: [held, free] });

  it('is not changed any more, and others are', () => {
    const changes = [held, free].flatMap((account): Change[] => [
      { kind: 'PatchObject', ref: refOf(account) },
      { kind: 'DeleteObject', ref: refOf(account) },
    ]);
    expect(withoutGoing(observation, changes)).toEqual(changes.slice(2));
    expect(withoutGoing(observation, [{ kind: 'AddFinalizer' }])).toEqual([{ kind: 'AddFinalizer' }]);
  });

  it('is named where its role waits for it', () => {
    expect(awaitedToGo(observation)).toEqual(['ServiceAccount argo/workflows-admin']);
  });

  it.each([
    ['is not ours', makeAccount('workflows-admin', GOING)],
    [
      'is of a role that is wanted no more',
      makeAccount('workflows-former', { ...marksOf(policy), ...GOING }),
    ],
    ['is not going', free],
  ])('is not waited for where it %s', (_, account) => {
    expect(awaitedToGo(observe(policy, { accounts: [account] }))).toEqual([]);
  });

  it('is waited for whatever it is', () => {
    const secrets = [makeToken('workflows-admin', { ...marksOf(policy), ...GOING })];
    const bindings = [makeBinding('workflows-admin', 'argo-access-admin', { ...marksOf(policy), ...GOING })];
    expect(awaitedToGo(observe(policy, { secrets, bindings }))).toEqual([
      'Secret argo/workflows-admin.service-account-token',
      'RoleBinding argo/argo-access:argo:workflows-admin:clusterrole:argo-access-admin',
    ]);
  });

  it('keeps the policy, while that is deleted, until it is gone', () => {
    const deleted = settledPolicy(
      { metadata: { deletionTimestamp: GOING.deletionTimestamp } },
      { roles: SPEC.roles },
    );
    const former = makeAccount('workflows-former', { ...marksOf(deleted), ...GOING });
    const keycloak = keycloakWith(undefined);
    expect(planDeletion(observe(deleted, { accounts: [former], keycloak }))).toEqual([]);
    expect(planDeletion(observe(deleted, { keycloak }))).toEqual([{ kind: 'RemoveFinalizer' }]);
  });
});
