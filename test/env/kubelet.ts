import { setTimeout as timer } from 'node:timers/promises';
import type { KubernetesClient } from '../../operator/kubernetes/client.ts';
import { KubernetesError } from '../../operator/kubernetes/errors.ts';
import { objectPath, type Resource } from '../../operator/kubernetes/paths.ts';
import { type ArgoStandIn, startArgoStandIn } from './argo-stand-in.ts';
import type { LoginClient } from './login.ts';
import type { PodServiceOwner } from './pod-service.ts';
import { type PodStatus, type PodView, readyStatus, type Waiting, waitingStatus } from './pod-status.ts';

/** Where the API server has pods. */
export const PODS: Resource = { apiVersion: 'v1', kind: 'Pod', group: '', plural: 'pods' };

const RETRY_MS = 200;
const REMOVE_DEADLINE_MS = 20_000;
/** After a crash, doubled at each further one. */
const FIRST_RESTART_MS = 500;
const MAX_RESTART_MS = 4_000;

/** What becomes of a new pod: it starts, perhaps late, or waits until it is deleted. */
export type Fate =
  | { readonly kind: 'starts'; readonly afterMs?: number }
  | { readonly kind: 'waits'; readonly waiting: Waiting };

/** Something that has become of a pod. */
export interface PodEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly pod: PodView;
  /** `crashed`: it could not start, and is tried again; `ready`: it serves; `going`: it serves no more; `gone`: it has ended. */
  readonly what: 'waiting' | 'crashed' | 'ready' | 'going' | 'gone';
  /** Why it waits or has crashed. */
  readonly message?: string;
}

/** What a kubelet needs to run the pods of one Deployment. */
export interface KubeletOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly readSettings: () => Promise<LoginClient>;
  readonly join: PodServiceOwner['join'];
  readonly fate: (pod: PodView) => Fate;
  readonly tell: (pod: PodView, what: PodEvent['what'], message?: string) => void;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return timer(ms, undefined, { signal }).catch(() => {});
}

function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/** Whether a request that failed with this is to be tried again; a pod that is gone, or another, needs nothing. */
function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof KubernetesError) || error.kind === 'Unavailable') return true;
  if (error.kind === 'NotFound' || error.kind === 'Conflict') return false;
  throw error;
}

async function persist(request: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await request();
      return;
    } catch (error) {
      if (!isWorthRetrying(error)) return;
    }
    await pause(RETRY_MS, signal);
  }
}

/** Runs one pod until the signal ends it, as a kubelet would; ends when it does. */
export async function runPod(options: KubeletOptions, pod: PodView, signal: AbortSignal): Promise<void> {
  const { client, namespace, readSettings, join, fate, tell } = options;
  const path = objectPath(PODS, namespace, pod.name);
  const report = (status: PodStatus) => {
    const body = { metadata: { uid: pod.uid }, status };
    const contentType = 'application/merge-patch+json';
    return persist(
      () => client.request({ method: 'PATCH', path: `${path}/status`, body, contentType, signal }),
      signal,
    );
  };
  const startAgainAndAgain = async () => {
    for (let restartCount = 0; !signal.aborted; restartCount += 1) {
      try {
        return { standIn: await startArgoStandIn(readSettings), restartCount };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        tell(pod, 'crashed', message);
        const waiting = { reason: 'CrashLoopBackOff', message, restartCount: restartCount + 1 };
        await report(waitingStatus(pod, waiting, new Date()));
        await pause(Math.min(FIRST_RESTART_MS * 2 ** restartCount, MAX_RESTART_MS), signal);
      }
    }
    return undefined;
  };
  const serve = async (standIn: ArgoStandIn, restartCount: number) => {
    // Before the API server knows: once it does, an older pod may have to go before its answer is here.
    const leave = join(standIn.url);
    tell(pod, 'ready');
    try {
      await report(readyStatus(pod, restartCount, new Date()));
      await untilAborted(signal);
      tell(pod, 'going');
    } finally {
      await leave();
      await standIn.stop();
    }
  };
  const chosen = fate(pod);
  if (chosen.kind === 'waits') {
    await report(waitingStatus(pod, chosen.waiting, new Date()));
    tell(pod, 'waiting', chosen.waiting.message);
    await untilAborted(signal);
  } else {
    await pause(chosen.afterMs ?? 0, signal);
    const started = await startAgainAndAgain();
    if (started !== undefined) await serve(started.standIn, started.restartCount);
  }
  tell(pod, 'gone');
}

/** Removes a pod that has ended and that the API server keeps until a kubelet says so. */
export function removePod({ client, namespace }: KubeletOptions, { name, uid }: PodView): Promise<void> {
  const path = objectPath(PODS, namespace, name);
  const body = { gracePeriodSeconds: 0, preconditions: { uid } };
  const signal = AbortSignal.timeout(REMOVE_DEADLINE_MS);
  return persist(() => client.request({ method: 'DELETE', path, body, signal }), signal);
}
