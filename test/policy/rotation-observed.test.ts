import { describe, expect, it } from 'vitest';
import {
  ANNOTATION_REVISION,
  ANNOTATION_ROLLED,
  ANNOTATION_ROTATE_HANDLED,
  ANNOTATION_SECRET_CREATED,
  ANNOTATION_SECRET_SINCE,
} from '../../operator/api/names.ts';
import type { Deployment } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Condition } from '../../operator/api/status-schema.ts';
import { formatTime } from '../../operator/api/time.ts';
import type { SecretLife } from '../../operator/policy/keycloak-types.ts';
import { NO_SERVER } from '../../operator/policy/nothing-seen.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import {
  annotationsOf,
  marksOf,
  ROLLOUT_DEADLINE,
  rotationProblem,
  rotationView,
} from '../../operator/policy/rotation-observed.ts';
import { parseSchedule } from '../../operator/schedule.ts';
import { makeClient, makePolicy, NOW, observe } from './fixtures.ts';
import { keycloakWith, MANAGED, makeMeta, makeSecret, SPEC } from './objects.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

interface Written {
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly overlap?: string;
}

function rotating(
  { schedule = '@daily', timeZone = 'UTC', overlap }: Written,
  overrides: Partial<Observation> = {},
) {
  const secret = { ...SPEC.client.secret, rotation: { schedule, timeZone, ...(overlap && { overlap }) } };
  const policy = makePolicy({ ...SPEC, client: { ...SPEC.client, secret } });
  const client = makeClient({ secret: new SecretValue('s3cret') });
  return observe(policy, {
    keycloak: keycloakWith(client),
    rotation: {
      schedule: parseSchedule(schedule, timeZone),
      request: undefined,
      standing: { state: 'Leads' },
    },
    ...overrides,
  });
}

const LIFE: SecretLife = {
  createdAt: NOW - HOUR,
  expiresAt: NOW + HOUR,
  rotated: { expiresAt: NOW + MINUTE },
};

const DEPLOYMENT: Deployment = {
  kind: 'Deployment',
  metadata: makeMeta('argo-server'),
  templateAnnotations: { [ANNOTATION_ROLLED]: '3-x' },
  paused: true,
  rollout: { progress: 'rolling', startedAt: NOW, completedAt: undefined, why: 'quota' },
  serviceAccountName: 'argo-server',
  containers: [],
  selector: {},
};

describe('what is written of a rotation', () => {
  it.each([
    [{}, undefined],
    [{ schedule: 'never' }, /^spec\.client\.secret\.rotation\.schedule: "never" is not five fields/],
    [
      { timeZone: 'Mars/Base' },
      /^spec\.client\.secret\.rotation\.timeZone: time zone "Mars\/Base" is unknown/,
    ],
    [{ schedule: '*/5 * * * *' }, /schedule: "\*\/5 \* \* \* \*" comes again before .* up to 10 minutes/],
    [{ schedule: '*/10 * * * *' }, undefined],
    [{ schedule: '@hourly', overlap: '50m' }, undefined],
    [{ schedule: '@hourly', overlap: '51m' }, /up to 61 minutes/],
    [{ schedule: '@daily', overlap: '720h' }, /up to 720 hours and 10 minutes \(/],
  ])('%j', (written, problem) => {
    const said = rotationProblem(rotating(written));
    if (problem === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(problem);
  });

  it('is nothing where there is no schedule', () => {
    expect(rotationProblem(observe(makePolicy(SPEC)))).toBeUndefined();
  });
});

describe('what decides on a rotation', () => {
  it('is nothing where no client is seen', () => {
    expect(rotationView(rotating({}, { keycloak: { state: 'NotAsked' } }))).toBeUndefined();
    expect(rotationView(rotating({}, { keycloak: keycloakWith(undefined) }))).toBeUndefined();
  });

  it('takes Keycloak, realm and clock as they were observed', () => {
    const client = makeClient({ secret: new SecretValue('s3cret'), secretLife: LIFE, enabled: false });
    const keycloak = keycloakWith(client, { coverage: { rotatedPeriod: HOUR }, issuerAnswers: false });
    const view = rotationView(rotating({ overlap: '1h' }, { keycloak }));
    expect(view).toMatchObject({
      now: NOW,
      leading: true,
      rolloutDeadline: ROLLOUT_DEADLINE,
      keycloak: { ...LIFE, enabled: false, coverage: { rotatedPeriod: HOUR }, coverageHidden: false },
      issuerAnswers: false,
      serverObstacle: undefined,
      secret: undefined,
      deployment: undefined,
      overlap: HOUR,
    });
    // Midnight of the fixture's next day.
    expect(view?.rules?.tickAfter(NOW)).toBe(Date.parse('2026-03-02T00:00:00Z'));
  });

  it('has no rules where what is written cannot be followed', () => {
    expect(rotationView(rotating({ schedule: '*/5 * * * *' }))?.rules).toBeUndefined();
  });

  it('adds at most a tenth of the period, always the same for a policy', () => {
    const jitter = rotationView(rotating({ schedule: '@hourly' }))?.rules?.jitter ?? Number.NaN;
    expect(jitter).toBeGreaterThanOrEqual(0);
    expect(jitter).toBeLessThanOrEqual(6 * MINUTE);
    expect(rotationView(rotating({ schedule: '@hourly' }))?.rules?.jitter).toBe(jitter);
  });

  it('reads the Secret: value, marks, what was proved, and what pods are to be marked with', () => {
    const annotations = {
      [ANNOTATION_REVISION]: '3',
      ...annotationsOf({ created: NOW - HOUR, since: NOW, handled: 'now!' }),
    };
    const data = { 'client-id': SPEC.client.clientId, 'client-secret': 's3cret' };
    const secret = makeSecret('argo-server-sso', data, { annotations });
    const held = rotationView(rotating({}, { secrets: [secret] }))?.secret;
    expect(held).toMatchObject({
      holdsValue: true,
      isUntouched: false,
      marks: { created: NOW - HOUR, since: NOW, handled: 'now!' },
      proof: 'missing',
    });
    expect(held?.mark).toMatch(/^3-[0-9a-f]{16}$/);
    const managed = { ...MANAGED, data: Object.keys(data) };
    const other = makeSecret(
      'argo-server-sso',
      { ...data, 'client-secret': 'old' },
      { annotations, managed },
    );
    const proof = { revision: 3, result: 'refused', message: '' } as const;
    expect(rotationView(rotating({}, { secrets: [other], proof }))?.secret).toMatchObject({
      holdsValue: false,
      isUntouched: true,
      proof: 'refused',
    });
  });

  it('reads the Deployment, and that somebody takes its mark off', () => {
    const server = {
      configMap: undefined,
      deployment: { state: 'found', object: DEPLOYMENT },
      missingAccess: undefined,
      groupFilter: { invalid: [], dropped: [] },
      delegating: [],
      cookieKey: undefined,
    } as const;
    const rollout = { progress: 'rolling', startedAt: NOW, completedAt: undefined, why: 'quota' };
    const seen = { state: 'found', mark: '3-x', paused: true, reverted: false, ...rollout };
    expect(rotationView(rotating({}, { server }))?.deployment).toEqual(seen);
    const contested = [{ part: 'server', kind: 'Deployment', what: 'Deployment argo/argo-server' }] as const;
    expect(rotationView(rotating({}, { server, contested }))?.deployment).toEqual({
      ...seen,
      reverted: true,
    });
    const missing = { ...server, deployment: { state: 'missing' } } as const;
    expect(rotationView(rotating({}, { server: missing }))?.deployment).toEqual({ state: 'missing' });
  });
});

describe('a rollout under way began', () => {
  const rolling = (
    startedAt: number | undefined,
    { since, told }: { since?: number; told?: Partial<Condition> },
  ) => {
    const secret = makeSecret(
      'argo-server-sso',
      { 'client-secret': 's3cret' },
      { annotations: annotationsOf({ created: NOW, since, handled: undefined }) },
    );
    const rollout = { progress: 'rolling', startedAt, completedAt: undefined, why: undefined } as const;
    const seen = rotating(
      {},
      {
        secrets: [secret],
        server: { ...NO_SERVER, deployment: { state: 'found', object: { ...DEPLOYMENT, rollout } } },
      },
    );
    const condition = { type: 'ServerReady', message: '', reason: 'x', observedGeneration: 1, ...told };
    const conditions = told === undefined ? [] : [condition as Condition];
    const policy = { ...seen.policy, status: { ...seen.policy.status, conditions } };
    const deployment = rotationView({ ...seen, policy })?.deployment;
    return deployment?.state === 'found' ? deployment.startedAt : undefined;
  };
  const waiting = (ago: number) =>
    ({ status: 'False', lastTransitionTime: formatTime(NOW - ago) }) as const satisfies Partial<Condition>;

  it.each([
    ['just now, where it was not waited for yet', NOW - HOUR, {}, NOW],
    ['just now, where all was well', NOW - HOUR, { told: { ...waiting(HOUR), status: 'True' } }, NOW],
    ['when it says so', NOW - MINUTE, { told: waiting(HOUR) }, NOW - MINUTE],
    ['when it was first waited for, where nobody tells', undefined, { told: waiting(HOUR) }, NOW - HOUR],
    [
      'when its secret came, whatever was waited for before',
      undefined,
      { since: NOW - MINUTE, told: waiting(HOUR) },
      NOW - MINUTE,
    ],
    [
      'no later than now, whatever a clock was set to',
      undefined,
      { since: NOW + HOUR, told: waiting(-HOUR) },
      NOW,
    ],
  ] as const)('%s', (_, startedAt, given, expected) => {
    expect(rolling(startedAt, given)).toBe(expected);
  });
});

describe('the marks of a Secret', () => {
  it('come back as they were written', () => {
    const marks = { created: NOW, since: NOW + 1, handled: '2026-01-31T09:30:00+01:00' };
    expect(marksOf(makeSecret('a', {}, { annotations: annotationsOf(marks) }))).toEqual(marks);
    expect(annotationsOf({ created: undefined, since: undefined, handled: undefined })).toEqual({});
  });

  it('are nothing where somebody has damaged them', () => {
    const annotations = {
      [ANNOTATION_SECRET_CREATED]: 'yesterday',
      [ANNOTATION_SECRET_SINCE]: formatTime(NOW).slice(0, 10),
      [ANNOTATION_ROTATE_HANDLED]: 'x',
    };
    expect(marksOf(makeSecret('a', {}, { annotations }))).toEqual({
      created: undefined,
      since: undefined,
      handled: 'x',
    });
  });
});
