/** A pod as the API server has it, as far as what runs in it goes. */
export interface PodView {
  readonly name: string;
  readonly uid: string;
  /** Name of its first container, the only one that counts. */
  readonly container: string;
  readonly image: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A pod's status, for a merge patch. */
export type PodStatus = Readonly<Record<string, unknown>>;

/** What a container waits for, in a kubelet's words. */
export interface Waiting {
  /** As `ImagePullBackOff` or `CrashLoopBackOff`. */
  readonly reason: string;
  readonly message: string;
  readonly restartCount?: number;
}

interface ContainerState {
  readonly state: Readonly<Record<string, unknown>>;
  readonly ready: boolean;
  readonly restartCount: number;
}

/** RFC 3339 in whole seconds, which is all that a `metav1.Time` takes. */
function inSeconds(at: Date): string {
  return at.toISOString().replace(/\.\d+/, '');
}

function statusOf({ container, image }: PodView, state: ContainerState, at: Date): PodStatus {
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    reason: holds ? null : 'ContainersNotReady',
    lastTransitionTime: inSeconds(at),
  });
  return {
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', state.ready),
      condition('Ready', state.ready),
    ],
    containerStatuses: [{ name: container, image, imageID: '', started: state.ready, ...state }],
  };
}

/** Status of a pod whose container runs and answers. */
export function readyStatus(pod: PodView, restartCount: number, at: Date): PodStatus {
  const state = { running: { startedAt: inSeconds(at) } };
  return { phase: 'Running', ...statusOf(pod, { ready: true, restartCount, state }, at) };
}

/** Status of a pod whose container does not run. */
export function waitingStatus(
  pod: PodView,
  { reason, message, restartCount = 0 }: Waiting,
  at: Date,
): PodStatus {
  const state = { waiting: { reason, message } };
  const phase = restartCount === 0 ? 'Pending' : 'Running';
  return { phase, ...statusOf(pod, { ready: false, restartCount, state }, at) };
}
