import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FIELD_MANAGER, LABEL_POLICY_UID } from '../../operator/api/names.ts';
import {
  decodePolicy,
  decodeRoleBinding,
  decodeSecret,
  decodeServiceAccount,
} from '../../operator/kubernetes/decode.ts';

const metadata = { name: 'o', namespace: 'n', uid: 'u', resourceVersion: '7' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

function entry(
  operation: string,
  fieldsV1: Record<string, unknown>,
  manager = FIELD_MANAGER,
  subresource?: string,
) {
  return {
    manager,
    operation,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource === undefined ? {} : { subresource }),
  };
}

const labelled = { ...metadata, labels: { [LABEL_POLICY_UID]: 'p' } };

describe('managed keys', () => {
  it('are those of our manager, whether it created, patched or applied', () => {
    const managedFields = [
      entry('Update', {
        'f:data': { '.': {}, 'f:a': {}, 'f:b': {} },
        'f:metadata': { 'f:labels': { '.': {}, 'f:example.com/x': {} } },
      }),
      entry('Apply', {
        'f:data': { 'f:b': {}, 'f:c': {} },
        'f:metadata': { 'f:annotations': { 'f:y': {} }, 'f:ownerReferences': { 'k:{"uid":"p"}': {} } },
      }),
      entry('Update', { 'f:data': { 'f:foreign': {} } }, 'kubectl-edit'),
    ];
    expect(decodeSecret({ metadata: { ...metadata, managedFields } }).metadata.managed).toEqual({
      labels: ['example.com/x'],
      annotations: ['y'],
      data: ['a', 'b', 'c'],
    });
  });

  it('are absent where our manager has only written the status, or nothing', () => {
    const status = entry('Update', { 'f:status': {} }, FIELD_MANAGER, 'status');
    const foreign = entry('Apply', { 'f:data': { 'f:a': {} } }, 'helm');
    const decoded = decodeSecret({ metadata: { ...metadata, managedFields: [status, foreign] } });
    expect(decoded.metadata).not.toHaveProperty('managed');
    expect(decodeSecret({ metadata }).metadata).toEqual(metadata);
  });

  it('are kept in place of managedFields, which are large', () => {
    const managedFields = [entry('Apply', { 'f:data': { 'f:a': {} } })];
    expect(decodeSecret({ metadata: { ...metadata, managedFields } }).metadata).not.toHaveProperty(
      'managedFields',
    );
  });
});

describe('a Secret', () => {
  const data = { password: base64('hunter2') };
  const everything = (value: unknown) =>
    `${inspect(value, { depth: null, showHidden: true })} ${JSON.stringify(value)} ${String(value)}`;

  it.each([
    { what: 'our label', meta: labelled },
    {
      what: 'our field manager',
      meta: { ...metadata, managedFields: [entry('Update', { 'f:data': { 'f:password': {} } })] },
    },
  ])('with $what keeps its values, unprintably', ({ meta }) => {
    const secret = decodeSecret({ metadata: meta, type: 'Opaque', data } as object);
    expect(secret.data.password?.reveal()).toBe('hunter2');
    expect(everything(secret)).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it('of others does not keep its values, nor the copy that kubectl makes of them', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ kind: 'Secret', data }),
      note: 'kept',
    };
    const secret = decodeSecret({ metadata: { ...metadata, annotations }, data } as object);
    expect(secret.data).toEqual({});
    expect(secret.metadata.annotations).toEqual({ note: 'kept' });
    expect(everything(secret)).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it.each(['kubernetes.io/tls', 'kubernetes.io/service-account-token'])(
    'of type %s does not keep its values, even when it is ours',
    type => {
      const secret = decodeSecret({
        metadata: labelled,
        type,
        data: { ...data, token: base64('t') },
      } as object);
      expect(secret.data).toEqual({});
      expect(everything(secret)).not.toMatch(/hunter2|aHVudGVyMg/);
    },
  );

  it.each([
    ['sso', { cookieEncryptionPrivateKey: base64('hunter2') }, true],
    ['sso', { cookieEncryptionPrivateKey: '' }, false],
    ['sso', undefined, false],
    ['other', { cookieEncryptionPrivateKey: base64('hunter2') }, undefined],
  ])('%s with data %j: whether Argo has its key: %s', (name, data, filled) => {
    const secret = decodeSecret({ metadata: { name, namespace: 'argo', uid: 'u' }, data } as object);
    expect(secret.cookieKeyFilled).toBe(filled);
    expect(everything(secret)).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  const token = 'kubernetes.io/service-account-token';
  it.each([
    { type: token, data: { token: base64('t') }, filled: true },
    { type: token, data: { token: '' }, filled: false },
    { type: token, data: {}, filled: false },
    { type: token, data: undefined, filled: false },
    { type: 'Opaque', data: { token: base64('t') }, filled: false },
  ])('of type $type with data $data has its token filled: $filled', ({ filled, ...rest }) => {
    expect(decodeSecret({ metadata: labelled, ...rest } as object).tokenFilled).toBe(filled);
  });

  it('without a type is Opaque, as the API server takes it', () => {
    expect(decodeSecret({ metadata }).type).toBe('Opaque');
  });
});

describe('a ServiceAccount', () => {
  it('has the names of its secrets in order, empty where an entry has none', () => {
    const raw = { metadata, secrets: [{ name: 'b' }, { name: 'a' }, {}] };
    expect(decodeServiceAccount(raw)).toEqual({
      kind: 'ServiceAccount',
      metadata,
      secrets: ['b', 'a', ''],
    });
    expect(decodeServiceAccount({ metadata }).secrets).toEqual([]);
  });
});

describe('a RoleBinding', () => {
  it('is decoded with role and subjects, also without subjects', () => {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
    const subjects = [
      { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
      { kind: 'Group', name: 'g', apiGroup: 'rbac.authorization.k8s.io' },
    ];
    expect(decodeRoleBinding({ metadata, roleRef, subjects } as object)).toEqual({
      kind: 'RoleBinding',
      metadata,
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
        { kind: 'Group', name: 'g' },
      ],
    });
    expect(decodeRoleBinding({ metadata, roleRef } as object).subjects).toEqual([]);
  });
});

describe('a policy', () => {
  const roles = [{ name: 'viewer', everyone: true }];

  it('has the defaults of its spec, and its status', () => {
    const status = { observedGeneration: 3 };
    const policy = decodePolicy({ metadata, spec: { roles }, status } as object);
    expect(policy).not.toHaveProperty('invalid');
    expect(policy.status).toEqual(status);
    expect(policy.spec).toMatchObject({ keycloak: { connection: 'default' }, suspend: false });
  });

  const client = { clientId: 'argo', url: 'https://w.example.com', secret: { name: 'sso-secret' } };

  it('that is not valid by our rules says why, and keeps what cleaning up needs', () => {
    const spec = {
      keycloak: { connection: 'other', realm: 'r', groups: 5 },
      client: { ...client, url: 'no address' },
      roles: [],
      deletionPolicy: 'Delete',
      suspend: true,
    };
    const policy = decodePolicy({ metadata, spec } as object);
    expect(policy.invalid).toMatch(/^spec\.keycloak\.groups: .+; spec\.client\.url: .+; spec\.roles: /);
    expect(policy.spec).toMatchObject({
      keycloak: { connection: 'other', realm: 'r' },
      client: { clientId: 'argo', secret: { name: 'sso-secret' } },
      deletionPolicy: 'Delete',
      suspend: true,
      roles: [],
    });
  });

  it('with a field of another version is not valid', () => {
    const policy = decodePolicy({ metadata, spec: { roles, later: true } } as object);
    expect(policy.invalid).toContain('later');
  });

  it.each([
    { spec: { roles, client, deletionPolicy: 'Later' }, why: 'a deletion policy of another version' },
    { spec: undefined, why: 'no spec' },
    { spec: 'text', why: 'a spec that is no object' },
  ])('with $why loses nothing when it is deleted', ({ spec }) => {
    const policy = decodePolicy({ metadata, spec } as object);
    expect(policy.invalid).toMatch(/^spec/);
    expect(policy.spec.deletionPolicy).toBe('Retain');
  });

  it('with a client that cannot be recognised has none', () => {
    const policy = decodePolicy({ metadata, spec: { roles, client: { clientId: 5 } } } as object);
    expect(policy.invalid).toBeDefined();
    expect(policy.spec.client).toBeUndefined();
  });
});
