import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { type Dispatcher, fetch, type RequestInit } from 'undici';
import { reuseConnections } from './connections.ts';
import { errorFromAnswer, errorFromFailure, KubernetesError } from './errors.ts';

/** One request to the API server. */
export interface KubernetesRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server's address, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** The form of the answer; plain JSON by default. */
  readonly accept?: string;
  readonly signal: AbortSignal;
}

/** Sends requests to one API server over connections that are reused, each with a deadline. */
export interface KubernetesClient {
  /** The parsed answer; throws a `KubernetesError` otherwise, or the signal's reason. */
  readonly request: (request: KubernetesRequest) => Promise<unknown>;
  /** For client-node's own classes. */
  readonly config: KubeConfig;
  /** Closes the connections; what is under way fails, and so does every request after that. */
  readonly close: () => Promise<void>;
}

/** Where the cluster is, and how long to wait for an answer. */
export interface KubernetesClientOptions {
  /** Path of a kubeconfig; the Pod's own account, or the user's default, where it is left out. */
  readonly kubeconfigPath?: string;
  /** A kubeconfig that has been read already, with its current context; takes the place of a path. */
  readonly config?: KubeConfig;
  /** Milliseconds for one request. */
  readonly deadlineMs?: number;
  readonly userAgent?: string;
}

const DEADLINE_MS = 20_000;
/** For a plugin of the kubeconfig, which may have to ask whoever sits there. */
const CREDENTIALS_MS = 120_000;

function loadConfig({ kubeconfigPath, config: given }: KubernetesClientOptions): KubeConfig {
  if (given !== undefined) return given;
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfigPath);
  return config;
}

/**
 * The server's address, also for client-node's own classes without a slash at its end. Fails at once, rather than
 * at each request, where there is none to be used.
 */
function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig names no cluster');
  if (!cluster.server.startsWith('https:') && cluster.skipTLSVerify !== true) {
    throw new Error(`no kubeconfig, or one whose server is not reached by HTTPS: ${cluster.server}`);
  }
  const server = cluster.server.replace(/\/+$/, '');
  Object.assign(cluster, { server });
  return server;
}

function parse(what: string, status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KubernetesError('Unavailable', `${what}: the answer is no JSON`, status);
  }
}

/** Rejects with the signal's reason once it is aborted. */
function whenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

/** Connects to the cluster of a kubeconfig, or to the one that the Pod runs in. */
export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const config = loadConfig(options);
  const server = serverOf(config);
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const userAgent = options.userAgent ?? 'argo-access-operator';
  const close = reuseConnections(config);

  /** Headers and connection that carry the credentials as they now are; a token's file is read again each minute. */
  const authenticate = async (what: string, url: string, signal: AbortSignal) => {
    const context = new RequestContext(url, HttpMethod.GET);
    const within = AbortSignal.any([signal, AbortSignal.timeout(CREDENTIALS_MS)]);
    try {
      await Promise.race([config.applySecurityAuthentication(context), whenAborted(within)]);
    } catch (error) {
      signal.throwIfAborted();
      const failure = errorFromFailure(`${what}: reading the credentials`, error, CREDENTIALS_MS);
      // What a plugin has to say is for those only whose credentials these are: it is no part of the message.
      throw Object.assign(failure, { cause: error });
    }
    return { headers: context.getHeaders(), dispatcher: context.getDispatcher() as Dispatcher };
  };
  const send = async (what: string, url: string, init: RequestInit, signal: AbortSignal) => {
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
      const response = await fetch(url, { ...init, redirect: 'manual', signal: within });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw errorFromFailure(what, error, deadlineMs);
    }
  };
  return {
    config,
    close,
    request: async ({
      method,
      path,
      query,
      body,
      contentType = 'application/json',
      accept = 'application/json',
      signal,
    }) => {
      signal.throwIfAborted();
      const what = `${method} ${path}`;
      const url = `${server}${path}${query === undefined ? '' : `?${new URLSearchParams(query)}`}`;
      const { headers, dispatcher } = await authenticate(what, url, signal);
      const init: RequestInit = {
        method,
        dispatcher,
        headers: { ...headers, accept, 'user-agent': userAgent },
      };
      if (body !== undefined) {
        init.body = JSON.stringify(body);
        init.headers = { ...init.headers, 'content-type': contentType };
      }
      const answer = await send(what, url, init, signal);
      if (answer.status >= 300) {
        throw errorFromAnswer(what, answer.status, answer.text, answer.headers.get('retry-after'));
      }
      return parse(what, answer.status, answer.text);
    },
  };
}
