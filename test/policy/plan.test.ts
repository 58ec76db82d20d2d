import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import type { Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import { check } from '../../operator/policy/checks.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { changesOf, NO_CHANGES, plan, restsOnKeycloak } from '../../operator/policy/plan.ts';
import type { Part, Violation } from '../../operator/policy/reasons.ts';
import { makeClient, makePolicy, NOW, observe } from './fixtures.ts';
import { keycloakWith, SPEC, settledPolicy } from './objects.ts';
import { applyToCluster, type Cluster, fillTokens, objectsOf } from './simulate.ts';

const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };

/** What Keycloak has after the changes, as far as plans read it. */
function applyToClient(client: KeycloakClient | undefined, change: Change): KeycloakClient | undefined {
  switch (change.kind) {
    case 'CreateClient': {
      const mappers = change.mappers.map((mapper, index) => ({ ...mapper, id: `mapper-${index}` }));
      return makeClient({ ...change.fields, mappers, secret: new SecretValue('s3cret') });
    }
    case 'UpdateClient':
      return (
        client && {
          ...client,
          ...change.fields,
          attributes: { ...client.attributes, ...change.fields.attributes },
        }
      );
    default:
      return client;
  }
}

interface World {
  readonly cluster: Cluster;
  readonly client: KeycloakClient | undefined;
  readonly policy: Policy;
  readonly proof: Observation['proof'];
}

function observeWorld({ cluster, client, policy, proof }: World): Observation {
  return observe(policy, { ...objectsOf(cluster), keycloak: keycloakWith(client), proof });
}

function planned(world: World) {
  const observation = observeWorld(world);
  return plan(observation, check(observation));
}

function after(world: World, change: Change): World {
  switch (change.kind) {
    case 'AddFinalizer': {
      const metadata = { ...world.policy.metadata, finalizers: ['argo-access.io/cleanup'] };
      return { ...world, policy: { ...world.policy, metadata } };
    }
    case 'ProveSecret':
      return { ...world, proof: { revision: change.revision, result: 'proved', message: '' } };
    default:
      return {
        ...world,
        client: applyToClient(world.client, change),
        cluster: applyToCluster(world.cluster, change),
      };
  }
}

/** Makes changes until none is left; gives their kinds, in order, and the world at rest. */
function settle(world: World): { readonly kinds: readonly string[]; readonly world: World } {
  const kinds: string[] = [];
  let now = world;
  for (let pass = 0; pass < 8; pass += 1) {
    const changes = changesOf(planned(now));
    if (changes.length === 0) return { kinds, world: now };
    kinds.push(...changes.map(({ kind }) => kind));
    now = changes.reduce(after, now);
    now = { ...now, cluster: fillTokens(now.cluster) };
  }
  throw new Error(`no end: ${kinds.join(', ')}`);
}

const EMPTY: World = { cluster: new Map(), client: undefined, policy: makePolicy(SPEC), proof: undefined };

describe('a new policy', () => {
  it('gets its finalizer before anything that it would have to clean up', () => {
    expect(planned(EMPTY).first).toEqual([{ kind: 'AddFinalizer' }]);
    expect(planned({ ...EMPTY, policy: settledPolicy() }).first).toEqual([]);
  });

  it('comes to rest, after one write to Keycloak and one proof', () => {
    const { kinds, world } = settle(EMPTY);
    expect(kinds.filter(kind => /Client|Mapper/.test(kind))).toEqual(['CreateClient']);
    expect(kinds.filter(kind => kind === 'ProveSecret')).toHaveLength(1);
    expect(planned(world)).toEqual({ ...NO_CHANGES });
  });

  it('has nothing left to do, ever, while nothing changes', () => {
    const { world } = settle(EMPTY);
    const remembered: World = {
      ...world,
      proof: undefined,
      policy: {
        ...world.policy,
        status: { secret: { name: 'argo-server-sso', revision: 1, provedRevision: 1 } },
      },
    };
    for (const now of [NOW, NOW + 10 * 365 * 24 * 3_600_000]) {
      const observation = { ...observeWorld(remembered), now };
      expect(changesOf(plan(observation, check(observation)))).toEqual([]);
    }
  });

  it('does not write credentials before it has the client', () => {
    const { client, secret } = planned(EMPTY);
    expect(client.map(({ kind }) => kind)).toEqual(['CreateClient']);
    expect(secret).toEqual([]);
  });
});

describe('a part that a violation blocks', () => {
  const block = (...blocks: readonly Part[]): Violation => ({
    reason: 'NameTaken',
    message: '',
    part: 'policy',
    blocks,
  });
  const observation = observe(settledPolicy(), {
    keycloak: keycloakWith(makeClient({ attributes: OURS, secret: new SecretValue('x') })),
  });
  const touched = (violations: readonly Violation[]) => {
    const { client, secret, roles } = plan(observation, violations);
    return { client: client.length > 0, secret: secret.length > 0, roles: roles.length > 0 };
  };

  it.each([
    [[], { client: true, secret: true, roles: true }],
    [[block('client')], { client: false, secret: true, roles: true }],
    [[block('secret')], { client: true, secret: false, roles: true }],
    [[block('roles')], { client: true, secret: true, roles: false }],
    [[block('client'), block('secret', 'roles')], { client: false, secret: false, roles: false }],
    [[block()], { client: true, secret: true, roles: true }],
  ] as const)('makes no changes: %j', (violations, expected) => {
    expect(touched(violations)).toEqual(expected);
  });

  it.each([
    ['a client', { ...EMPTY, client: makeClient({ attributes: OURS }), cluster: new Map() }],
    [
      'objects',
      { ...settle({ ...EMPTY, policy: makePolicy({ roles: SPEC.roles }) }).world, client: undefined },
    ],
  ])('gives the finalizer back to a policy that owns %s, although nothing else is to be done', (_, world) => {
    const bare = {
      ...world,
      policy: { ...world.policy, metadata: { ...world.policy.metadata, finalizers: [] } },
    };
    const violations = [block('client', 'secret', 'roles')];
    expect(changesOf(plan(observeWorld(bare), violations))).toEqual([{ kind: 'AddFinalizer' }]);
  });

  it('gives no finalizer to a policy that does nothing', () => {
    const { first } = plan(observe(makePolicy(SPEC)), [block('client', 'secret', 'roles')]);
    expect(first).toEqual([]);
  });
});

describe('a suspended policy', () => {
  it('changes nothing, whatever is missing', () => {
    const policy = makePolicy({ ...SPEC, suspend: true });
    expect(plan(observe(policy, { keycloak: keycloakWith(undefined) }), [])).toBe(NO_CHANGES);
  });
});

describe('a plan rests on what Keycloak said', () => {
  const update: Change = { kind: 'UpdateClient', id: 'id-1', fields: {} };
  it.each([
    ['where it changes the client', { ...NO_CHANGES, client: [update] }, true],
    ['where it writes the Secret', { ...NO_CHANGES, secret: [{ kind: 'AddFinalizer' }] }, true],
    [
      'where it deletes the client',
      { ...NO_CHANGES, first: [{ kind: 'DeleteClient', id: 'x', clientId: 'x' }] },
      true,
    ],
    ['where it releases the client', { ...NO_CHANGES, first: [update] }, true],
    [
      'where it lets the policy go because the client is gone',
      { ...NO_CHANGES, first: [{ kind: 'RemoveFinalizer' }] },
      true,
    ],
    ['not where it adds the finalizer', { ...NO_CHANGES, first: [{ kind: 'AddFinalizer' }] }, false],
    ['not where it changes roles', { ...NO_CHANGES, roles: [{ kind: 'AddFinalizer' }] }, false],
    ['not where it does nothing', NO_CHANGES, false],
  ] as const)('%s', (_, each, rests) => {
    expect(restsOnKeycloak(each)).toBe(rests);
  });
});
