import { readdir, readFile, stat } from 'node:fs/promises';
import { join, normalize, resolve } from 'node:path';
import { CommandFailure, ExitCode, harmless } from '../terminal.ts';

/** A text with the name under which people know it. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

const STDIN = '-';
const NAMES = /\.(?:ya?ml|json)$/i;

/**
 * The texts of files, of all YAML and JSON files below folders, and of the standard input (`-`), each once. Ends the
 * command where one cannot be read, or a folder has none.
 */
export async function readSources(
  paths: readonly string[],
  input: () => Promise<string>,
): Promise<readonly SourceText[]> {
  const files = (await Promise.all(paths.map(path => (path === STDIN ? [STDIN] : filesAt(path))))).flat();
  const once = new Map(files.map(file => [file === STDIN ? STDIN : resolve(file), file]));
  return Promise.all(
    [...once.values()].map(async file =>
      file === STDIN ? { file: 'stdin', text: await input() } : { file, text: await read(file) },
    ),
  );
}

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(error => unreadable(path, error));
  if (!found.isDirectory()) return [normalize(path)];
  const files = await filesBelow(path);
  if (files.length > 0) return files.toSorted();
  throw new CommandFailure(`${path} has no *.yaml, *.yml or *.json; correct the path`, ExitCode.Failed);
}

/** Hidden folders are those of tools, and so is `node_modules`. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => unreadable(folder, error));
  const lists = entries.map(async entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : filesBelow(path);
    }
    return NAMES.test(entry.name) && (await isFile(path)) ? [path] : [];
  });
  return (await Promise.all(lists)).flat();
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(error => unreadable(path, error))).isFile();
}

async function read(file: string): Promise<string> {
  return decoded(await readFile(file).catch(error => unreadable(file, error)));
}

/** Text in UTF-8, or, by its mark, in UTF-16, as some shells of Windows write it and kubectl reads it. */
function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const remedy = code === 'EACCES' ? 'see to it that you may read it' : 'correct the path';
  throw new CommandFailure(`${harmless(path)} cannot be read (${code}); ${remedy}`, ExitCode.Failed);
}
