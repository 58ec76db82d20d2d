import { describe, expect, it } from 'vitest';
import {
  ANNOTATION_ADOPT_BY,
  ARGO_PRECEDENCE,
  ARGO_RULE,
  ARGO_TOKEN_NAME,
} from '../../operator/api/names.ts';
import type { OwnedObject, Policy } from '../../operator/api/objects.ts';
import type { Change } from '../../operator/policy/change.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { planRoles } from '../../operator/policy/roles.ts';
import { makePolicy, observe } from './fixtures.ts';
import {
  argoAnnotations,
  convergedCluster,
  MANAGED,
  makeAccount,
  makeBinding,
  makeRuleAccount,
  marksOf,
  settledPolicy,
  withObjects,
} from './objects.ts';
import { applyToCluster, type Cluster, fillTokens, objectsOf } from './simulate.ts';

const ROLES = [
  { name: 'admin', groups: ['/admins'], grants: [{ clusterRole: 'A' }] },
  { name: 'viewer', everyone: true, grants: [{ clusterRole: 'B', namespaces: ['team-a'] }] },
];
const policy = settledPolicy({}, { roles: ROLES, precedence: 1000 });
const CLUSTER = convergedCluster(policy);

const ADMIN_BINDING = 'RoleBinding/argo/argo-access:argo:workflows-admin:clusterrole:A';
const VIEWER_BINDING = 'RoleBinding/team-a/argo-access:argo:workflows-viewer:clusterrole:B';

/** A change in short: what is done to which object, and under which rule. */
function line(change: Change): string {
  switch (change.kind) {
    case 'CreateObject':
    case 'ApplyObject': {
      const { kind, metadata } = change.object;
      const {
        [ARGO_RULE]: rule,
        [ARGO_PRECEDENCE]: precedence,
        [ARGO_TOKEN_NAME]: token,
      } = metadata.annotations;
      const marks =
        rule === undefined ? '' : ` ${rule} @${precedence}${token === 'argo-access-held' ? ' held' : ''}`;
      return `${change.kind} ${kind} ${metadata.name}${marks}`;
    }
    case 'PatchObject': {
      const what = Object.keys(change).filter(key => key !== 'kind' && key !== 'ref');
      return `PatchObject ${change.ref.kind} ${change.ref.name} ${what}`;
    }
    case 'DeleteObject':
      return `DeleteObject ${change.ref.kind} ${change.ref.name}`;
    case 'Rehearse':
      return `Rehearse ${line(change.change)}`;
    default:
      return change.kind;
  }
}

function planned(
  cluster: Cluster,
  wanting: Policy = policy,
  overrides: Partial<Observation> = {},
): readonly string[] {
  return planRoles(observe(wanting, { ...objectsOf(cluster), ...overrides })).map(line);
}

/** The cluster with one object edited by hand. */
function edited<T extends OwnedObject>(key: string, change: (object: T) => Partial<T>): Cluster {
  const object = CLUSTER.get(key) as T | undefined;
  if (object === undefined) throw new Error(`no ${key} in ${[...CLUSTER.keys()]}`);
  return new Map([...CLUSTER, [key, { ...object, ...change(object) }]]);
}

const annotated = (annotations: Record<string, string>) => (object: OwnedObject) => ({
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});

function without(...keys: readonly string[]): Cluster {
  return new Map([...CLUSTER].filter(([key]) => !keys.includes(key)));
}

describe('new roles', () => {
  it('begin with accounts that Argo does not see, and with their tokens', () => {
    expect(planned(new Map())).toEqual([
      'CreateObject ServiceAccount workflows-admin',
      'CreateObject Secret workflows-admin.service-account-token',
      'CreateObject ServiceAccount workflows-viewer',
      'CreateObject Secret workflows-viewer.service-account-token',
    ]);
  });

  it('wait until every token is filled, for an empty one makes the user nobody', () => {
    const started = planRoles(observe(policy)).reduce(applyToCluster, new Map() as Cluster);
    expect(planned(started)).toEqual([]);
  });

  it('get their grants before their rules, and the highest rule first', () => {
    const started = fillTokens(planRoles(observe(policy)).reduce(applyToCluster, new Map() as Cluster));
    expect(planned(started)).toEqual([
      'CreateObject RoleBinding argo-access:argo:workflows-admin:clusterrole:A',
      'CreateObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
      'ApplyObject ServiceAccount workflows-admin any($env?.groups ?? [], # in ["/admins"]) @1000',
      'ApplyObject ServiceAccount workflows-viewer true @990',
    ]);
  });

  it('take no write once they stand', () => {
    expect(planned(CLUSTER)).toEqual([]);
  });
});

describe('drift of roles is undone', () => {
  it.each([
    [
      'a rule that was changed',
      edited('ServiceAccount/argo/workflows-admin', annotated({ [ARGO_RULE]: 'true' })),
      ['ApplyObject ServiceAccount workflows-admin any($env?.groups ?? [], # in ["/admins"]) @1000'],
    ],
    [
      'a precedence that was changed',
      edited('ServiceAccount/argo/workflows-viewer', annotated({ [ARGO_PRECEDENCE]: '5000' })),
      ['ApplyObject ServiceAccount workflows-viewer true @990'],
    ],
    [
      'a token name that was changed',
      edited('ServiceAccount/argo/workflows-viewer', annotated({ [ARGO_TOKEN_NAME]: 'argo-server-token' })),
      ['ApplyObject ServiceAccount workflows-viewer true @990'],
    ],
    [
      'a binding that was deleted',
      without(ADMIN_BINDING),
      ['CreateObject RoleBinding argo-access:argo:workflows-admin:clusterrole:A'],
    ],
    [
      'a binding with somebody else in it',
      edited(VIEWER_BINDING, () => ({ subjects: [{ kind: 'User', name: 'mallory' }] })),
      ['ApplyObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B'],
    ],
    [
      'a binding to another role, which cannot be changed',
      edited(VIEWER_BINDING, () => ({ roleRef: { kind: 'ClusterRole' as const, name: 'cluster-admin' } })),
      [
        // Two writes that anyone can notice: whoever has the role is denied meanwhile.
        'Rehearse DeleteObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
        'ApplyObject ServiceAccount workflows-viewer true @990 held',
        'DeleteObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
        'CreateObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
        'ApplyObject ServiceAccount workflows-viewer true @990',
      ],
    ],
    [
      'a token that was deleted',
      without('Secret/argo/workflows-viewer.service-account-token'),
      ['CreateObject Secret workflows-viewer.service-account-token'],
    ],
    [
      'an account that was deleted',
      without('ServiceAccount/argo/workflows-viewer'),
      ['CreateObject ServiceAccount workflows-viewer'],
    ],
    [
      'a secret that was put first in the list of an account',
      edited('ServiceAccount/argo/workflows-viewer', () => ({ secrets: ['argo-server-token'] })),
      ['PatchObject ServiceAccount workflows-viewer removeSecrets'],
    ],
    [
      'marks of ownership that were stripped',
      edited('ServiceAccount/argo/workflows-viewer', ({ metadata }) => ({
        metadata: { ...metadata, labels: {}, ownerReferences: [] },
      })),
      ['ApplyObject ServiceAccount workflows-viewer true @990'],
    ],
  ] as readonly (readonly [string, Cluster, readonly string[]])[])('%s', (_, cluster, expected) => {
    expect(planned(cluster)).toEqual(expected);
  });

  it('but labels and annotations of others stay', () => {
    const cluster = edited('ServiceAccount/argo/workflows-viewer', annotated({ theirs: 'kept' }));
    expect(planned(cluster)).toEqual([]);
  });
});

describe('what is wanted no more', () => {
  it('goes: a grant of a role that stays', () => {
    const extra = makeBinding('workflows-viewer', 'C', { namespace: 'team-a', ...marksOf(policy) });
    expect(planned(withObjects(CLUSTER, extra))).toEqual([
      'DeleteObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:C',
    ]);
  });

  it('goes: a role, its rule first, its account last', () => {
    const shorter = makePolicy({ roles: ROLES.slice(0, 1), precedence: 1000 });
    expect(planned(CLUSTER, shorter)).toEqual([
      'PatchObject ServiceAccount workflows-viewer removeAnnotations',
      'DeleteObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
      'DeleteObject Secret workflows-viewer.service-account-token',
      'DeleteObject ServiceAccount workflows-viewer',
    ]);
  });

  it('stays where it is not ours: accounts with rules, bindings and copies by hand', () => {
    const { managed: _, ...copied } = { ...marksOf(policy), managed: MANAGED };
    const cluster = withObjects(
      CLUSTER,
      makeRuleAccount('by-hand', 'true', 1),
      makeAccount('copy', copied),
      makeBinding('copy', 'A', copied),
      makeBinding('workflows-viewer', 'cluster-admin'),
    );
    expect(planned(cluster)).toEqual([]);
  });

  it('is not looked for in namespaces that go away', () => {
    const cluster = without(VIEWER_BINDING);
    expect(planned(cluster, policy, { endingNamespaces: new Set(['team-a']) })).toEqual([]);
  });
});

describe('an account that is taken over', () => {
  it('keeps its rule until its token is there, and is denied rather than mixed while it changes', () => {
    const found = {
      ...makeAccount('workflows-viewer', {
        annotations: { ...argoAnnotations('"x" in groups', 7, 'old'), [ANNOTATION_ADOPT_BY]: 'workflows' },
      }),
      secrets: ['old-token'],
    };
    const cluster = withObjects(without('ServiceAccount/argo/workflows-viewer'), found);
    expect(planned(cluster)).toEqual([
      'PatchObject ServiceAccount workflows-viewer removeSecrets',
      'ApplyObject ServiceAccount workflows-viewer "x" in groups @7',
    ]);
    const prepared = planRoles(observe(policy, objectsOf(cluster))).reduce(applyToCluster, cluster);
    expect(planned(prepared)).toEqual(['ApplyObject ServiceAccount workflows-viewer true @990']);
  });
});

describe('a binding that is taken over', () => {
  it('is made anew where it binds something else, for a roleRef cannot be changed', () => {
    const found = {
      ...makeBinding('workflows-viewer', 'B', {
        namespace: 'team-a',
        annotations: { [ANNOTATION_ADOPT_BY]: 'workflows' },
      }),
      roleRef: { kind: 'ClusterRole', name: 'view' } as const,
    };
    expect(planned(withObjects(CLUSTER, found))).toContain(
      'DeleteObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
    );
    expect(planned(withObjects(CLUSTER, found))).toContain(
      'CreateObject RoleBinding argo-access:argo:workflows-viewer:clusterrole:B',
    );
  });
});
