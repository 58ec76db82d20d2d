import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A server that was started and can be stopped. */
export interface Running {
  readonly process: ChildProcess;
  readonly logPath: string;
  /** Ends it, with SIGKILL when it does not end by itself in time. */
  readonly stop: () => Promise<void>;
}

const STOP_DEADLINE = 5_000;
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a program with its output in a log file. Its standard input is a pipe from this process, so that it can
 * see when this process is gone, however that came about.
 */
export function start(
  command: string,
  args: readonly string[],
  options: { readonly logPath: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string },
): Running {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const log = createWriteStream(options.logPath, { flags: 'a' });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  child.stdin.on('error', () => {});
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', error => log.write(String(error)));
  return { process: child, logPath: options.logPath, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE);
  await ended;
  clearTimeout(timer);
}

/** A port of the loopback address that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Waits until a condition gives something, asking again and again; fails when the deadline passes. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  deadlineMs = 60_000,
  intervalMs = 50,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${deadlineMs / 1000} s: ${what}`, { cause: last });
    }
    await pause(intervalMs);
  }
}

/** Runs a program to its end; fails with its output unless it exits with 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => running.delete(child));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4000)}`);
  return output;
}
