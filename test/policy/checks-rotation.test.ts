import { describe, expect, it } from 'vitest';
import {
  ANNOTATION_REVISION,
  ANNOTATION_ROLLED,
  ATTRIBUTE_CLUSTER,
  ATTRIBUTE_OWNER,
} from '../../operator/api/names.ts';
import type { Deployment, Policy, Secret } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { check } from '../../operator/policy/checks.ts';
import { conclude } from '../../operator/policy/conclude.ts';
import type { KeycloakClient, SecretLife } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { annotationsOf, rotationView } from '../../operator/policy/rotation-observed.ts';
import type { Standing } from '../../operator/policy/standing.ts';
import { viewStatus } from '../../operator/policy/status-view.ts';
import { parseSchedule } from '../../operator/schedule.ts';
import { ALLOWANCE, makeClient, NOW, observe } from './fixtures.ts';
import { convergedCluster, keycloakWith, makeMeta, SPEC, settledPolicy } from './objects.ts';
import { objectsOf } from './simulate.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };
const PERIOD = { coverage: { rotatedPeriod: 2 * HOUR } };

const LEADS: Standing = { state: 'Leads' };

interface Given {
  readonly life?: Partial<SecretLife>;
  readonly overlap?: string;
  readonly covered?: boolean;
  readonly deployment?: Partial<Deployment> | 'missing';
  /** Whether the Deployment has read the present Secret. */
  readonly rolled?: boolean;
  readonly issuerAnswers?: boolean;
  readonly standing?: Standing;
  readonly now?: number;
  readonly client?: Partial<KeycloakClient>;
}

const DEPLOYMENT: Deployment = {
  kind: 'Deployment',
  metadata: makeMeta('argo-server'),
  templateAnnotations: {},
  paused: false,
  rollout: { progress: 'complete', startedAt: undefined, completedAt: NOW - HOUR, why: undefined },
  serviceAccountName: 'argo-server',
  containers: [
    { name: 'argo-server', image: 'argocli:v4.1.2', words: ['server', '--auth-mode=sso'], env: {} },
  ],
  selector: {},
};

/** A policy that rotates daily, whose present secret is proved. */
function dailyPolicy({ overlap, deployment }: Given): Policy {
  const rotation = { schedule: '@daily', ...(overlap && { overlap }) };
  const secret = { ...SPEC.client.secret, rotation };
  const server = { deployment: 'argo-server' };
  const spec = { ...SPEC, client: { ...SPEC.client, secret }, ...(deployment && { server }) };
  return settledPolicy(
    { status: { secret: { name: 'argo-server-sso', revision: 1, provedRevision: 1 } } },
    spec,
  );
}

/** The client as the policy wants it. */
function wantedClient(policy: Policy): KeycloakClient {
  let client = makeClient({ attributes: OURS, secret: new SecretValue('s3cret') });
  for (const change of plan(observe(policy, { keycloak: keycloakWith(client) }), []).client) {
    if (change.kind === 'UpdateClient') client = { ...client, ...change.fields, attributes: OURS };
    if (change.kind === 'CreateMapper') client = { ...client, mappers: [{ ...change.mapper, id: 'm' }] };
  }
  return client;
}

/** A policy that rotates daily, in sync but for what is given: its secret came an hour ago. */
function rotating(given: Given = {}): Observation {
  const { covered = true, issuerAnswers = true, standing = LEADS, now = NOW } = given;
  const policy = dailyPolicy(given);
  const client = wantedClient(policy);
  const life = { createdAt: NOW - HOUR, expiresAt: undefined, rotated: undefined };
  const known = {
    allowance: { ...ALLOWANCE, deployments: ['argo-server'] },
    rotation: { schedule: parseSchedule('@daily', 'UTC'), request: undefined, standing },
  };
  const cluster = convergedCluster(policy, {
    ...known,
    keycloak: keycloakWith({ ...client, secretLife: life }),
    now: NOW - HOUR,
    proof: { revision: 2, result: 'proved', message: '' },
  });
  const objects = objectsOf(cluster);
  const secrets = objects.secrets.map(each => marked(each, given.life?.createdAt ?? life.createdAt));
  const seenClient = { ...client, secretLife: { ...life, ...given.life }, ...given.client };
  const keycloak = keycloakWith(seenClient, { ...(covered && PERIOD), issuerAnswers });
  return withServer(observe(policy, { ...known, ...objects, secrets, keycloak, now }), given);
}

/** Adds the Deployment; it has read the present Secret unless it is said not to have. */
function withServer(seen: Observation, { deployment, rolled = true }: Given): Observation {
  if (deployment === undefined) return seen;
  if (deployment === 'missing') return withDeployment(seen, { state: 'missing' });
  const mark = rotationView(seen)?.secret?.mark ?? '';
  const templateAnnotations: Record<string, string> = rolled ? { [ANNOTATION_ROLLED]: mark } : {};
  return withDeployment(seen, {
    state: 'found',
    object: { ...DEPLOYMENT, templateAnnotations, ...deployment },
  });
}

function marked(secret: Secret, created: number | undefined): Secret {
  if (secret.metadata.name !== 'argo-server-sso') return secret;
  const annotations = {
    [ANNOTATION_REVISION]: '1',
    ...annotationsOf({ created, since: created, handled: undefined }),
  };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

function withDeployment(seen: Observation, deployment: Observation['server']['deployment']): Observation {
  return { ...seen, server: { ...seen.server, deployment } };
}

/** What is planned, and what is told: the conditions that are not plainly fine. */
function look(observation: Observation) {
  const violations = check(observation);
  const left = plan(observation, violations);
  const ending = { left, failures: [], changed: [], regenerated: undefined };
  const { status, retry, lookAgainAt } = conclude(observation, violations, ending, '2026-03-01T12:00:00Z');
  const told = (status.conditions ?? [])
    .filter(({ reason }) => reason !== 'InSync')
    .map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);
  const made = [...left.client, ...left.secret, ...left.server].map(({ kind }) => kind);
  return { made, told, retry, lookAgainAt, secret: status.secret, conditions: status.conditions };
}

/** Of the Secret and of the Deployment. */
const ASKED_BEFORE = ['Rehearse', 'Rehearse'];

describe('a policy that rotates', () => {
  it('is quiet between two rotations, and says when the next one is', () => {
    const { made, told, secret, lookAgainAt } = look(rotating());
    expect(made).toEqual([]);
    expect(told).toEqual(['Ready True RestartLeftToUser', 'SecretReady True RestartLeftToUser']);
    expect(secret?.lastRotated).toBe('2026-03-01T11:00:00Z');
    expect(secret?.nextRotation).toMatch(/^2026-03-02T00:0/);
    expect(lookAgainAt).toBe(Date.parse(secret?.nextRotation ?? ''));
  });

  it('gets a new secret when one is due', () => {
    expect(look(rotating({ now: NOW + 24 * HOUR, deployment: {} })).made).toEqual([
      ...ASKED_BEFORE,
      'RegenerateSecret',
    ]);
  });

  it('says why a due one waits, and stays Ready', () => {
    const due = { now: NOW + 24 * HOUR, deployment: {} };
    for (const given of [
      { ...due, issuerAnswers: false },
      { ...due, overlap: '1h', covered: false },
      { ...due, overlap: '119m' },
      { ...due, deployment: { paused: true } },
    ]) {
      const { made, told } = look(rotating(given));
      expect(made).toEqual([]);
      expect(told).toContain('SecretReady True RotationPostponed');
      expect(told).toContain('Ready True RotationPostponed');
    }
  });

  describe('that waits while Keycloak is about to end its secret', () => {
    const life = { createdAt: NOW - 16 * HOUR, expiresAt: NOW };
    const paused = (minutes: number, more: Given = {}) =>
      look(rotating({ life, deployment: { paused: true }, now: NOW - minutes * MINUTE, ...more }));
    const said = ({ conditions }: ReturnType<typeof look>, part = 'SecretReady') =>
      conditions?.find(({ type }) => type === part)?.message ?? '';
    const END =
      '; realm platform ends the present secret of client argo-workflows at 2026-03-01T12:00:00Z, and nobody can sign in from then on';

    it('stays Ready for three quarters of the time in which it was to be replaced', () => {
      const { made, told } = paused(61);
      expect(made).toEqual([]);
      expect(told).toContain('Ready True RotationPostponed');
    });

    it('says in the last quarter that it is a fault, and when nobody can sign in any more', () => {
      const looked = paused(60);
      expect(looked.told).toContain('Ready False RotationFailed');
      expect(looked.told).toContain('SecretReady False RotationFailed');
      expect(said(looked)).toContain(`kubectl rollout resume deployment/argo-server${END}`);
      expect(looked.lookAgainAt).toBe(NOW - 59 * MINUTE);
    });

    it('says so of a rollout that is under way', () => {
      const rollout = { ...DEPLOYMENT.rollout, progress: 'rolling', startedAt: NOW - 31 * MINUTE } as const;
      const looked = paused(30, { deployment: { rollout } });
      expect(looked.told).toContain('ServerReady False RotationFailed');
      expect(said(looked, 'ServerReady')).toContain(END);
    });

    it('says so where nobody may begin it', () => {
      const standing: Standing = { state: 'Barred', lease: 'argo-access/lease', message: 'may not' };
      const looked = paused(60, { standing, deployment: {} });
      expect(looked.told).toContain('SecretReady False RotationFailed');
      expect(said(looked)).toContain(END);
    });

    it('leaves that to whoever leads, and repeats what that one has told', () => {
      const { conditions = [] } = paused(60);
      const standing: Standing = { state: 'Undecided' };
      const seen = rotating({ life, deployment: {}, now: NOW - 60 * MINUTE, standing });
      const told = look({
        ...seen,
        policy: { ...seen.policy, status: { ...seen.policy.status, conditions } },
      });
      expect(said(told)).toBe(said(paused(60)));
    });
  });

  it('says ahead of time that no rotation will begin without what its overlap needs, and stays Ready', () => {
    for (const [given, reason] of [
      [{ overlap: '1h', covered: false }, 'OverlapNeedsPolicy'],
      [{ overlap: '119m' }, 'RotatedPeriodTooShort'],
    ] as const) {
      const ahead = look(rotating({ ...given, deployment: {} }));
      expect(ahead.told).toEqual([`Ready True ${reason}`, `SecretReady True ${reason}`]);
      const due = look(rotating({ ...given, deployment: {}, now: NOW + 24 * HOUR }));
      expect(due.told).toEqual(['Ready True RotationPostponed', 'SecretReady True RotationPostponed']);
      const message = due.conditions?.find(({ type }) => type === 'SecretReady')?.message ?? '';
      const obstacle = message.replace('the rotation waits until ', '');
      expect(ahead.conditions?.find(({ type }) => type === 'SecretReady')?.message).toBe(
        `no rotation begins until ${obstacle}`,
      );
    }
  });

  it('rotates nothing where the client policies cannot be read, and leaves all else as it is', () => {
    const due = rotating({ now: NOW + 24 * HOUR, deployment: {}, covered: false });
    if (due.keycloak.state !== 'Observed') throw new Error('Keycloak has answered');
    const hidden = { ...due.keycloak, coverageHidden: 'the role view-realm is missing' };
    const { made, told, conditions } = look({ ...due, keycloak: hidden });
    expect(made).toEqual([]);
    expect(told).toContain('SecretReady False RotationUnknown');
    expect(told).toContain('Stalled True RotationUnknown');
    expect(conditions?.find(({ type }) => type === 'SecretReady')?.message).toContain('view-realm');
    expect(told.filter(line => /Client|Roles/.test(line))).toEqual([]);
  });

  describe('that only another operator may begin', () => {
    const FOLLOWS: Standing = { state: 'Follows', lease: 'argo-access/lease', holder: 'pod-2' };
    const UNTIL = 'the rotation waits until ';
    /** Twelve hours after the tick, or some minutes. */
    const waits = (standing: Standing, minutes = 12 * 60) => {
      const due = Date.parse(look(rotating()).secret?.nextRotation ?? '');
      return rotating({ now: due + minutes * MINUTE, deployment: {}, standing });
    };
    const said = (observation: Observation) => {
      const { made, told, conditions } = look(observation);
      expect(made).toEqual([]);
      return told.length === 0 ? '' : conditions?.find(({ type }) => type === 'SecretReady')?.message;
    };

    it('is no matter of ours, unless that one is ten minutes late', () => {
      expect(said(waits(FOLLOWS, 9))).toBe('');
      expect(said(waits(FOLLOWS, 11))).toBe(
        `${UNTIL}operator pod-2 begins it, which holds Lease argo-access/lease; it is overdue: see the log of that operator`,
      );
    });

    it('is silent as long as it is not known who leads', () => {
      expect(said(waits({ state: 'Undecided' }))).toBe('');
    });

    it('tells why the Lease cannot be held, and what to do', () => {
      const barred: Standing = { state: 'Barred', lease: 'argo-access/lease', message: 'may not' };
      expect(said(waits(barred, 0))).toBe(
        `${UNTIL}this operator can hold Lease argo-access/lease: may not; where a right is missing, apply the output of \`argo-access rbac --config FILE\``,
      );
      const { told } = look(waits(barred, 0));
      expect(told).toEqual(['Ready True RotationPostponed', 'SecretReady True RotationPostponed']);
    });

    it('tells that an answer was lost', () => {
      expect(said(waits({ state: 'Held' }, 0))).toContain('a minute has passed since the answer to the last');
    });

    it('leaves what whoever leads has told of it, or nobody yet could', () => {
      const paused = look(rotating({ now: NOW + 24 * HOUR, deployment: { paused: true } }));
      const { conditions = [] } = paused;
      for (const standing of [FOLLOWS, { state: 'Undecided' }] as const) {
        const seen = waits(standing, 9);
        const policy = { ...seen.policy, status: { ...seen.policy.status, conditions } };
        expect(said({ ...seen, policy })).toContain(`${UNTIL}Deployment argo-server is resumed`);
      }
    });

    it('says nothing of it before it is due', () => {
      for (const state of ['Held', 'Undecided'] as const)
        expect(look(rotating({ deployment: {}, standing: { state } })).told).toEqual([]);
    });

    it('is ten minutes late with the end of an old secret as well', () => {
      const life = { rotated: { expiresAt: NOW + HOUR } };
      const rollout = { ...DEPLOYMENT.rollout, completedAt: NOW - 30 * MINUTE };
      const over = (minutes: number) =>
        rotating({
          life,
          overlap: '30m',
          deployment: { rollout },
          standing: FOLLOWS,
          now: NOW + minutes * MINUTE,
        });
      expect(said(over(9))).toBe('');
      expect(said(over(11))).toContain('operator pod-2');
    });
  });

  it('restarts Argo Server that has read something else, and is not Ready until it has', () => {
    const late = rotating({ deployment: {}, rolled: false });
    expect(look(late).made).toEqual(['RollDeployment']);
    const rollout = {
      progress: 'rolling',
      startedAt: NOW - MINUTE,
      completedAt: undefined,
      why: 'pulling',
    } as const;
    const { told, retry, lookAgainAt } = look(rotating({ deployment: { rollout } }));
    expect(told).toEqual([
      'Ready False AwaitingRollout',
      'Reconciling True AwaitingRollout',
      'ServerReady False AwaitingRollout',
    ]);
    // The watch tells of its end; its deadline, and what its pods lack, have to be looked for.
    expect([retry, lookAgainAt]).toEqual([false, NOW + MINUTE]);
  });

  it('is not told to wait for a rollout where one pod of several is missing', () => {
    const rollout = { ...DEPLOYMENT.rollout, progress: 'degraded', why: 'no node takes the pod' } as const;
    expect(look(rotating({ deployment: { rollout } }))).toMatchObject({ told: [], made: [] });
  });

  it('is told of an Argo Server of which no pod is left, which is no rotation that failed', () => {
    const rollout = { ...DEPLOYMENT.rollout, progress: 'down', why: 'no node takes the pod' } as const;
    const { told, conditions, retry } = look(rotating({ deployment: { rollout } }));
    expect([told, retry]).toEqual([
      [
        'Ready False ServerUnavailable',
        'Reconciling True ServerUnavailable',
        'ServerReady False ServerUnavailable',
      ],
      false,
    ]);
    expect(conditions?.find(({ type }) => type === 'ServerReady')?.message).toBe(
      'no pod of Deployment argo/argo-server is ready, so that nobody can reach Argo: no node takes the pod; see to its ' +
        'pods, or wait until they have started',
    );
  });

  it('takes the mark from who holds it by an update alone, in the version that was seen, and from nobody else', () => {
    const rolls = (deployment: Partial<Deployment>) => {
      const observation = rotating({ deployment, rolled: false });
      return plan(observation, check(observation)).server;
    };
    const { resourceVersion } = DEPLOYMENT.metadata;
    expect(rolls({ markHeld: 'Update' })).toMatchObject([
      { kind: 'RollDeployment', takenIn: resourceVersion },
    ]);
    for (const held of [{}, { markHeld: 'Apply' }] as const) {
      expect(rolls(held)).toHaveLength(1);
      expect(rolls(held)[0]).not.toHaveProperty('takenIn');
    }
  });

  it('knows of a restart that takes Argo Server away', () => {
    const { told, conditions } = look(rotating({ deployment: { interrupts: true } }));
    expect(told).toContain('Ready True RestartInterrupts');
    expect(conditions?.find(({ type }) => type === 'Ready')?.message).toContain(
      'Deployment argo-server takes',
    );
  });

  describe('shows which revision Argo Server runs with', () => {
    const rolled = (deployment: Partial<Deployment>, before?: number) => {
      const seen = rotating({ deployment });
      const secret = { name: 'argo-server-sso', revision: 1, ...(before && { rolledRevision: before }) };
      const policy = { ...seen.policy, status: { ...seen.policy.status, secret } };
      return viewStatus({ ...seen, policy }).secret?.rolledRevision;
    };
    const rolling = { ...DEPLOYMENT.rollout, progress: 'rolling' } as const;

    it.each([
      ['once its pods have read it', {}, undefined, 1],
      ['while nobody has marked them', { templateAnnotations: {} }, 1, undefined],
      [
        'not that of a former Secret',
        { templateAnnotations: { [ANNOTATION_ROLLED]: '7-0123456789abcdef' } },
        1,
        undefined,
      ],
      ['the former one during a rollout', { rollout: rolling }, 1, 1],
      ['none during the first', { rollout: rolling }, undefined, undefined],
    ] as const)('%s', (_, deployment, before, expected) => {
      expect(rolled(deployment, before)).toBe(expected);
    });
  });

  it('is Stalled by a rollout that does not come to its end, and says what is wrong', () => {
    const rollout = {
      progress: 'failed',
      startedAt: NOW,
      completedAt: undefined,
      why: 'ImagePullBackOff',
    } as const;
    const { told, conditions } = look(rotating({ deployment: { rollout } }));
    expect(told).toContain('Stalled True RotationFailed');
    expect(conditions?.find(({ type }) => type === 'ServerReady')?.message).toContain('ImagePullBackOff');
  });

  it.each([
    [{ paused: true }, { rolled: false }],
    [{}, { rolled: false, issuerAnswers: false }],
  ] as const)('does not restart Argo Server in vain: %j %j', (deployment, given) => {
    const { made, told } = look(rotating({ ...given, deployment }));
    expect(made).toEqual([]);
    expect(told).toContain('ServerReady False RolloutPostponed');
    expect(told).toContain('Reconciling True RolloutPostponed');
  });

  it('is Stalled where there is no Argo Server', () => {
    const { made, told } = look(rotating({ now: NOW + 24 * HOUR, deployment: 'missing' }));
    expect(made).toEqual([]);
    expect(told).toContain('Stalled True DeploymentMissing');
  });

  it('leaves the old secret for the overlap, and ends it then', () => {
    const life = { rotated: { expiresAt: NOW + HOUR } };
    const given = {
      life,
      overlap: '1h',
      deployment: { rollout: { ...DEPLOYMENT.rollout, completedAt: NOW - 30 * MINUTE } },
    };
    const during = look(rotating(given));
    expect([during.made, during.told]).toEqual([
      [],
      ['Ready True Overlapping', 'SecretReady True Overlapping'],
    ]);
    expect(during.secret?.overlapUntil).toBe('2026-03-01T12:30:00Z');
    expect(look(rotating({ ...given, now: NOW + 31 * MINUTE })).made).toEqual(['EndOverlap']);
  });

  it('holds them back no longer than the old secret is valid', () => {
    const client = { baseUrl: 'https://elsewhere.example.com' };
    for (const expiresAt of [NOW - HOUR, undefined]) {
      const over = look(
        rotating({ life: { rotated: { expiresAt } }, covered: false, deployment: {}, client }),
      );
      expect(over.made).toContain('UpdateClient');
      expect(over.told.filter(line => line.startsWith('ClientReady'))).not.toContain(
        'ClientReady False Overlapping',
      );
    }
  });

  it('is not looked at in a hurry where what is due was not done', () => {
    const due = rotating({ deployment: {}, rolled: false });
    expect(look(due).made).toEqual(['RollDeployment']);
    expect(look(due).lookAgainAt).toBe(NOW + MINUTE);
  });

  it('holds changes of the client back that would end the old secret', () => {
    const life = { rotated: { expiresAt: NOW + HOUR } };
    const client = { baseUrl: 'https://elsewhere.example.com' };
    const held = look(rotating({ life, covered: false, deployment: {}, client }));
    expect(held.made).toEqual([]);
    expect(held.told).toContain('ClientReady False Overlapping');
    expect(look(rotating({ life, deployment: {}, client })).made).toEqual(['UpdateClient']);
  });

  it('asks about a secret that has ended, and replaces it, before anything else', () => {
    const life = { expiresAt: NOW - MINUTE };
    const client = { baseUrl: 'https://elsewhere.example.com' };
    const seen = rotating({ life, deployment: {}, client });
    expect(look(seen).made).toEqual(['ProveSecret']);
    for (const result of ['refused', 'proved'] as const) {
      const proof = { revision: 1, result, message: '' };
      expect(look({ ...seen, proof }).made).toEqual([...ASKED_BEFORE, 'RegenerateSecret']);
    }
  });
});
