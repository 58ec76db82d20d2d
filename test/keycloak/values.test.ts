import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { basicAuthorization } from '../../operator/keycloak/basic.ts';
import { KeycloakError, KeycloakErrorKind, redact } from '../../operator/keycloak/errors.ts';
import { createLimit } from '../../operator/keycloak/limit.ts';
import { judgeKeycloakError } from '../../operator/keycloak/reasons.ts';
import {
  readClientRepresentation,
  readClientRepresentations,
} from '../../operator/keycloak/representation.ts';
import { createTransport } from '../../operator/keycloak/transport.ts';
import { Reason } from '../../operator/policy/reasons.ts';

describe('redacted text', () => {
  it.each([
    'client_secret=S3CRET&grant_type=x',
    '{"client_secret":"S3CRET","other":1}',
    '{"secret" : "S3CRET with words"}',
    "{'clientSecret': 'S3CRET'}",
    'password: S3CRET',
    'access_token=S3CRET',
    'refresh_token: "S3CRET"',
    'code=S3CRET',
    'Authorization: Bearer S3CRET',
    'authorization: basic S3CRET==',
    'at https://user:S3CRET@keycloak.example.com/auth',
    'token eyJS3CRET.eyJS3CRET.S3CRET was refused',
  ])('has no credential left: %s', text => {
    expect(redact(text)).not.toContain('S3CRET');
    expect(redact(text)).toContain('[redacted]');
  });

  it('is one line of limited length, otherwise as it was', () => {
    expect(redact('Client "a b"\n\tis\u0000 fine: not_found (404)')).toBe(
      'Client "a b" is fine: not_found (404)',
    );
    expect(redact('x'.repeat(1000))).toHaveLength(301);
  });
});

describe('a failure', () => {
  const failure = {
    kind: 'Forbidden',
    connection: 'default',
    realm: 'platform',
    action: 'read client argo',
    detail: 'no',
    remedy: 'ask',
  } as const;

  it('names connection, realm, action and remedy', () => {
    const { message } = new KeycloakError(failure);
    expect(message).toBe('Keycloak connection default, realm platform: cannot read client argo: no; ask');
  });

  it.each(Object.values(KeycloakErrorKind))('of kind %s has a reason, and says whether it heals', kind => {
    const error = new KeycloakError({ ...failure, kind });
    const { reason, message, transient } = judgeKeycloakError(error);
    expect(message).toBe(error.message);
    expect([reason, transient]).toEqual(
      {
        Unreachable: [Reason.KeycloakUnavailable, true],
        Timeout: [Reason.KeycloakUnavailable, true],
        ServerError: [Reason.KeycloakUnavailable, true],
        Untrusted: [Reason.KeycloakUntrusted, false],
        WrongCredentials: [Reason.KeycloakCredentialsRefused, false],
        Forbidden: [Reason.KeycloakForbidden, false],
        RealmNotFound: [Reason.RealmNotFound, false],
        Invalid: [Reason.KeycloakRejected, false],
        Conflict: [Reason.Progressing, true],
        NotFound: [Reason.Progressing, true],
      }[kind],
    );
  });
});

describe('a client as Keycloak represents it', () => {
  it('is read with defaults for what it leaves out', () => {
    expect(readClientRepresentation({ id: '1', clientId: 'argo' })).toEqual({
      id: '1',
      clientId: 'argo',
      description: '',
      enabled: false,
      protocol: '',
      publicClient: false,
      bearerOnly: false,
      standardFlowEnabled: false,
      implicitFlowEnabled: false,
      directAccessGrantsEnabled: false,
      serviceAccountsEnabled: false,
      fullScopeAllowed: false,
      clientAuthenticatorType: '',
      baseUrl: '',
      redirectUris: [],
      attributes: {},
      secret: undefined,
      secretLife: { createdAt: undefined, expiresAt: undefined, rotated: undefined },
      mappers: [],
    });
  });

  it('keeps its secret where it cannot be printed, and no other secret at all', () => {
    const client = readClientRepresentation({
      id: '1',
      clientId: 'argo',
      secret: 'S3CRET',
      attributes: {
        'client.secret.rotated': 'S3CRET',
        'client.secret.creation.time': '1',
        'client.secret.rotated.expiration.time': '2',
        'saml.signing.private.key': 'S3CRET',
        'some.Password': 'S3CRET',
        'argo-access.io/owner': 'me',
        'set.to.null': null,
      },
      registrationAccessToken: 'S3CRET',
    });
    expect(client?.attributes).toEqual({
      'client.secret.creation.time': '1',
      'client.secret.rotated.expiration.time': '2',
      'argo-access.io/owner': 'me',
    });
    expect(client?.secret?.reveal()).toBe('S3CRET');
    expect(inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client)).not.toContain('S3CRET');
  });

  const life = (attributes: object) =>
    readClientRepresentation({ id: '1', clientId: 'a', attributes })?.secretLife;

  it('tells of the life of its secret in milliseconds, and of an old one only that it is there', () => {
    const read = life({
      'client.secret.creation.time': '1795571297',
      'client.secret.expiration.time': '1795574897',
      'client.secret.rotated': 'S3CRET',
      'client.secret.rotated.creation.time': '1795571299',
      'client.secret.rotated.expiration.time': '1795571305',
    });
    expect(read).toEqual({
      createdAt: 1_795_571_297_000,
      expiresAt: 1_795_574_897_000,
      rotated: { expiresAt: 1_795_571_305_000 },
    });
    expect(life({ 'client.secret.rotated': 'S3CRET' })?.rotated).toEqual({ expiresAt: undefined });
    expect(life({ 'client.secret.rotated': '', 'client.secret.rotated.expiration.time': '7' })).toEqual({
      createdAt: undefined,
      expiresAt: undefined,
      rotated: undefined,
    });
  });

  it.each(['', ' ', '0', '-1', '1.5', '1e3', '0x10', ' 7', '7 ', 'tomorrow', '9'.repeat(13), null])(
    'has no time of its secret where that is damaged: %j',
    time => {
      const read = life({
        'client.secret.creation.time': time,
        'client.secret.expiration.time': time,
        'client.secret.rotated': 'S3CRET',
        'client.secret.rotated.expiration.time': time,
      });
      expect(read).toEqual({ createdAt: undefined, expiresAt: undefined, rotated: { expiresAt: undefined } });
    },
  );

  it.each([undefined, null, '', '<html>', 7, [], {}, { id: '', clientId: 'x' }, { id: '1' }])(
    'is not read from something else: %j',
    answer => {
      expect(readClientRepresentation(answer)).toBeUndefined();
      expect(readClientRepresentations([answer])).toBeUndefined();
    },
  );
});

describe('basic authorization', () => {
  it('form-encodes clientId and secret before it joins them', () => {
    const value = basicAuthorization('a:b c', new SecretValue('ä%:+'));
    expect(Buffer.from(value.slice('Basic '.length), 'base64').toString()).toBe('a%3Ab+c:%C3%A4%25%3A%2B');
  });
});

describe('a limit', () => {
  it('runs so many tasks at a time, the others in order, and goes on after a failure', async () => {
    const limit = createLimit(2);
    const begun: number[] = [];
    const tasks = [0, 1, 2, 3].map(() => Promise.withResolvers<number>());
    const results = tasks.map(({ promise }, index) =>
      limit(() => {
        begun.push(index);
        return promise;
      }),
    );
    const settled = Promise.allSettled(results);
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1]);
    tasks[1]?.reject(new Error('failed'));
    await expect(results[1]).rejects.toThrow('failed');
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of tasks) resolve(7);
    expect((await settled).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(begun).toEqual([0, 1, 2, 3]);
  });
});

describe('certificates', () => {
  it.each([
    ['none', '', 'no certificate in PEM'],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', 'no certificate in PEM'],
    ['a damaged one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', ''],
  ])('that cannot be read are refused at the start: %s', (_, ca, message) => {
    expect(() => createTransport({ ca, timeoutMs: 1, connections: 1 })).toThrow(message);
  });
});
