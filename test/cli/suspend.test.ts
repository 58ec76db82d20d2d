import { describe, expect, it } from 'vitest';
import { applierOf } from '../../operator/cli/suspend/gitops.ts';
import { describeApplier, describeSwitch } from '../../operator/cli/suspend/words.ts';
import { at, policyWith } from './status-fixtures.ts';

const entry = (manager: string, spec: object, subresource?: string) => ({
  manager,
  fieldsV1: { 'f:spec': spec },
  ...(subresource !== undefined && { subresource }),
});

describe('what applies a policy', () => {
  it.each([
    ['nothing that is known', { managedFields: [entry('kubectl', { 'f:suspend': {} })] }, undefined],
    [
      'Argo CD, by its annotation',
      {
        annotations: {
          'argocd.argoproj.io/tracking-id': 'sso:argo-access.io/ArgoAccessPolicy:argo/workflows',
        },
      },
      { name: 'Argo CD (application sso)', holdsSuspend: false },
    ],
    [
      'Argo CD, by its field manager',
      { managedFields: [entry('argocd-controller', { 'f:suspend': {} })] },
      { name: 'Argo CD', holdsSuspend: true },
    ],
    [
      'Flux, by the labels of a Kustomization',
      {
        labels: {
          'kustomize.toolkit.fluxcd.io/name': 'policies',
          'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
        },
        managedFields: [
          entry('kustomize-controller', { 'f:roles': {} }),
          entry('argo-access', { 'f:suspend': {} }),
        ],
      },
      { name: 'Flux (Kustomization flux-system/policies)', holdsSuspend: false },
    ],
    [
      'Flux, by the labels of a HelmRelease',
      { labels: { 'helm.toolkit.fluxcd.io/name': 'sso', 'helm.toolkit.fluxcd.io/namespace': 'argo' } },
      { name: 'Flux (HelmRelease argo/sso)', holdsSuspend: false },
    ],
  ])('is %s', (_, metadata, applier) => {
    expect(applierOf({ metadata } as never)).toEqual(applier);
  });

  it('is said to set the change back for certain only where it holds the field', () => {
    expect(describeApplier({ name: 'Argo CD', holdsSuspend: true }, true)).toBe(
      'Argo CD applies this policy with spec.suspend, and will set it back; say spec.suspend: true where it takes the policy from',
    );
    expect(describeApplier({ name: 'Flux', holdsSuspend: false }, false)).toBe(
      'Flux applies this policy, and may set it back; say spec.suspend: false where it takes the policy from',
    );
  });
});

describe('what follows', () => {
  it('for a policy that is suspended, its rotation among it', () => {
    expect(describeSwitch(policyWith(), true)).toEqual([
      'policy argo/workflows is suspended: the operator changes and checks nothing of it until it goes on',
      'people sign in as before, but who loses access by a change of the policy keeps it meanwhile, and what is ' +
        'changed by hand stays changed; a deletion of the policy still cleans up',
      `the secret of client argo-workflows is not rotated, which is due at ${at(86_400_000)}`,
    ]);
    const ofRoles = policyWith({}, { client: undefined, server: undefined });
    expect(describeSwitch(ofRoles, true)).toHaveLength(2);
  });

  it('for one that goes on', () => {
    expect(describeSwitch(policyWith({}), false)).toEqual([
      'policy argo/workflows goes on: the operator looks at it at once, and undoes what was changed by hand meanwhile',
    ]);
  });
});
