/** How a Deployment replaces its pods, as the API server sends it, which fills the defaults. */
export interface RawStrategy {
  readonly type?: string;
  readonly rollingUpdate?: {
    readonly maxUnavailable?: number | string;
    readonly maxSurge?: number | string;
  };
}

const DEFAULT = '25%';

/** So many pods of all: a number, or a part in percent. */
function countOf(value: number | string, replicas: number, round: (count: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseFloat(value) / 100) * replicas);
}

/**
 * Whether a rollout may take all pods away before a new one is ready. Pods that may be missing are rounded down, those
 * that may be too many up; where neither may be, one may be missing (kubernetes, deployment/util, ResolveFenceposts).
 */
export function interruptsService({ type, rollingUpdate = {} }: RawStrategy, replicas: number): boolean {
  if (replicas === 0) return false;
  if (type === 'Recreate') return true;
  const { maxUnavailable = DEFAULT, maxSurge = DEFAULT } = rollingUpdate;
  const missing = countOf(maxUnavailable, replicas, Math.floor);
  const extra = countOf(maxSurge, replicas, Math.ceil);
  return (missing === 0 && extra === 0 ? 1 : missing) >= replicas;
}
