import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Passes bytes on to a server and counts the connections, whatever is spoken over them. */
export interface Tunnel {
  readonly url: string;
  /** Connections ever opened. */
  readonly opened: () => number;
  /** Connections that are open. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** Starts a tunnel to the server of an address, on a free port of the loopback address. */
export async function startTunnel(target: string): Promise<Tunnel> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer(socket => {
    opened += 1;
    sockets.add(socket);
    const behind = connect(Number(port), hostname);
    socket.pipe(behind).pipe(socket);
    socket.once('error', () => {}).once('close', () => sockets.delete(socket) && behind.destroy());
    behind.once('error', () => {}).once('close', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened: () => opened,
    open: () => sockets.size,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
