import { shorten } from './words.ts';

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number };
}

interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface PodContainer {
  readonly name: string;
  readonly image?: string;
  readonly startupProbe?: object;
  readonly readinessProbe?: object;
}

/** A pod as the API server sends it, as far as it tells what keeps it from being ready. */
export interface RawPod {
  readonly metadata: {
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec?: {
    readonly containers?: readonly PodContainer[];
    readonly initContainers?: readonly PodContainer[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

const HASH = 'pod-template-hash';

function hashOf({ metadata }: RawPod): string | undefined {
  return metadata.labels?.[HASH];
}

/** The pods of a Deployment's newest ReplicaSet, which bears the name of the Deployment and the hash of its template. */
export function newestPods(deployment: string, pods: readonly RawPod[]): readonly RawPod[] {
  const own = pods.filter(({ metadata: { deletionTimestamp, labels, ownerReferences = [] } }) => {
    const replicaSet = `${deployment}-${labels?.[HASH]}`;
    const owned = ownerReferences.some(({ kind, name }) => kind === 'ReplicaSet' && name === replicaSet);
    return owned && deletionTimestamp === undefined;
  });
  const created = ({ metadata }: RawPod) => metadata.creationTimestamp ?? '';
  const latest = own.map(created).toSorted().at(-1);
  // Times are whole seconds: of two ReplicaSets of one second either may be the newest, and ready pods tell nothing.
  const newest = new Set(own.filter(pod => created(pod) === latest).map(hashOf));
  return own.filter(pod => newest.has(hashOf(pod)));
}

/**
 * What keeps pods from being ready, each thing once, without names of pods and without times and counts, which would
 * be others at each look.
 */
export function troublesOf(pods: readonly RawPod[]): readonly string[] {
  const live = pods.filter(({ status }) => status?.phase !== 'Failed');
  const concerned = live.length > 0 ? live : pods;
  return [...new Set(concerned.flatMap(podTroubles))].sort();
}

/** Runs for the first time, and its probes may still succeed: where they never do, the rollout itself fails. */
function isStarting({ ready, state = {}, lastState = {} }: ContainerStatus): boolean {
  return ready !== true && state.running !== undefined && lastState.terminated === undefined;
}

/** The pods without those of their containers that have just been started, as each is for a while in a rollout. */
export function withoutStarting(pods: readonly RawPod[]): readonly RawPod[] {
  const rest = (statuses: readonly ContainerStatus[] = []) => statuses.filter(each => !isStarting(each));
  return pods.map(({ status = {}, ...pod }) => ({
    ...pod,
    status: {
      ...status,
      containerStatuses: rest(status.containerStatuses),
      initContainerStatuses: rest(status.initContainerStatuses),
    },
  }));
}

function podTroubles({ spec = {}, status = {} }: RawPod): readonly string[] {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = status;
  if (status.phase === 'Failed') {
    return [describe('the pod has failed', status.reason, status.message)];
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return [describe('no node takes the pod', undefined, scheduled.message ?? scheduled.reason)];
  }
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const inOrder = [...initContainerStatuses, ...containerStatuses];
  return inOrder.flatMap(
    each =>
      containerTrouble(
        each,
        containers.find(({ name }) => name === each.name),
      ) ?? [],
  );
}

function containerTrouble(status: ContainerStatus, container: PodContainer | undefined): string | undefined {
  const { name, ready, state = {} } = status;
  if (ready === true) return undefined;
  if (state.waiting !== undefined) return waitingTrouble(status, state.waiting, container);
  if (state.running !== undefined) return probeTrouble(status, container);
  if (state.terminated === undefined || state.terminated.exitCode === 0) return undefined;
  return `container ${name} has ended ${endOf(state.terminated)}`;
}

/** What every pod goes through. */
const USUAL: ReadonlySet<string | undefined> = new Set([undefined, 'ContainerCreating', 'PodInitializing']);
/** Told in turn while the kubelet tries and waits (kubernetes, pkg/kubelet/images). */
const PULL: ReadonlySet<string | undefined> = new Set(['ErrImagePull', 'ImagePullBackOff']);

function waitingTrouble(
  { name, image, lastState }: ContainerStatus,
  { reason, message }: NonNullable<ContainerState['waiting']>,
  container: PodContainer | undefined,
): string | undefined {
  if (USUAL.has(reason)) return undefined;
  if (PULL.has(reason)) {
    const cause = message?.replace(/^Back-off pulling image "[^"]*"(: ErrImagePull: )?/, '');
    return describe(`container ${name} cannot pull image ${container?.image ?? image}`, undefined, cause);
  }
  if (reason === 'CrashLoopBackOff') {
    return `container ${name} ends again and again (CrashLoopBackOff), last ${endOf(lastState?.terminated)}`;
  }
  return describe(`container ${name} does not start`, reason, message);
}

function probeTrouble({ name, started }: ContainerStatus, container: PodContainer | undefined) {
  const { startupProbe, readinessProbe } = container ?? {};
  if (startupProbe !== undefined && started !== true) {
    return `container ${name} runs, but its startup probe does not succeed`;
  }
  if (readinessProbe === undefined) return undefined;
  return `container ${name} runs, but its readiness probe does not succeed`;
}

function endOf({ exitCode, reason }: { exitCode?: number; reason?: string } = {}): string {
  return `with exit code ${exitCode ?? 'unknown'}${reason === undefined ? '' : ` (${reason})`}`;
}

function describe(what: string, reason: string | undefined, message: string | undefined): string {
  const words = shorten(message ?? '');
  return `${what}${reason === undefined ? '' : ` (${reason})`}${words === '' ? '' : `: ${words}`}`;
}
