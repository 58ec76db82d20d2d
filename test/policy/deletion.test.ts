import { describe, expect, it } from 'vitest';
import {
  ANNOTATION_ADOPT_BY,
  ATTRIBUTE_ADOPTED,
  ATTRIBUTE_CLUSTER,
  ATTRIBUTE_OWNER,
} from '../../operator/api/names.ts';
import type { Policy, Secret } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import { check } from '../../operator/policy/checks.ts';
import { effectiveDeletionPolicy, planDeletion, remaining } from '../../operator/policy/deletion.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import { ALLOWANCE, makeClient, makePolicy, observe } from './fixtures.ts';
import {
  argoAnnotations,
  keycloakDown,
  keycloakWith,
  makeAccount,
  makeBinding,
  makeSecret,
  makeToken,
  marksOf,
  SPEC,
} from './objects.ts';
import { applyToCluster, type Cluster, objectKey, objectsOf } from './simulate.ts';

const GOING = { deletionTimestamp: '2026-03-01T11:59:00Z', finalizers: ['argo-access.io/cleanup'] };
const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };
const CLIENT = makeClient({ attributes: OURS });
const ADOPTED = makeClient({ attributes: { ...OURS, [ATTRIBUTE_ADOPTED]: 'true' } });

function going(spec: object = {}, overrides: { status?: Policy['status']; metadata?: object } = {}): Policy {
  return makePolicy({ ...SPEC, ...spec }, { ...overrides, metadata: { ...GOING, ...overrides.metadata } });
}

/** All that the smallest policy has made. */
function everything(policy: Policy) {
  const marks = marksOf(policy);
  const { ownerReferences: _, ...labelsOnly } = marks;
  const account = (name: string, rule: string, precedence: number) =>
    makeAccount(name, { ...marks, annotations: argoAnnotations(rule, precedence, name) });
  return {
    accounts: [
      account('workflows-admin', 'any($env?.groups ?? [], # in ["/platform/admins"])', 1000),
      account('workflows-viewer', 'true', 990),
    ],
    secrets: [
      makeSecret('argo-server-sso', {}, marks),
      makeToken('workflows-admin', marks),
      makeToken('workflows-viewer', marks),
    ],
    bindings: [
      makeBinding('workflows-admin', 'argo-access-admin', marks),
      makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a', ...labelsOnly }),
    ],
  };
}

function shown(changes: readonly Change[]): readonly string[] {
  return changes.map(change => {
    switch (change.kind) {
      case 'PatchObject':
      case 'DeleteObject':
        return `${change.kind} ${change.ref.kind} ${change.ref.namespace}/${change.ref.name}`;
      case 'DeleteClient':
        return `DeleteClient ${change.clientId}`;
      default:
        return change.kind;
    }
  });
}

const RULES_OFF = [
  'PatchObject ServiceAccount argo/workflows-viewer',
  'PatchObject ServiceAccount argo/workflows-admin',
];
const ROLES_GONE = [
  'DeleteObject RoleBinding argo/argo-access:argo:workflows-admin:clusterrole:argo-access-admin',
  'DeleteObject RoleBinding team-a/argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer',
  'DeleteObject Secret argo/workflows-admin.service-account-token',
  'DeleteObject Secret argo/workflows-viewer.service-account-token',
  'DeleteObject ServiceAccount argo/workflows-admin',
  'DeleteObject ServiceAccount argo/workflows-viewer',
];

function planned(policy: Policy, client: KeycloakClient | undefined, overrides: Partial<Observation> = {}) {
  return shown(
    planDeletion(observe(policy, { ...everything(policy), keycloak: keycloakWith(client), ...overrides })),
  );
}

describe('a policy that is deleted', () => {
  it('takes the rules off first, from the lowest up, then all that they led to, then the client and its Secret', () => {
    expect(planned(going(), CLIENT)).toEqual([
      ...RULES_OFF,
      ...ROLES_GONE,
      'DeleteClient argo-workflows',
      'DeleteObject Secret argo/argo-server-sso',
    ]);
  });

  it('lets its finalizer go alone, once a later look finds nothing', () => {
    expect(shown(planDeletion(observe(going(), { keycloak: keycloakWith(undefined) })))).toEqual([
      'RemoveFinalizer',
    ]);
  });

  it('is left to the API server where the finalizer is gone, or never was', () => {
    expect(planned(going({}, { metadata: { finalizers: [] } }), CLIENT)).toEqual([]);
    expect(planned(going({}, { metadata: { finalizers: ['foregroundDeletion'] } }), CLIENT)).toEqual([]);
  });

  it('cleans up in any order of what is left, whatever was interrupted', () => {
    const policy = going();
    const { accounts, secrets, bindings } = everything(policy);
    let cluster: Cluster = new Map(
      [...accounts, ...secrets, ...bindings].map(object => [objectKey(object), object]),
    );
    let client: KeycloakClient | undefined = CLIENT;
    for (let writes = 0; writes < 20; writes += 1) {
      const observation = observe(policy, { ...objectsOf(cluster), keycloak: keycloakWith(client) });
      const [first] = planDeletion(observation);
      if (first === undefined || first.kind === 'RemoveFinalizer') break;
      if (first.kind === 'DeleteClient') client = undefined;
      cluster = applyToCluster(cluster, first);
    }
    expect([...cluster.keys()]).toEqual([]);
    expect(client).toBeUndefined();
  });

  it('cleans up although it is suspended', () => {
    expect(planned(going({ suspend: true }), CLIENT)).toEqual(planned(going(), CLIENT));
    const observation = observe(going({ suspend: true }), { keycloak: keycloakWith(CLIENT) });
    expect(changesOf(plan(observation, check(observation)))).toEqual([
      { kind: 'DeleteClient', id: 'id-1', clientId: 'argo-workflows' },
    ]);
  });

  it('cleans up although it may no longer ask for what it has', () => {
    const observation = observe(going({ client: { ...SPEC.client, clientId: 'not-allowed' } }), {
      keycloak: keycloakWith(makeClient({ clientId: 'not-allowed', attributes: OURS })),
    });
    expect(shown(changesOf(plan(observation, check(observation))))).toEqual(['DeleteClient not-allowed']);
  });

  it('leaves a client alone that belongs to nobody or to another', () => {
    for (const attributes of [
      {},
      { ...OURS, [ATTRIBUTE_OWNER]: 'test/argo/other' },
      { ...OURS, [ATTRIBUTE_CLUSTER]: 'x' },
    ]) {
      const observation = observe(going(), { keycloak: keycloakWith(makeClient({ attributes })) });
      expect(shown(planDeletion(observation))).toEqual(['RemoveFinalizer']);
    }
  });

  it('leaves copies of its objects, and the objects of others, alone', () => {
    const policy = going();
    const other = makePolicy(SPEC, { name: 'other' });
    const { labels } = marksOf(policy);
    const observation = observe(policy, {
      livePolicyUids: new Set([policy.metadata.uid, other.metadata.uid]),
      keycloak: keycloakWith(undefined),
      accounts: [makeAccount('copy', { labels: labels ?? {} }), makeAccount('theirs', marksOf(other))],
      secrets: [makeSecret('copy', {}, { labels: labels ?? {} }), makeSecret('theirs', {}, marksOf(other))],
      bindings: [
        makeBinding('copy', 'view', { labels: labels ?? {} }),
        makeBinding('theirs', 'view', marksOf(other)),
      ],
    });
    expect(shown(planDeletion(observation))).toEqual(['RemoveFinalizer']);
    expect(remaining(observation)).toEqual([]);
  });
});

describe('while Keycloak does not answer, a deletion', () => {
  it('takes off what is in Kubernetes, and keeps the Secret with the client', () => {
    expect(planned(going(), undefined, { keycloak: keycloakDown(0) })).toEqual([...RULES_OFF, ...ROLES_GONE]);
  });

  it('waits, although nothing else is left', () => {
    expect(shown(planDeletion(observe(going(), { keycloak: keycloakDown(0) })))).toEqual([]);
    expect(shown(planDeletion(observe(going(), { keycloak: { state: 'NotAsked' } })))).toEqual([]);
  });

  it.each([
    ['ends where it never had a client', undefined, ['RemoveFinalizer']],
    [
      'waits where its status tells of a client: the address may be wrong',
      { id: 'id-1', clientId: 'argo-workflows', realm: 'platform', adopted: false },
      [],
    ],
  ])('of a policy whose realm does not exist %s', (_, client, expected) => {
    const policy = going({}, { status: { ...(client && { client }) } });
    const keycloak = keycloakDown(0, { reason: 'RealmNotFound', transient: false });
    expect(shown(planDeletion(observe(policy, { keycloak })))).toEqual(expected);
  });

  it.each([
    ['does not wait where nothing was ever made', {}, ['RemoveFinalizer']],
    [
      'waits where its status tells of a client',
      { client: { id: 'id-1', clientId: 'argo-workflows', realm: 'platform', adopted: false } },
      [],
    ],
  ])('of a policy that may not have its client %s', (_, status, expected) => {
    const allowance = { ...ALLOWANCE, clientIds: [] };
    const observation = observe(going({}, { status }), { allowance, keycloak: { state: 'NotAsked' } });
    expect(shown(planDeletion(observation))).toEqual(expected);
  });

  it('does not wait where the policy has no client', () => {
    const policy = makePolicy({ roles: SPEC.roles }, { metadata: GOING });
    expect(shown(planDeletion(observe(policy, { keycloak: { state: 'NotAsked' } })))).toEqual([
      'RemoveFinalizer',
    ]);
  });
});

describe('while something in Kubernetes cannot be read, a deletion', () => {
  it('waits, for what is not seen may still be there', () => {
    const unread = [{ namespace: 'team-a', plural: 'rolebindings', forbidden: true, message: '' }];
    expect(planned(going(), CLIENT, { unread })).toEqual([]);
    expect(shown(planDeletion(observe(going(), { unread, keycloak: keycloakWith(undefined) })))).toEqual([]);
  });

  it.each([
    ['waits for what will be read', false, []],
    ['does not wait for what may not be read', true, ['RemoveFinalizer']],
  ])('with the CRD itself %s', (_, forbidden, expected) => {
    const unread = [{ namespace: 'argo', plural: 'secrets', forbidden, message: '' }];
    expect(shown(planDeletion(observe(going(), { unread, crdEnding: true })))).toEqual(expected);
  });
});

describe('what was made where nobody can look any more', () => {
  const outOfSight = [{ kind: 'RoleBinding', namespace: 'team-b', name: 'argo-access:argo:a:clusterrole:A' }];

  it('lets all else go, and then keeps the deletion waiting', () => {
    expect(planned(going(), CLIENT, { outOfSight })).toEqual(planned(going(), CLIENT));
    expect(shown(planDeletion(observe(going(), { outOfSight, keycloak: keycloakWith(undefined) })))).toEqual(
      [],
    );
  });

  it('does not keep the CRD itself waiting', () => {
    const observation = observe(going(), { outOfSight, crdEnding: true });
    expect(shown(planDeletion(observation))).toEqual(['RemoveFinalizer']);
  });
});

describe('what becomes of client and Secret', () => {
  it.each([
    ['goes where we made it', {}, CLIENT, undefined, 'Delete'],
    ['stays where we adopted it', {}, ADOPTED, undefined, 'Retain'],
    ['stays where the policy says so', { deletionPolicy: 'Retain' }, CLIENT, undefined, 'Retain'],
    [
      'goes where the policy says so, although we adopted it',
      { deletionPolicy: 'Delete' },
      ADOPTED,
      undefined,
      'Delete',
    ],
    ['stays where only the status remembers the adoption', {}, undefined, true, 'Retain'],
    ['goes where the mark on our client says so, whatever the status says', {}, CLIENT, true, 'Delete'],
    ['goes where nothing is known', {}, undefined, undefined, 'Delete'],
  ])('%s', (_, spec, client, adopted, expected) => {
    const status =
      adopted === undefined
        ? {}
        : { client: { id: 'id-1', clientId: 'argo-workflows', realm: 'platform', adopted } };
    const observation = observe(going(spec, { status }), { keycloak: keycloakWith(client) });
    expect(effectiveDeletionPolicy(observation)).toBe(expected);
  });

  it('that stay: the Secret is released first, for the mark on the client says after a crash that both stay', () => {
    const changes = planDeletion(
      observe(going(), { ...everything(going()), keycloak: keycloakWith(ADOPTED) }),
    );
    expect(shown(changes)).toEqual([
      ...RULES_OFF,
      ...ROLES_GONE,
      'PatchObject Secret argo/argo-server-sso',
      'UpdateClient',
    ]);
    expect(changes.at(-2)).toMatchObject({
      setAnnotations: { [ANNOTATION_ADOPT_BY]: 'workflows' },
      removeOwnerUid: 'uid-workflows',
    });
    expect(changes.at(-1)).toMatchObject({
      fields: { attributes: { [ATTRIBUTE_OWNER]: '', [ATTRIBUTE_CLUSTER]: '', [ATTRIBUTE_ADOPTED]: '' } },
    });
  });

  it('that stay: the Secret takes over what Keycloak has before it is released', () => {
    const policy = going();
    const client = { ...ADOPTED, secret: new SecretValue('new') };
    const data = (value: string) => ({ 'client-id': client.clientId, 'client-secret': value });
    const kept = (value: string) =>
      planDeletion(
        observe(policy, {
          secrets: [makeSecret('argo-server-sso', data(value), marksOf(policy))],
          keycloak: keycloakWith(client),
        }),
      );
    const release = ['PatchObject Secret argo/argo-server-sso', 'UpdateClient'];
    expect(shown(kept('old'))).toEqual(['ApplyObject', ...release]);
    const [takeOver] = kept('old');
    if (takeOver?.kind !== 'ApplyObject' || takeOver.object.kind !== 'Secret') throw new Error('no Secret');
    expect(takeOver.object.data['client-secret']?.reveal()).toBe('new');
    expect(shown(kept('new'))).toEqual(release);
  });

  it('that stay: the Secret is not made to hold what is not ours', () => {
    const policy = going({ deletionPolicy: 'Retain' });
    const foreign = makeClient({ secret: new SecretValue('theirs') });
    const changes = planDeletion(
      observe(policy, {
        secrets: [makeSecret('argo-server-sso', { 'client-secret': 'old' }, marksOf(policy))],
        keycloak: keycloakWith(foreign),
      }),
    );
    expect(shown(changes)).toEqual(['PatchObject Secret argo/argo-server-sso']);
  });

  it('that were released are not touched again', () => {
    const policy = going();
    const released: Secret = makeSecret(
      'argo-server-sso',
      {},
      {
        managed: { labels: [], annotations: [ANNOTATION_ADOPT_BY], data: ['client-id'] },
        annotations: { [ANNOTATION_ADOPT_BY]: 'workflows' },
      },
    );
    const inventory = [
      { kind: 'Secret', namespace: 'argo', name: 'argo-server-sso', uid: released.metadata.uid },
    ];
    const observation = observe(
      { ...policy, status: { inventory } },
      {
        secrets: [released],
        keycloak: keycloakWith(makeClient({ attributes: {} })),
      },
    );
    expect(shown(planDeletion(observation))).toEqual(['RemoveFinalizer']);
  });
});

describe('where nothing may be cleaned up, a deletion', () => {
  it('only drops the finalizer: in a namespace that is not served', () => {
    expect(planned(going(), CLIENT, { allowance: undefined })).toEqual(['RemoveFinalizer']);
    expect(planned(going(), CLIENT, { allowance: undefined, keycloak: { state: 'NotAsked' } })).toEqual([
      'RemoveFinalizer',
    ]);
  });

  it('only lets go of its objects, then drops the finalizer: while the CRD itself is deleted', () => {
    const changes = planned(going(), CLIENT, { crdEnding: true, keycloak: { state: 'NotAsked' } });
    expect(changes).toEqual([
      'PatchObject ServiceAccount argo/workflows-admin',
      'PatchObject ServiceAccount argo/workflows-viewer',
      'PatchObject Secret argo/argo-server-sso',
      'PatchObject Secret argo/workflows-admin.service-account-token',
      'PatchObject Secret argo/workflows-viewer.service-account-token',
      'PatchObject RoleBinding argo/argo-access:argo:workflows-admin:clusterrole:argo-access-admin',
    ]);
    const observation = observe(going(), { crdEnding: true });
    expect(shown(planDeletion(observation))).toEqual(['RemoveFinalizer']);
  });

  it('takes nothing but the owner reference off while the CRD itself is deleted', () => {
    const policy = going();
    const [change] = planDeletion(observe(policy, { ...everything(policy), crdEnding: true }));
    expect(change).toEqual({
      kind: 'PatchObject',
      ref: {
        kind: 'ServiceAccount',
        namespace: 'argo',
        name: 'workflows-admin',
        uid: 'uid-of-workflows-admin',
      },
      removeOwnerUid: 'uid-workflows',
    });
  });
});
