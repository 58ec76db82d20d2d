import { describe, expect, it } from 'vitest';
import { check } from '../../operator/policy/checks.ts';
import {
  clusterUnread,
  FIELD_NOT_HELD_CHECKS,
  grantNamespaceMissing,
  grantOutOfSight,
  invalidSpec,
} from '../../operator/policy/checks-cluster.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import { makePolicy, observe } from './fixtures.ts';
import { keycloakWith, SPEC } from './objects.ts';

const policy = makePolicy(SPEC);

describe('a grant in a namespace that the configuration no longer names', () => {
  it('is told, with what to do, and blocks nothing', () => {
    const name = 'argo-access:argo:workflows-admin:clusterrole:A';
    const observation = observe(policy, { outOfSight: [{ kind: 'RoleBinding', namespace: 'team-b', name }] });
    expect(grantOutOfSight(observation)).toEqual({
      reason: 'OutOfSight',
      message:
        `RoleBinding team-b/${name} was made for this policy and may still give what it gave, but the operator's ` +
        'configuration no longer names namespace team-b. Name it there again, with the rights that "argo-access rbac" ' +
        'renders, until this is gone',
      part: 'roles',
      blocks: [],
    });
  });
});

describe('a stored spec', () => {
  it('that this version does not take stops everything, before anything in it is judged', () => {
    const observation = observe({ ...policy, invalid: 'spec.roles: is missing' });
    expect(invalidSpec(observation)).toEqual({
      reason: 'InvalidSpec',
      message:
        'the stored spec is not valid for this version of the operator: spec.roles: is missing; correct it, and see ' +
        'that the CRD in the cluster is the one that came with the operator',
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    });
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
  });

  it('that it takes is no matter', () => {
    expect(invalidSpec(observe(policy))).toBeUndefined();
  });
});

describe('a collection that is not read', () => {
  const unread = (namespace: string, forbidden: boolean, message = '') => [
    { namespace, plural: 'secrets', forbidden, message },
  ];

  it.each([
    [
      'for the lack of a right',
      unread('argo', true),
      'KubernetesForbidden',
      'the operator may not read the secrets of namespace argo; apply the rights that "argo-access rbac" renders from its configuration',
    ],
    [
      'for now',
      unread('argo', false),
      'KubernetesUnavailable',
      'the secrets of namespace argo have not been read yet',
    ],
    [
      'for a reason',
      unread('argo', false, 'no answer'),
      'KubernetesUnavailable',
      'the secrets of namespace argo have not been read yet: no answer',
    ],
    [
      'for the lack of a right, beside one that is only late',
      [...unread('argo', false), ...unread('team-a', true)],
      'KubernetesForbidden',
      'the operator may not read the secrets of namespace team-a; apply the rights that "argo-access rbac" renders from its configuration',
    ],
  ])('in the namespace of the policy, %s, stops everything', (_, list, reason, message) => {
    const observation = observe(policy, { unread: list, keycloak: keycloakWith(undefined) });
    expect(clusterUnread(observation)).toEqual({
      reason,
      message,
      part: 'roles',
      blocks: ['client', 'secret', 'roles'],
    });
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
  });

  it('elsewhere stops only the roles', () => {
    const observation = observe(policy, {
      unread: unread('team-a', true),
      keycloak: keycloakWith(undefined),
    });
    expect(clusterUnread(observation)?.blocks).toEqual(['roles']);
    const { client, roles } = plan(observation, check(observation));
    expect(client.map(({ kind }) => kind)).toEqual(['CreateClient']);
    expect(roles).toEqual([]);
  });

  it('is none where all is read', () => {
    expect(clusterUnread(observe(policy))).toBeUndefined();
  });
});

describe('a namespace of a grant', () => {
  it('that is not there is reported with the role, and the other grants stand', () => {
    const observation = observe(policy, { endingNamespaces: new Set(['team-a', 'elsewhere']) });
    expect(grantNamespaceMissing(observation)).toEqual({
      reason: 'NamespaceMissing',
      message:
        'spec.roles: namespace team-a (role viewer) does not exist or is going away, so nothing is granted there; ' +
        'create it, or remove it from the grants',
      part: 'roles',
      blocks: [],
    });
    expect(plan(observation, check(observation)).roles).not.toEqual([]);
  });

  it('that is there is not reported', () => {
    expect(
      grantNamespaceMissing(observe(policy, { endingNamespaces: new Set(['elsewhere']) })),
    ).toBeUndefined();
  });
});

describe('something that takes a change back every time', () => {
  const notHeld = (observation: Observation) =>
    FIELD_NOT_HELD_CHECKS.flatMap(held => held(observation) ?? []);

  it('is named, and its part is left alone for a while', () => {
    const contested = [
      { part: 'roles', kind: 'ServiceAccount', what: 'ServiceAccount argo/workflows-admin' },
      { part: 'client', kind: 'KeycloakClient', what: 'KeycloakClient argo-workflows' },
      { part: 'roles', kind: 'RoleBinding', what: 'RoleBinding argo/x' },
    ] as const;
    expect(notHeld(observe(policy, { contested })).at(-1)).toMatchObject({
      reason: 'FieldNotHeld',
      message: expect.stringMatching(
        /^ServiceAccount argo\/workflows-admin, RoleBinding argo\/x is changed back every time it is corrected; find/,
      ),
      part: 'roles',
      blocks: ['roles'],
    });
    const observation = observe(policy, { contested, keycloak: keycloakWith(undefined) });
    const violations = check(observation);
    expect(violations.filter(({ reason }) => reason === 'FieldNotHeld').map(({ part }) => part)).toEqual([
      'client',
      'roles',
    ]);
    expect(plan(observation, violations)).toMatchObject({ client: [], roles: [] });
  });

  it('is none where nothing does', () => {
    expect(notHeld(observe(policy))).toEqual([]);
  });
});
