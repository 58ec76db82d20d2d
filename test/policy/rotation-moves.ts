import { parseTime } from '../../operator/api/time.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import type { RotationMarks } from '../../operator/policy/rotation-view.ts';
import {
  accepts,
  isComplete,
  keycloakNow,
  LIFE,
  type ModelDeployment,
  type ModelSecret,
  PERIOD,
  type World,
} from './rotation-model.ts';

const MINUTE = 60_000;

/** Something that happens, and the world after it. */
export interface Move {
  readonly name: string;
  readonly world: World;
}

/**
 * Keycloak makes a new secret, for whoever asks. Without the realm's policy it forgets all about an old one. It takes
 * a minute, the least of the model's times, as no two real ones are made in one second.
 */
export function regenerateInKeycloak(before: World): World {
  const world = later(before, 1);
  const now = keycloakNow(world);
  const { secret, covered, locked } = world.keycloak;
  const policy = covered
    ? { expires: now + LIFE, old: { value: secret, expires: now + world.rotatedPeriod } }
    : { expires: undefined, old: undefined };
  return {
    ...world,
    fresh: world.fresh + 1,
    keycloak: { secret: world.fresh, created: now, covered, locked, ...policy },
    ghost: { ...world.ghost, made: world.now, madeSinceTakeOver: true, jumped: false },
  };
}

function bear(marks: RotationMarks) {
  const minutes = (time: number | undefined) => (time === undefined ? undefined : time / MINUTE);
  const handled = minutes(parseTime(marks.handled));
  return { created: minutes(marks.created), since: minutes(marks.since), handled };
}

function takeOver(world: World, marks: RotationMarks): World {
  const { secret, status, keycloak } = world;
  const revision = Math.max(secret?.revision ?? 0, status.revision) + 1;
  const uid = secret?.uid ?? world.fresh;
  return {
    ...world,
    fresh: world.fresh + 1,
    secret: { uid, value: keycloak.secret, touched: false, revision, ...bear(marks) },
    ghost: { ...world.ghost, madeSinceTakeOver: false },
  };
}

function deploy(world: World, change: Partial<ModelDeployment>): World {
  return world.deployment === undefined
    ? world
    : { ...world, deployment: { ...world.deployment, ...change } };
}

function newTemplate(world: World, mark: string | undefined): World {
  const rolled = deploy(world, { mark, template: world.fresh, startedAt: world.now, served: false });
  return { ...rolled, fresh: world.fresh + 1 };
}

function askEndpoint(world: World, { revision, value }: ModelSecret): World['proof'] {
  return { revision, result: accepts(world, value) ? 'proved' : 'refused' };
}

function writeStatus(world: World): World {
  const { secret, status, proof } = world;
  const proved = proof?.result === 'proved' ? proof.revision : status.proved;
  return { ...world, proof: undefined, status: { revision: secret?.revision ?? status.revision, proved } };
}

/** The world after a step of the operator; after one without an effect it writes the status and is done. */
export function perform(world: World, step: RotationStep): World {
  const { secret, keycloak } = world;
  switch (step.kind) {
    case 'RegenerateSecret': {
      const made = regenerateInKeycloak(world);
      const excused = made.ghost.excused || !keycloak.covered;
      return { ...made, ghost: { ...made.ghost, used: true, excused } };
    }
    case 'TakeOver':
      return takeOver(world, step.marks);
    case 'RecordMarks':
      return { ...world, secret: secret && { ...secret, ...bear(step.marks) } };
    case 'Prove':
      return { ...world, proof: secret && askEndpoint(world, secret) };
    case 'Roll':
      return newTemplate(world, step.mark);
    case 'EndOverlap':
      return { ...world, keycloak: { ...keycloak, old: undefined } };
    case 'Nothing':
    case 'AwaitRollout':
    case 'AwaitOverlap':
    case 'Postpone':
    case 'Failed':
      return writeStatus(world);
  }
}

/**
 * Time goes on. What pods hold past its end, or would read, is nobody's fault but the time's, unless the operator is at
 * rest until then: `rests` says that it has found nothing to do, and is not to look again before.
 */
export function later(world: World, minutes: number, rests = false): World {
  const after = { ...world, now: world.now + minutes };
  if (rests) return after;
  const { deployment, secret } = world;
  const values = [...(deployment?.pods ?? []), ...(secret === undefined ? [] : [secret])];
  const lost = values.some(({ value }) => accepts(world, value) && !accepts(after, value));
  return lost ? { ...after, ghost: { ...after.ghost, excused: true } } : after;
}

/** The kubelet and the deployment controller at work: a new pod reads the Secret, becomes ready, replaces the old. */
export function rolloutMoves(world: World): readonly Move[] {
  const { deployment, secret, issuer } = world;
  if (deployment === undefined || deployment.paused || isComplete(deployment)) return [];
  const { pods, template, broken, unfit, served, completedAt } = deployment;
  const fresh = pods.find(pod => pod.template === template);
  if (fresh === undefined) {
    if (secret === undefined || !issuer || unfit) return [];
    const ready = pods.filter(pod => pod.ready);
    const pod = { template, value: secret.value, ready: false };
    return [{ name: 'a new pod starts', world: deploy(world, { pods: [...ready, pod] }) }];
  }
  if (broken) return [];
  // Kubernetes does not date anew what was complete before.
  const done = {
    pods: [{ ...fresh, ready: true }],
    completedAt: served ? completedAt : world.now,
    served: true,
  };
  return [{ name: 'the new pod replaces the old', world: deploy(world, done) }];
}

/** What people and machines do to the world; each uses up some of the trouble that is allowed. */
export function disturbances(world: World): readonly Move[] {
  if (world.trouble === 0) return [];
  const { keycloak, secret, deployment, fresh } = world;
  const excuse = (next: World): World => ({ ...next, ghost: { ...next.ghost, excused: true } });
  const jump = (minutes: number): World => ({
    ...world,
    now: world.now + minutes,
    skew: world.skew - minutes,
    ghost: { ...world.ghost, jumped: true, excused: true },
  });
  const setByHand = {
    ...keycloak,
    secret: fresh,
    old: keycloak.covered ? keycloak.old : undefined,
    expires: keycloak.covered ? (keycloak.expires ?? keycloakNow(world) + LIFE) : undefined,
  };
  const moves: readonly (readonly [string, World])[] = [
    ['a secret is regenerated in the console', excuse(regenerateInKeycloak(world))],
    ['a secret is set in the console', excuse({ ...world, fresh: fresh + 1, keycloak: setByHand })],
    [
      'every secret is refused, or is no longer',
      excuse({ ...world, keycloak: { ...keycloak, locked: !keycloak.locked } }),
    ],
    ['the realm policy comes or goes', { ...world, keycloak: { ...keycloak, covered: !keycloak.covered } }],
    ['the issuer comes or goes', { ...world, issuer: !world.issuer }],
    [
      'somebody asks for a rotation',
      {
        ...world,
        request: world.now,
        ghost: { ...world.ghost, used: false },
      },
    ],
    ['the status is lost', { ...world, status: { revision: 0, proved: 0 } }],
    ['the clock jumps ahead', jump(PERIOD)],
    ['the clock jumps back', jump(-PERIOD)],
  ];
  const onSecret: readonly (readonly [string, World])[] =
    secret === undefined
      ? []
      : [
          [
            'the Secret is edited',
            excuse({ ...world, fresh: fresh + 1, secret: { ...secret, value: fresh, touched: true } }),
          ],
          [
            'the value that Keycloak has is put into the Secret by hand',
            excuse({ ...world, secret: { ...secret, value: keycloak.secret, touched: true } }),
          ],
          ['the Secret is deleted', { ...world, secret: undefined }],
          [
            'the marks are taken off the Secret',
            { ...world, secret: { ...secret, created: undefined, since: undefined, handled: undefined } },
          ],
        ];
  const onDeployment: readonly (readonly [string, World])[] =
    deployment === undefined
      ? []
      : [
          ['pods stop becoming ready, or do again', deploy(world, { broken: !deployment.broken })],
          [
            'pods stop being ready',
            deploy(world, { pods: deployment.pods.map(pod => ({ ...pod, ready: false })) }),
          ],
          ['pods are removed', deploy(world, { pods: [] })],
          ["Argo Server's settings go wrong, or right again", deploy(world, { unfit: !deployment.unfit })],
          ['the Deployment is paused or resumed', deploy(world, { paused: !deployment.paused })],
          ['another image is rolled out', newTemplate(world, deployment.mark)],
          ['the mark is taken off the Deployment', newTemplate(world, undefined)],
        ];
  return [...moves, ...onSecret, ...onDeployment].map(([name, next]) => ({
    name,
    world: { ...next, trouble: world.trouble - 1 },
  }));
}
