import { describe, expect, it } from 'vitest';
import { ANNOTATION_REVISION } from '../../operator/api/names.ts';
import type { OwnedObject } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { DesiredObject } from '../../operator/policy/change.ts';
import { bindsTheSame, covers, diffObject, entry } from '../../operator/policy/compare.ts';
import { desiredAccount, desiredClientSecret, wantedRoles } from '../../operator/policy/desired.ts';
import { makePolicy } from './fixtures.ts';
import { argoAnnotations, makeBinding, SPEC } from './objects.ts';
import { applyToCluster, objectKey } from './simulate.ts';

const policy = makePolicy(SPEC);
const marks = { rule: 'true', precedence: 10, tokenName: 'a.service-account-token' };
const account = desiredAccount(policy, 'a', marks);
const [, viewer] = wantedRoles(policy, []);
const [binding] = viewer?.bindings ?? [];
if (viewer === undefined || binding === undefined) throw new Error('the policy has a viewer with a grant');
const secretSpec = {
  ...SPEC.client.secret,
  clientIdKey: 'constructor',
  clientSecretKey: '__proto__',
  labels: {},
  annotations: {},
};
const credentials = { clientId: new SecretValue('argo'), secret: new SecretValue('s3cret') };
const secret = desiredClientSecret(policy, secretSpec, credentials, { [ANNOTATION_REVISION]: '3' });

/** What the API server has after the object was made. */
function made(want: DesiredObject): OwnedObject {
  const [object] = applyToCluster(new Map(), { kind: 'CreateObject', object: want }).values();
  if (object === undefined) throw new Error('nothing was made');
  return object;
}

function changed<T extends OwnedObject>(object: T, change: (object: T) => Partial<T>): T {
  return { ...object, ...change(object) };
}

function withMetadata(object: OwnedObject, metadata: Partial<OwnedObject['metadata']>): OwnedObject {
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}

describe.each([
  ['a ServiceAccount', account],
  ['a token Secret', viewer.token],
  ['a RoleBinding in another namespace', binding],
  ['the Secret with the credentials', secret],
] satisfies readonly (readonly [string, DesiredObject])[])('%s', (_, want) => {
  const have = made(want);
  const apply = { kind: 'ApplyObject', object: want, uid: have.metadata.uid };

  it('is created where it does not exist', () => {
    expect(diffObject(undefined, want)).toEqual([{ kind: 'CreateObject', object: want }]);
  });

  it('takes no write while it is as wanted', () => {
    expect(diffObject(have, want)).toEqual([]);
  });

  it('is applied where it only looks like ours, so that it can be cleaned up', () => {
    const { managed: _, ...metadata } = have.metadata;
    expect(diffObject({ ...have, metadata }, want)).toEqual([apply]);
  });

  it('keeps labels and annotations of others', () => {
    const labels = { ...have.metadata.labels, theirs: 'kept' };
    const annotations = { ...have.metadata.annotations, theirs: 'kept' };
    expect(diffObject(withMetadata(have, { labels, annotations }), want)).toEqual([]);
  });

  it.each(Object.keys(want.metadata.labels))('gets the label %s back, changed or gone', key => {
    for (const value of [{ [key]: 'changed' }, {}]) {
      const { [key]: __, ...rest } = have.metadata.labels ?? {};
      expect(diffObject(withMetadata(have, { labels: { ...rest, ...value } }), want)).toEqual([apply]);
    }
  });

  it.each(Object.keys(want.metadata.annotations))('gets the annotation %s back, changed or gone', key => {
    for (const value of [{ [key]: 'changed' }, {}]) {
      const { [key]: __, ...rest } = have.metadata.annotations ?? {};
      expect(diffObject(withMetadata(have, { annotations: { ...rest, ...value } }), want)).toEqual([apply]);
    }
  });

  it('gets its owner reference back, unless it never had one', () => {
    const stripped = withMetadata(have, { ownerReferences: [] });
    expect(diffObject(stripped, want)).toEqual(want.metadata.owner === undefined ? [] : [apply]);
  });

  it('loses what we once set and no longer want', () => {
    const managed = {
      labels: [...(have.metadata.managed?.labels ?? []), 'old-label'],
      annotations: [...(have.metadata.managed?.annotations ?? []), 'old-annotation'],
      data: [],
    };
    expect(diffObject(withMetadata(have, { managed }), want)).toEqual([
      {
        kind: 'PatchObject',
        ref: {
          kind: have.kind,
          namespace: have.metadata.namespace,
          name: have.metadata.name,
          uid: have.metadata.uid,
        },
        removeLabels: ['old-label'],
        removeAnnotations: ['old-annotation'],
        removeData: [],
      },
    ]);
  });
});

describe('the data of a Secret', () => {
  const have = made(secret);
  if (have.kind !== 'Secret') throw new Error('a Secret was made');

  it('under keys that every record answers to is compared like any other', () => {
    const empty = changed(have, () => ({ data: {} }));
    expect(diffObject(empty, secret).map(({ kind }) => kind)).toEqual(['ApplyObject']);
    expect(entry({}, 'constructor')).toBeUndefined();
    expect(covers({}, { constructor: 'x' })).toBe(false);
    expect(covers(undefined, { a: 'x' })).toBe(false);
  });

  it('gets a value back that was changed', () => {
    const edited = changed(have, ({ data }) => ({ data: { ...data, constructor: new SecretValue('x') } }));
    expect(diffObject(edited, secret).map(({ kind }) => kind)).toEqual(['ApplyObject']);
  });

  it('keeps keys of others, and loses our former ones', () => {
    const more = changed(have, ({ data }) => ({ data: { ...data, theirs: new SecretValue('x') } }));
    expect(diffObject(more, secret)).toEqual([]);
    const managed = { labels: [], annotations: [], data: ['client-id', 'constructor', '__proto__'] };
    expect(diffObject(withMetadata(more, { managed }), secret)).toMatchObject([
      { kind: 'PatchObject', removeData: ['client-id'] },
    ]);
  });

  it('of a token is never touched, whoever wrote it', () => {
    const token = withMetadata(made(viewer.token), {
      managed: { labels: [], annotations: [], data: ['token'] },
    });
    expect(diffObject(token, viewer.token)).toEqual([]);
  });
});

describe('a RoleBinding', () => {
  const have = makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a' });
  const [subject] = have.subjects;
  if (subject === undefined) throw new Error('the binding has a subject');

  it.each([
    ['the same account', [subject], true],
    ['nobody', [], false],
    ['somebody else too', [subject, { kind: 'User', name: 'mallory' }], false],
    ['an account of that name elsewhere', [{ ...subject, namespace: 'team-a' }], false],
    ['a user of that name', [{ ...subject, kind: 'User' }], false],
  ])('for %s gives the same: %s %s', (_, subjects, same) => {
    expect(bindsTheSame({ ...have, subjects }, binding)).toBe(same);
  });

  it.each([
    ['another name', { kind: 'ClusterRole', name: 'cluster-admin' } as const],
    ['another kind', { kind: 'Role', name: 'argo-access-viewer' } as const],
  ])('to a role of %s gives something else', (_, roleRef) => {
    expect(bindsTheSame({ ...have, roleRef }, binding)).toBe(false);
  });
});

describe('an account', () => {
  it('without a rule takes no write for the lack of one', () => {
    const bare = desiredAccount(policy, 'a', undefined);
    expect(
      diffObject(made(account), {
        ...bare,
        metadata: { ...bare.metadata, annotations: argoAnnotations('true', 10, 'a') },
      }),
    ).toEqual([]);
    expect(objectKey(made(bare))).toBe('ServiceAccount/argo/a');
  });
});
