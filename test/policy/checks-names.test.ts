import { describe, expect, it } from 'vitest';
import { ANNOTATION_ADOPT_BY, FINALIZER } from '../../operator/api/names.ts';
import type { OwnedObject, Policy, RoleBinding, Secret, ServiceAccount } from '../../operator/api/objects.ts';
import { check } from '../../operator/policy/checks.ts';
import {
  accountNameTaken,
  bindingNameTaken,
  nameTakenAtStart,
  nameTakenByPolicy,
  secretNameTaken,
  serverTakenByPolicy,
} from '../../operator/policy/checks-names.ts';
import { wantedRoles } from '../../operator/policy/desired.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import { makeClient, makePolicy, observe } from './fixtures.ts';
import {
  keycloakWith,
  MANAGED,
  makeAccount,
  makeBinding,
  makeSecret,
  makeToken,
  marksOf,
  ownerOf,
  SPEC,
} from './objects.ts';

const policy = makePolicy(SPEC);
const other = makePolicy(SPEC, { name: 'other' });
const bothLive = { livePolicyUids: new Set([policy.metadata.uid, other.metadata.uid]) };
const adopt = (name: string) => ({ annotations: { [ANNOTATION_ADOPT_BY]: name } });

const takenMessage = (what: string) =>
  `${what} exists and does not belong to this policy. Choose another name, remove the object, or ` +
  'let this policy take it over: annotate it with argo-access.io/adopt-by=workflows';

/** An observation in which objects stand in the way, or not. */
function seeing(objects: readonly OwnedObject[], wanting: Policy = policy): Observation {
  return observe(wanting, {
    ...bothLive,
    accounts: objects.filter((object): object is ServiceAccount => object.kind === 'ServiceAccount'),
    secrets: objects.filter((object): object is Secret => object.kind === 'Secret'),
    bindings: objects.filter((object): object is RoleBinding => object.kind === 'RoleBinding'),
  });
}

/** A policy whose only role has a ServiceAccount of a given name. */
function withAccount(serviceAccount: string): Policy {
  return makePolicy({ roles: [{ name: 'a', groups: ['/a'], serviceAccount }] });
}

describe('a ServiceAccount that exists', () => {
  const refused: readonly (readonly [string, Policy, ServiceAccount])[] = [
    ['is refused where nobody marked it', policy, makeAccount('workflows-admin')],
    ["is refused where it is the namespace's default", withAccount('default'), makeAccount('default')],
    ["is refused where it is Argo Server's own", withAccount('argo-server'), makeAccount('argo-server')],
    [
      'is refused where it was left to another policy',
      withAccount('argo-server'),
      makeAccount('argo-server', adopt('other')),
    ],
    [
      'is refused where another live policy owns it, by label',
      policy,
      makeAccount('workflows-admin', { ...marksOf(other), ownerReferences: [] }),
    ],
    [
      'is refused where another live policy owns it, by owner reference',
      policy,
      makeAccount('workflows-admin', { ...marksOf(other), labels: {} }),
    ],
    [
      'is refused where another live policy owns it, whatever the annotation says',
      policy,
      makeAccount('workflows-admin', { ...marksOf(other), ...adopt('workflows') }),
    ],
    [
      'is refused where our field manager released it to another policy',
      policy,
      makeAccount('workflows-admin', { managed: MANAGED, ...adopt('other') }),
    ],
    [
      'is refused where the annotation only begins like the name of the policy',
      policy,
      makeAccount('workflows-admin', adopt('workflows-2')),
    ],
  ];

  it.each(refused)('%s', (_, wanting, account) => {
    const observation = seeing([account], wanting);
    expect(accountNameTaken(observation)).toEqual({
      reason: 'NameTaken',
      message: takenMessage(`ServiceAccount argo/${account.metadata.name}`),
      part: 'roles',
      blocks: ['roles'],
    });
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
  });

  const accepted: readonly (readonly [string, ServiceAccount])[] = [
    ['is ours by label', makeAccount('workflows-admin', { labels: marksOf(policy).labels ?? {} })],
    [
      'is ours by owner reference',
      makeAccount('workflows-admin', { ownerReferences: [ownerOf('workflows', policy.metadata.uid)] }),
    ],
    ['is ours by field manager, all marks stripped', makeAccount('workflows-admin', { managed: MANAGED })],
    [
      'is ours where it is left from a policy that is gone',
      makeAccount('workflows-admin', { ...marksOf(makePolicy(SPEC, { name: 'gone' })) }),
    ],
    ['is taken over where it is annotated so', makeAccount('workflows-admin', adopt('workflows'))],
    [
      'is taken over where it was released to the policy',
      makeAccount('workflows-admin', { managed: MANAGED, ...adopt('workflows') }),
    ],
    ['does not matter under another name', makeAccount('workflows-adminx')],
  ];

  it.each(accepted)('%s', (_, account) => {
    expect(accountNameTaken(seeing([account]))).toBeUndefined();
  });

  it('stops all roles, for their order is security, but neither client nor Secret', () => {
    const begun = makePolicy(SPEC, { metadata: { finalizers: [FINALIZER] } });
    const observation = observe(begun, {
      accounts: [makeAccount('workflows-viewer')],
      keycloak: keycloakWith(undefined),
    });
    const { client, roles } = plan(observation, check(observation));
    expect(roles).toEqual([]);
    expect(client.map(({ kind }) => kind)).toEqual(['CreateClient']);
  });

  it('stops everything where the policy has made nothing yet', () => {
    const observation = observe(policy, {
      accounts: [makeAccount('workflows-viewer')],
      keycloak: keycloakWith(undefined),
    });
    expect(nameTakenAtStart(observation)).toEqual({
      reason: 'NameTaken',
      message: takenMessage('ServiceAccount argo/workflows-viewer'),
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    });
    expect(changesOf(plan(observation, check(observation)))).toEqual([]);
  });

  it('is named together with the others that stand in the way', () => {
    expect(
      accountNameTaken(seeing([makeAccount('workflows-viewer'), makeAccount('workflows-admin')]))?.message,
    ).toBe(takenMessage('ServiceAccount argo/workflows-viewer, ServiceAccount argo/workflows-admin'));
  });
});

describe('a Secret under the name of a token', () => {
  const account = makeAccount('workflows-admin', marksOf(policy));
  const name = 'workflows-admin.service-account-token';

  const refused: readonly (readonly [string, readonly OwnedObject[]])[] = [
    ['is refused where the account does not exist', [makeToken('workflows-admin')]],
    [
      'is refused where the account is not ours, but the token is left to us',
      [makeAccount('workflows-admin'), makeToken('workflows-admin', adopt('workflows'))],
    ],
    [
      'is refused where it holds the token of another account',
      [
        account,
        makeToken('workflows-admin', {
          annotations: { 'kubernetes.io/service-account.name': 'argo-server' },
        }),
      ],
    ],
    ['is refused where it names no account', [account, makeToken('workflows-admin', { annotations: {} })]],
    ['is refused where it holds something else', [account, makeSecret(name)]],
    [
      'is refused where it holds something else, even if left to us',
      [account, makeSecret(name, {}, adopt('workflows'))],
    ],
    [
      'is refused where another live policy owns it',
      [makeAccount('workflows-admin'), makeToken('workflows-admin', marksOf(other))],
    ],
  ];

  it.each(refused)('%s', (_, objects) => {
    const violation = accountNameTaken(seeing(objects));
    expect(violation?.reason).toBe('NameTaken');
    const names = objects
      .filter(object => object !== account)
      .map(({ kind, metadata }) => `${kind} argo/${metadata.name}`);
    expect(names.some(each => violation?.message.includes(each))).toBe(true);
    expect(plan(seeing(objects), check(seeing(objects))).roles).toEqual([]);
  });

  it('says that another type cannot serve, for consent would not help', () => {
    expect(accountNameTaken(seeing([account, makeSecret(name, {}, adopt('workflows'))]))?.message).toBe(
      `Secret argo/${name} exists with type Opaque, and must be kubernetes.io/service-account-token. Choose another ` +
        "name for the role's ServiceAccount, or remove the Secret",
    );
  });

  it.each([
    ['is ours with the account', [account, makeToken('workflows-admin', marksOf(policy))]],
    ['comes along with an account of ours that it was made for', [account, makeToken('workflows-admin')]],
    [
      'comes along with an account that is left to us',
      [makeAccount('workflows-admin', adopt('workflows')), makeToken('workflows-admin')],
    ],
  ] satisfies readonly (readonly [string, readonly OwnedObject[]])[])('%s', (_, objects) => {
    expect(accountNameTaken(seeing(objects))).toBeUndefined();
  });
});

describe('a Secret under the name for the credentials', () => {
  it.each([
    ['is refused where it is not ours', makeSecret('argo-server-sso', { 'client-secret': 'theirs' })],
    ['is refused where it is left to another', makeSecret('argo-server-sso', {}, adopt('other'))],
    ['is refused where another live policy owns it', makeSecret('argo-server-sso', {}, marksOf(other))],
    [
      'is refused where it was kept for another policy when that one went',
      makeSecret('argo-server-sso', {}, { managed: MANAGED, ...adopt('other') }),
    ],
  ])('%s', (_, secret) => {
    expect(secretNameTaken(seeing([secret]))).toEqual({
      reason: 'NameTaken',
      message: takenMessage('Secret argo/argo-server-sso'),
      part: 'secret',
      blocks: ['secret'],
    });
  });

  it('is refused where it has another type, even if it is left to us', () => {
    const secret: Secret = {
      ...makeSecret('argo-server-sso', {}, adopt('workflows')),
      type: 'kubernetes.io/tls',
    };
    expect(secretNameTaken(seeing([secret]))).toEqual({
      reason: 'NameTaken',
      message:
        'Secret argo/argo-server-sso exists with type kubernetes.io/tls, and must be Opaque. Choose another ' +
        'spec.client.secret.name, or remove the Secret',
      part: 'secret',
      blocks: ['secret'],
    });
  });

  it.each([
    ['is ours', makeSecret('argo-server-sso', {}, marksOf(policy))],
    ['is left to us', makeSecret('argo-server-sso', {}, adopt('workflows'))],
    ['has another name', makeSecret('argo-server-sso-2')],
  ])('is no obstacle where it %s', (_, secret) => {
    expect(secretNameTaken(seeing([secret]))).toBeUndefined();
  });

  it('does not matter to a policy without client', () => {
    expect(secretNameTaken(seeing([makeSecret('argo-server-sso')], withAccount('a')))).toBeUndefined();
  });

  it('stays as it is while it is not ours', () => {
    const client = makeClient({
      attributes: { 'argo-access.io/owner': 'test/argo/workflows', 'argo-access.io/cluster': 'cluster-1' },
    });
    const observation = observe(policy, {
      secrets: [makeSecret('argo-server-sso', { 'client-secret': 'theirs' })],
      keycloak: keycloakWith(client),
    });
    expect(plan(observation, check(observation)).secret).toEqual([]);
  });
});

describe('a RoleBinding under one of our names', () => {
  it('is refused where it is not ours, in whatever namespace', () => {
    const binding = makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a' });
    const observation = seeing([binding]);
    expect(bindingNameTaken(observation)).toEqual({
      reason: 'NameTaken',
      message: takenMessage(
        'RoleBinding team-a/argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer',
      ),
      part: 'roles',
      blocks: ['roles'],
    });
    expect(plan(observation, check(observation)).roles).toEqual([]);
  });

  it.each([
    [
      'it is ours',
      makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a', ...marksOf(policy) }),
    ],
    [
      'it is left to us',
      makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a', ...adopt('workflows') }),
    ],
    [
      'it is in a namespace without a grant',
      makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-b' }),
    ],
  ])('is no obstacle where %s', (_, binding) => {
    expect(bindingNameTaken(seeing([binding]))).toBeUndefined();
  });
});

describe('two policies of a namespace', () => {
  const older = { creationTimestamp: '2026-01-01T00:00:00Z' };
  const younger = { creationTimestamp: '2026-01-01T00:00:01Z' };
  const roles = (...names: readonly string[]) => ({ roles: names.map(name => ({ name, groups: ['/a'] })) });

  it('whose names put together give the same ServiceAccount have it in the order of their age', () => {
    const first = makePolicy(roles('c'), { name: 'a-b', metadata: older });
    const second = makePolicy(roles('b-c'), { name: 'a', metadata: younger });
    expect(wantedRoles(first, [])[0]?.serviceAccount).toBe('a-b-c');
    expect(nameTakenByPolicy(observe(second, { neighbours: [first] }))).toEqual({
      reason: 'NameTakenByPolicy',
      message:
        'spec.roles: ServiceAccount a-b-c is used by the older policy a-b of this namespace; choose another name',
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    });
    expect(nameTakenByPolicy(observe(first, { neighbours: [second] }))).toBeUndefined();
  });

  it('that were made in the same second are told apart by uid, so that not both wait', () => {
    const [first, second] = [makePolicy(SPEC, { name: 'a' }), makePolicy(SPEC, { name: 'b' })];
    const same = makePolicy(SPEC, {
      name: 'b',
      metadata: { ...second.metadata, creationTimestamp: first.metadata.creationTimestamp },
    });
    const blocked = [
      nameTakenByPolicy(observe(first, { neighbours: [same] })),
      nameTakenByPolicy(observe(same, { neighbours: [first] })),
    ].filter(violation => violation !== undefined);
    expect(blocked).toHaveLength(1);
  });

  it('cannot have one Secret for their credentials', () => {
    const first = makePolicy(SPEC, { name: 'a', metadata: older });
    const second = makePolicy(SPEC, { name: 'b', metadata: younger });
    expect(nameTakenByPolicy(observe(second, { neighbours: [first] }))?.message).toBe(
      'Secret argo-server-sso is used by the older policy a of this namespace; choose another name',
    );
  });

  it('with names of their own do not disturb each other', () => {
    const first = makePolicy(roles('c'), { name: 'a', metadata: older });
    const second = makePolicy(roles('c'), { name: 'b', metadata: younger });
    expect(nameTakenByPolicy(observe(second, { neighbours: [first] }))).toBeUndefined();
  });
});

describe('the Argo Server that a policy names', () => {
  const argo = { configMap: { name: 'settings' }, deployment: 'argo-server' };
  const REMEDY =
    "An Argo Server has one client: name another Argo Server's, or have a policy of roles only, without client, in place of this one";
  const named = (name: string, second: number, server: object = argo, more: object = {}) => {
    const metadata = { creationTimestamp: `2026-01-01T00:00:0${second}Z` };
    return makePolicy({ ...SPEC, server, ...more }, { name, metadata });
  };
  const takenBy = (younger: Policy, ...neighbours: readonly Policy[]) =>
    serverTakenByPolicy(observe(younger, { neighbours }));
  const younger = named('b', 5);
  const configMap = (by: string) =>
    `spec.server.configMap.name: ConfigMap argo/settings is used by the older policy ${by} of this namespace`;
  const deployment = (by: string) =>
    `spec.server.deployment: Deployment argo/argo-server is used by the older policy ${by} of this namespace`;

  it.each([
    ['both', argo, `${configMap('a')}; ${deployment('a')}`],
    ['only its ConfigMap', { configMap: argo.configMap, deployment: 'another' }, configMap('a')],
    ['only its ConfigMap, to check it', { configMap: { ...argo.configMap, manage: false } }, configMap('a')],
    ['only its Deployment', { configMap: { name: 'another' }, deployment: 'argo-server' }, deployment('a')],
  ])('is an older one’s where that names the same, %s', (_, server, said) => {
    const older = named('a', 1, server);
    expect(takenBy(younger, older)).toEqual({
      reason: 'ServerTakenByPolicy',
      message: `${said}. ${REMEDY}`,
      part: 'server',
      blocks: ['server'],
    });
    expect(takenBy(older, younger)).toBeUndefined();
  });

  it('may be of several older policies', () => {
    const [first, second] = [named('a', 1, { configMap: argo.configMap }), named('c', 2, argo)];
    expect(takenBy(younger, first, second)?.message).toBe(`${configMap('a')}; ${deployment('c')}. ${REMEDY}`);
    expect(takenBy(named('d', 6), named('a', 2), named('c', 1))?.message).toContain(configMap('c'));
  });

  it.each([
    ['stays with an older policy that is suspended', named('a', 1, argo, { suspend: true }), true],
    [
      'stays with an older policy that is going, but not gone',
      makePolicy(
        { ...SPEC, server: argo },
        {
          name: 'a',
          metadata: {
            creationTimestamp: '2026-01-01T00:00:01Z',
            deletionTimestamp: '2026-03-01T00:00:00Z',
          },
        },
      ),
      true,
    ],
    [
      'is free where the older policy names another',
      named('a', 1, { configMap: { name: 'x' }, deployment: 'y' }),
      false,
    ],
    [
      'is free where the older policy has a Deployment called as its ConfigMap',
      named('a', 1, { deployment: 'settings' }),
      false,
    ],
    ['is free where the older policy names none', makePolicy(SPEC, { name: 'a' }), false],
    ['is free where the older policy may have no client', withoutClient(named('a', 1)), false],
  ])('%s', (_, older, isTaken) => {
    expect(takenBy(younger, older) !== undefined).toBe(isTaken);
  });

  /** As others see a policy that may not have what it asks for. */
  function withoutClient(of: Policy): Policy {
    const { client: _, ...spec } = of.spec;
    return { ...of, spec };
  }

  it('is no other’s where the policy names none', () => {
    expect(takenBy(makePolicy(SPEC, { name: 'b' }), named('a', 1))).toBeUndefined();
  });
});
