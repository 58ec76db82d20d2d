import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CACHE_ROOT } from './cache-root.ts';

/** A server that was started and can be stopped. */
export interface Running {
  readonly process: ChildProcess;
  readonly logPath: string;
  /** Ends it, with SIGKILL when it does not end by itself in time. */
  readonly stop: () => Promise<void>;
}

const STOP_DEADLINE = 5_000;
const running = new Set<ChildProcess>();
const leaders = new WeakSet<ChildProcess>();

process.on('exit', () => {
  for (const child of running) kill(child);
});

/** Ends a program at once, and where it leads a process group the whole group. */
function kill(child: ChildProcess): void {
  if (!leaders.has(child) || child.pid === undefined) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** How a program is started. */
export interface StartOptions {
  readonly logPath: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** It starts programs of its own, which are not to outlive it either. */
  readonly startsOthers?: true;
}

/**
 * Starts a program with its output in a log file. Its standard input is a pipe from this process, so that it can
 * see when this process is gone, however that came about.
 */
export function start(command: string, args: readonly string[], options: StartOptions): Running {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: options.startsOthers === true,
    env: options.env ?? process.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  if (options.startsOthers === true) leaders.add(child);
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
  const timer = setTimeout(() => kill(child), STOP_DEADLINE);
  await ended;
  clearTimeout(timer);
}

/** Below the ports that systems hand out for outgoing connections, any of which could take one a moment later. */
const PORTS = { from: 12_000, below: 32_000 };
const RESERVED = join(CACHE_ROOT, 'ports');
const reserved = new Set<string>();

process.on('exit', () => {
  for (const file of reserved) rmSync(file, { force: true });
});

/** Keeps a port for this process among all that ask here; one that was kept by a process that is gone is free. */
async function reserve(port: number): Promise<boolean> {
  const file = join(RESERVED, String(port));
  await mkdir(RESERVED, { recursive: true });
  const holder = Number(await readFile(file, 'utf8').catch(() => 0));
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
  } catch {
    return false;
  }
  reserved.add(file);
  return true;
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A port of the loopback address on which nobody listens, and that nobody else is given until this process ends. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.below);
    if ((await reserve(port)) && (await isFree(port))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
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

/** Waits until a server that was started is ready; fails at once, with the end of its log, when it ends before. */
export async function untilReady(
  what: string,
  server: Running,
  probe: () => Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  const ended = await eventually(
    `${what} (log: ${server.logPath})`,
    async () => {
      if (server.process.exitCode !== null || server.process.signalCode !== null) return 'ended';
      return (await probe()) && 'ready';
    },
    deadlineMs,
  );
  if (ended === 'ready') return;
  const log = await readFile(server.logPath, 'utf8').catch(() => '');
  throw new Error(`${what}: it has ended\n${log.slice(-3000)}`);
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
