import type { Progress } from '../../operator/api/objects.ts';
import { formatTime } from '../../operator/api/time.ts';
import type { RotationPlan } from '../../operator/policy/rotation.ts';
import { planRotation } from '../../operator/policy/rotation.ts';
import type { HeldSecret, RotationView, ServerDeployment } from '../../operator/policy/rotation-view.ts';

// A small world to try every order of events in. Times are whole minutes; secrets, uids and templates are numbers
// of which only the sameness matters.

/** Minutes between ticks of the schedule. */
export const PERIOD = 60;
/** How long the realm's policy keeps an old secret: as it should, nearly as long as it lets the new one live, and as long. */
export const ROTATED_PERIODS = { narrow: 20, wide: 72, widest: 100 } as const;
/** How long a secret lives under the realm's policy. */
export const LIFE = 100;
/** How long the policy wants the old secret to stay after the rollout. */
export const OVERLAP = 6;
/** How long a rollout may take. */
export const DEADLINE = 10;
const JITTER = 2;
const MINUTE = 60_000;

/** A pod of Argo Server: which template it was made from and which secret it read at its start. */
export interface Pod {
  readonly template: number;
  readonly value: number;
  readonly ready: boolean;
}

/** Keycloak's client; times by Keycloak's clock. */
export interface ModelKeycloak {
  readonly secret: number;
  readonly created: number;
  readonly expires: number | undefined;
  readonly old: { readonly value: number; readonly expires: number } | undefined;
  /** Whether the realm's policy applies. */
  readonly covered: boolean;
  /** Whether every secret is refused for another reason than its age. */
  readonly locked: boolean;
}

/** The Secret in Kubernetes. */
export interface ModelSecret {
  readonly uid: number;
  readonly value: number;
  /** Whether somebody else has written the value since the operator did. */
  readonly touched: boolean;
  readonly revision: number;
  readonly created: number | undefined;
  readonly since: number | undefined;
  readonly handled: number | undefined;
}

/** Argo Server's Deployment with its pods. */
export interface ModelDeployment {
  readonly mark: string | undefined;
  readonly template: number;
  readonly pods: readonly Pod[];
  readonly startedAt: number;
  readonly completedAt: number | undefined;
  /** Whether the present template has been complete once: pods that are missing since belong to no rollout. */
  readonly served: boolean;
  readonly paused: boolean;
  /** Whether new pods do not become ready. */
  readonly broken: boolean;
  /** Whether what new pods would read at their start keeps them from it. */
  readonly unfit: boolean;
}

/** What only the test knows, to judge by. */
export interface Ghost {
  /** By the operator's clock, when the last secret was made in the way that Keycloak dates. */
  readonly made: number;
  /** Whether one was made since the Secret last took one over. */
  readonly madeSinceTakeOver: boolean;
  /** Whether the present request has already led to a rotation. */
  readonly used: boolean;
  /** Whether something other than the operator is to blame for what pods hold. */
  readonly excused: boolean;
  /** Whether a clock was set since the last secret was made. */
  readonly jumped: boolean;
}

/** One state of the world. */
export interface World {
  readonly now: number;
  /** How far Keycloak's clock is ahead of the operator's. */
  readonly skew: number;
  readonly overlap: number | undefined;
  /** How long the realm's policy keeps an old secret. */
  readonly rotatedPeriod: number;
  readonly keycloak: ModelKeycloak;
  readonly issuer: boolean;
  readonly secret: ModelSecret | undefined;
  /** What the policy's status remembers. */
  readonly status: { readonly revision: number; readonly proved: number };
  /** What the token endpoint has said in the reconcile under way, and of which revision; lost in a crash. */
  readonly proof: { readonly revision: number; readonly result: 'proved' | 'refused' } | undefined;
  readonly deployment: ModelDeployment | undefined;
  /** When it asks for a rotation, which is all that tells one request from another. */
  readonly request: number | undefined;
  /** The next number not used yet. */
  readonly fresh: number;
  /** Disturbances that may still come. */
  readonly trouble: number;
  readonly ghost: Ghost;
}

/** The planner, as it is or broken on purpose. */
export type Planner = (view: RotationView) => RotationPlan;

/** The planner as it is. */
export const SOUND: Planner = view => planRotation(view);

/** Keycloak's time. */
export function keycloakNow({ now, skew }: World): number {
  return now + skew;
}

/** Whether Keycloak accepts a secret. */
export function accepts(world: World, value: number): boolean {
  const { secret, expires, old, locked } = world.keycloak;
  const now = keycloakNow(world);
  if (locked || (expires !== undefined && expires < now)) return false;
  return value === secret || (old?.value === value && old.expires >= now);
}

/** Whether an old secret is still valid, but for what refuses all of them. */
export function overlaps(world: World): boolean {
  const { old, secret } = world.keycloak;
  const open = { ...world, keycloak: { ...world.keycloak, locked: false } };
  return old !== undefined && old.value !== secret && accepts(open, old.value);
}

/** The mark that pods should bear. */
export function markOf({ uid, revision }: ModelSecret): string {
  return `${uid}/${revision}`;
}

/** Whether the Deployment has nothing but ready pods of its present template. */
export function isComplete({ pods, template }: ModelDeployment): boolean {
  return pods.length === 1 && pods.every(pod => pod.template === template && pod.ready);
}

/** How Kubernetes tells of the pods. */
function progressOf(deployment: ModelDeployment): Progress {
  if (isComplete(deployment)) return 'complete';
  return deployment.served ? 'down' : 'rolling';
}

/** The first tick after a time; ticks come every period, for ever. */
export function tickAfter(time: number): number {
  return (Math.floor(time / PERIOD) + 1) * PERIOD;
}

/** The latest time at or before now at which the schedule asked for a rotation. */
export function lastDue(now: number): number {
  return Math.floor((now - JITTER) / PERIOD) * PERIOD;
}

const ms = (minutes: number | undefined) => (minutes === undefined ? undefined : minutes * MINUTE);

function deploymentView(deployment: ModelDeployment): ServerDeployment {
  const { mark, paused, startedAt, completedAt } = deployment;
  return {
    state: 'found',
    mark,
    paused,
    progress: progressOf(deployment),
    startedAt: ms(startedAt),
    completedAt: ms(completedAt),
    why: undefined,
    reverted: false,
  };
}

/** What is known of the Secret's revision: what was said last counts, and only a success is remembered. */
export function proofOf({ proof, status }: World, secret: ModelSecret): HeldSecret['proof'] {
  if (proof?.revision === secret.revision) return proof.result;
  return status.proved === secret.revision ? 'proved' : 'missing';
}

/** What the operator observes of the world. */
export function viewOf(world: World): RotationView {
  const { keycloak, secret, request, deployment } = world;
  const text = (minutes: number | undefined) =>
    minutes === undefined ? undefined : formatTime(minutes * MINUTE);
  return {
    now: world.now * MINUTE,
    leading: true,
    rules: {
      tickAfter: time => tickAfter(time / MINUTE) * MINUTE,
      jitter: JITTER * MINUTE,
      shortestPeriod: PERIOD * MINUTE,
    },
    overlap: ms(world.overlap),
    request:
      request === undefined ? undefined : { value: formatTime(request * MINUTE), at: request * MINUTE },
    rolloutDeadline: DEADLINE * MINUTE,
    keycloak: {
      createdAt: keycloak.created * MINUTE,
      expiresAt: ms(keycloak.expires),
      rotated: keycloak.old && { expiresAt: keycloak.old.expires * MINUTE },
      coverage: keycloak.covered ? { rotatedPeriod: world.rotatedPeriod * MINUTE } : undefined,
      coverageHidden: false,
      enabled: true,
    },
    issuerAnswers: world.issuer,
    serverObstacle: deployment?.unfit === true ? 'SettingsWrong' : undefined,
    secret: secret && {
      holdsValue: secret.value === keycloak.secret,
      isUntouched: !secret.touched,
      marks: {
        created: ms(secret.created),
        since: ms(secret.since),
        handled: text(secret.handled),
      },
      mark: markOf(secret),
      proof: proofOf(world, secret),
    },
    deployment: deployment && deploymentView(deployment),
  };
}
