import type { ObjectMeta, Policy } from './api/objects.ts';
import type { ClusterCache } from './kubernetes/cache.ts';
import { type Clock, createQueue, SYSTEM_CLOCK } from './kubernetes/queue.ts';
import type { ReconcileResult } from './metrics.ts';
import { bindingHome, isTokenSecretName } from './policy/desired.ts';
import { bearsMark } from './policy/ownership.ts';
import type { Outcome } from './reconcile.ts';

/** Reconciles policies as things change, and each of them now and then. */
export interface Controller {
  /** Policies that wait to be looked at. */
  readonly depth: () => number;
  /** Looks at policies now, whatever they wait for. */
  readonly wake: (concerns: (policy: Policy) => boolean) => void;
  /** Ends when no reconcile is under way; those that are get their signal. */
  readonly stop: () => Promise<void>;
}

/** What a controller needs. */
export interface ControllerOptions {
  readonly cache: ClusterCache;
  /** Brings one policy to what it asks for, and tells when to look again. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  /** After how many milliseconds a policy is looked at again although nothing was seen to change. */
  readonly resyncAfter: (policy: Policy) => number;
  /** Told when a reconcile has ended: how, and how many seconds it took. */
  readonly onDone: (key: string, result: ReconcileResult, seconds: number) => void;
  /** Told of what a reconcile threw: a fault of ours, for all that the world does is a result. */
  readonly onFault: (key: string, error: unknown) => void;
  /** Milliseconds since the epoch, by which times to look again are given. */
  readonly now: () => number;
  readonly clock?: Clock;
  readonly workers?: number;
}

const WORKERS = 4;
/** What is due already and could not be done is not tried in a hurry. */
const SOONEST_MS = 1000;

/** Share of the resync period by which policies are spread, so that they do not all come at once. */
const RESYNC_SPREAD = 0.1;

function keyOf({ namespace, name }: ObjectMeta): string {
  return `${namespace}/${name}`;
}

/** Starts to reconcile; the cache must have settled. */
export function startController(options: ControllerOptions): Controller {
  const { cache, clock } = options;
  const stopping = new AbortController();

  const { now } = clock ?? SYSTEM_CLOCK;

  const resultOf = async (key: string): Promise<ReconcileResult> => {
    try {
      const { retry, lookAgainAt } = await options.reconcile(key, stopping.signal);
      if (lookAgainAt !== undefined) queue.addAfter(key, Math.max(lookAgainAt - options.now(), SOONEST_MS));
      return retry ? 'retry' : 'ok';
    } catch (error) {
      if (stopping.signal.aborted) return 'retry';
      options.onFault(key, error);
      return 'fault';
    }
  };
  const work = async (key: string) => {
    const began = now();
    const result = await resultOf(key);
    options.onDone(key, result, (now() - began) / 1000);
    if (result !== 'ok') return queue.retry(key);
    queue.forget(key);
    const [namespace = '', name = ''] = key.split('/');
    const policy = cache.policies.get(namespace, name);
    if (policy === undefined) return;
    queue.addAfter(key, options.resyncAfter(policy) * (1 - RESYNC_SPREAD * Math.random()));
  };
  const queue = createQueue({ workers: options.workers ?? WORKERS, work, ...(clock && { clock }) });

  const addNamespace = (namespace: string) => {
    for (const { metadata } of cache.policies.list(namespace)) queue.add(keyOf(metadata));
  };
  const versions = new Map<string, string>();
  cache.policies.onChange(({ object: { metadata }, deleted }) => {
    const version = `${metadata.generation ?? 0} ${metadata.deletionTimestamp ?? ''}`;
    const matters = deleted || versions.get(metadata.uid) !== version;
    if (deleted) versions.delete(metadata.uid);
    else versions.set(metadata.uid, version);
    // Precedences and names are shared among the policies of a namespace; a status is not.
    if (matters) addNamespace(metadata.namespace);
    else queue.add(keyOf(metadata));
  });
  cache.accounts.onChange(({ object }) => addNamespace(object.metadata.namespace));
  cache.secrets.onChange(({ object: { metadata }, before }) => {
    const named = cache.policies
      .list(metadata.namespace)
      .some(({ spec }) => spec.client?.secret.name === metadata.name);
    const marked = bearsMark(metadata) || (before !== undefined && bearsMark(before.metadata));
    if (named || marked || isTokenSecretName(metadata.name)) addNamespace(metadata.namespace);
  });
  cache.bindings.onChange(({ object }) => {
    const home = bindingHome(object.metadata);
    if (home !== undefined) addNamespace(home);
  });
  cache.onServerChange(addNamespace);
  for (const { metadata } of cache.policies.all()) queue.add(keyOf(metadata));
  return {
    depth: queue.size,
    wake: concerns => {
      for (const policy of cache.policies.all()) if (concerns(policy)) queue.add(keyOf(policy.metadata));
    },
    stop: async () => {
      stopping.abort();
      await queue.stop();
    },
  };
}
