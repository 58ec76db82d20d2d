import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request is answered. */
export type Answer = (response: ServerResponse) => void;

/** A server that gives prepared answers in order, for what a real API server does rarely. */
export interface ScriptedServer {
  readonly url: string;
  /** Method, path and query of each request in order. */
  readonly requests: readonly string[];
  /** Adds answers; a request beyond the last one is left without. */
  readonly answer: (...answers: readonly Answer[]) => void;
  readonly openConnections: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** An answer with a body of JSON, or of text. */
export function reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return response => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

/** The page of a list. */
export function page(resourceVersion: string, items: readonly object[] = [], next?: string): Answer {
  return reply(200, {
    metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) },
    items,
  });
}

/** The events of a watch, which then stays open, ends, or is cut in the middle of another event. */
export function stream(events: readonly object[], how: 'open' | 'ended' | 'cut' = 'open'): Answer {
  return response => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const event of events) response.write(`${JSON.stringify(event)}\n`);
    if (how === 'ended') response.end();
    if (how === 'cut') response.write('{"type":"ADDED","obj', () => response.destroy());
  };
}

/** Starts a server without answers on a free port of the loopback address. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const answers: Answer[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answers.shift()?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (...more) => {
      answers.push(...more);
    },
    openConnections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
