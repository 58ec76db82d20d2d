import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CACHE_ROOT } from './cache-root.ts';
import { isAlive } from './process.ts';

/** A lock without a process in it is of one that was killed as it took it. */
const EMPTY_LOCK_MS = 10_000;

/** What was built before this long ago, from other sources, is removed; what is younger may be in use. */
const OLD_MS = 7 * 24 * 3_600_000;

/** A digest of all files below a folder, with their names. */
export async function hashFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash
      .update(file.slice(folder.length))
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** A short digest of texts. */
export function hashText(...texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16);
}

async function holderOf(lock: string): Promise<number | undefined> {
  const text = await readFile(lock, 'utf8').catch(() => '');
  const pid = Number(text);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

async function isOlderThan(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < Date.now() - ms;
}

/** Takes the lock file, waiting for whoever holds it; the lock of a process that is gone is broken. */
async function acquire(lock: string, waiting: (pid: number) => void): Promise<void> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = await holderOf(lock);
    const gone = pid === undefined ? await isOlderThan(lock, EMPTY_LOCK_MS) : !isAlive(pid);
    if (gone) await rm(lock, { force: true });
    else {
      waiting(pid ?? 0);
      await pause(500);
    }
  }
}

/** Shows how long something takes, once in ten seconds; call the result to end it. */
export function progress(title: string, say: (line: string) => void): () => void {
  const started = Date.now();
  say(`${title} ...`);
  const timer = setInterval(() => say(`${title} ... ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
  timer.unref();
  return () => {
    clearInterval(timer);
    say(`${title}: done in ${Math.round((Date.now() - started) / 1000)} s`);
  };
}

/**
 * A folder that is built once for each key: under a lock, in a temporary folder, renamed into place when it is
 * whole. Folders of the same name that were built long ago are removed.
 *
 * @param name what it is, for people and as the folder's name
 * @param key digest of everything that the result depends on
 * @param build fills the folder that it is given
 */
export async function cached(
  name: string,
  key: string,
  build: (folder: string) => Promise<void>,
  say: (line: string) => void,
): Promise<string> {
  const target = join(CACHE_ROOT, `${name}-${key}`);
  if (existsSync(target)) return target;
  await mkdir(CACHE_ROOT, { recursive: true });
  const lock = join(CACHE_ROOT, `${name}.lock`);
  let told = false;
  await acquire(lock, pid => {
    if (!told) say(`${name} is being built by process ${pid}; waiting`);
    told = true;
  });
  const release = () => rm(lock, { force: true });
  try {
    if (!existsSync(target)) await buildInto(name, target, build, say);
  } finally {
    await release();
  }
  return target;
}

async function buildInto(
  name: string,
  target: string,
  build: (folder: string) => Promise<void>,
  say: (line: string) => void,
): Promise<void> {
  for (const old of await readdir(CACHE_ROOT)) {
    const path = join(CACHE_ROOT, old);
    // With a dot: left by a build that was killed; nobody else builds now.
    const useless =
      old.startsWith(`.${name}-`) || (old.startsWith(`${name}-`) && (await isOlderThan(path, OLD_MS)));
    if (useless) await rm(path, { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(CACHE_ROOT, `.${name}-`));
  const done = progress(`building ${name} (once; kept in the cache)`, say);
  try {
    await build(folder);
    await rename(folder, target);
    done();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
