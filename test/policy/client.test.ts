import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_ADOPTED, ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import { planClient, redirectUri, releaseClient } from '../../operator/policy/client.ts';
import type { KeycloakClient, KeycloakMapper } from '../../operator/policy/keycloak-types.ts';
import { makeClient, makePolicy, observe } from './fixtures.ts';
import { keycloakDown, keycloakWith, SPEC } from './objects.ts';

const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };

const FIELDS = {
  clientId: 'argo-workflows',
  description: 'Managed by ArgoAccessPolicy argo/workflows; changes made here are undone',
  protocol: 'openid-connect',
  publicClient: false,
  bearerOnly: false,
  standardFlowEnabled: true,
  implicitFlowEnabled: false,
  directAccessGrantsEnabled: false,
  serviceAccountsEnabled: false,
  fullScopeAllowed: false,
  clientAuthenticatorType: 'client-secret',
  baseUrl: 'https://workflows.example.com',
  redirectUris: ['https://workflows.example.com/oauth2/callback'],
  attributes: OURS,
} as const;

const GROUPS_CONFIG = {
  'claim.name': 'groups',
  'id.token.claim': 'true',
  'access.token.claim': 'false',
  'userinfo.token.claim': 'true',
  'full.path': 'true',
};
const GROUPS: KeycloakMapper = {
  id: 'mapper-1',
  name: 'argo-access-groups',
  protocolMapper: 'oidc-group-membership-mapper',
  config: GROUPS_CONFIG,
};
const ROLES_CONFIG = {
  'claim.name': 'groups',
  'id.token.claim': 'true',
  'access.token.claim': 'false',
  'userinfo.token.claim': 'true',
  multivalued: 'true',
  'jsonType.label': 'String',
  'usermodel.clientRoleMapping.clientId': 'argo-workflows',
};
const ROLES: KeycloakMapper = {
  id: 'mapper-2',
  name: 'argo-access-client-roles',
  protocolMapper: 'oidc-usermodel-client-role-mapper',
  config: ROLES_CONFIG,
};

const policy = makePolicy(SPEC);
const withRoles = makePolicy({ ...SPEC, keycloak: { groups: { source: 'ClientRoles' } } });

/** The client as the policy wants it. */
function rightClient(overrides: Partial<KeycloakClient> = {}): KeycloakClient {
  return makeClient({ ...FIELDS, secret: new SecretValue('s3cret'), mappers: [GROUPS], ...overrides });
}

function planned(
  client: KeycloakClient | undefined,
  wanting = policy,
  clientRoles: readonly string[] = [],
): readonly Change[] {
  return planClient(observe(wanting, { keycloak: keycloakWith(client, { clientRoles }) }));
}

/** A mapper as it is sent: Keycloak gives the id. */
function withoutMapper({ id: _, ...mapper }: KeycloakMapper) {
  return mapper;
}

describe('a client that does not exist', () => {
  it('takes one write, mapper included, and brings no secret', () => {
    expect(planned(undefined)).toEqual([
      { kind: 'CreateClient', fields: FIELDS, mappers: [withoutMapper(GROUPS)] },
    ]);
  });

  it('takes no more where the claim carries its roles: they are made once it is there', () => {
    expect(planned(undefined, withRoles)).toEqual([
      { kind: 'CreateClient', fields: FIELDS, mappers: [withoutMapper(ROLES)] },
    ]);
    expect(planned(rightClient({ mappers: [ROLES] }), withRoles)).toEqual([
      { kind: 'CreateClientRole', id: 'id-1', role: '/platform/admins' },
    ]);
  });

  it.each([
    ['Keycloak was not asked', observe(policy)],
    ['Keycloak does not answer', observe(policy, { keycloak: keycloakDown(0) })],
    [
      'the policy has none',
      observe(makePolicy({ roles: SPEC.roles }), { keycloak: keycloakWith(undefined) }),
    ],
  ])('is not made where %s', (_, observation) => {
    expect(planClient(observation)).toEqual([]);
  });
});

describe('a client that is ours', () => {
  it('takes no write while it is as it should be', () => {
    expect(planned(rightClient())).toEqual([]);
  });

  it.each([
    ['has attributes that we do not manage', { attributes: { ...OURS, 'access.token.lifespan': '60' } }],
    ['is disabled', { enabled: false }],
    [
      'has a mapper for another claim',
      { mappers: [GROUPS, { ...GROUPS, id: 'x', name: 'mine', config: { 'claim.name': 'teams' } }] },
    ],
    [
      'has its mapper with further settings',
      { mappers: [{ ...GROUPS, config: { ...GROUPS_CONFIG, multivalued: 'true' } }] },
    ],
    ['has its other flows off in words', { attributes: { ...OURS, 'oidc.ciba.grant.enabled': 'false' } }],
  ])('is left alone where it %s', (_, overrides) => {
    expect(planned(rightClient(overrides))).toEqual([]);
  });

  const drift: readonly (readonly [keyof KeycloakClient, unknown])[] = [
    ['description', 'mine now'],
    ['protocol', 'saml'],
    ['publicClient', true],
    ['bearerOnly', true],
    ['standardFlowEnabled', false],
    ['implicitFlowEnabled', true],
    ['directAccessGrantsEnabled', true],
    ['serviceAccountsEnabled', true],
    ['fullScopeAllowed', true],
    ['clientAuthenticatorType', 'client-jwt'],
    ['baseUrl', 'https://evil.com'],
    ['redirectUris', ['https://workflows.example.com/oauth2/callback', 'https://evil.com/*']],
    ['redirectUris', []],
  ];

  it.each(drift)('gets %s back, and nothing else is sent: %j', (field, value) => {
    expect(planned(rightClient({ [field]: value }))).toEqual([
      { kind: 'UpdateClient', id: 'id-1', fields: { [field]: FIELDS[field as keyof typeof FIELDS] } },
    ]);
  });

  it.each([
    'oauth2.device.authorization.grant.enabled',
    'oauth2.jwt.authorization.grant.enabled',
    'oidc.ciba.grant.enabled',
    'standard.token.exchange.enabled',
  ])('gets the flow %s switched off', attribute => {
    const attributes = { ...OURS, [attribute]: 'true', other: 'kept' };
    expect(planned(rightClient({ attributes }))).toEqual([
      { kind: 'UpdateClient', id: 'id-1', fields: { attributes: { [attribute]: 'false' } } },
    ]);
  });

  it('gets the redirect URIs of all its addresses, each once, whatever their order', () => {
    const wanting = makePolicy({
      ...SPEC,
      client: {
        ...SPEC.client,
        url: 'https://a.example.com/argo/',
        additionalUrls: ['https://b.example.com', 'https://b.example.com/', 'https://a.example.com/argo'],
      },
    });
    const redirectUris = [
      'https://a.example.com/argo/oauth2/callback',
      'https://b.example.com/oauth2/callback',
    ];
    expect(planned(rightClient(), wanting)).toEqual([
      { kind: 'UpdateClient', id: 'id-1', fields: { baseUrl: 'https://a.example.com/argo/', redirectUris } },
    ]);
    const reversed = rightClient({
      baseUrl: 'https://a.example.com/argo/',
      redirectUris: redirectUris.toReversed(),
    });
    expect(planned(reversed, wanting)).toEqual([]);
  });

  it('gets the mark of the cluster that was rebuilt', () => {
    const operator = {
      instanceId: 'test',
      clusterUid: 'cluster-1',
      formerClusters: ['cluster-0'],
      ownClientId: 'operator',
    };
    const client = rightClient({ attributes: { ...OURS, [ATTRIBUTE_CLUSTER]: 'cluster-0' } });
    expect(planClient(observe(policy, { operator, keycloak: keycloakWith(client) }))).toEqual([
      { kind: 'UpdateClient', id: 'id-1', fields: { attributes: { [ATTRIBUTE_CLUSTER]: 'cluster-1' } } },
    ]);
  });

  it('is never sent its secret, nor an attribute about secrets', () => {
    const attributes = { 'client.secret.creation.time': '1', 'client.secret.rotated': 'old' };
    const sent = JSON.stringify(planned(rightClient({ attributes, baseUrl: '', mappers: [] })));
    expect(sent).toContain('UpdateClient');
    expect(sent).not.toMatch(/s3cret|"secret"|client\.secret\./);
  });
});

describe('a client that is adopted', () => {
  it('gets our marks and what the policy asks, keeps the rest, and remembers that it was adopted', () => {
    const adopting = makePolicy({ ...SPEC, client: { ...SPEC.client, adopt: true } });
    const found = makeClient({
      attributes: { theirs: 'kept' },
      directAccessGrantsEnabled: true,
      fullScopeAllowed: false,
    });
    expect(planned(found, adopting)).toEqual([
      {
        kind: 'UpdateClient',
        id: 'id-1',
        fields: {
          description: FIELDS.description,
          directAccessGrantsEnabled: false,
          baseUrl: FIELDS.baseUrl,
          redirectUris: FIELDS.redirectUris,
          attributes: { ...OURS, [ATTRIBUTE_ADOPTED]: 'true' },
        },
      },
      { kind: 'CreateMapper', id: 'id-1', mapper: withoutMapper(GROUPS) },
    ]);
  });

  it('is in sync once that is done', () => {
    expect(planned(rightClient({ attributes: { ...OURS, [ATTRIBUTE_ADOPTED]: 'true' } }))).toEqual([]);
  });

  it('keeps its own mapper where that does the same already', () => {
    const mappers = [
      { ...GROUPS, id: 'm', name: 'groups', config: { ...GROUPS_CONFIG, 'access.token.claim': 'true' } },
    ];
    expect(planned(rightClient({ mappers }))).toEqual([
      {
        kind: 'UpdateMapper',
        id: 'id-1',
        mapperId: 'm',
        mapper: { name: 'groups', protocolMapper: GROUPS.protocolMapper, config: GROUPS_CONFIG },
      },
    ]);
    expect(planned(rightClient({ mappers: [{ ...GROUPS, name: 'groups' }] }))).toEqual([]);
  });
});

describe('the mapper', () => {
  it('is made again where it was deleted', () => {
    expect(planned(rightClient({ mappers: [] }))).toEqual([
      { kind: 'CreateMapper', id: 'id-1', mapper: withoutMapper(GROUPS) },
    ]);
  });

  it.each(Object.keys(GROUPS_CONFIG))(
    'gets its setting %s back, and keeps those that we do not manage',
    key => {
      const config = { ...GROUPS_CONFIG, multivalued: 'true', [key]: 'changed' };
      expect(planned(rightClient({ mappers: [{ ...GROUPS, config }] }))).toEqual([
        {
          kind: 'UpdateMapper',
          id: 'id-1',
          mapperId: 'mapper-1',
          mapper: { ...withoutMapper(GROUPS), config: { ...GROUPS_CONFIG, multivalued: 'true' } },
        },
      ]);
    },
  );

  it('writes names instead of paths, and another claim, where the policy says so', () => {
    const wanting = makePolicy({
      ...SPEC,
      keycloak: { groups: { claim: 'teams', fullPath: false } },
      roles: [{ name: 'a', groups: ['admins'] }],
    });
    expect(planned(rightClient(), wanting)).toEqual([
      {
        kind: 'UpdateMapper',
        id: 'id-1',
        mapperId: 'mapper-1',
        mapper: {
          ...withoutMapper(GROUPS),
          config: { ...GROUPS_CONFIG, 'claim.name': 'teams', 'full.path': 'false' },
        },
      },
    ]);
  });

  it('goes before the other comes when the source changes, so that no token has both', () => {
    expect(planned(rightClient(), withRoles, ['/platform/admins'])).toEqual([
      { kind: 'DeleteMapper', id: 'id-1', mapperId: 'mapper-1', name: 'argo-access-groups' },
      { kind: 'CreateMapper', id: 'id-1', mapper: withoutMapper(ROLES) },
    ]);
    expect(planned(rightClient({ mappers: [ROLES] }))).toEqual([
      { kind: 'DeleteMapper', id: 'id-1', mapperId: 'mapper-2', name: 'argo-access-client-roles' },
      { kind: 'CreateMapper', id: 'id-1', mapper: withoutMapper(GROUPS) },
    ]);
  });

  it('of the other source goes where both are there', () => {
    expect(planned(rightClient({ mappers: [ROLES, GROUPS] }))).toEqual([
      { kind: 'DeleteMapper', id: 'id-1', mapperId: 'mapper-2', name: 'argo-access-client-roles' },
    ]);
    const config = { ...GROUPS_CONFIG, 'full.path': 'false' };
    expect(planned(rightClient({ mappers: [ROLES, { ...GROUPS, config }] })).map(({ kind }) => kind)).toEqual(
      ['DeleteMapper', 'UpdateMapper'],
    );
  });

  it('is made anew where one of its name has another type, which cannot be changed', () => {
    const mappers = [{ ...GROUPS, protocolMapper: 'oidc-hardcoded-claim-mapper' }];
    expect(planned(rightClient({ mappers }))).toEqual([
      { kind: 'DeleteMapper', id: 'id-1', mapperId: 'mapper-1', name: 'argo-access-groups' },
      { kind: 'CreateMapper', id: 'id-1', mapper: withoutMapper(GROUPS) },
    ]);
  });
});

describe('the roles of the client', () => {
  const wanting = makePolicy({
    ...SPEC,
    keycloak: { groups: { source: 'ClientRoles' } },
    roles: [
      { name: 'a', groups: ['admins', 'ops'] },
      { name: 'b', groups: ['ops', 'dev'] },
    ],
  });

  it('are created where they are missing, each once, and none is ever deleted', () => {
    expect(planned(rightClient({ mappers: [ROLES] }), wanting, ['admins', 'former'])).toEqual([
      { kind: 'CreateClientRole', id: 'id-1', role: 'ops' },
      { kind: 'CreateClientRole', id: 'id-1', role: 'dev' },
    ]);
    expect(planned(rightClient({ mappers: [ROLES] }), wanting, ['admins', 'ops', 'dev', 'former'])).toEqual(
      [],
    );
  });

  it('are none of our business where groups are the source', () => {
    expect(planned(rightClient())).toEqual([]);
  });
});

describe('a client that stays when its policy goes', () => {
  it('loses our marks and nothing else', () => {
    expect(releaseClient(rightClient())).toEqual({
      kind: 'UpdateClient',
      id: 'id-1',
      fields: {
        description: '',
        attributes: { [ATTRIBUTE_OWNER]: '', [ATTRIBUTE_CLUSTER]: '', [ATTRIBUTE_ADOPTED]: '' },
      },
    });
  });
});

describe('a redirect URI', () => {
  it.each([
    ['https://a.example.com', 'https://a.example.com/oauth2/callback'],
    ['https://a.example.com/', 'https://a.example.com/oauth2/callback'],
    ['https://a.example.com/argo', 'https://a.example.com/argo/oauth2/callback'],
    ['http://localhost:2746/argo/', 'http://localhost:2746/argo/oauth2/callback'],
  ])('of %s is the callback below it, which no star of Keycloak can widen', (url, expected) => {
    expect(redirectUri(url)).toBe(expected);
  });
});
