import type { Progress, Rollout } from '../api/objects.ts';
import { parseTime } from '../api/time.ts';
import { shorten } from './words.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastUpdateTime?: string;
}

/** What of a Deployment tells how far its rollout is, as the API server sends it. */
export interface RawRollout {
  readonly generation?: number | undefined;
  /** `spec.replicas` */
  readonly wanted?: number | undefined;
  /** When the spec was last changed, in milliseconds since the epoch; undefined where nobody tells. */
  readonly changedAt?: number | undefined;
  readonly status?:
    | {
        readonly observedGeneration?: number;
        readonly replicas?: number;
        readonly updatedReplicas?: number;
        readonly availableReplicas?: number;
        readonly conditions?: readonly Condition[];
      }
    | undefined;
}

/** Reasons of condition Progressing (kubernetes, pkg/controller/deployment/util). */
const COMPLETE = 'NewReplicaSetAvailable';
const TIMED_OUT = 'ProgressDeadlineExceeded';
const PAUSED = 'DeploymentPaused';

/** How far a rollout is, as `kubectl rollout status` judges it (kubectl, pkg/polymorphichelpers/rollout_status.go). */
export function decodeRollout(raw: RawRollout): Rollout {
  const { generation = 0, status = {}, changedAt } = raw;
  const { observedGeneration = 0, conditions = [] } = status;
  // What the conditions tell is of an older generation.
  if (observedGeneration < generation) {
    return { progress: 'rolling', startedAt: changedAt, completedAt: undefined, why: undefined };
  }
  const condition = (type: string) => conditions.find(each => each.type === type);
  const progressing = condition('Progressing');
  const progress = progressOf(raw, progressing, condition('Available'));
  return {
    progress,
    // Where it has no deadline, there is no such condition.
    startedAt: progress === 'rolling' ? (parseTime(progressing?.lastUpdateTime) ?? changedAt) : undefined,
    completedAt: progressing?.reason === COMPLETE ? parseTime(progressing.lastUpdateTime) : undefined,
    why: progress === 'complete' ? undefined : whyOf(condition),
  };
}

function progressOf(
  { wanted = 1, status = {} }: RawRollout,
  progressing: Condition | undefined,
  available: Condition | undefined,
): Progress {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  if (progressing?.reason === TIMED_OUT) return 'failed';
  if (replicas > updatedReplicas) return 'rolling';
  if (updatedReplicas >= wanted && availableReplicas >= updatedReplicas) return 'complete';
  if (!wasComplete(progressing, available)) return 'rolling';
  return availableReplicas === 0 ? 'down' : 'degraded';
}

/**
 * Whether a rollout without pods of an older template was complete once: its condition stays so, whatever becomes of
 * pods afterwards. Without a deadline there is no such condition; then as many pods as must be serving tell.
 */
function wasComplete(progressing: Condition | undefined, available: Condition | undefined): boolean {
  return progressing === undefined ? available?.status === 'True' : progressing.reason === COMPLETE;
}

function whyOf(condition: (type: string) => Condition | undefined): string | undefined {
  const failure = condition('ReplicaFailure');
  const progressing = condition('Progressing');
  const available = condition('Available');
  const causes: readonly (readonly [applies: boolean, cause: Condition | undefined])[] = [
    // While it is paused the other conditions stay as they were.
    [progressing?.reason === PAUSED, progressing],
    [failure?.status === 'True', failure],
    [progressing?.status === 'False', progressing],
    [available?.status === 'False', available],
  ];
  const cause = causes.find(([applies]) => applies)?.[1];
  return cause === undefined ? undefined : shorten(cause.message ?? cause.reason ?? cause.type);
}
