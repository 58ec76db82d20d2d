import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** Where probes are answered. */
export interface Health {
  /** Port that is listened on. */
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Where to listen. */
export interface Address {
  /** Empty for every address of the machine. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** The address in `HOST:PORT`; undefined where the text is none. */
export function parseAddress(text: string): Address | undefined {
  const parts = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:]*):(?<port>[0-9]{1,5})$/.exec(text)?.groups;
  const port = Number(parts?.port);
  if (parts === undefined || port > 65_535) return undefined;
  return { host: (parts.host ?? '').replace(/^\[|\]$/g, ''), port };
}

/** What `/metrics` is answered with. */
type Shown = Pick<Metrics, 'text' | 'contentType'>;

function answer(response: ServerResponse, status: number, text: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType }).end(text);
}

/** Why metrics cannot be shown is no business of whoever asks. */
async function show({ text, contentType }: Shown, response: ServerResponse): Promise<void> {
  const shown = await text().catch(() => undefined);
  if (shown === undefined) answer(response, 500, 'no metrics\n');
  else answer(response, 200, shown, contentType);
}

/**
 * Answers `/livez` as long as the process runs, `/readyz` with 200 once it is ready and with 503 before, and
 * `/metrics` where there are any at the moment.
 */
export async function serveHealth(
  { host, port }: Address,
  isReady: () => boolean,
  metrics: () => Shown | undefined = () => undefined,
): Promise<Health> {
  const server = createServer(({ url }, response) => {
    const shown = url === '/metrics' ? metrics() : undefined;
    if (shown !== undefined) return void show(shown, response);
    if (url === '/livez' || (url === '/readyz' && isReady())) return answer(response, 200, 'ok\n');
    answer(response, url === '/readyz' ? 503 : 404, 'not ready\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
