import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_ADOPTED, ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import type { Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { type PolicyStatus, statusSchema } from '../../operator/api/status-schema.ts';
import type { Change } from '../../operator/policy/change.ts';
import { check } from '../../operator/policy/checks.ts';
import { conclude, type Failure, OUTAGE_SILENCE } from '../../operator/policy/conclude.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { makeClient, NOW, observe } from './fixtures.ts';
import {
  convergedCluster,
  keycloakDown,
  keycloakWith,
  MANAGED,
  makeAccount,
  makeBinding,
  makeRuleAccount,
  marksOf,
  SPEC,
  settledPolicy,
  withObjects,
} from './objects.ts';
import { objectsOf } from './simulate.ts';

const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };
const SECRET = 'the-very-secret';
const CLIENT = makeClient({
  description: 'Managed by ArgoAccessPolicy argo/workflows; changes made here are undone',
  attributes: OURS,
  secret: new SecretValue(SECRET),
  fullScopeAllowed: false,
  baseUrl: 'https://workflows.example.com',
  redirectUris: ['https://workflows.example.com/oauth2/callback'],
  mappers: [
    {
      id: 'm',
      name: 'argo-access-groups',
      protocolMapper: 'oidc-group-membership-mapper',
      config: {
        'claim.name': 'groups',
        'id.token.claim': 'true',
        'access.token.claim': 'false',
        'userinfo.token.claim': 'true',
        'full.path': 'true',
      },
    },
  ],
});
const EARLIER = '2026-02-01T00:00:00Z';
const AT = '2026-03-01T12:00:00Z';
const PROVED = { secret: { name: 'argo-server-sso', revision: 1, provedRevision: 1 } };

const policy = settledPolicy({ status: PROVED });
const CLUSTER = convergedCluster(settledPolicy(), {
  keycloak: keycloakWith(CLIENT),
  proof: { revision: 1, result: 'proved', message: '' },
});

/** Everything in sync, but for what is given. */
function seeing(overrides: Partial<Observation> = {}): Observation {
  return observe(policy, { ...objectsOf(CLUSTER), keycloak: keycloakWith(CLIENT), ...overrides });
}

/** The policy with another status. */
function withStatus(status: PolicyStatus, base: Policy = policy): Policy {
  return { ...base, status };
}

function concluding(observation: Observation, failure?: Failure, at = AT, changed: readonly string[] = []) {
  const violations = check(observation);
  const left = plan(observation, violations);
  const failures = failure === undefined ? [] : [failure];
  return conclude(observation, violations, { left, failures, changed, regenerated: undefined }, at);
}

/** Conditions in short: type, status and reason. */
function shown(status: PolicyStatus): readonly string[] {
  return (status.conditions ?? []).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);
}

function messageOf(status: PolicyStatus, type: string): string | undefined {
  return status.conditions?.find(condition => condition.type === type)?.message;
}

const failing = (change: Change, overrides: Partial<Failure> = {}): Failure => ({
  change,
  reason: 'KubernetesUnavailable',
  message: 'no answer',
  transient: true,
  ...overrides,
});

const IN_SYNC = concluding(seeing()).status;

describe('a policy of which all is there', () => {
  it('is Ready, and so are its parts, with a sentence each', () => {
    const condition = (type: string, message: string) => ({
      type,
      status: 'True',
      reason: 'InSync',
      message,
      lastTransitionTime: AT,
      observedGeneration: 1,
    });
    expect(IN_SYNC.conditions).toEqual([
      condition('Ready', 'everything is as the policy says'),
      condition('ClientReady', 'the Keycloak client is as the policy says'),
      condition('SecretReady', 'the Secret holds what Keycloak accepts'),
      condition('RolesReady', 'accounts, rules, tokens and grants are as the policy says'),
    ]);
  });

  it('shows client, Secret, roles and what it has made', () => {
    expect(IN_SYNC).toMatchObject({
      observedGeneration: 1,
      issuer: 'https://sso.example.com/realms/platform',
      client: { id: 'id-1', clientId: 'argo-workflows', realm: 'platform', adopted: false },
      secret: { name: 'argo-server-sso', revision: 1, provedRevision: 1 },
      roles: [
        { name: 'admin', serviceAccount: 'workflows-admin', precedence: 1000 },
        { name: 'viewer', serviceAccount: 'workflows-viewer', precedence: 990 },
      ],
      summary: { roles: '2/2', realm: 'platform' },
    });
    expect(IN_SYNC.inventory?.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`)).toEqual([
      'RoleBinding argo/argo-access:argo:workflows-admin:clusterrole:argo-access-admin',
      'RoleBinding team-a/argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer',
      'Secret argo/argo-server-sso',
      'Secret argo/workflows-admin.service-account-token',
      'Secret argo/workflows-viewer.service-account-token',
      'ServiceAccount argo/workflows-admin',
      'ServiceAccount argo/workflows-viewer',
    ]);
  });

  it('says so once, and then the same for ever: nothing in it moves by time alone', () => {
    const again = concluding(
      { ...seeing(), policy: withStatus(IN_SYNC), now: NOW + 1e9 },
      undefined,
      '2027-01-01T00:00:00Z',
    );
    expect(again).toEqual({ status: IN_SYNC, deeds: [], events: [], retry: false });
  });

  it('tells of it by one event', () => {
    expect(concluding(seeing())).toMatchObject({
      events: [{ type: 'Normal', reason: 'InSync', message: 'everything is as the policy says' }],
      retry: false,
    });
  });

  it('has a status that the contract takes, and no secret in it', () => {
    expect(statusSchema.parse(IN_SYNC)).toEqual(IN_SYNC);
    expect(JSON.stringify(IN_SYNC)).not.toContain(SECRET);
    expect(JSON.stringify(IN_SYNC)).not.toContain('redacted');
  });

  it('says that the client was adopted', () => {
    const adopted = { ...CLIENT, attributes: { ...OURS, [ATTRIBUTE_ADOPTED]: 'true' } };
    expect(concluding(seeing({ keycloak: keycloakWith(adopted) })).status.client?.adopted).toBe(true);
  });

  it('is put right where somebody has written into its status', () => {
    const forged: PolicyStatus = {
      ...IN_SYNC,
      client: { id: 'x', clientId: 'x', realm: 'x', adopted: true },
      roles: [],
      summary: { roles: '9/9' },
      inventory: [{ kind: 'Secret', name: 'x', uid: 'x' }],
    };
    expect(concluding({ ...seeing(), policy: withStatus(forged) }).status).toEqual(IN_SYNC);
  });
});

describe('a warning', () => {
  const missing = new Map([['/platform/admins', { kind: 'missing' }]] as const);
  const observation = seeing({ keycloak: keycloakWith(CLIENT, { groups: missing }) });

  it('leaves the policy Ready, with its reason and message', () => {
    const { status, events, retry } = concluding(observation);
    expect(shown(status)).toEqual([
      'Ready True GroupMissing',
      'ClientReady True InSync',
      'SecretReady True InSync',
      'RolesReady True GroupMissing',
    ]);
    expect(messageOf(status, 'Ready')).toContain('realm platform has no group /platform/admins (role admin)');
    expect(status.roles?.[0]?.missingGroups).toEqual(['/platform/admins']);
    expect(events).toEqual([
      { type: 'Warning', reason: 'GroupMissing', message: messageOf(status, 'Ready') },
    ]);
    expect(retry).toBe(false);
  });

  it('is told together with the others', () => {
    const tied = seeing({
      ...objectsOf(withObjects(CLUSTER, makeRuleAccount('by-hand', 'true', 990))),
      keycloak: observation.keycloak,
    });
    const { status } = concluding(tied);
    for (const type of ['Ready', 'RolesReady']) {
      expect(messageOf(status, type)).toMatch(/by-hand has precedence 990.* \| realm platform has no group/);
    }
  });
});

describe('a violation', () => {
  it('of the whole policy is Stalled, and what was last known stays', () => {
    const { status, events, retry } = concluding({
      ...seeing({ allowance: undefined }),
      policy: withStatus(IN_SYNC),
    });
    expect(shown(status)).toEqual(['Ready False NamespaceNotServed', 'Stalled True NamespaceNotServed']);
    expect(messageOf(status, 'Stalled')).toBe(messageOf(status, 'Ready'));
    const { conditions: _, ...rest } = status;
    const { conditions: __, ...before } = IN_SYNC;
    expect(rest).toEqual(before);
    expect(events).toEqual([
      { type: 'Warning', reason: 'NamespaceNotServed', message: messageOf(status, 'Ready') },
    ]);
    expect(retry).toBe(false);
  });

  it('of one part leaves the others Ready', () => {
    const { status } = concluding(seeing({ keycloak: keycloakWith({ ...CLIENT, attributes: {} }) }));
    expect(shown(status)).toEqual([
      'Ready False ClientExists',
      'Stalled True ClientExists',
      'ClientReady False ClientExists',
      'SecretReady False ClientExists',
      'RolesReady True InSync',
    ]);
  });

  it('of one part names all that is in the way of that part', () => {
    const foreign = makeBinding('workflows-viewer', 'argo-access-viewer', { namespace: 'team-a' });
    const taken = withObjects(CLUSTER, makeAccount('workflows-viewer'), foreign);
    const message = messageOf(concluding(seeing(objectsOf(taken))).status, 'RolesReady');
    expect(message).toContain('ServiceAccount argo/workflows-viewer exists');
    expect(message).toContain(
      ' | RoleBinding team-a/argo-access:argo:workflows-viewer:clusterrole:argo-access-viewer exists',
    );
  });

  it('that waiting cannot mend does not keep from trying what it can', () => {
    const { status, retry } = concluding(
      seeing({
        ...objectsOf(withObjects(CLUSTER, makeAccount('workflows-viewer'))),
        keycloak: keycloakDown(0),
      }),
    );
    expect(shown(status).slice(0, 3)).toEqual([
      'Ready False NameTaken',
      'Stalled True NameTaken',
      'ClientReady False KeycloakUnavailable',
    ]);
    expect(retry).toBe(true);
  });

  it('by which the client is off is told, although waiting for an administrator is all one can do', () => {
    const { status } = concluding(seeing({ keycloak: keycloakWith({ ...CLIENT, enabled: false }) }));
    expect(shown(status).slice(0, 3)).toEqual([
      'Ready False ClientDisabled',
      'Stalled True ClientDisabled',
      'ClientReady False ClientDisabled',
    ]);
  });

  it('by which a namespace is missing is no success', () => {
    const { status } = concluding(seeing({ endingNamespaces: new Set(['team-a']) }));
    expect(shown(status)).toContain('RolesReady False NamespaceMissing');
  });
});

describe('while work is under way', () => {
  it('the policy is Reconciling, and no event tells of it', () => {
    const { status, events, retry } = concluding(
      observe(settledPolicy(), { keycloak: keycloakWith(undefined) }),
    );
    expect(shown(status)).toEqual([
      'Ready False Progressing',
      'Reconciling True Progressing',
      'ClientReady False Progressing',
      'SecretReady False Progressing',
      'RolesReady False Progressing',
    ]);
    expect(messageOf(status, 'ClientReady')).toBe('changes are being made');
    expect(messageOf(status, 'SecretReady')).toBe('waiting for the Keycloak client');
    expect(status.summary?.roles).toBe('0/2');
    expect(events).toEqual([]);
    expect(retry).toBe(true);
  });

  it('the roles wait for tokens by name', () => {
    const { accounts, secrets, bindings } = objectsOf(CLUSTER);
    const empty = secrets.map(secret =>
      secret.metadata.name.startsWith('workflows-viewer') ? { ...secret, tokenFilled: false } : secret,
    );
    const { status } = concluding(seeing({ accounts, bindings, secrets: empty }));
    expect(messageOf(status, 'RolesReady')).toBe(
      'waiting for Kubernetes to fill the token of Secret workflows-viewer.service-account-token',
    );
    expect(status.summary?.roles).toBe('1/2');
  });

  it.each([
    ['rule', { 'workflows.argoproj.io/rbac-rule': 'false' }],
    ['precedence', { 'workflows.argoproj.io/rbac-rule-precedence': '989' }],
    ['token', { 'workflows.argoproj.io/service-account-token.name': 'argo-access-held' }],
  ])('a role stands only with its %s', (_, annotation) => {
    const { accounts, secrets, bindings } = objectsOf(CLUSTER);
    const edited = accounts.map(account =>
      account.metadata.name === 'workflows-viewer'
        ? {
            ...account,
            metadata: {
              ...account.metadata,
              annotations: { ...account.metadata.annotations, ...annotation },
            },
          }
        : account,
    );
    expect(concluding(seeing({ accounts: edited, secrets, bindings })).status.summary?.roles).toBe('1/2');
  });

  it.each([
    ['has not been asked for', undefined, ''],
    ['came to no result', { revision: 1, result: 'unknown', message: 'no answer' } as const, ': no answer'],
  ])('the Secret waits for its proof, which %s', (_, proof, said) => {
    const { status } = concluding({ ...seeing({ proof }), policy: withStatus({}) });
    expect(shown(status)).toContain('SecretReady False Progressing');
    const waits = "the credentials have not been proved at Keycloak's token endpoint yet";
    const expected = proof === undefined ? 'changes are being made' : `${waits}${said}`;
    expect(messageOf(status, 'SecretReady')).toBe(expected);
  });

  it('a proof that was refused is said to be refused, and tried again', () => {
    const proof = { revision: 1, result: 'refused', message: 'unauthorized_client' } as const;
    const { status, retry, events } = concluding(seeing({ proof }));
    expect(shown(status)).toEqual([
      'Ready False SecretRefused',
      'Reconciling True SecretRefused',
      'ClientReady True InSync',
      'SecretReady False SecretRefused',
      'RolesReady True InSync',
    ]);
    expect(status.secret).toEqual({
      name: 'argo-server-sso',
      revision: 1,
      lastRotated: '2026-03-01T12:00:00Z',
    });
    expect(events.map(({ reason }) => reason)).toEqual(['SecretRefused']);
    expect(retry).toBe(true);
  });
});

describe('a write that failed', () => {
  const fresh = observe(settledPolicy(), { keycloak: keycloakWith(undefined) });
  const made = plan(fresh, []);

  it.each([
    ['the client', made.client[0], 'ClientReady'],
    ['an account', made.roles[0], 'RolesReady'],
    ['a token', made.roles[1], 'RolesReady'],
    ['the Secret', plan(seeing({ secrets: [] }), []).secret[0], 'SecretReady'],
    [
      'a former Secret',
      { kind: 'DeleteObject', ref: { kind: 'Secret', namespace: 'argo', name: 'former', uid: 'x' } },
      'SecretReady',
    ],
    [
      'a former binding',
      { kind: 'DeleteObject', ref: { kind: 'RoleBinding', namespace: 'argo', name: 'former', uid: 'x' } },
      'RolesReady',
    ],
    ['the proof', plan({ ...seeing(), policy: withStatus({}) }, []).secret[0], 'SecretReady'],
    ['the finalizer', { kind: 'AddFinalizer' }, 'ClientReady'],
  ] satisfies readonly (readonly [string, Change | undefined, string])[])(
    'at %s is told at its part',
    (_, change, type) => {
      if (change === undefined) throw new Error('no such change is planned');
      const { status, retry } = concluding(fresh, failing(change));
      expect(shown(status)).toContain(`${type} False KubernetesUnavailable`);
      expect(shown(status).slice(0, 2)).toEqual([
        'Ready False KubernetesUnavailable',
        'Reconciling True KubernetesUnavailable',
      ]);
      expect(messageOf(status, 'Ready')).toBe('no answer');
      expect(retry).toBe(true);
    },
  );

  it('lets the parts behind it say that they wait', () => {
    const [change] = made.client;
    if (change === undefined) throw new Error('the client is made first');
    const { status } = concluding(fresh, failing(change));
    expect(messageOf(status, 'RolesReady')).toBe('waits for what could not be done before it');
  });

  it('that waiting cannot mend is Stalled', () => {
    const [change] = made.client;
    if (change === undefined) throw new Error('the client is made first');
    const failure = failing(change, {
      reason: 'KeycloakForbidden',
      message: 'no manage-clients',
      transient: false,
    });
    expect(shown(concluding(fresh, failure).status).slice(0, 2)).toEqual([
      'Ready False KeycloakForbidden',
      'Stalled True KeycloakForbidden',
    ]);
  });
});

describe('when Keycloak does not answer', () => {
  const settled = withStatus(IN_SYNC);
  const down = (since: number, overrides: Partial<Observation> = {}): Observation => ({
    ...seeing({ keycloak: keycloakDown(since) }),
    policy: settled,
    ...overrides,
  });

  /** What differs from an outage that has just begun. */
  type Outage = Partial<Omit<Observation, 'keycloak'>> & {
    readonly keycloak?: ReturnType<typeof keycloakDown>;
  };

  it('a policy of roles alone is Ready, says that groups cannot be looked up, and tries again', () => {
    const conditions = (IN_SYNC.conditions ?? []).filter(({ type }) => type === 'RolesReady');
    const roles = settledPolicy({ status: { conditions } }, { roles: SPEC.roles });
    const cluster = objectsOf(convergedCluster(roles));
    const { status, retry } = concluding(observe(roles, { ...cluster, keycloak: keycloakDown(NOW) }));
    expect(shown(status)).toEqual(['Ready True KeycloakUnavailable', 'RolesReady True InSync']);
    expect(retry).toBe(true);
  });

  it('a policy that was in sync says nothing for five minutes', () => {
    for (const since of [NOW, NOW - OUTAGE_SILENCE + 1]) {
      expect(concluding(down(since))).toEqual({ status: IN_SYNC, deeds: [], events: [], retry: true });
    }
  });

  it('then it says so, by one event, and remembers what it knew', () => {
    const { status, events, retry } = concluding(down(NOW - OUTAGE_SILENCE));
    expect(shown(status)).toEqual([
      'Ready False KeycloakUnavailable',
      'Reconciling True KeycloakUnavailable',
      'ClientReady False KeycloakUnavailable',
      'SecretReady False KeycloakUnavailable',
      'RolesReady True InSync',
    ]);
    expect(status).toMatchObject({
      client: IN_SYNC.client,
      issuer: IN_SYNC.issuer,
      secret: IN_SYNC.secret,
      summary: IN_SYNC.summary,
    });
    expect(events).toEqual([
      { type: 'Warning', reason: 'KeycloakUnavailable', message: 'Keycloak does not answer' },
    ]);
    expect(retry).toBe(true);
    const later = concluding(
      down(NOW - OUTAGE_SILENCE, { policy: withStatus(status), now: NOW + 1e6 }),
      undefined,
      '2026-03-02T00:00:00Z',
    );
    expect(later).toEqual({ status, deeds: [], events: [], retry: true });
  });

  it('and answers again, the policy says that too', () => {
    const { status } = concluding(down(NOW - OUTAGE_SILENCE));
    const back = concluding({ ...seeing(), policy: withStatus(status) });
    expect(back.events.map(({ reason }) => reason)).toEqual(['InSync']);
    expect(shown(back.status)).toEqual(shown(IN_SYNC));
  });

  it.each([
    ['a new policy', { policy: settledPolicy() }],
    [
      'a policy whose spec has changed',
      { policy: { ...settled, metadata: { ...settled.metadata, generation: 2 } } },
    ],
    [
      'a policy that was not in sync',
      {
        policy: withStatus(
          concluding(seeing({ keycloak: keycloakWith({ ...CLIENT, enabled: false }) })).status,
        ),
      },
    ],
    ['a policy whose roles have something to say', { accounts: [] }],
    [
      'a policy whose credentials are refused',
      { keycloak: keycloakDown(NOW, { transient: false, reason: 'KeycloakCredentialsRefused' }) },
    ],
  ] as readonly (readonly [string, Outage])[])('%s says so at once', (_, overrides) => {
    const { status } = concluding(down(NOW, overrides));
    const reason = overrides.keycloak?.reason ?? 'KeycloakUnavailable';
    expect(shown(status)[0]).toBe(`Ready False ${reason}`);
  });
});

describe('a suspended policy', () => {
  const suspended = { ...settledPolicy({}, { ...SPEC, suspend: true }), status: IN_SYNC };

  it('says that it is, and keeps what was known', () => {
    const { status, events, retry } = concluding(observe(suspended));
    expect(shown(status)).toEqual(['Ready Unknown Suspended']);
    expect(messageOf(status, 'Ready')).toBe(
      'spec.suspend is true: nothing is changed or checked until it is set to false',
    );
    expect(status.inventory).toEqual(IN_SYNC.inventory);
    expect(events).toMatchObject([{ type: 'Normal', reason: 'Suspended' }]);
    expect(retry).toBe(false);
  });
});

describe('a policy that is being deleted', () => {
  const going = {
    ...settledPolicy({
      metadata: { finalizers: ['argo-access.io/cleanup'], deletionTimestamp: AT, generation: 2 },
    }),
    status: IN_SYNC,
  };
  const deleting = (overrides: Partial<Observation> = {}) =>
    observe(going, { ...objectsOf(CLUSTER), keycloak: keycloakWith(CLIENT), ...overrides });

  it('names what is still there', () => {
    const { status, events } = concluding(deleting());
    expect(shown(status)).toEqual(['Ready False Deleting', 'Reconciling True Deleting']);
    expect(messageOf(status, 'Ready')).toMatch(
      /^being removed: .*ServiceAccount workflows-admin.*Secret argo-server-sso/,
    );
    expect(events).toMatchObject([{ type: 'Normal', reason: 'Deleting' }]);
    expect(messageOf(concluding(observe(going)).status, 'Ready')).toBe('being removed: finalizer');
  });

  it.each([
    [
      'Keycloak does not answer',
      { keycloak: keycloakDown(NOW) },
      'Reconciling True KeycloakUnavailable',
      'deletion waits: Keycloak does not answer',
      true,
    ],
    [
      'the operator may no longer sign in',
      {
        keycloak: keycloakDown(NOW, {
          reason: 'KeycloakCredentialsRefused',
          message: 'wrong secret',
          transient: false,
        }),
      },
      'Stalled True KeycloakCredentialsRefused',
      'deletion waits: wrong secret',
      false,
    ],
    [
      'the connection is not defined any more',
      { connection: undefined, keycloak: { state: 'NotAsked' } },
      'Stalled True ConnectionUnknown',
      "deletion waits: spec.keycloak.connection: the operator's configuration has no connection default",
      false,
    ],
    [
      'a namespace may not be read',
      { unread: [{ namespace: 'team-a', plural: 'rolebindings', forbidden: true, message: '' }] },
      'Stalled True KubernetesForbidden',
      'deletion waits: the operator may not read the rolebindings of namespace team-a; apply the rights that "argo-access rbac" renders from its configuration',
      false,
    ],
  ] satisfies readonly (readonly [string, Partial<Observation>, string, string, boolean])[])(
    'says at once what it waits for: %s',
    (_, overrides, expected, message, retry) => {
      const verdict = concluding(deleting(overrides));
      expect(shown(verdict.status)[1]).toBe(expected);
      expect(messageOf(verdict.status, 'Ready')).toBe(message);
      expect(verdict.events).toEqual([{ type: 'Warning', reason: expected.split(' ')[2], message }]);
      expect(verdict.retry).toBe(retry);
    },
  );

  it('says which removal failed', () => {
    const failure = failing(
      { kind: 'DeleteClient', id: 'id-1', clientId: 'argo-workflows' },
      { reason: 'KeycloakForbidden', transient: false, message: 'no' },
    );
    expect(shown(concluding(deleting(), failure).status)).toEqual([
      'Ready False KeycloakForbidden',
      'Stalled True KeycloakForbidden',
    ]);
  });
});

describe('the inventory', () => {
  const [entry] = IN_SYNC.inventory?.filter(({ namespace }) => namespace === 'team-a') ?? [];
  const unseen = objectsOf(CLUSTER).bindings.filter(({ metadata }) => metadata.namespace !== 'team-a');

  it('keeps what is in a namespace that cannot be read for now, so that it is not forgotten', () => {
    const unread = [{ namespace: 'team-a', plural: 'rolebindings', forbidden: true, message: '' }];
    const { status } = concluding({ ...seeing({ bindings: unseen, unread }), policy: withStatus(IN_SYNC) });
    expect(status.inventory).toContainEqual(entry);
    expect(status.inventory).toEqual(IN_SYNC.inventory);
  });

  it('keeps what is in a namespace that the configuration no longer names, and the policy is not Ready', () => {
    const { kind, name } = entry ?? { kind: '', name: '' };
    const outOfSight = [{ kind, namespace: 'team-a', name }];
    const observation = seeing({ bindings: unseen, outOfSight });
    const { status } = concluding({ ...observation, policy: withStatus(IN_SYNC) });
    expect(status.inventory).toEqual(IN_SYNC.inventory);
    expect(shown(status)).toEqual(
      expect.arrayContaining([
        'Ready False OutOfSight',
        'Stalled True OutOfSight',
        'RolesReady False OutOfSight',
      ]),
    );
  });

  it('lists once what is seen in a namespace of which only a part cannot be read', () => {
    const unread = [{ namespace: 'argo', plural: 'secrets', forbidden: true, message: '' }];
    const { status } = concluding({ ...seeing({ unread }), policy: withStatus(IN_SYNC) });
    expect(status.inventory).toEqual(IN_SYNC.inventory);
  });

  it('forgets what is gone from one that can be read', () => {
    const { status } = concluding({ ...seeing({ bindings: unseen }), policy: withStatus(IN_SYNC) });
    expect(status.inventory).not.toContainEqual(entry);
  });

  it('lists only what our field manager has made', () => {
    const { managed: _, ...copied } = { ...marksOf(policy), managed: MANAGED };
    const { status } = concluding(seeing(objectsOf(withObjects(CLUSTER, makeAccount('copy', copied)))));
    expect(status.inventory).toEqual(IN_SYNC.inventory);
  });
});

describe('times', () => {
  const old = withStatus({
    ...IN_SYNC,
    conditions: (IN_SYNC.conditions ?? []).map(condition => ({ ...condition, lastTransitionTime: EARLIER })),
  });

  it('move where a condition changes its status, and only there', () => {
    const { status } = concluding({
      ...seeing({ keycloak: keycloakWith({ ...CLIENT, enabled: false }) }),
      policy: old,
    });
    const times = Object.fromEntries(
      (status.conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    );
    expect(times).toEqual({
      Ready: AT,
      Stalled: AT,
      ClientReady: AT,
      SecretReady: EARLIER,
      RolesReady: EARLIER,
    });
  });

  it('stay where only reason and message change', () => {
    const groups = new Map([['/platform/admins', { kind: 'missing' }]] as const);
    const { status, events } = concluding({
      ...seeing({ keycloak: keycloakWith(CLIENT, { groups }) }),
      policy: old,
    });
    expect(status.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      Array(4).fill(EARLIER),
    );
    expect(events.map(({ reason }) => reason)).toEqual(['GroupMissing']);
  });
});

describe('a new secret', () => {
  it('is told with its cause, whatever becomes of the status, and is no correction', () => {
    const observed = seeing({ policy: withStatus(IN_SYNC) });
    const violations = check(observed);
    const ending = { left: plan(observed, violations), failures: [], changed: ['Secret argo/a'] };
    const verdict = conclude(observed, violations, { ...ending, regenerated: 'Request' }, AT);
    expect(verdict.deeds).toEqual([
      {
        type: 'Normal',
        reason: 'Rotating',
        message:
          'client argo-workflows got a new secret, which Secret argo-server-sso takes over: it was asked for by the ' +
          'annotation argo-access.io/rotate-requested-at',
      },
    ]);
    expect(verdict.status.secret?.cause).toBe('Request');
  });

  it('is told once, and as what it was, where the status could not be written at first', () => {
    const secret = { name: 'argo-server-sso', revision: 0, lastRotated: '2026-01-01T00:00:00Z' };
    const observed = seeing({ policy: withStatus({ ...IN_SYNC, secret }) });
    const violations = check(observed);
    const ending = { left: plan(observed, violations), failures: [], changed: ['Secret argo/a'] };
    const told = { ...ending, regenerated: 'Request', isTold: true } as const;
    const { deeds, events, status } = conclude(observed, violations, told, AT);
    expect([...deeds, ...events].map(({ reason }) => reason)).not.toContain('Rotating');
    expect(deeds).toEqual([]);
    expect(status.secret?.cause).toBe('Request');
  });

  it('keeps its cause until there is another one', () => {
    const secret = { name: 'argo-server-sso', revision: 1, ...IN_SYNC.secret, cause: 'Expiry' } as const;
    const policy = withStatus({ ...IN_SYNC, secret });
    expect(concluding(seeing({ policy })).status.secret).toEqual(secret);
  });
});

describe('a value that the Secret has taken over', () => {
  const changed = ['Secret argo/argo-server-sso'];
  const knowing = (secret: Partial<NonNullable<PolicyStatus['secret']>>) =>
    withStatus({ ...IN_SYNC, secret: { name: 'argo-server-sso', revision: 1, ...secret } });

  it('is told as a new secret where it was made since the status was written, by whomever', () => {
    const policyThen = knowing({ revision: 0, lastRotated: EARLIER });
    const { status, deeds, events } = concluding(seeing({ policy: policyThen }), undefined, AT, changed);
    expect(deeds).toEqual([]);
    expect(status.secret?.cause).toBe('ByHand');
    expect(events[0]).toEqual({
      type: 'Normal',
      reason: 'Rotating',
      message:
        'client argo-workflows got a new secret, which Secret argo-server-sso takes over: it was made in Keycloak, by ' +
        'hand or at a request of the operator whose answer was lost',
    });
  });

  it('is not told again where the operator made it, and its status could not be written', () => {
    const observation = seeing({ policy: knowing({ revision: 0, lastRotated: EARLIER }) });
    const left = plan(observation, []);
    const ending = { left, failures: [], changed, regenerated: 'Request', isTold: true } as const;
    const { status, deeds, events } = conclude(observation, [], ending, AT);
    expect(status.secret?.cause).toBe('Request');
    expect([...deeds, ...events].map(({ reason }) => reason)).not.toContain('Rotating');
    expect(deeds).toEqual([]);
  });

  it('is a correction where the Secret was edited, and Keycloak has made none', () => {
    const { deeds, events } = concluding(
      seeing({ policy: knowing({ revision: 0, lastRotated: IN_SYNC.secret?.lastRotated ?? 'never' }) }),
      undefined,
      AT,
      changed,
    );
    expect(deeds.map(({ reason }) => reason)).toEqual(['Corrected']);
    expect(events.map(({ reason }) => reason)).not.toContain('Rotating');
  });
});

describe('what a part has said all the time', () => {
  it('is no warning again once the whole says so again', () => {
    const missing = keycloakWith(CLIENT, { groups: new Map([['/platform/admins', { kind: 'missing' }]]) });
    const first = concluding(seeing({ keycloak: missing }));
    expect(first.events.map(({ type, reason }) => [type, reason])).toEqual([['Warning', 'GroupMissing']]);
    const conditions = (first.status.conditions ?? []).map(each =>
      each.type === 'Ready' ? { ...each, status: 'False' as const, reason: 'AwaitingRollout' } : each,
    );
    const policyNow = withStatus({ ...first.status, conditions });
    const later = concluding(seeing({ policy: policyNow, keycloak: missing }));
    expect(later.events).toMatchObject([
      {
        type: 'Normal',
        reason: 'InSync',
        message: expect.stringContaining('what was told of it still holds: '),
      },
    ]);
  });
});

describe('what was brought back', () => {
  const changed = ['ServiceAccount argo/workflows-admin', 'KeycloakClient argo-workflows'];

  it('is told by one event where the policy was in sync', () => {
    const { deeds: events } = concluding(seeing({ policy: withStatus(IN_SYNC) }), undefined, AT, changed);
    expect(events).toEqual([
      {
        type: 'Normal',
        reason: 'Corrected',
        message:
          'had changed and was brought back in line: ServiceAccount argo/workflows-admin, KeycloakClient argo-workflows',
      },
    ]);
  });

  it('is nothing where nothing was changed', () => {
    expect(concluding(seeing({ policy: withStatus(IN_SYNC) })).deeds).toEqual([]);
  });

  it('is no correction where the policy itself has changed, or was not in sync', () => {
    const generation = withStatus(IN_SYNC, settledPolicy({ metadata: { generation: 2 } }));
    for (const observed of [generation, policy]) {
      const { deeds: events } = concluding(seeing({ policy: observed }), undefined, AT, changed);
      expect(events.map(({ reason }) => reason)).not.toContain('Corrected');
    }
  });
});
