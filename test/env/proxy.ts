import { once } from 'node:events';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { eventually, freePort } from './process.ts';

/** A request that came to the proxy. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** What the server answered; undefined as long as it has not, and where it was not asked. */
  readonly status: number | undefined;
}

/** Picks requests. */
export type Matches = (request: Seen) => boolean;

/**
 * What goes wrong with the requests that match (default: all):
 *
 * - `refuse`: nobody listens; open connections are reset
 * - `status`: answered with this status, the server is not asked
 * - `delay`: passed on after so many milliseconds
 * - `hang`: never answered, the server is not asked
 * - `lose`: passed on, and the connection is reset where the server's answer should come
 */
export type Fault =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'status'; readonly status: number; readonly matches?: Matches }
  | { readonly kind: 'delay'; readonly ms: number; readonly matches?: Matches }
  | { readonly kind: 'hang'; readonly matches?: Matches }
  | { readonly kind: 'lose'; readonly matches?: Matches };

/** What is done once the server has answered a certain request. */
export interface KillPoint {
  /** After how many requests that match; 1 is the first. */
  readonly count: number;
  /** Default: writes. */
  readonly matches?: Matches;
  /** Whether the client gets the answer to that last request before, after, or never. */
  readonly answer: 'passed' | 'held' | 'lost';
  readonly action: () => void | Promise<void>;
}

/** A proxy before a real server. */
export interface FaultProxy {
  readonly url: string;
  /** Every request since the start or the last reset, in order. */
  readonly requests: readonly Seen[];
  /** Forgets the requests. */
  readonly reset: () => void;
  /** Makes requests fail from now on, until `heal`. One fault at a time. */
  readonly fail: (fault: Fault) => Promise<void>;
  readonly heal: () => Promise<void>;
  /** Arms a kill point, in place of one that is armed already. */
  readonly killAfter: (point: KillPoint) => void;
  readonly close: () => Promise<void>;
}

/** The server behind, and for HTTPS what the proxy shows and trusts (PEM). */
export interface ProxyOptions {
  readonly target: string;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

type Mutable = { -readonly [K in keyof Seen]: Seen[K] };

/** What the handling of a request needs. */
interface State {
  readonly target: URL;
  readonly agent: http.Agent;
  requests: Mutable[];
  fault: Fault | undefined;
  kill: KillPoint | undefined;
  killCount: number;
}

// Shorter than the keep-alive of the servers behind, so that no request goes out on a connection that they close.
const IDLE_MS = 2_000;

/** True for requests that change something; getting or proving tokens at Keycloak does not. */
export const isWrite: Matches = ({ method, path }) =>
  ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) && !path.includes('/protocol/openid-connect/');

/** Of these the ones that leave something behind: asking what one may do, or what would come of a write, does not. */
export const isLasting: Matches = request =>
  isWrite(request) &&
  !request.path.startsWith('/apis/authorization.k8s.io/') &&
  !request.path.includes('dryRun=All');

function ask(state: State, request: IncomingMessage): http.ClientRequest {
  const { target, agent } = state;
  return (target.protocol === 'https:' ? https : http).request({
    host: target.hostname,
    port: target.port,
    method: request.method,
    path: request.url,
    headers: request.headers,
    agent,
  });
}

/** The quickest that both sides know: a watch is a connection of its own, and tests open thousands. */
const CURVE = { ecdhCurve: 'P-256' };

function trusting(ca: string | undefined): https.AgentOptions {
  const secureContext = createSecureContext({ ...(ca !== undefined && { ca }), ...CURVE });
  return { secureContext, servername: 'localhost', checkServerIdentity: () => undefined };
}

/** Whether the armed kill point has come with this request. */
function killPointReached(state: State, seen: Seen): KillPoint | undefined {
  const point = state.kill;
  if (point === undefined || !(point.matches ?? isWrite)(seen)) return undefined;
  state.killCount += 1;
  if (state.killCount !== point.count) return undefined;
  state.kill = undefined;
  return point;
}

async function passOn(state: State, seen: Mutable, request: IncomingMessage, response: ServerResponse) {
  const upstream = ask(state, request);
  response.once('close', () => upstream.destroy());
  request.pipe(upstream);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  upstream.on('error', () => response.destroy());
  seen.status = answer.statusCode;
  const { fault } = state;
  const lost = fault?.kind === 'lose' && (fault.matches?.(seen) ?? true);
  const point = killPointReached(state, seen);
  if (lost || point?.answer === 'lost') {
    await buffer(answer);
    await point?.action();
    response.destroy();
    return;
  }
  if (point?.answer === 'held') await point.action();
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  response.flushHeaders();
  answer.once('error', () => response.destroy());
  answer.pipe(response);
  if (point?.answer === 'passed') {
    await once(response, 'close');
    await point.action();
  }
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const seen: Mutable = { method: request.method ?? '', path: request.url ?? '', status: undefined };
  state.requests.push(seen);
  const { fault } = state;
  if (fault !== undefined && fault.kind !== 'refuse' && (fault.matches?.(seen) ?? true)) {
    if (fault.kind === 'hang') return;
    if (fault.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'text/plain' }).end('made to fail\n');
      return;
    }
    if (fault.kind === 'delay') await pause(fault.ms);
  }
  await passOn(state, seen, request, response);
}

/** Joins the two connections of a request that leaves HTTP (exec, attach, websockets). */
function tunnel(state: State, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  state.requests.push({ method: request.method ?? '', path: request.url ?? '', status: 101 });
  const upstream = ask(state, request);
  upstream.once('error', () => socket.destroy());
  upstream.once('response', () => socket.destroy());
  upstream.once('upgrade', (answer, behind: Socket, rest) => {
    const headers = answer.rawHeaders.map((text, index) => `${text}${index % 2 === 0 ? ': ' : '\r\n'}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('')}\r\n`);
    socket.write(rest);
    behind.write(head);
    socket.pipe(behind).pipe(socket);
    for (const side of [socket, behind])
      side.once('error', () => socket.destroy()).once('close', () => behind.destroy());
  });
  upstream.end();
}

function listener(state: State, tls: ProxyOptions['tls']): Server {
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    handle(state, request, response).catch(() => response.destroy());
  };
  const server =
    tls === undefined ? http.createServer(onRequest) : https.createServer({ ...tls, ...CURVE }, onRequest);
  server.on('upgrade', (request, socket, head) => tunnel(state, request, socket, head));
  server.keepAliveTimeout = 60_000;
  return server;
}

/**
 * Listens at a port, and waits for it where it must: what listened there a moment ago may live on in a program that
 * another thread is just about to start.
 */
async function listen(server: Server, port: number): Promise<void> {
  await eventually(`the proxy listens at port ${port}`, async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  });
}

/**
 * Ends listening at a port, and resolves once connections are refused: a program that another thread is just about to
 * start takes them until then.
 */
async function refuse(server: Server, port: number): Promise<void> {
  await hangUp(server);
  await eventually(`nobody listens at port ${port}`, async () => {
    const socket = connect(port, '127.0.0.1');
    const outcome = await new Promise(resolve => {
      socket.once('connect', () => resolve('taken')).once('error', resolve);
    });
    socket.destroy();
    return outcome instanceof Error && 'code' in outcome && outcome.code === 'ECONNREFUSED';
  });
}

async function hangUp(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/**
 * Starts a proxy on a free port of the loopback address: HTTPS when `tls` is given, HTTP otherwise. Requests go
 * through as they are, so that the server sees the proxy's own host and port in `Host`.
 */
export async function startProxy({ target, tls }: ProxyOptions): Promise<FaultProxy> {
  const url = new URL(target);
  const keepAlive = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const;
  const state: State = {
    target: url,
    agent:
      url.protocol === 'https:'
        ? new https.Agent({ ...keepAlive, ...trusting(tls?.ca) })
        : new http.Agent(keepAlive),
    requests: [],
    fault: undefined,
    kill: undefined,
    killCount: 0,
  };
  const server = listener(state, tls);
  // One that nobody else takes while the proxy refuses: it comes back at the same.
  const port = await freePort();
  await listen(server, port);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    get requests() {
      return state.requests;
    },
    reset: () => {
      state.requests = [];
    },
    fail: async fault => {
      state.fault = fault;
      if (fault.kind === 'refuse') await refuse(server, port);
      else if (!server.listening) await listen(server, port);
    },
    heal: async () => {
      state.fault = undefined;
      if (!server.listening) await listen(server, port);
    },
    killAfter: point => {
      state.kill = point;
      state.killCount = 0;
    },
    close: async () => {
      await hangUp(server);
      state.agent.destroy();
    },
  };
}
