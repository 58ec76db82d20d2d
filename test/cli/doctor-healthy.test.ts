import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { tryCredentials } from '../../operator/cli/doctor/gather-keycloak.ts';
import { serverSight } from '../../operator/cli/doctor/gather-server.ts';
import { groupsNamedIn } from '../../operator/cli/doctor/groups.ts';
import type { ServerSight } from '../../operator/cli/doctor/snapshot.ts';
import { decodeDeployment } from '../../operator/kubernetes/decode-server.ts';
import { argoServerDeployment } from '../env/argo-deployment.ts';
import { freePort } from '../env/process.ts';
import { makePolicy } from '../policy/fixtures.ts';
import { accounts, server } from './doctor-cases.ts';
import {
  accountOf,
  clientOf,
  MAPPER,
  type Parts,
  SSO,
  STARTED,
  serverOf,
  settingsOf,
  snapshotOf,
  troubles,
} from './doctor-fixtures.ts';
import { SPEC } from './status-fixtures.ts';

const sso = (more: string, changedAt?: number): Parts => ({
  settings: { known: settingsOf({ sso: `${SSO}${more}\n` }, changedAt) },
});
const client = (...args: Parameters<typeof clientOf>) =>
  ({ keycloak: { known: { realm: 'platform', client: clientOf(...args) } } }) as const;

/** Argo Server with something in its container that is not said there in plain words. */
function hidden(container: Readonly<Record<string, unknown>>, args: readonly string[] = ['server']): Parts {
  const raw = argoServerDeployment({ name: 'argo-server', namespace: 'argo', args });
  const { spec } = raw as unknown as { spec: { template: { spec: { containers: object[] } } } };
  const [first] = spec.template.spec.containers;
  Object.assign(first ?? {}, container);
  const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const { containers } = decodeDeployment({ ...raw, status } as object);
  return { server: { known: serverOf({}, { containers }) } };
}
const from = (name: string) => ({ name, valueFrom: { configMapKeyRef: { name: 'settings', key: name } } });
const DIGEST = `quay.io/argoproj/argocli@sha256:${'0'.repeat(64)}`;
const PEM = 'rootCA: a certificate';

/** Installations that work, and are made in another way. */
const HEALTHY: readonly (readonly [sentence: string, parts: Parts])[] = [
  ['has a base href by the flag of Argo 3.5', redirected(server({ args: argsWith('--basehref=/argo/') }))],
  [
    'has its base href in a variable from elsewhere',
    redirected(hidden({ env: [from('ARGO_BASE_HREF')] }, argsWith())),
  ],
  [
    'has its base href in one of the variables from elsewhere',
    redirected(hidden({ envFrom: [{}] }, argsWith())),
  ],
  [
    'has rootCA, and a digest for its image, and started with that',
    { ...sso(PEM), ...server({ image: DIGEST }) },
  ],
  ['signs in people and programs', server({ args: argsWith('--auth-mode=client') })],
  [
    'has a scope that the discovery document leaves out',
    {
      ...sso('scopes: [groups]'),
      rest: client({}, { scopes: { known: { byDefault: [], optional: [{ name: 'groups', mappers: [] }] } } }),
    },
  ],
  [
    'has a scope with a parameter, which Keycloak takes',
    { ...sso('scopes: ["organization:acme"]'), rest: client() },
  ],
  [
    'has an address that Keycloak takes, by a pattern for what is below it',
    {
      rest: {
        ...client({ redirectUris: ['https://workflows.example.com/oauth2/callback/*'] }),
        loginPage: { unknown: '' },
      },
    },
  ],
  [
    'has rules for groups as they were written and as they will be',
    accounts(
      accountOf('a', '"/platform/admins" in ($env?.groups ?? []) || "admins" in ($env?.groups ?? [])', '1'),
    ),
  ],
  [
    'has a claim of fixed groups',
    {
      rest: client({
        mappers: [
          {
            ...MAPPER,
            protocolMapper: 'oidc-hardcoded-claim-mapper',
            config: { ...MAPPER.config, 'jsonType.label': 'JSON' },
          },
        ],
      }),
    },
  ],
  [
    'has the groups of the user info under the name that Argo reads there',
    {
      ...sso('userInfoPath: /protocol/openid-connect/userinfo\ncustomGroupClaimName: roles'),
      rest: client({
        mappers: [{ ...MAPPER, config: { ...MAPPER.config, 'userinfo.token.claim': 'true' } }],
      }),
    },
  ],
];

function conditionOf(type: string, status: 'True' | 'False') {
  const message = 'Argo Server is being restarted';
  const lastTransitionTime = '2026-03-01T12:00:00Z';
  return { type, status, reason: 'AwaitingRollout', message, lastTransitionTime, observedGeneration: 1 };
}

/** Argo Server in the middle of a rollout, whose new pod is as a kubelet tells. */
function rollingWith(status: { readonly containerStatuses?: readonly object[] }): ServerSight {
  const name = 'argo-server';
  const raw = argoServerDeployment({ name, namespace: 'argo' });
  const conditions = [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' }];
  const counts = { replicas: 2, updatedReplicas: 1, availableReplicas: 1, conditions };
  const metadata = {
    labels: { 'pod-template-hash': 'new' },
    ownerReferences: [{ kind: 'ReplicaSet', name: `${name}-new` }],
  };
  const { containerStatuses = [] } = status;
  const pod = {
    metadata,
    spec: { containers: [{ name, readinessProbe: {} }] },
    status: { containerStatuses: containerStatuses.map(each => ({ name, ...each })) },
  };
  return serverSight({ ...raw, status: counts } as object, [pod]);
}

function argsWith(...more: readonly string[]): readonly string[] {
  return ['server', '--auth-mode=sso', ...more];
}

function redirected(parts: Parts): Parts {
  const text = SSO.replace('/oauth2/callback', '/argo/oauth2/callback');
  return { ...parts, settings: { known: settingsOf({ sso: text }) } };
}

describe('a diagnosis of an installation that works', () => {
  it.each(HEALTHY)('is quiet where it %s', (_, parts) => {
    expect(troubles(snapshotOf(parts))).toEqual([]);
  });

  it('takes Argo’s version from the policy where the image does not tell', () => {
    const policy = makePolicy(SPEC);
    const spec = {
      ...policy.spec,
      server: { deployment: 'argo-server', filterGroupsRegex: [], argoVersion: '4.1' },
    };
    const rest = { policies: { known: [{ ...policy, spec }] } };
    const found = troubles(snapshotOf({ ...sso(PEM, STARTED + 1000), ...server({ image: DIGEST }), rest }));
    expect(found.filter(({ check }) => check === 'tls')).toEqual([]);
  });

  describe('while the operator rotates the secret', () => {
    const policy = makePolicy(SPEC);
    const rotating = {
      ...policy,
      spec: { ...policy.spec, server: { deployment: 'argo-server', filterGroupsRegex: [] } },
      status: {
        observedGeneration: policy.metadata.generation ?? 0,
        conditions: [conditionOf('Ready', 'False'), conditionOf('Reconciling', 'True')],
      },
    };
    const told = (pod: Parameters<typeof rollingWith>[0]) => {
      const parts = { server: { known: rollingWith(pod) }, ...sso('', STARTED + 1000) };
      return troubles(snapshotOf({ ...parts, rest: { policies: { known: [rotating] } } }));
    };
    const running = {
      ready: false,
      started: true,
      state: { running: { startedAt: '2026-03-01T12:00:00Z' } },
    };

    it.each([
      ['is not there yet', undefined],
      ['is being made', { ready: false, state: { waiting: { reason: 'ContainerCreating' } } }],
      ['runs, and its probes have not succeeded yet', running],
      ['serves beside an old one', { ...running, ready: true }],
    ])('is quiet where the new pod %s', (_, container) => {
      expect(told(container === undefined ? {} : { containerStatuses: [container] })).toEqual([]);
    });

    it.each([
      ['has ended before', { ...running, lastState: { terminated: { exitCode: 1 } } }, 'readiness probe'],
      [
        'waits after an end',
        { ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } },
        'again and',
      ],
    ])('is told where the new pod %s', (_, container, message) => {
      const found = told({ containerStatuses: [container] });
      expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([['pods', 'fail']]);
      expect(found[0]?.message).toContain(message);
    });
  });

  it.each([
    ['one of its variables', { env: [from('ARGO_AUTH_MODE')] }],
    ['all of its variables', { envFrom: [{ configMapRef: { name: 'settings' } }] }],
  ])('does not know the modes where %s stand elsewhere', (_, container) => {
    const found = troubles(snapshotOf(hidden(container)));
    expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([['auth-mode', 'unknown']]);
  });
});

describe('what is told', () => {
  it('is short, and has neither commands for a terminal nor the user of an address', () => {
    const text = SSO.replace('https://', 'https://jo:hunter2@');
    const issuer = { known: { problem: 'https://jo:hunter2@sso.example.com does not answer' } };
    const hostile = accountOf('a', 'true', `\u001b[31m\u202e${'x'.repeat(100_000)}`);
    const found = troubles(
      snapshotOf({
        settings: { known: settingsOf({ sso: text }) },
        rest: { issuer, accounts: { known: [hostile] } },
      }),
    );
    expect(found.map(({ check }) => check)).toEqual(['issuer', 'precedences']);
    const said = JSON.stringify(found);
    expect(said).not.toMatch(/hunter2|\u202e/);
    expect(said.length).toBeLessThan(5000);
  });

  it('of credentials that could not be tried does not hold what stands in the place of the id', async () => {
    const issuer = `http://127.0.0.1:${await freePort()}/realms/x`;
    const credentials = { clientId: 'perhaps the secret', secret: new SecretValue('perhaps the id') };
    const trial = await tryCredentials(issuer, { redirectUrl: 'https://x.example.com' }, credentials);
    expect(trial).toMatchObject({
      proof: { known: { result: 'unknown' } },
      loginPage: { known: { kind: 'none' } },
    });
    expect(JSON.stringify(trial)).not.toContain('perhaps');
  });

  it('has commands for the namespace of the account', () => {
    const token = { secret: 'other', state: 'foreign' } as const;
    const sight = accountOf('a', 'true', '1', { token }, 'team-a');
    const listed = { ...sight, account: { ...sight.account, secrets: ['other'] } };
    const [found] = troubles(snapshotOf({ rest: { delegated: { known: [listed] } } }));
    expect(found?.remedy).toContain('`kubectl --namespace team-a edit serviceaccount a`');
  });
});

describe('groups that a rule names', () => {
  it('are not looked for in a rule that nobody has written by hand', () => {
    const started = Date.now();
    expect(groupsNamedIn(`"${'\\"'.repeat(100_000)}`)).toEqual([]);
    expect(groupsNamedIn('groups '.repeat(30_000))).toEqual([]);
    expect(Date.now() - started).toBeLessThan(1000);
  });

  it.each([
    ['any(groups, # == "/a")', ['/a']],
    ['any($env?.groups ?? [], {# == "/a" or # == "/b"})', ['/a', '/b']],
    ['any(groups, "/a" == #)', ['/a']],
    ['email == "a@example.com"', []],
  ])('are found in %s', (rule, groups) => {
    expect(groupsNamedIn(rule)).toEqual(groups);
  });
});
