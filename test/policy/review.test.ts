import { describe, expect, it } from 'vitest';
import type { Policy } from '../../operator/api/objects.ts';
import {
  clientIdTwice,
  grantsContained,
  groupSpellings,
  type RealmOf,
} from '../../operator/policy/review.ts';
import { makePolicy } from './fixtures.ts';

const realmOf: RealmOf = ({ spec }) => spec.keycloak.realm;
const everyone = { name: 'viewer', everyone: true };
const view = { clusterRole: 'view' };
const edit = { clusterRole: 'edit' };

function withClient(name: string, clientId: string, keycloak: object = {}, namespace = 'argo'): Policy {
  const client = { clientId, url: 'https://a.example.com', secret: { name: 's' } };
  return makePolicy({ client, keycloak, roles: [everyone] }, { name, metadata: { namespace } });
}

describe('a client that two policies want', () => {
  it('is the first one’s, whatever their namespaces', () => {
    const second = withClient('a', 'argo', {}, 'other');
    expect(clientIdTwice([withClient('a', 'argo'), second], realmOf)).toEqual([
      {
        rule: 'ClientIdTwice',
        policy: second,
        field: 'spec.client.clientId',
        message:
          'client argo is that of policy argo/a already, and a client belongs to one policy; choose another clientId, or make this a policy of roles only, without client',
        blocks: true,
      },
    ]);
  });

  it.each([
    ['other clients', withClient('b', 'argo-b')],
    ['another realm', withClient('b', 'argo', { realm: 'other' })],
    ['another connection', withClient('b', 'argo', { connection: 'other' })],
    ['another version of the same policy', withClient('a', 'argo')],
    ['no client', makePolicy({ roles: [everyone] }, { name: 'b' })],
  ])('is not two of them with %s', (_, other) => {
    expect(clientIdTwice([withClient('a', 'argo'), other], realmOf)).toEqual([]);
  });
});

function grantsOf(...roles: readonly object[]): readonly string[] {
  return grantsContained([makePolicy({ roles })]).map(({ field, message }) => `${field}: ${message}`);
}

describe('a role whose grants are in those of one below', () => {
  const lower = { ...everyone, grants: [view, edit] };

  it('gives less than everyone has', () => {
    expect(grantsOf({ name: 'team', groups: ['/a'], grants: [view] }, lower)).toEqual([
      'spec.roles[0]: role team gives less than role viewer below it: it lacks ClusterRole edit in argo, which everyone has otherwise; grant that here as well, or move the role down',
    ]);
  });

  it('gives no more than everyone has', () => {
    expect(grantsOf({ name: 'team', groups: ['/a'], grants: [edit, view] }, lower)).toEqual([
      'spec.roles[0]: role team gives what role viewer below it gives everyone, and no more; grant what it is for, or remove it',
    ]);
  });

  it('gives less to members of both groups', () => {
    const [upper, below] = [
      { name: 'a', groups: ['/a'], grants: [view] },
      { name: 'b', groups: ['/b'], grants: [view, edit] },
    ];
    expect(grantsOf(upper, below)).toEqual([
      'spec.roles[0]: role a gives less than role b below it: it lacks ClusterRole edit in argo, which members of both groups do not get, for the first role counts; grant that here as well, or move the role down',
    ]);
  });

  it('gives less to whoever is in both, by groups or otherwise', () => {
    const [upper, below] = [
      { name: 'a', when: 'sub == "1"', grants: [view] },
      { name: 'b', groups: ['/b'], grants: [view, edit] },
    ];
    expect(grantsOf(upper, below)).toEqual([
      'spec.roles[0]: role a gives less than role b below it: it lacks ClusterRole edit in argo, which whoever is in both does not get, for the first role counts; grant that here as well, or move the role down',
    ]);
  });

  it('names three of what it lacks', () => {
    const many = { clusterRole: 'view', namespaces: ['b', 'c', 'd', 'e', 'argo'] };
    const [message] = grantsOf(
      { name: 'team', groups: ['/a'], grants: [view] },
      { ...everyone, grants: [many] },
    );
    expect(message).toContain(
      'it lacks ClusterRole view in b, ClusterRole view in c, ClusterRole view in d and 1 more, which',
    );
  });

  it.each([
    ['grants nothing, on purpose', { name: 'banned', groups: ['/a'] }, lower],
    [
      'grants something else',
      { name: 'team', groups: ['/a'], grants: [view, { role: 'edit' }] },
      { ...everyone, grants: [view, edit] },
    ],
    [
      'grants the same elsewhere',
      { name: 'team', groups: ['/a'], grants: [{ ...view, namespaces: ['b'] }] },
      lower,
    ],
    [
      'grants the same to a group of its own',
      { name: 'a', groups: ['/a'], grants: [view] },
      { name: 'b', groups: ['/b'], grants: [view] },
    ],
  ])('is as it should be where it %s', (_, upper, below) => {
    expect(grantsOf(upper, below)).toEqual([]);
  });

  it('may be in another policy of the namespace, in the order of precedences', () => {
    const team = makePolicy(
      { precedence: 20_000, roles: [{ name: 'team', groups: ['/a'], grants: [view] }] },
      { name: 'upper' },
    );
    const all = makePolicy({ roles: [lower] }, { name: 'lower' });
    const [remark, ...others] = grantsContained([all, team]);
    expect(others).toEqual([]);
    expect(remark?.policy).toBe(team);
    expect(remark?.message).toContain('less than role viewer of policy lower below it');
  });
});

describe('a group', () => {
  function namedIn(name: string, groups: readonly string[], keycloak: object = {}): Policy {
    return makePolicy({ keycloak, roles: [{ name: 'r', groups }] }, { name });
  }
  const usual = namedIn('a', ['/platform/admins', '/x']);
  const remarks = (...policies: readonly Policy[]) =>
    groupSpellings(policies, realmOf).map(({ policy, field }) => `${policy.metadata.name} ${field}`);

  it.each([
    ['in capitals', '/Platform/Admins'],
    ['with what separates words', '/platform/admi-ns', '/platform/admi_ns'],
    ['in other characters that look the same', '/platform/bu\u0308ro', '/platform/b\u00fcro'],
  ])('that is spelled in two ways is told where it differs: %s', (_, spelled, other = '/platform/admins') => {
    const first = namedIn('a', [other, '/x']);
    expect(remarks(first, namedIn('b', ['/y', spelled]))).toEqual(['b spec.roles[0].groups[1]']);
  });

  it('is right as most have it', () => {
    const [odd, other] = [namedIn('odd', ['/Platform/Admins']), namedIn('c', ['/platform/admins'])];
    expect(remarks(odd, usual, other)).toEqual(['odd spec.roles[0].groups[0]']);
    expect(groupSpellings([odd, usual, other], realmOf)[0]?.message).toBe(
      '"/Platform/Admins" is spelled "/platform/admins" in role r of policy argo/a, and Keycloak tells them apart; spell it alike, unless these are two groups',
    );
  });

  it.each([
    ['in another realm', { realm: 'other' }],
    ['of another connection', { connection: 'other' }],
  ])('may have another name %s', (_, keycloak) => {
    expect(remarks(usual, namedIn('b', ['/Platform/Admins'], keycloak))).toEqual([]);
  });

  it('may have another name as a role of another client', () => {
    const roles = { groups: { source: 'ClientRoles' } };
    expect(remarks(namedIn('a', ['admin'], roles), namedIn('b', ['Admin'], roles))).toEqual([]);
    expect(remarks(namedIn('a', ['admin', 'Admin'], roles))).toEqual(['a spec.roles[0].groups[1]']);
  });
});
