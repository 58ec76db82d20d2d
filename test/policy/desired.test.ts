import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../operator/api/objects.ts';
import { nameTakenByPolicy } from '../../operator/policy/checks-names.ts';
import {
  bindingHome,
  desiredAccount,
  isTokenSecretName,
  tokenSecretName,
  wantedRoles,
} from '../../operator/policy/desired.ts';
import { makePolicy, observe } from './fixtures.ts';
import { argoAnnotations } from './objects.ts';

const LABELS = {
  'app.kubernetes.io/managed-by': 'argo-access-operator',
  'argo-access.io/policy': 'workflows',
  'argo-access.io/policy-namespace': 'argo',
  'argo-access.io/policy-uid': 'uid-workflows',
};
const OWNER = {
  apiVersion: 'argo-access.io/v1alpha1',
  kind: 'ArgoAccessPolicy',
  name: 'workflows',
  uid: 'uid-workflows',
};

/** A policy of roles with these names, each with these grants. */
function withRoles(names: readonly string[], grants: readonly object[] = [], name = 'workflows'): Policy {
  return makePolicy({ roles: names.map(role => ({ name: role, groups: ['/a'], grants })) }, { name });
}

describe('a role becomes', () => {
  const policy = makePolicy({
    precedence: 500,
    roles: [
      { name: 'admin', groups: ['/b', '/a'] },
      {
        name: 'viewer',
        everyone: true,
        serviceAccount: 'guests',
        grants: [{ clusterRole: 'view', namespaces: ['argo', 'team-a'] }, { role: 'extra' }],
      },
    ],
  });
  const [admin, viewer] = wantedRoles(policy, []);

  it('an account, by default named after policy and role, with a rule, and a precedence by its place', () => {
    expect(admin).toMatchObject({
      serviceAccount: 'workflows-admin',
      rule: 'any($env?.groups ?? [], # in ["/b", "/a"])',
      precedence: 500,
    });
    expect(viewer).toMatchObject({ serviceAccount: 'guests', rule: 'true', precedence: 490 });
  });

  it('a token Secret under the name that Argo looks for', () => {
    expect(viewer?.token).toEqual({
      kind: 'Secret',
      metadata: {
        name: 'guests.service-account-token',
        namespace: 'argo',
        labels: LABELS,
        annotations: { 'kubernetes.io/service-account.name': 'guests' },
        owner: OWNER,
      },
      type: 'kubernetes.io/service-account-token',
      data: {},
    });
  });

  it('a binding for each grant and namespace, owned only where the policy itself is', () => {
    const binding = (namespace: string, kind: 'ClusterRole' | 'Role', name: string, owner?: object) => ({
      kind: 'RoleBinding',
      metadata: {
        name: `argo-access:argo:guests:${kind.toLowerCase()}:${name}`,
        namespace,
        labels: LABELS,
        annotations: {},
        ...(owner && { owner }),
      },
      roleRef: { kind, name },
      subjects: [{ kind: 'ServiceAccount', name: 'guests', namespace: 'argo' }],
    });
    expect(viewer?.bindings).toEqual([
      binding('argo', 'ClusterRole', 'view', OWNER),
      binding('team-a', 'ClusterRole', 'view'),
      binding('argo', 'Role', 'extra', OWNER),
    ]);
  });

  it('one binding where a grant is written twice', () => {
    const twice = withRoles(
      ['a'],
      [{ clusterRole: 'view' }, { clusterRole: 'view', namespaces: ['argo', 'x'] }],
    );
    expect(wantedRoles(twice, [])[0]?.bindings.map(({ metadata }) => metadata.namespace)).toEqual([
      'argo',
      'x',
    ]);
  });

  it('an account that Argo does not see until it has marks', () => {
    expect(desiredAccount(policy, 'guests', undefined).metadata.annotations).toEqual({});
    const marks = { rule: 'true', precedence: 490, tokenName: tokenSecretName('guests') };
    expect(desiredAccount(policy, 'guests', marks).metadata.annotations).toEqual(
      argoAnnotations('true', 490, 'guests'),
    );
  });
});

describe('names', () => {
  const part = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,4}[a-z0-9])?$/);
  const clusterRole = fc.stringMatching(/^[a-z:.-]{1,6}$/).filter(name => name !== '.' && name !== '..');

  it('of the longest policy and role stay within what Kubernetes and Argo take', () => {
    const long = withRoles(['r'.repeat(63)], [{ clusterRole: 'c'.repeat(253) }], 'p'.repeat(63));
    const [role] = wantedRoles(long, []);
    expect(role?.serviceAccount).toHaveLength(127);
    expect(role?.token.metadata.name.length).toBeLessThanOrEqual(253);
    const labels = role?.bindings[0]?.metadata.labels ?? {};
    expect(labels['argo-access.io/policy']).toHaveLength(63);
  });

  it('of token Secrets are told by their end', () => {
    expect(isTokenSecretName(tokenSecretName('x'))).toBe(true);
    expect(isTokenSecretName('service-account-token')).toBe(false);
    expect(isTokenSecretName('x.service-account-token.y')).toBe(false);
  });

  it('of bindings say for which namespace they were made, and others do not', () => {
    const [role] = wantedRoles(withRoles(['a'], [{ clusterRole: 'x:y' }]), []);
    expect(role?.bindings.map(({ metadata }) => bindingHome(metadata))).toEqual(['argo']);
    expect(bindingHome({ name: 'argo-access-admin' })).toBeUndefined();
    expect(bindingHome({ name: 'my:argo:x' })).toBeUndefined();
  });

  it('of bindings never meet, whatever is bound to what', () => {
    const bound = fc.record({
      home: part,
      account: fc.stringMatching(/^[a-z]([a-z.-]{0,4}[a-z])?$/).filter(name => !/[.-]{2}/.test(name)),
      kind: fc.constantFrom('clusterRole', 'role'),
      role: clusterRole,
    });
    const nameOf = ({
      home,
      account,
      kind,
      role,
    }: {
      home: string;
      account: string;
      kind: string;
      role: string;
    }) => {
      const policy = makePolicy(
        { roles: [{ name: 'a', everyone: true, serviceAccount: account, grants: [{ [kind]: role }] }] },
        { metadata: { namespace: home } },
      );
      return wantedRoles(policy, [])[0]?.bindings[0]?.metadata.name;
    };
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        expect(nameOf(a) === nameOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of accounts of two policies either differ or are refused to the younger one', () => {
    fc.assert(
      fc.property(part, part, part, part, (policyA, roleA, policyB, roleB) => {
        fc.pre(policyA !== policyB);
        const [a, b] = [withRoles([roleA], [], policyA), withRoles([roleB], [], policyB)];
        const [x, y] = [a, b].map(policy => wantedRoles(policy, [])[0]?.serviceAccount);
        const refusals = [
          nameTakenByPolicy(observe(a, { neighbours: [b] })),
          nameTakenByPolicy(observe(b, { neighbours: [a] })),
        ].filter(violation => violation !== undefined);
        expect(refusals).toHaveLength(x === y ? 1 : 0);
      }),
      { numRuns: 2_000, examples: [['a-b', 'c', 'a', 'b-c']] },
    );
  });
});
