import { join } from 'node:path';
import { cached, hashFolder, hashText } from './cache.ts';
import { startLineProgram } from './line-program.ts';
import { run } from './process.ts';

const SOURCE = join(import.meta.dirname, 'argo-config');

/**
 * Releases whose own reading of settings is built. 4.1 reads `sso` with the code of 4.0 and a newer library for YAML
 * (sigs.k8s.io/yaml 1.6, its go.mod), which the module file of 4.0.5 here asks for; 3.6 and 3.7 know what 3.5 knows.
 */
export const ARGO_RELEASES = [
  { module: 'v3.5.11', tags: ['argo3'], as: '3.5' },
  { module: 'v4.0.5', tags: [], as: '4.1' },
] as const;

/** The program of each of {@link ARGO_RELEASES}, named after its module's version; their folder. */
export async function argoConfigPrograms(say: (line: string) => void): Promise<string> {
  const key = hashText(await hashFolder(SOURCE), await run('go', ['version']));
  return cached('argo-config', key, build, say);
}

async function build(target: string): Promise<void> {
  for (const { module, tags } of ARGO_RELEASES) {
    const args = ['build', `-modfile=${module}.mod`, '-tags', tags.join(), '-trimpath', '-ldflags=-s -w'];
    await run('go', [...args, '-o', join(target, module), '.'], {
      cwd: SOURCE,
      env: { ...process.env, CGO_ENABLED: '0' },
    });
  }
}

/** What Argo makes of the data of a ConfigMap: its `sso` as Argo has it then, or why it does not start. */
export type ArgoReading = { readonly sso: Readonly<Record<string, unknown>> } | { readonly error: string };

/** Argo's own reading of its settings. */
export interface ArgoConfig {
  readonly read: (maps: readonly Readonly<Record<string, string>>[]) => Promise<readonly ArgoReading[]>;
  readonly close: () => Promise<void>;
}

/** Starts one of the programs. */
export function startArgoConfig(path: string): ArgoConfig {
  const program = startLineProgram(path);
  return {
    read: async maps => {
      const lines = await program.ask(maps.map(data => JSON.stringify(data)));
      return lines.map((line): ArgoReading => JSON.parse(line));
    },
    close: program.close,
  };
}
