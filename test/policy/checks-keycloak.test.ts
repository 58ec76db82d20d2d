import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import { check } from '../../operator/policy/checks.ts';
import {
  claimTaken,
  clientDisabled,
  clientExists,
  clientNotAdoptable,
  clientOwnedByAnother,
  groupAmbiguous,
  groupMissing,
  keycloakFailed,
  missingGroups,
  secretRefused,
} from '../../operator/policy/checks-keycloak.ts';
import type { KeycloakClient, KeycloakMapper } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { makeClient, makePolicy, NOW, observe } from './fixtures.ts';
import { keycloakDown, keycloakWith, SPEC } from './objects.ts';

const policy = makePolicy(SPEC);
const adopting = makePolicy({ ...SPEC, client: { ...SPEC.client, adopt: true } });
const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };

function seeing(
  client: Partial<KeycloakClient>,
  wanting = policy,
  overrides: Partial<Observation> = {},
): Observation {
  return observe(wanting, { keycloak: keycloakWith(makeClient(client)), ...overrides });
}

function plannedForClient(observation: Observation) {
  const { client, secret } = plan(observation, check(observation));
  return [...client, ...secret];
}

describe('Keycloak that does not answer', () => {
  /** A policy whose groups were looked up when some generation of it was judged. */
  const judged = (observedGeneration: number, status: 'True' | 'False') =>
    makePolicy(policy.spec, {
      status: {
        conditions: [
          {
            type: 'RolesReady',
            status,
            reason: 'InSync',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
            observedGeneration,
          },
        ],
      },
    });

  it('stops client and Secret, and not roles whose groups are known', () => {
    const observation = observe(judged(1, 'True'), { keycloak: keycloakDown(NOW) });
    expect(keycloakFailed(observation)).toEqual({
      reason: 'KeycloakUnavailable',
      message: 'Keycloak does not answer',
      part: 'client',
      blocks: ['client', 'secret'],
    });
    expect(plannedForClient(observation)).toEqual([]);
    expect(plan(observation, check(observation)).roles).not.toEqual([]);
  });

  it.each([
    ['has never been judged', policy],
    ['was judged in an earlier version', judged(0, 'True')],
    ['was not found to be right', judged(1, 'False')],
  ])('stops the roles too where the policy %s: a group may turn out to be several', (_, wanting) => {
    const observation = observe(wanting, { keycloak: keycloakDown(NOW) });
    expect(keycloakFailed(observation)?.blocks).toEqual(['client', 'secret', 'roles']);
    expect(plan(observation, check(observation)).roles).toEqual([]);
  });

  it('does not stop roles that name no group', () => {
    const everyone = makePolicy({ roles: [{ name: 'viewer', everyone: true }] });
    const observation = observe(everyone, { keycloak: keycloakDown(NOW) });
    expect(keycloakFailed(observation)?.blocks).toEqual(['client', 'secret']);
    expect(plan(observation, check(observation)).roles).not.toEqual([]);
  });

  it.each([keycloakWith(undefined), { state: 'NotAsked' } as const])('is none of %j', keycloak => {
    expect(keycloakFailed(observe(policy, { keycloak }))).toBeUndefined();
  });
});

describe('a client that is there and belongs to nobody', () => {
  it('is refused without adopt', () => {
    expect(clientExists(seeing({}))).toEqual({
      reason: 'ClientExists',
      message:
        'spec.client.clientId: client argo-workflows exists already; set spec.client.adopt to true to take it over, or choose another clientId',
      part: 'client',
      blocks: ['client', 'secret'],
    });
    expect(plannedForClient(seeing({}))).toEqual([]);
  });

  it('is taken over with adopt', () => {
    expect(clientExists(seeing({}, adopting))).toBeUndefined();
    expect(plannedForClient(seeing({}, adopting)).map(({ kind }) => kind)).toEqual([
      'UpdateClient',
      'CreateMapper',
    ]);
  });

  it.each([
    ['is one of Keycloak itself', { clientId: 'account' }],
    ['is one of Keycloak itself', { clientId: 'account-console' }],
    ['is one of Keycloak itself', { clientId: 'admin-cli' }],
    ['is one of Keycloak itself', { clientId: 'broker' }],
    ['is one of Keycloak itself', { clientId: 'realm-management' }],
    ['is one of Keycloak itself', { clientId: 'security-admin-console' }],
    ['is one of Keycloak itself', { clientId: 'platform-realm' }],
    ['is the one with which the operator signs in', { clientId: 'operator' }],
    ['speaks saml', { protocol: 'saml' }],
    ['is public or bearer-only', { publicClient: true }],
    ['is public or bearer-only', { bearerOnly: true }],
    ['has a service account, which somebody may be using', { serviceAccountsEnabled: true }],
  ])('and %s is never taken over: %j', (why, client) => {
    const { clientId = 'argo-workflows' } = client as Partial<KeycloakClient>;
    for (const wanting of [adopting, policy]) {
      expect(clientNotAdoptable(seeing(client, wanting))).toEqual({
        reason: 'ClientNotAdoptable',
        message: `spec.client.clientId: client ${clientId} ${why} and is never taken over; choose another clientId`,
        part: 'client',
        blocks: ['client', 'secret'],
      });
      expect(clientExists(seeing(client, wanting))).toBeUndefined();
      expect(plannedForClient(seeing(client, wanting))).toEqual([]);
    }
  });

  it('may be made where there is none', () => {
    expect(clientNotAdoptable(observe(policy, { keycloak: keycloakWith(undefined) }))).toBeUndefined();
    expect(clientExists(observe(policy, { keycloak: keycloakWith(undefined) }))).toBeUndefined();
  });
});

describe('a client with a mark of ownership', () => {
  it.each([
    ['of another policy of the namespace', { ...OURS, [ATTRIBUTE_OWNER]: 'test/argo/other' }],
    [
      'of a policy of that name in another namespace',
      { ...OURS, [ATTRIBUTE_OWNER]: 'test/team-a/workflows' },
    ],
    ['of another operator', { ...OURS, [ATTRIBUTE_OWNER]: 'other/argo/workflows' }],
    ['of another cluster', { ...OURS, [ATTRIBUTE_CLUSTER]: 'cluster-2' }],
    ['without a cluster', { [ATTRIBUTE_OWNER]: 'test/argo/workflows' }],
    ['of another cluster without an owner', { [ATTRIBUTE_CLUSTER]: 'cluster-2' }],
  ])('%s is refused, with adopt too', (_, attributes) => {
    for (const wanting of [policy, adopting]) {
      const observation = seeing({ attributes }, wanting);
      expect(clientOwnedByAnother(observation)).toEqual({
        reason: 'ClientOwnedByAnother',
        message:
          'spec.client.clientId: client argo-workflows belongs to another policy, operator or cluster, as its attributes ' +
          'argo-access.io/owner and argo-access.io/cluster say; choose another clientId. If it belonged to this cluster before it was rebuilt, ' +
          "list the former cluster's id under formerClusters in the operator's configuration",
        part: 'client',
        blocks: ['client', 'secret'],
      });
      expect(plannedForClient(observation)).toEqual([]);
    }
  });

  it.each([
    ['of this policy', OURS, []],
    [
      'of this policy from a cluster that was rebuilt',
      { ...OURS, [ATTRIBUTE_CLUSTER]: 'cluster-0' },
      ['cluster-0'],
    ],
    ['of this cluster without an owner', { [ATTRIBUTE_CLUSTER]: 'cluster-1' }, []],
    ['that was emptied on release', { [ATTRIBUTE_OWNER]: '', [ATTRIBUTE_CLUSTER]: '' }, []],
  ])('%s is not refused', (_, attributes, formerClusters) => {
    const operator = { instanceId: 'test', clusterUid: 'cluster-1', formerClusters, ownClientId: 'operator' };
    expect(clientOwnedByAnother(seeing({ attributes }, policy, { operator }))).toBeUndefined();
  });
});

describe('another mapper of the client', () => {
  const rival: KeycloakMapper = {
    id: 'm-1',
    name: 'my groups',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: { 'claim.name': 'groups' },
  };

  it('that writes the claim stops the client, and not its Secret', () => {
    const observation = seeing({ attributes: OURS, mappers: [rival] });
    expect(claimTaken(observation)).toEqual({
      reason: 'ClaimTaken',
      message:
        'client argo-workflows: mapper "my groups" writes the claim groups too; remove it in Keycloak, or choose another spec.keycloak.groups.claim',
      part: 'client',
      blocks: ['client'],
    });
    expect(plan(observation, check(observation)).client).toEqual([]);
  });

  it('that writes another claim is no matter', () => {
    const mappers = [{ ...rival, config: { 'claim.name': 'roles' } }];
    expect(claimTaken(seeing({ attributes: OURS, mappers }))).toBeUndefined();
  });

  it('keeps a client from being adopted at all', () => {
    expect(plannedForClient(seeing({ mappers: [rival] }, adopting))).toEqual([]);
  });
});

describe('groups in Keycloak', () => {
  const found = { kind: 'found' } as const;
  const missing = { kind: 'missing' } as const;
  const withGroups = (groups: ReadonlyMap<string, typeof found | typeof missing>, wanting = policy) =>
    observe(wanting, { keycloak: keycloakWith(undefined, { groups }) });

  it('that are missing are reported with the role, and stop nothing', () => {
    expect(groupMissing(withGroups(new Map([['/platform/admins', missing]])))).toEqual({
      reason: 'GroupMissing',
      message:
        'realm platform has no group /platform/admins (role admin); nobody gets in by it until it is made there, or the name is corrected',
      part: 'roles',
      blocks: [],
    });
  });

  it.each([
    ['found', withGroups(new Map([['/platform/admins', found]]))],
    ['not looked up', withGroups(new Map())],
    ['not asked for', observe(policy)],
    [
      'roles of the client',
      withGroups(
        new Map([['/platform/admins', missing]]),
        makePolicy({ ...SPEC, keycloak: { groups: { source: 'ClientRoles' } } }),
      ),
    ],
  ])('that are %s are not reported', (_, observation) => {
    expect(groupMissing(observation)).toBeUndefined();
    expect(missingGroups(observation, ['/platform/admins'])).toEqual([]);
  });

  it('are each named once as missing', () => {
    expect(missingGroups(withGroups(new Map([['/a', missing]])), ['/a', '/b', '/a'])).toEqual(['/a']);
  });

  it('of which several answer to one name stop the roles', () => {
    const groups = new Map([
      [
        '/platform/admins',
        {
          kind: 'ambiguous',
          paths: ['/platform/admins', '/platform/admins (one group named "platform/admins")'],
        } as const,
      ],
    ]);
    const observation = observe(policy, { keycloak: keycloakWith(undefined, { groups }) });
    expect(groupAmbiguous(observation)).toEqual({
      reason: 'GroupAmbiguous',
      message:
        'realm platform has several groups that Argo cannot tell apart: /platform/admins (/platform/admins, ' +
        '/platform/admins (one group named "platform/admins")); rename one of them in Keycloak. Roles stay as they are until then',
      part: 'roles',
      blocks: ['roles'],
    });
    expect(plan(observation, check(observation)).roles).toEqual([]);
  });
});

describe('a client that an administrator has disabled', () => {
  it('stays disabled and is reported', () => {
    const observation = seeing({ attributes: OURS, enabled: false });
    expect(clientDisabled(observation)).toEqual({
      reason: 'ClientDisabled',
      message:
        'client argo-workflows is disabled in Keycloak, so nobody can sign in; enable it there when that is wanted',
      part: 'client',
      blocks: [],
    });
    expect(JSON.stringify(plannedForClient(observation))).not.toContain('enabled"');
  });

  it.each([seeing({}), observe(policy), observe(policy, { keycloak: keycloakWith(undefined) })])(
    'is not one that is enabled, unknown or not there',
    observation => {
      expect(clientDisabled(observation)).toBeUndefined();
    },
  );
});

describe('credentials', () => {
  const proof = { revision: 1, message: 'invalid_client' };

  it('that Keycloak refuses although it gave them are reported', () => {
    expect(secretRefused(observe(policy, { proof: { ...proof, result: 'refused' } }))).toEqual({
      reason: 'SecretRefused',
      message:
        'Keycloak refuses the credentials of client argo-workflows, although it gave them itself: invalid_client',
      part: 'secret',
      blocks: [],
    });
  });

  it.each([undefined, { ...proof, result: 'proved' as const }, { ...proof, result: 'unknown' as const }])(
    'are not refused by %j',
    result => {
      expect(secretRefused(observe(policy, { proof: result }))).toBeUndefined();
    },
  );
});
