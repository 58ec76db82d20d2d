import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED, FINALIZER } from '../../operator/api/names.ts';
import type { OwnedObject, Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { type Prospect, planUntilQuiet } from '../../operator/policy/prospect.ts';
import { planRoles } from '../../operator/policy/roles.ts';
import { ALLOWANCE, makeClient, makePolicy, observe } from './fixtures.ts';
import { keycloakWith, makeAccount, makeSecret, marksOf, SPEC, settledPolicy } from './objects.ts';
import { applyToCluster, type Cluster, fillTokens, objectsOf } from './simulate.ts';

function nameOf(change: Change): string {
  switch (change.kind) {
    case 'CreateObject':
    case 'ApplyObject':
      return `${change.kind} ${change.object.kind} ${change.object.metadata.namespace}/${change.object.metadata.name}`;
    case 'PatchObject':
    case 'DeleteObject':
      return `${change.kind} ${change.ref.kind} ${change.ref.namespace}/${change.ref.name}`;
    default:
      return change.kind;
  }
}

const namesOf = ({ changes }: Prospect) => changes.map(({ change }) => nameOf(change));

function only(observation: Observation): Prospect {
  const [prospect] = planUntilQuiet([observation]);
  if (prospect === undefined) throw new Error('no prospect');
  expect(prospect.quiet).toBe(true);
  return prospect;
}

/** What is observed once a policy is in sync. */
function settled(policy: Policy, overrides: Partial<Observation> = {}): Observation {
  return only(observe(policy, { keycloak: keycloakWith(undefined), ...overrides })).end;
}

describe('what is to come of a policy', () => {
  it('is all that makes it, in the order in which the operator makes it', () => {
    const prospect = only(observe(makePolicy(SPEC), { keycloak: keycloakWith(undefined) }));
    const binding = (place: string, role: string) =>
      `CreateObject RoleBinding ${place}/argo-access:argo:workflows-${role}:clusterrole:argo-access-${role}`;
    expect(namesOf(prospect)).toEqual([
      'AddFinalizer',
      'CreateClient',
      'CreateObject ServiceAccount argo/workflows-admin',
      'CreateObject Secret argo/workflows-admin.service-account-token',
      'CreateObject ServiceAccount argo/workflows-viewer',
      'CreateObject Secret argo/workflows-viewer.service-account-token',
      'CreateObject Secret argo/argo-server-sso',
      'ProveSecret',
      binding('argo', 'admin'),
      binding('team-a', 'viewer'),
      'ApplyObject ServiceAccount argo/workflows-admin',
      'ApplyObject ServiceAccount argo/workflows-viewer',
    ]);
    expect(prospect.violations.filter(({ blocks }) => blocks.length > 0)).toEqual([]);
  });

  it('is nothing once all of that is done', () => {
    expect(only(settled(makePolicy(SPEC))).changes).toEqual([]);
  });

  it('shows for each change what is observed right before it', () => {
    const { changes } = only(observe(makePolicy(SPEC), { keycloak: keycloakWith(undefined) }));
    const rule = changes.find(({ change }) => change.kind === 'ApplyObject');
    expect(rule?.before.accounts.map(({ metadata }) => metadata.name)).toEqual([
      'workflows-admin',
      'workflows-viewer',
    ]);
  });

  it('is nothing where something stands against it, which is told', () => {
    const prospect = only(observe(makePolicy(SPEC), { allowance: undefined }));
    expect(prospect.changes).toEqual([]);
    expect(prospect.violations.map(({ reason }) => reason)).toEqual(['NamespaceNotServed']);
  });

  it('is the end of everything, with the finalizer last, where the policy is to go', () => {
    const end = settled(makePolicy(SPEC));
    const metadata = { ...end.policy.metadata, deletionTimestamp: '2026-03-01T12:00:00Z' };
    const prospect = only({ ...end, policy: { ...end.policy, metadata } });
    expect(namesOf(prospect).at(-1)).toBe('RemoveFinalizer');
    expect(namesOf(prospect)).toContain('DeleteClient');
    const { accounts, secrets, bindings, keycloak } = prospect.end;
    expect([accounts, secrets, bindings]).toEqual([[], [], []]);
    expect(keycloak).toMatchObject({ client: undefined });
  });

  it('takes fields of the client, its mapper and its roles one by one', () => {
    const end = settled(makePolicy(SPEC));
    const spec = {
      ...SPEC,
      client: { ...SPEC.client, url: 'https://other.example.com' },
      keycloak: { groups: { source: 'ClientRoles' } },
      roles: [{ ...SPEC.roles[0], groups: ['admins'] }],
    };
    const policy = { ...end.policy, spec: makePolicy(spec).spec };
    const prospect = only({ ...end, policy });
    expect(namesOf(prospect).filter(name => /Client|Mapper/.test(name))).toEqual([
      'UpdateClient',
      'DeleteMapper',
      'CreateMapper',
      'CreateClientRole',
    ]);
    expect(only(prospect.end).changes).toEqual([]);
  });

  it('is a rotation and what it takes, where somebody asks for one', () => {
    const end = settled(makePolicy(SPEC));
    const request = { value: '2026-03-01T12:00:00Z', at: end.now };
    const later = { ...end, now: end.now + 3_600_000, proof: undefined };
    const asked = { ...later, rotation: { ...later.rotation, request: { ...request, at: later.now } } };
    const known = { name: 'argo-server-sso', revision: 1, provedRevision: 1 };
    const policy = { ...asked.policy, status: { secret: known } };
    const prospect = only({ ...asked, policy });
    expect(namesOf(prospect).filter(name => name !== 'Rehearse')).toEqual([
      'RegenerateSecret',
      'ApplyObject Secret argo/argo-server-sso',
      'ProveSecret',
    ]);
  });

  it('sees in one policy what another has done', () => {
    const [a, b] = ['a', 'b'].map(name =>
      makePolicy(
        { precedence: name === 'a' ? 2000 : 1000, roles: [{ name: 'r', everyone: true }] },
        { name },
      ),
    );
    if (a === undefined || b === undefined) throw new Error('no policies');
    const livePolicyUids = new Set([a.metadata.uid, b.metadata.uid]);
    const [first, second] = planUntilQuiet([
      observe(a, { neighbours: [b], livePolicyUids }),
      observe(b, { neighbours: [a], livePolicyUids }),
    ]);
    const names = (prospect: Prospect | undefined) =>
      prospect?.end.accounts.map(({ metadata }) => metadata.name);
    expect(names(first)).toEqual(['a-r', 'b-r']);
    expect(names(second)).toEqual(['a-r', 'b-r']);
    expect(second?.end.neighbours[0]?.metadata.finalizers).toEqual([FINALIZER]);
  });

  it('keeps what a finalizer holds', () => {
    const policy = settledPolicy({}, { roles: [{ name: 'a', everyone: true }] });
    const held = makeAccount('workflows-old', { ...marksOf(policy), finalizers: ['example.com/hold'] });
    const { end } = only(observe(policy, { accounts: [held] }));
    const found = end.accounts.find(({ metadata }) => metadata.name === 'workflows-old');
    expect(found?.metadata.deletionTimestamp).toBeDefined();
  });

  it('restarts Argo Server where what it reads has changed, and takes that to succeed', () => {
    const server = {
      configMap: undefined,
      deployment: {
        state: 'found' as const,
        object: {
          kind: 'Deployment' as const,
          metadata: { name: 'argo-server', namespace: 'argo', uid: 'd', resourceVersion: '1' },
          selector: {},
          templateAnnotations: {},
          paused: false,
          rollout: { progress: 'complete' as const, startedAt: undefined, completedAt: 0, why: undefined },
          serviceAccountName: 'argo-server',
          containers: [],
        },
      },
      missingAccess: [],
      groupFilter: { invalid: [], dropped: [] },
      delegating: [],
      cookieKey: 'filled' as const,
    };
    const policy = makePolicy({ ...SPEC, server: { deployment: 'argo-server' } });
    const allowance = { ...ALLOWANCE, deployments: ['argo-server'] };
    const prospect = only(observe(policy, { allowance, keycloak: keycloakWith(undefined), server }));
    expect(namesOf(prospect)).toContain('RollDeployment');
    const { deployment } = prospect.end.server;
    expect(deployment?.state === 'found' && deployment.object.templateAnnotations[ANNOTATION_ROLLED]).toMatch(
      /^1-/,
    );
  });

  it('takes away, from an adopted Secret, only what was ours', () => {
    const policy = settledPolicy();
    const client = makeClient({ secret: new SecretValue('s') });
    const secret = makeSecret('argo-server-sso', { 'old-key': 'x' }, marksOf(policy));
    const managed = { labels: [], annotations: [], data: ['old-key'] };
    const have = { ...secret, metadata: { ...secret.metadata, managed } };
    const { end } = only(
      observe(
        { ...policy, spec: makePolicy({ ...SPEC, client: { ...SPEC.client, adopt: true } }).spec },
        {
          keycloak: keycloakWith(client),
          secrets: [have],
        },
      ),
    );
    const after = end.secrets.find(({ metadata }) => metadata.name === 'argo-server-sso');
    expect(Object.keys(after?.data ?? {})).toEqual(['client-id', 'client-secret']);
  });
});

const roleArbitrary = fc.record({
  groups: fc.subarray(['/1', '/2', '/3'], { minLength: 1 }),
  grants: fc.subarray(['A', 'B', 'C']),
});
const policyArbitrary = fc.record({
  base: fc.integer({ min: 10, max: 20 }).map(number => number * 100),
  roles: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), roleArbitrary, { minKeys: 1 }),
});

/** The objects in the order in which the operator observes them. */
function observed(cluster: Cluster): ReturnType<typeof objectsOf> {
  const { accounts, secrets, bindings } = objectsOf(cluster);
  return { accounts: sorted(accounts), secrets: sorted(secrets), bindings: sorted(bindings) };
}

function sorted<T extends OwnedObject>(objects: readonly T[]): T[] {
  const key = ({ metadata }: T) => `${metadata.namespace}/${metadata.name}`;
  return objects.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

describe('what is to come of roles', () => {
  it('is what planning and writing to a cluster in turn makes, whatever they were', () => {
    const policyOf = ({ base, roles }: { base: number; roles: Record<string, object> }) =>
      settledPolicy(
        {},
        {
          precedence: base,
          roles: Object.entries(roles).map(([name, role]) => {
            const { groups, grants } = role as { groups: string[]; grants: string[] };
            return { name, groups, grants: grants.map(clusterRole => ({ clusterRole })) };
          }),
        },
      );
    const converge = (policy: Policy, start: Cluster) => {
      let cluster = start;
      const made: string[] = [];
      for (let pass = 0; pass < 12; pass += 1) {
        const changes = planRoles(observe(policy, observed(cluster)));
        if (changes.length === 0) break;
        made.push(...changes.map(nameOf));
        cluster = fillTokens(changes.reduce(applyToCluster, cluster));
      }
      return { cluster, made };
    };
    fc.assert(
      fc.property(policyArbitrary, policyArbitrary, (before, after) => {
        const start = converge(policyOf(before), new Map()).cluster;
        const expected = converge(policyOf(after), start).made;
        const prospect = only(observe(policyOf(after), observed(start)));
        expect(namesOf(prospect)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
