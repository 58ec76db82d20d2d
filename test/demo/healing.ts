import type { KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { watchOnce } from '../../operator/kubernetes/watch.ts';
import { Disappointment } from './expect.ts';

const DEADLINE_MS = 15_000;

/** One object of a collection, and how it should be. */
export interface Watched {
  readonly api: KubernetesClient;
  /** Path of the collection. */
  readonly path: string;
  readonly name: string;
  readonly isRight: (object: RawObject) => boolean;
}

/**
 * Does damage to a Kubernetes object, and gives the milliseconds between the two moments at which the API server
 * tells of it: that it is wrong or gone, and that it is right again. Fails where it does not heal, or was never
 * wrong.
 */
export async function healingOf(watched: Watched, damage: () => Promise<unknown>): Promise<number> {
  const { api, path, name, isRight } = watched;
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const list = (await api.request({ method: 'GET', path, signal })) as RawObject;
  const opened = Promise.withResolvers<void>();
  const healed = Promise.withResolvers<number>();
  let brokenAt: number | undefined;
  const ended = watchOnce({
    config: api.config,
    path,
    from: String(list.metadata?.resourceVersion),
    signal,
    onOpen: opened.resolve,
    onEvent: ({ type, object }) => {
      if (type === 'BOOKMARK' || object.metadata?.name !== name) return;
      if (type === 'DELETED' || !isRight(object)) brokenAt ??= performance.now();
      else if (brokenAt !== undefined) healed.resolve(performance.now() - brokenAt);
    },
  }).then((): never => {
    const what = brokenAt === undefined ? 'was never seen broken' : 'did not heal';
    throw new Disappointment(`${name} ${what} within ${DEADLINE_MS / 1000} s`);
  });
  try {
    await Promise.race([opened.promise, ended]);
    await damage();
    return await Promise.race([healed.promise, ended]);
  } finally {
    done.abort();
  }
}
