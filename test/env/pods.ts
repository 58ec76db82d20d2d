import type { ObjectMeta } from '../../operator/api/objects.ts';
import type { KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { objectPath, type Resource } from '../../operator/kubernetes/paths.ts';
import { startReflector } from '../../operator/kubernetes/reflector.ts';
import { createStore } from '../../operator/kubernetes/store.ts';
import { type Fate, type KubeletOptions, PODS, type PodEvent, removePod, runPod } from './kubelet.ts';
import type { LoginClient } from './login.ts';
import { createPodService, type PodService } from './pod-service.ts';
import type { PodView } from './pod-status.ts';

const DEPLOYMENTS: Resource = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  group: 'apps',
  plural: 'deployments',
};
const DEADLINE_MS = 20_000;

/** What runs the pods of one Deployment: there is no kubelet here, and no node. */
export interface Pods {
  readonly service: PodService;
  /** Pods that serve now. */
  readonly ready: () => readonly PodView[];
  /** Everything that has become of pods so far. */
  readonly events: readonly PodEvent[];
  /** Ends all pods and leaves their objects as they are; fails where one could not be run as it should. */
  readonly stop: () => Promise<void>;
}

/** Which pods are run, and as what. */
export interface PodsOptions {
  /** Requests as the cluster's administrator. */
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Name of the Deployment, which exists. */
  readonly deployment: string;
  /** Gives what a pod reads at its start, and keeps until its end. */
  readonly readSettings: () => Promise<LoginClient>;
  /** Default: each starts at once. */
  readonly fate?: (pod: PodView) => Fate;
  readonly onChange?: (event: PodEvent) => void;
}

interface StoredPod {
  readonly metadata: ObjectMeta;
  readonly view: PodView;
}

function decodePod(raw: RawObject): StoredPod {
  const { metadata, spec } = raw as unknown as {
    readonly metadata: ObjectMeta;
    readonly spec: { readonly containers: readonly { readonly name: string; readonly image?: string }[] };
  };
  const { name, uid, annotations = {} } = metadata;
  const { name: container = '', image = '' } = spec.containers[0] ?? {};
  return { metadata, view: { name, uid, container, image, annotations } };
}

/** Why a pod ends: where it is `terminating`, the API server waits for a kubelet to remove it. */
type Ending = 'deleted' | 'terminating' | 'stopped';

/** Labels by which a Deployment selects its pods. */
async function selectorOf({
  client,
  namespace,
  deployment,
}: PodsOptions): Promise<readonly [string, string][]> {
  const path = objectPath(DEPLOYMENTS, namespace, deployment);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { spec } = (await client.request({ method: 'GET', path, signal })) as {
    readonly spec: { readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> } };
  };
  return Object.entries(spec.selector.matchLabels ?? {});
}

/**
 * Runs the pods of a Deployment in place of a kubelet, each as a stand-in for Argo Server: reports those that are
 * ready, lets those that are deleted finish what is under way, and stands before them as a Service does.
 */
export async function startPods(options: PodsOptions): Promise<Pods> {
  const { client, namespace, readSettings, fate = () => ({ kind: 'starts' }), onChange } = options;
  const selector = await selectorOf(options);
  const { service, join } = createPodService();
  const events: PodEvent[] = [];
  const serving = new Map<string, PodView>();
  const tell: KubeletOptions['tell'] = (pod, what, message) => {
    if (what === 'ready') serving.set(pod.uid, pod);
    else serving.delete(pod.uid);
    const event = { at: Date.now(), pod, what, ...(message !== undefined && { message }) };
    events.push(event);
    onChange?.(event);
  };
  const kubelet: KubeletOptions = { client, namespace, readSettings, join, fate, tell };
  const running = new Map<string, { readonly end: (why: Ending) => void; readonly ended: Promise<void> }>();
  const launch = (pod: PodView) => {
    const ending = new AbortController();
    const ended = runPod(kubelet, pod, ending.signal).then(() =>
      ending.signal.reason === 'terminating' ? removePod(kubelet, pod) : undefined,
    );
    // It is for stop() to tell.
    ended.catch(() => {});
    const launched = { end: (why: Ending) => ending.abort(why), ended };
    running.set(pod.uid, launched);
    return launched;
  };
  const store = createStore<StoredPod>();
  store.onChange(({ object: { metadata, view }, deleted }) => {
    if (selector.some(([key, value]) => metadata.labels?.[key] !== value)) return;
    const pod = running.get(view.uid);
    if (deleted) pod?.end('deleted');
    else if (metadata.deletionTimestamp !== undefined) (pod ?? launch(view)).end('terminating');
    else if (pod === undefined) launch(view);
  });
  const reflector = startReflector({
    client,
    resource: PODS,
    namespace,
    decode: decodePod,
    store,
    onState: () => {},
  });
  return {
    service,
    ready: () => [...serving.values()],
    events,
    stop: async () => {
      reflector.stop();
      for (const { end } of running.values()) end('stopped');
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
