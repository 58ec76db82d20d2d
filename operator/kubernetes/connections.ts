import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';

type DispatcherOptions = Parameters<KubeConfig['createDispatcherOptions']>;
type MakeDispatcher = (...options: DispatcherOptions) => Dispatcher | undefined;

interface Kept {
  readonly key: string;
  readonly dispatcher: Dispatcher;
}

/**
 * client-node makes a dispatcher, and so a connection, for every request. This makes a KubeConfig keep one for as
 * long as server and credentials stay the same; after that the old one ends with the last request on it, which may
 * be a watch. What is returned ends all of them, with what is under way; nothing can be sent after that.
 *
 * A connection that has died silently needs no care here: undici pings each one every minute.
 */
export function reuseConnections(config: KubeConfig): () => Promise<void> {
  const make: MakeDispatcher = Reflect.get(config, 'createDispatcher');
  const open = new Set<Dispatcher>();
  let kept: Kept | undefined;
  let closed = false;
  const letGo = (dispatcher: Dispatcher) => {
    const forget = () => open.delete(dispatcher);
    dispatcher.close().then(forget, forget);
  };
  const createDispatcher: MakeDispatcher = (...options) => {
    if (closed) throw new Error('the client is closed');
    const key = JSON.stringify(options);
    if (kept?.key === key) return kept.dispatcher;
    if (kept !== undefined) letGo(kept.dispatcher);
    // None is made where no option asks for one; the global one would outlive this client.
    const dispatcher = make.apply(config, options) ?? new Agent();
    open.add(dispatcher);
    kept = { key, dispatcher };
    return dispatcher;
  };
  Object.defineProperty(config, 'createDispatcher', { value: createDispatcher });
  return async () => {
    closed = true;
    await Promise.all([...open].map(dispatcher => dispatcher.destroy()));
  };
}
