// `npm run build`: the command line as a package without dependencies, for Node runs no TypeScript from node_modules: the
// bundled JavaScript, the rule engine, and the licenses of what is in them.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import { ruleEngineWasm } from '../../test/env/rule-engine.ts';
import { licenseOf } from './licenses.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TARGET = join(ROOT, 'dist');
const ENGINE = join(ROOT, 'operator', 'argo', 'rule-engine');

/** Packages in CommonJS ask for Node's modules by `require`, which a module has not. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

async function bundle(): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: {
      'argo-access': join(ROOT, 'operator', 'cli.ts'),
      'engine-worker': join(ROOT, 'operator', 'argo', 'engine-worker.ts'),
    },
    outdir: TARGET,
    bundle: true,
    // Only what a command needs is read when it runs: the clients for Kubernetes alone are some megabytes.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: REQUIRE },
    // A Node that does not know the property would do nothing, and say that all is well.
    define: { 'import.meta.main': 'true' },
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: 'warning',
  });
  return metafile;
}

/** Folders of the npm packages that a bundle contains. */
function packagesIn({ inputs }: Metafile): readonly string[] {
  const folders = Object.keys(inputs).flatMap(path => {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    return folder === undefined ? [] : [folder];
  });
  return [...new Set(folders)].sort();
}

/** The lines that Go prints in the rule engine's folder. */
async function go(...args: readonly string[]): Promise<readonly string[]> {
  const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' };
  const { stdout } = await promisify(execFile)('go', args, { cwd: ENGINE, env });
  return stdout.trim().split('\n');
}

/** The licenses of npm packages, of the Go modules of the rule engine, and of Go itself, whose runtime is in it. */
async function licenses(metafile: Metafile): Promise<string> {
  const npm = packagesIn(metafile).map(folder => ({
    title: folder.replace(/^.*node_modules\//, ''),
    folder: join(ROOT, folder),
  }));
  const modules = await go('list', '-deps', '-f', '{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}', '.');
  const ofGo = [...new Set(modules)]
    .map(line => line.split('\t'))
    .flatMap(([title = '', folder = '']) => (folder === '' || folder === ENGINE ? [] : [{ title, folder }]));
  const [goRoot = ''] = await go('env', 'GOROOT');
  const parts = [...npm, ...ofGo, { title: 'Go', folder: goRoot }].map(
    async ({ title, folder }) => `== ${title}\n\n${(await licenseOf(folder)).trim()}\n`,
  );
  return (await Promise.all(parts)).join('\n');
}

await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
const metafile = await bundle();
await copyFile(await ruleEngineWasm(line => console.error(line)), join(TARGET, 'rule-engine.wasm'));
await writeFile(join(TARGET, 'THIRD-PARTY-LICENSES.txt'), await licenses(metafile));
