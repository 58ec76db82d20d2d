import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { settingsOfConfigMap } from '../env/argo-settings.ts';
import type { LoginResult } from '../env/login-load.ts';
import { type Pods, startPods } from '../env/pods.ts';
import { eventually } from '../env/process.ts';
import type { Seen } from '../env/proxy.ts';
import {
  openAcross,
  type RotationLoad,
  type RotationOutcome,
  rotateUnderLoad,
  timeOf,
} from '../env/rotation-load.ts';
import { type RotationStepDone, rotationSteps, STEP } from '../env/rotation-steps.ts';
import { drawTimeline } from '../env/timeline.ts';
import {
  ARGO_SERVER,
  createRotatingWorld,
  freeLease,
  installArgoServer,
  rotatingSpec,
} from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import { applyPolicy, awaitPolicy, HOME, policyPath, type World } from './world.ts';

const CLIENT = 'argo-workflows';
const SECRET = 'argo-server-sso';
const REDIRECT = 'https://workflows.example.com/oauth2/callback';
const USERS = ['ada', 'tim', 'nora', 'olaf'] as const;
/** How many sign in before, and after, at least. */
const FEW = 5;
const HOUR_S = 3600;
/** Long enough for every step to be met by logins, and for failures to be seen; in milliseconds. */
const WRITE_TAKES = 300;
const START_TAKES = 1_000;
const SLOW_START_TAKES = 3_000;
const ROLLOUT_SLACK = 10_000;
const WIDTH = 110;

let world: World;
let client: KubernetesClient;
let pods: Pods;
let startTakes = START_TAKES;

/** Writes of the Secret's value and of the Deployment, which take their time here. */
const isShared = ({ method, path }: Seen) =>
  method === 'PATCH' && (path.includes(`/secrets/${SECRET}`) || path.includes('/deployments/'));

const annotate = (annotations: Readonly<Record<string, string>>) =>
  world.send('PATCH', policyPath('workflows'), { metadata: { annotations } }, 'application/merge-patch+json');

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'], resyncPeriod: '2s' });
  const { admin, realm } = world;
  for (const username of USERS) await admin.createUser(realm, { username, groups: [] });
  await admin.coverByRotationPolicy(realm, {
    secretPeriodSeconds: 1000 * 24 * HOUR_S,
    rotatedPeriodSeconds: 2 * HOUR_S,
  });
  await installArgoServer(world);
  await letServerWork(world);
  client = createKubernetesClient({ kubeconfigPath: world.kubernetes.kubeconfigPath });
  pods = await startPods({
    client,
    namespace: HOME,
    deployment: ARGO_SERVER,
    readSettings: () => settingsOfConfigMap(client, HOME),
    fate: () => ({ kind: 'starts', afterMs: startTakes }),
  });
  await world.api.fail({ kind: 'delay', ms: WRITE_TAKES, matches: isShared });
  await freeLease(world);
  await world.startOperator();
  await applyPolicy(world, rotatingSpec({ schedule: '@yearly', overlap: '2s' }));
  await settled(1);
});

afterAll(async () => {
  await pods?.stop();
  await client?.close();
  await world?.stop();
});

/** Waits until a revision of the secret is proved, and pods that have read it serve alone. */
async function settled(revision: number): Promise<void> {
  await awaitPolicy(world, `serves revision ${revision}`, ({ status }) => {
    const reasons = status?.conditions?.map(({ reason }) => reason) ?? [];
    return status?.secret?.provedRevision === revision && !reasons.includes('AwaitingRollout');
  });
  await eventually('one pod serves', async () => pods.ready().length === 1);
}

async function stepsSince(since: number): Promise<readonly RotationStepDone[]> {
  return rotationSteps({ log: await world.operator().log(), pods: pods.events, secret: SECRET }, since);
}

interface Rotation extends RotationOutcome {
  readonly chart: string;
}

/** Rotates the secret by hand while users sign in. */
async function rotate(options: Pick<RotationLoad, 'names' | 'atATime' | 'atLeast'>): Promise<Rotation> {
  const { admin, realm } = world;
  const outcome = await rotateUnderLoad({
    ...options,
    load: { site: { service: pods.service, redirectUri: REDIRECT }, users: USERS, concurrency: 1 },
    around: FEW,
    begin: () => annotate({ [ANNOTATION_ROTATE_REQUESTED]: new Date().toISOString() }),
    currentSecret: async () => (await admin.clientSecretState(realm, CLIENT)).current,
    stepsSince,
  });
  return { ...outcome, chart: drawTimeline(outcome.steps, outcome.results, WIDTH) };
}

function endedBetween({ results }: Rotation, from: number, to: number): readonly LoginResult[] {
  return results.filter(({ doneAt }) => doneAt > from && doneAt < to);
}

const ALL = Object.values(STEP);

describe('people who sign in while the secret rotates', () => {
  it('all get in where the realm keeps the old secret, however long they sit at the form', {
    timeout: 240_000,
  }, async () => {
    const rotation = await rotate({ names: ALL, atATime: 20, atLeast: 200 });
    expect(rotation.failed, rotation.chart).toEqual([]);
    expect(rotation.results.length).toBeGreaterThanOrEqual(200);
    expect(rotation.steps.map(({ name }) => name)).toEqual(ALL);
    const open = openAcross(rotation);
    expect(open).toHaveLength(ALL.length);
    expect(Math.min(...open), rotation.chart).toBeGreaterThanOrEqual(20);
    await settled(2);
  });

  it('go on meanwhile, and all get in, where Argo Server is slow to start', async () => {
    startTakes = SLOW_START_TAKES;
    const rotation = await rotate({ names: ALL, atATime: 5, atLeast: 40 });
    expect(rotation.failed, rotation.chart).toEqual([]);
    const [rolled, ready] = [timeOf(rotation, STEP.rolled), timeOf(rotation, STEP.ready)];
    expect(ready - rolled).toBeGreaterThan(SLOW_START_TAKES / 2);
    expect(endedBetween(rotation, rolled, ready).length, rotation.chart).toBeGreaterThanOrEqual(10);
    await settled(3);
  });

  it('are refused without that from the new secret until the old pod is gone, and at no other time', async () => {
    startTakes = START_TAKES;
    await world.admin.removeRotationPolicy(world.realm);
    await applyPolicy(world, rotatingSpec({ schedule: '@yearly' }));
    await awaitPolicy(
      world,
      'says what it costs',
      (_, condition) => condition('SecretReady')?.reason === 'NoOverlap',
    );
    const names = ALL.filter(name => name !== STEP.ended);
    const rotation = await rotate({ names, atATime: 10, atLeast: 60 });
    const { failed, results, chart } = rotation;
    expect(rotation.steps.map(({ name }) => name)).toEqual(names);
    expect(failed.length, chart).toBeGreaterThanOrEqual(10);
    const refused = { ok: false, status: 401, reason: expect.stringContaining('unauthorized_client') };
    expect(failed).toEqual(failed.map(() => expect.objectContaining(refused)));
    const [before, gone] = [timeOf(rotation, STEP.regenerated), timeOf(rotation, STEP.gone)];
    expect(failed.filter(({ doneAt }) => doneAt < before || doneAt > gone)).toEqual([]);
    expect(endedBetween(rotation, 0, before).length, chart).toBeGreaterThanOrEqual(FEW);
    expect(endedBetween(rotation, gone, Date.now()).length, chart).toBeGreaterThanOrEqual(FEW);
    expect(gone - timeOf(rotation, STEP.rolled)).toBeLessThan(START_TAKES + ROLLOUT_SLACK);
    await settled(4);
    console.log(
      `without the realm's policy ${failed.length} of ${results.length} logins failed, all of them within the ` +
        `${gone - before} ms from the new secret until the old pod was gone\n${chart}`,
    );
  });
});
