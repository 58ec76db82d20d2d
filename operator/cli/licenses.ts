// The licenses of what the packed command line contains.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Where the text of a license is that packages name without having it; a line of copyright in it is another's. */
const TEXTS: Readonly<Record<string, string>> = {
  'Apache-2.0': join(ROOT, 'LICENSE'),
  MIT: join(ROOT, 'node_modules', 'commander', 'LICENSE'),
};

interface Manifest {
  readonly license?: string;
  readonly author?: string | { readonly name: string };
}

/** The license of a package or module: its own file, or else what it names. Throws where it has neither. */
export async function licenseOf(folder: string): Promise<string> {
  const name = (await readdir(folder)).find(each => /^(un)?licen[cs]e/i.test(each));
  if (name !== undefined) return readFile(join(folder, name), 'utf8');
  const { license = '', author } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}'),
  ) as Manifest;
  const text = TEXTS[license];
  if (text === undefined) throw new Error(`${folder} has no license to go with the bundle`);
  const lines = (await readFile(text, 'utf8')).split('\n').filter(line => !line.startsWith('Copyright'));
  const by = typeof author === 'object' ? author.name : (author ?? 'its authors');
  return `Copyright ${by}; license ${license}:\n\n${lines.join('\n')}`;
}
