import { setTimeout as timer } from 'node:timers/promises';
import type { KubernetesClient } from './client.ts';
import type { RawObject } from './decode.ts';
import { KubernetesError } from './errors.ts';
import { collectionPath, type Resource } from './paths.ts';
import type { Store, Stored } from './store.ts';
import { type WatchEvent, watchOnce } from './watch.ts';

/** How a reflector stands with the API server. */
export type ReflectorState = 'starting' | 'synced' | 'forbidden' | 'disconnected';

/** Keeps a store like the API server's collection, by listing once and watching from there on. */
export interface Reflector {
  /** `synced` while a watch is open; a cut that is mended at the first attempt does not show. */
  readonly state: () => ReflectorState;
  /** Whether the collection has been listed, however long ago. */
  readonly hasSynced: () => boolean;
  readonly stop: () => void;
}

/** What a reflector follows. */
export interface ReflectorOptions<T extends Stored> {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined;
  /** The one object of the collection that is followed; the store then holds nothing else. */
  readonly name?: string | undefined;
  readonly decode: (raw: RawObject) => T;
  readonly store: Store<T>;
  readonly onState: (state: ReflectorState, message: string) => void;
  /** A number from 0 to 1, for the jitter of waits. */
  readonly random?: () => number;
  /** Waits; ends early when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How many objects are listed at a time. */
  readonly pageSize?: number;
}

interface ListAnswer {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly RawObject[];
}

const PAGE_SIZE = 500;
const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 30_000;
const FORBIDDEN_WAIT_MS = 15_000;

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal }).catch(() => {});
}

/** By this form of it the API server grants a list and a watch to whose right names the object. */
function nameSelector(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `metadata.name=${name}`;
}

/** Reads a collection in pages, all of them as of one version. */
async function list<T extends Stored>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<ListAnswer> {
  const { client, resource, namespace, name, pageSize = PAGE_SIZE } = options;
  const fieldSelector = nameSelector(name);
  const path = collectionPath(resource, namespace);
  const items: RawObject[] = [];
  let from = '';
  for (;;) {
    const query = {
      limit: String(pageSize),
      ...(fieldSelector && { fieldSelector }),
      ...(from !== '' && { continue: from }),
    };
    const page = (await client.request({ method: 'GET', path, query, signal })) as ListAnswer;
    items.push(...page.items);
    from = page.metadata.continue ?? '';
    if (from === '') return { metadata: page.metadata, items };
  }
}

/** How long to wait after so many failures in a row, before jitter. */
function waitAfter(failures: number, error: unknown): number {
  const asked = error instanceof KubernetesError ? (error.retryAfter ?? 0) * 1000 : 0;
  if (isForbidden(error)) return FORBIDDEN_WAIT_MS;
  return Math.min(Math.max(FIRST_WAIT_MS * 2 ** failures, asked), MAX_WAIT_MS);
}

function isForbidden(error: unknown): boolean {
  return error instanceof KubernetesError && error.kind === 'Forbidden';
}

/** Starts to follow a collection; goes on through every error until it is stopped. */
export function startReflector<T extends Stored>(options: ReflectorOptions<T>): Reflector {
  const { client, resource, namespace, store, decode, onState } = options;
  const { random = Math.random, pause = pauseFor } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let state: ReflectorState = 'starting';
  let synced = false;
  /** Attempts since the server last sent something over a watch. */
  let failures = 0;

  const enter = (next: ReflectorState, message: string) => {
    const changed = next !== state;
    state = next;
    if (changed) onState(next, message);
  };
  const retreat = (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    enter(isForbidden(error) ? 'forbidden' : 'disconnected', message);
  };
  const backOff = async (error: unknown) => {
    const wait = waitAfter(failures, error);
    failures += 1;
    await pause(wait * (0.5 + random() / 2), signal);
  };
  const relist = async () => {
    const { items, metadata } = await list(options, signal);
    store.replace(namespace, items.map(decode), metadata.resourceVersion);
    synced = true;
    return metadata.resourceVersion;
  };
  const take = ({ type, object }: WatchEvent) => {
    failures = 0;
    if (type === 'BOOKMARK') return;
    const decoded = decode(object);
    const { namespace: home, name, uid } = decoded.metadata;
    if (type === 'DELETED') store.remove(home, name, uid);
    else store.put(decoded);
  };
  /** Follows the collection from a version on; gives the version to go on from, or none to list anew. */
  const follow = async (from: string): Promise<string | undefined> => {
    const path = collectionPath(resource, namespace);
    const onOpen = () => enter('synced', '');
    const fieldSelector = nameSelector(options.name);
    const { config } = client;
    const end = await watchOnce({ config, path, fieldSelector, from, signal, onOpen, onEvent: take });
    if (signal.aborted) return undefined;
    const mendable = end.resumeFrom !== undefined && failures === 0;
    if (end.error !== undefined && !mendable) retreat(end.error);
    await backOff(end.error);
    return end.error === undefined || mendable ? end.resumeFrom : undefined;
  };
  const run = async () => {
    let version: string | undefined;
    while (!signal.aborted) {
      try {
        version ??= await relist();
        version = await follow(version);
      } catch (error) {
        if (signal.aborted) return;
        retreat(error);
        await backOff(error);
      }
    }
  };
  void run();
  return { state: () => state, hasSynced: () => synced, stop: () => stopping.abort() };
}
