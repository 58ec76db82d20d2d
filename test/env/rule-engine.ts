import { join } from 'node:path';
import { cached, hashFolder, hashText } from './cache.ts';
import { run } from './process.ts';

const ENGINE = join(import.meta.dirname, '..', '..', 'operator', 'argo', 'rule-engine');
const NATIVE = join(import.meta.dirname, 'engines');

/**
 * The engines that releases of Argo Workflows are built with (their go.mod), and the first of each minor release.
 * 3.5.0 alone replaces v1.15.3 by a commit a few days older, which Go's checksum database does not know.
 */
export const ENGINE_VERSIONS = [
  { version: 'v1.15.3', since: '3.5.1' },
  { version: 'v1.15.5', since: '3.5.3' },
  { version: 'v1.16.0', since: '3.5.5' },
  { version: 'v1.16.9', since: '3.5.14 and 3.6.0' },
  { version: 'v1.17.0', since: '3.6.6' },
  { version: 'v1.17.5', since: '3.5.15 and 3.7.0' },
  { version: 'v1.17.7', since: '3.6.16, 3.7.7 and 4.0.0' },
  { version: 'v1.17.8', since: '4.1.0' },
] as const;

async function keyOf(folder: string): Promise<string> {
  return hashText(await hashFolder(folder), await run('go', ['version']));
}

/** Argo's rule engine as WebAssembly, built once; the file's path. */
export async function ruleEngineWasm(say: (line: string) => void): Promise<string> {
  const file = 'rule-engine.wasm';
  const folder = await cached(
    'rule-engine',
    await keyOf(ENGINE),
    async target => {
      const args = ['build', '-buildmode=c-shared', '-trimpath', '-ldflags=-s -w'];
      await run('go', [...args, '-o', join(target, file), '.'], {
        cwd: ENGINE,
        env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
      });
    },
    say,
  );
  return join(folder, file);
}

/** The engine of every {@link ENGINE_VERSIONS}, each a program named after its version; their folder. */
export async function nativeEngines(say: (line: string) => void): Promise<string> {
  return cached('native-rule-engines', await keyOf(NATIVE), buildNative, say);
}

async function buildNative(target: string): Promise<void> {
  for (const { version } of ENGINE_VERSIONS) {
    // Up to 1.15 the module had another name, and Argo called it in another way.
    const tags = version.startsWith('v1.15.') ? ['-tags', 'antonmedv'] : [];
    await run(
      'go',
      ['build', `-modfile=${version}.mod`, ...tags, '-trimpath', '-o', join(target, version), '.'],
      {
        cwd: NATIVE,
        env: { ...process.env, CGO_ENABLED: '0' },
      },
    );
  }
}
