import { type KubeConfig, Watch } from '@kubernetes/client-node';
import type { RawObject } from './decode.ts';
import { errorFromAnswer, errorFromFailure, type KubernetesError } from './errors.ts';

/** Something that a watch has told. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: RawObject;
}

/** How a watch has ended. */
export interface WatchEnd {
  /** Version to go on from; undefined where everything must be listed again. */
  readonly resumeFrom: string | undefined;
  /** Undefined where nothing is wrong: the server ends every watch after a time. */
  readonly error: unknown;
}

/** One watch. */
export interface WatchOptions {
  readonly config: KubeConfig;
  readonly path: string;
  /** Which objects of the collection; all where it is left out. */
  readonly fieldSelector?: string | undefined;
  /** Version from which on to be told. */
  readonly from: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** The server has accepted the watch. */
  readonly onOpen: () => void;
  /** What it throws ends the watch, with everything to be listed again. */
  readonly onEvent: (event: WatchEvent) => void;
}

/** After so long without a byte a connection counts as dead; the server sends a bookmark each minute. */
const QUIET_MS = 120_000;

/** How a watch has ended that the server has refused, or that broke. */
function endOf(error: unknown, what: string, version: string): WatchEnd {
  if (error instanceof Error && 'statusCode' in error) {
    const refused = errorFromAnswer(what, Number(error.statusCode), '');
    const passes = refused.kind === 'Unavailable' || refused.kind === 'TooManyRequests';
    return endByServer(refused, passes ? version : undefined);
  }
  const quiet = error instanceof Error && error.name === 'TimeoutError';
  return { resumeFrom: version, error: quiet ? undefined : errorFromFailure(what, error, QUIET_MS) };
}

/** A version that the server no longer knows is no error: it is how the server asks for a new list. */
function endByServer(error: KubernetesError, resumeFrom: string | undefined): WatchEnd {
  return { resumeFrom, error: error.kind === 'Gone' ? undefined : error };
}

/** Watches a collection until the watch ends, for whatever reason; never throws. */
export function watchOnce(options: WatchOptions): Promise<WatchEnd> {
  const { config, path, fieldSelector, from, signal, onOpen, onEvent } = options;
  const what = `WATCH ${path}`;
  const watch = new Watch(config);
  // client-node's own limit is 30 s, half of what the server stays silent.
  Reflect.set(watch, 'requestTimeoutMs', QUIET_MS);
  const { promise, resolve } = Promise.withResolvers<WatchEnd>();
  let version = from;
  let ended = false;
  let connection: AbortController | undefined;
  const finish = (end: WatchEnd) => {
    ended = true;
    signal.removeEventListener('abort', onAbort);
    connection?.abort();
    resolve(end);
  };
  const onAbort = () => finish({ resumeFrom: version, error: undefined });
  const onLine = (type: string, object: RawObject) => {
    // What comes after the end is told again. client-node swallows what is thrown here, and the event with it.
    if (ended) return;
    try {
      if (type === 'ERROR') {
        const { code = 500 } = object as { readonly code?: number };
        return finish(endByServer(errorFromAnswer(what, code, JSON.stringify(object)), undefined));
      }
      onEvent({ type: type as WatchEvent['type'], object });
      version = String(object.metadata?.resourceVersion ?? version);
    } catch (error) {
      finish({ resumeFrom: undefined, error });
    }
  };
  const onDone = (error: unknown) => {
    if (ended) return;
    finish(error === null ? { resumeFrom: version, error: undefined } : endOf(error, what, version));
  };
  if (signal.aborted) return Promise.resolve({ resumeFrom: from, error: undefined });
  signal.addEventListener('abort', onAbort);
  const query = { allowWatchBookmarks: true, resourceVersion: from, ...(fieldSelector && { fieldSelector }) };
  watch.watch(path, query, onLine, onDone).then(
    made => {
      connection = made;
      if (ended) made.abort();
      else onOpen();
    },
    error => finish(endOf(error, `${what}: reading the credentials`, version)),
  );
  return promise;
}
