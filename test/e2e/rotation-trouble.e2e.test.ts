import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ANNOTATION_REVISION,
  ANNOTATION_ROLLED,
  ANNOTATION_ROTATE_REQUESTED,
} from '../../operator/api/names.ts';
import { formatTime } from '../../operator/api/time.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { leaseName } from '../../operator/rbac.ts';
import { settingsOfConfigMap } from '../env/argo-settings.ts';
import { type Pods, startPods } from '../env/pods.ts';
import { eventually } from '../env/process.ts';
import type { Fault, Seen } from '../env/proxy.ts';
import { createTestClock } from './clock.ts';
import { assertNoLeak } from './leaks.ts';
import { edit } from './quiet.ts';
import {
  ARGO_SERVER,
  createRotatingWorld,
  DEPLOYMENT_PATH,
  freeLease,
  installArgoServer,
  rotatingSpec,
} from './rotating-world.ts';
import {
  annotate,
  awaitNextSecond,
  CLIENT,
  eventsOf,
  isAccepted,
  letServerWork,
  MINUTE,
  reasonsSince,
  regenerations,
  SECOND,
  SECRET_PATH,
  type Sight,
  sightOf,
} from './rotation-looks.ts';
import {
  applyMarkAs,
  applySettingsAs,
  awaitServer,
  conditionOf,
  createDeployment,
  editDeployment,
  glance,
  rolledMark,
  settingsData,
  sharedWrites,
} from './server-looks.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  type GotPolicy,
  HOME,
  OPERATOR_NAMESPACE,
  policyPath,
  type World,
} from './world.ts';

const isRegeneration = ({ method, path }: Seen) => method === 'POST' && path.endsWith('/client-secret');
const isDiscovery = ({ path }: Seen) => path.includes('/.well-known/openid-configuration');
/** The answer to a sign-in would be another one. */
const isProof = ({ path, status }: Seen) => path.endsWith('/protocol/openid-connect/token') && status === 400;
const MERGE_PATCH = 'application/merge-patch+json';

const clock = createTestClock();
let world: World;
/** Secrets that were replaced, and must not have been shown either. */
const former = new Set<string>();
let before: Sight;

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await installArgoServer(world, { replicas: 0 });
  await freeLease(world);
  await world.startOperatorHere(clock);
  await applyPolicy(world, rotatingSpec({ schedule: '@yearly' }));
});
afterAll(() => world?.stop());

/** Begins a test from how things stand. */
async function begin(): Promise<void> {
  await awaitNextSecond(world);
  clock.advance(3 * SECOND);
  world.api.reset();
  world.keycloak.reset();
  before = await sightOf(world);
  former.add(before.keycloak).add(before.held);
}

function request(): Promise<unknown> {
  return annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: formatTime(clock.now()) });
}

/** Waits until all is as it should be; shows that there were so many new secrets since, and nothing was lost. */
async function expectPeace(secrets: number): Promise<Sight> {
  await awaitReady(world);
  await glance(world);
  await awaitReady(world);
  const after = await sightOf(world);
  former.add(after.held);
  expect(regenerations(world)).toBe(secrets);
  expect(after.held).toBe(after.keycloak);
  expect(after.held === before.held).toBe(secrets === 0);
  expect(await isAccepted(world, after.held)).toBe(true);
  return after;
}

describe('the account of Argo Server', () => {
  it('that lacks rights is told of, and is fine once they are there', async () => {
    const said = await awaitServer(world, { reason: 'ServerAccessMissing' });
    expect(said.message).toContain(
      'ServiceAccount argo/default of Argo Server may not get serviceaccounts, list serviceaccounts, ' +
        'watch serviceaccounts, create secrets',
    );
    await letServerWork(world);
    await glance(world);
    await awaitReady(world);
  });
});

describe('Argo Server’s Deployment', () => {
  beforeEach(begin);

  it('was rolled once for a new policy, and is not for what Argo does not read at its start', async () => {
    expect(before.rolled).toMatch(/^1-[0-9a-f]{16}$/);
    const viewer = { name: 'viewer', everyone: true, grants: [{ clusterRole: 'argo-access-viewer' }] };
    await applyPolicy(world, rotatingSpec({ schedule: '@yearly' }, { roles: [viewer] }));
    await awaitReady(world);
    expect(sharedWrites(world)).toEqual({ settings: 0, rollouts: 0 });
  });

  it('is rolled once for other settings', async () => {
    const { server, ...spec } = rotatingSpec({ schedule: '@yearly' });
    await applyPolicy(world, { ...spec, server: { ...(server as object), sessionExpiry: '8h' } });
    const after = await expectPeace(0);
    expect(after.rolled).not.toBe(before.rolled);
    expect(sharedWrites(world)).toEqual({ settings: 1, rollouts: 1 });
  });

  it('whose mark another manager holds too gets no new secret, before anything is done', async () => {
    await applyMarkAs(world, 'other', before.rolled);
    await request();
    const said = await awaitServer(world, { reason: 'FieldTaken', message: '"other"' });
    expect(said.status).toBe('False');
    expect(said.message).toContain('take the annotation out of what that one applies');
    expect([regenerations(world), sharedWrites(world).rollouts]).toEqual([0, 0]);
    const policy = await world.get<GotPolicy>(policyPath('workflows'));
    expect(policy && conditionOf(policy, 'SecretReady').status).toBe('True');
    await applyMarkAs(world, 'other', undefined);
    await glance(world);
    await expectPeace(1);
  });

  it('is not rolled while the issuer does not answer', async () => {
    await world.keycloak.fail({ kind: 'status', status: 503, matches: isDiscovery });
    await applyPolicy(world, rotatingSpec({ schedule: '@yearly' }));
    await awaitServer(world, { reason: 'RolloutPostponed', message: 'issuer' });
    expect(sharedWrites(world)).toEqual({ settings: 1, rollouts: 0 });
    await world.keycloak.heal();
    await glance(world);
    await expectPeace(0);
    expect(sharedWrites(world).rollouts).toBe(1);
  });

  it('that is paused is not rolled before it is resumed', async () => {
    await editDeployment(world, { paused: true });
    await glance(world);
    await request();
    const paused = await awaitPolicy(
      world,
      'says that it waits',
      (_, c) => c('SecretReady')?.reason === 'RotationPostponed',
    );
    expect(conditionOf(paused, 'SecretReady').message).toContain(
      'until Deployment argo-server is resumed: kubectl rollout resume deployment/argo-server',
    );
    expect(regenerations(world)).toBe(0);
    await editDeployment(world, { paused: false });
    await glance(world);
    await expectPeace(1);
  });

  it('is rolled for a new secret, whatever number somebody has given the present one', async () => {
    await edit(world, SECRET_PATH, { metadata: { annotations: { [ANNOTATION_REVISION]: '99999999' } } });
    const read = (isMeant: (sight: Sight) => boolean) =>
      eventually('Argo Server has read what the Secret has', async () => {
        const sight = await sightOf(world);
        const { rolledRevision, provedRevision } = sight.policy.status?.secret ?? {};
        const isRead = rolledRevision === sight.revision && provedRevision === sight.revision;
        return isRead && isMeant(sight) && sight;
      });
    const numbered = await read(() => true);
    await request();
    const after = await read(({ held }) => held !== before.held);
    expect(after.rolled).not.toBe(numbered.rolled);
    expect(after.rolled).toMatch(new RegExp(`^${after.revision}-`));
    await expectPeace(1);
    // Numbers begin anew: that Argo Server was restarted with the same ones before is no fight over them.
    clock.advance(61 * MINUTE);
  });

  it('that is gone is told of, and rolled once it is there again', async () => {
    await world.send('DELETE', DEPLOYMENT_PATH);
    await awaitServer(world, { reason: 'DeploymentMissing' });
    await request();
    await glance(world);
    expect(regenerations(world)).toBe(0);
    await createDeployment(world, { replicas: 0 });
    const after = await expectPeace(1);
    expect(after.rolled).toMatch(new RegExp(`^${before.revision + 1}-`));
  });

  it('from which something takes the mark each time is rolled three times in all, and then left alone', async () => {
    const strip = async () => {
      for (;;) {
        if (stopped) return;
        if ((await sightOf(world)).rolled !== '') {
          stripped += 1;
          const annotations = { [ANNOTATION_ROLLED]: null };
          await editDeployment(world, { template: { metadata: { annotations } } });
        }
      }
    };
    let stopped = false;
    let stripped = 0;
    const stripping = strip();
    try {
      await awaitServer(world, { reason: 'RolloutPostponed', message: 'off the pod template' });
    } finally {
      stopped = true;
      await stripping;
    }
    // The first of three was the rotation's own, before.
    expect(sharedWrites(world).rollouts).toBe(2);
    expect(stripped).toBe(3);
    await request();
    await glance(world);
    await glance(world);
    expect([sharedWrites(world).rollouts, regenerations(world)]).toEqual([2, 0]);
    const { held, keycloak } = await sightOf(world);
    expect([held, keycloak]).toEqual([before.held, before.keycloak]);
    clock.advance(61 * MINUTE);
    await glance(world);
    await expectPeace(1);
  });
});

describe('an operator without rights to its Lease', () => {
  const rolePath = () => {
    const name = `argo-access:${OPERATOR_NAMESPACE}:argo-access-operator`;
    return `/apis/rbac.authorization.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/roles/${name}`;
  };
  const mayHoldLease = async () => {
    const [namespace, name] = [OPERATOR_NAMESPACE, leaseName('test')];
    const resourceAttributes = {
      namespace,
      name,
      verb: 'get',
      group: 'coordination.k8s.io',
      resource: 'leases',
    };
    const user = `system:serviceaccount:${OPERATOR_NAMESPACE}:argo-access-operator`;
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const answer = await world.send('POST', path, { spec: { user, resourceAttributes } });
    return (answer as { readonly status: { readonly allowed: boolean } }).status.allowed;
  };
  const told = async () => {
    await glance(world);
    const policy = await world.get<GotPolicy>(policyPath('workflows'));
    if (policy === undefined) return false;
    const { reason, message } = conditionOf(policy, 'SecretReady');
    return reason === 'RotationPostponed' && message;
  };

  it('says so where a rotation is due, and rotates once it has them', async () => {
    await begin();
    await world.operator().stop();
    await world.send('PATCH', rolePath(), { rules: [] }, MERGE_PATCH);
    await eventually('the rights are gone', async () => !(await mayHoldLease()));
    await world.startOperatorHere(clock);
    await glance(world);
    await awaitReady(world);
    await request();
    const message = await eventually('it says so', told);
    expect(message).toContain(
      `until this operator can hold Lease ${OPERATOR_NAMESPACE}/${leaseName('test')}: `,
    );
    expect(message).toContain('cannot get resource "leases"');
    expect(message).toContain('apply the output of `argo-access rbac --config FILE`');
    expect(regenerations(world)).toBe(0);
    await world.configure(config => config);
    await eventually('Keycloak is asked for a new secret', async () => regenerations(world) === 1);
    await expectPeace(1);
  });
});

/** Does something right after Keycloak has made a new secret, before anything else is asked of it. */
function afterRegeneration(action: () => unknown): void {
  world.keycloak.killAfter({
    count: 1,
    matches: isRegeneration,
    answer: 'passed',
    action: async () => {
      await action();
    },
  });
}

async function awaitRegeneration(): Promise<void> {
  await eventually('Keycloak makes a new secret', async () => regenerations(world) > 0, 30_000, 20);
}

describe('in the middle of a rotation', () => {
  beforeEach(begin);

  it.each([
    ['is down', { kind: 'refuse' }],
    ['answers with 503', { kind: 'status', status: 503 }],
  ] satisfies readonly [string, Fault][])(
    'Keycloak %s: that is told, and it goes on afterwards',
    async (_, fault) => {
      // An event comes after its status: those of what was before are not to be counted.
      await glance(world);
      const told = (await eventsOf(world)).length;
      afterRegeneration(() => world.keycloak.fail(fault));
      await request();
      // Not before: a look whose status meets a change of the policy tells nothing.
      await eventually('the new secret is told of', async () => {
        return (await reasonsSince(world, told)).includes('Rotating');
      });
      await glance(world);
      expect((await sightOf(world)).held).toBe(before.held);
      clock.advance(6 * MINUTE);
      await glance(world);
      const policy = await awaitPolicy(
        world,
        'tells of Keycloak',
        (_, c) => c('Ready')?.reason === 'KeycloakUnavailable',
      );
      expect(conditionOf(policy, 'Reconciling').status).toBe('True');
      await world.keycloak.heal();
      await glance(world);
      const after = await expectPeace(1);
      // Without pods the rollout may be complete before it is told of.
      const reasons = await reasonsSince(world, told);
      expect(reasons.slice(0, 2)).toEqual(['Rotating', 'KeycloakUnavailable']);
      expect(after.revision).toBe(before.revision + 1);
      expect(after.rolled).toMatch(new RegExp(`^${after.revision}-`));
    },
  );

  /** Asks for a new secret so that one look proves the present one, and then has the new one made, by what it knows. */
  const requestAfterProof = async () => {
    await world.keycloak.fail({ kind: 'status', status: 503 });
    const status = { secret: { ...before.policy.status?.secret, provedRevision: null } };
    await world.send('PATCH', `${policyPath('workflows')}/status`, { status }, MERGE_PATCH);
    await request();
    await glance(world);
  };

  it('the answer to the request for a new secret is lost: the Secret follows by the very next look', async () => {
    await requestAfterProof();
    const lost = Promise.withResolvers<void>();
    world.keycloak.killAfter({
      count: 1,
      matches: isRegeneration,
      answer: 'lost',
      action: () => lost.resolve(),
    });
    await world.keycloak.heal();
    await glance(world);
    await lost.promise;
    await glance(world);
    const { held, keycloak } = await sightOf(world);
    expect(held).toBe(keycloak);
    await expectPeace(1);
    // So long the request may still be on its way, for the operator.
    clock.advance(MINUTE);
  });

  it('somebody has made a new secret since it was decided on: there is no second one', async () => {
    await requestAfterProof();
    let made = '';
    world.keycloak.killAfter({
      count: 1,
      matches: isProof,
      answer: 'held',
      action: async () => {
        made = await world.admin.regenerate(world.realm, CLIENT);
      },
    });
    await world.keycloak.heal();
    await glance(world);
    await awaitReady(world);
    await glance(world);
    const after = await sightOf(world);
    expect(regenerations(world)).toBe(0);
    expect([after.held, after.keycloak]).toEqual([made, made]);
    expect(after.revision).toBe(before.revision + 1);
    former.add(made);
  });

  it('Keycloak is slow: it comes to its end all the same', async () => {
    afterRegeneration(() => world.keycloak.fail({ kind: 'delay', ms: 200 }));
    await request();
    await awaitRegeneration();
    await awaitPolicy(world, 'has the next revision', ({ status }) => {
      return status?.secret?.provedRevision === before.revision + 1;
    });
    await world.keycloak.heal();
    await expectPeace(1);
  });

  it('the settings are taken by another manager: that is told, and it goes on once they are back', async () => {
    afterRegeneration(() =>
      applySettingsAs(world, 'other', { sso: 'issuer: https://elsewhere.example.com\n' }),
    );
    await request();
    const said = await awaitServer(world, { reason: 'RolloutPostponed', message: '"other"' });
    expect(said.status).toBe('False');
    const taken = await sightOf(world);
    expect([taken.held, taken.revision]).toEqual([taken.keycloak, before.revision + 1]);
    expect(taken.rolled).toBe(before.rolled);
    await applySettingsAs(world, 'other', {});
    await glance(world);
    const after = await expectPeace(1);
    expect(after.rolled).not.toBe(before.rolled);
  });

  it('the policy is deleted: client and Secret go, and what is not its own stays', async () => {
    const settings = await settingsData(world);
    afterRegeneration(() => world.keycloak.fail({ kind: 'refuse' }));
    await request();
    await awaitRegeneration();
    await world.send('DELETE', policyPath('workflows'));
    const going = await awaitPolicy(world, 'waits for Keycloak', (_, c) => {
      return c('Ready')?.message.startsWith('deletion waits: ') === true;
    });
    expect(conditionOf(going, 'Ready').reason).toBe('KeycloakUnavailable');
    await world.keycloak.heal();
    // So that it is tried at once; it may be gone already.
    await annotate(world, { 'example.com/healed': 'true' }).catch(() => {});
    await awaitGone(world);
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeUndefined();
    expect(await world.get(SECRET_PATH)).toBeUndefined();
    expect(await settingsData(world)).toEqual(settings);
    expect(await rolledMark(world)).toBe(before.rolled);
    expect(sharedWrites(world)).toEqual({ settings: 0, rollouts: 0 });
    await applyPolicy(world, rotatingSpec({ schedule: '@yearly' }));
    await awaitReady(world);
  });
});

describe('a rollout that does not come to its end', () => {
  const IMAGE = 'rpc error: code = NotFound desc = image not found';
  let client: KubernetesClient;
  let pods: Pods | undefined;
  let broken = false;

  beforeAll(async () => {
    client = createKubernetesClient({ kubeconfigPath: world.kubernetes.kubeconfigPath });
    pods = await startPods({
      client,
      namespace: HOME,
      deployment: ARGO_SERVER,
      readSettings: () => settingsOfConfigMap(client, HOME),
      fate: () =>
        broken
          ? { kind: 'waits', waiting: { reason: 'ImagePullBackOff', message: IMAGE } }
          : { kind: 'starts' },
    });
    await editDeployment(world, { replicas: 1, progressDeadlineSeconds: 2 });
    await eventually('it serves', async () => pods?.ready().length === 1);
    await awaitReady(world);
    await begin();
  });
  afterAll(async () => {
    await pods?.stop();
    await client?.close();
  });

  /** As whoever mends it would have pods made anew. */
  const removePods = () =>
    world.send('DELETE', `/api/v1/namespaces/${HOME}/pods?labelSelector=app%3D${ARGO_SERVER}`);

  it('is told of with what is wrong, and there is no other secret before it is mended', async () => {
    broken = true;
    await request();
    await awaitServer(world, { reason: 'RotationFailed', message: 'has timed out progressing' });
    // Pods are looked at with the policy, and not watched.
    await eventually('what the pod lacks is told', async () => {
      await glance(world);
      const seen = await world.get<GotPolicy>(policyPath('workflows'));
      return seen !== undefined && conditionOf(seen, 'ServerReady').message.includes(IMAGE);
    });
    const policy = await awaitPolicy(world, 'is stalled', (_, c) => c('Stalled') !== undefined);
    expect(conditionOf(policy, 'Stalled')).toMatchObject({ status: 'True', reason: 'RotationFailed' });
    clock.advance(3 * SECOND);
    await request();
    await glance(world);
    expect(regenerations(world)).toBe(1);
    broken = false;
    await removePods();
    const after = await expectPeace(2);
    expect(after.revision).toBe(before.revision + 2);
    expect(pods?.ready()).toHaveLength(1);
  });

  it('and is undone is made again: who has set the mark back by hand does not keep it', async () => {
    await begin();
    broken = true;
    await request();
    await awaitServer(world, { reason: 'RotationFailed', message: 'has timed out progressing' });
    broken = false;
    await world.kubectl(['rollout', 'undo', `deployment/${ARGO_SERVER}`, '-n', HOME]);
    const after = await expectPeace(1);
    expect(after.rolled).toMatch(new RegExp(`^${before.revision + 1}-`));
    expect(pods?.ready()).toHaveLength(1);
    expect(after.policy.status?.secret).toMatchObject({
      cause: 'Request',
      rolledRevision: before.revision + 1,
    });
  });

  it('and has no deadline of its own is told of all the same', async () => {
    await editDeployment(world, { progressDeadlineSeconds: 2 ** 31 - 1 });
    await awaitReady(world);
    await begin();
    broken = true;
    await request();
    await awaitRegeneration();
    await eventually('what the pod lacks is told before it is late', async () => {
      await glance(world);
      const seen = await world.get<GotPolicy>(policyPath('workflows'));
      if (seen === undefined) return false;
      const { reason, message } = conditionOf(seen, 'ServerReady');
      return reason === 'AwaitingRollout' && message.includes(IMAGE);
    });
    const waiting = await world.get<GotPolicy>(policyPath('workflows'));
    expect(waiting?.status?.secret?.rolledRevision).toBe(before.revision);
    clock.advance(11 * MINUTE);
    await glance(world);
    await awaitServer(world, { reason: 'RotationFailed', message: IMAGE });
    broken = false;
    await removePods();
    await expectPeace(1);
  });

  it('is not what is told where pods are missing long after it', async () => {
    await editDeployment(world, { progressDeadlineSeconds: 600 });
    await awaitReady(world);
    await begin();
    broken = true;
    await editDeployment(world, { replicas: 2 });
    await glance(world);
    await request();
    const waits = await awaitPolicy(world, 'puts the rotation off', (_, c) => {
      return c('SecretReady')?.reason === 'RotationPostponed';
    });
    expect(conditionOf(waits, 'SecretReady').message).toContain('are ready');
    expect(conditionOf(waits, 'Ready').status).toBe('True');
    await removePods();
    await eventually('that nobody serves is told', async () => {
      await glance(world);
      const seen = await world.get<GotPolicy>(policyPath('workflows'));
      if (seen === undefined) return false;
      const { reason, message } = conditionOf(seen, 'ServerReady');
      return reason === 'ServerUnavailable' && message.includes(IMAGE);
    });
    const down = await world.get<GotPolicy>(policyPath('workflows'));
    const types = down?.status?.conditions?.map(({ type }) => type);
    expect(types).toContain('Reconciling');
    expect(types).not.toContain('Stalled');
    expect(regenerations(world)).toBe(0);
    broken = false;
    await removePods();
    await glance(world);
    await expectPeace(1);
  });
});

it('nothing secret was ever shown', () => assertNoLeak(world, former));
