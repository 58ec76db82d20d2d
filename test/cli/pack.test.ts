import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeFolder } from '../kubernetes/kubeconfigs.ts';
import { reply, startScriptedServer } from '../kubernetes/scripted-server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const EXAMPLES = join(ROOT, 'examples');
const BUILD_DEADLINE = 600_000;
const RUNS = 10;
/** Far more than any start takes, for whatever else the machine does; in milliseconds. */
const AMPLE = 5_000;

const execute = promisify(execFile);

/** As people's machines have it: nothing of this project's own. */
const env = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', npm_config_update_notifier: 'false' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argo-access-pack-'));
  await execute('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
  const [archive = ''] = await readdir(folder);
  await execute('npm', ['init', '--yes'], { cwd: folder, env });
  // Offline: it is complete as it is.
  const options = ['--offline', '--no-audit', '--no-fund'];
  await execute('npm', ['install', ...options, join(folder, archive)], { cwd: folder, env });
}, BUILD_DEADLINE);
afterAll(() => rm(folder, { recursive: true, force: true }));

const installed = (...path: readonly string[]) => join(folder, 'node_modules', ...path);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, ...args: readonly string[]): Promise<Ended> {
  try {
    return { code: 0, ...(await execute(installed('.bin', command), args, { cwd: folder, env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** The median of how long a program takes from its start to its end, in milliseconds. */
async function timed(...args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    const started = performance.now();
    await execute(process.execPath, args, { cwd: folder, env });
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[RUNS / 2] ?? Number.POSITIVE_INFINITY;
}

describe('the packed command line, installed in an empty folder', () => {
  it('brings no other package along, and nothing but what it needs', async () => {
    const packages = (await readdir(installed())).filter(name => !name.startsWith('.'));
    expect(packages).toEqual([manifest.name]);
    const { dependencies = {} } = JSON.parse(
      await readFile(installed(manifest.name, 'package.json'), 'utf8'),
    );
    expect(dependencies).toEqual({});
    expect((await readdir(installed(manifest.name))).toSorted()).toEqual([
      ...['LICENSE', 'README.md', 'dist', 'package.json'],
    ]);
    const files = await readdir(installed(manifest.name, 'dist'));
    expect(files.filter(name => !name.endsWith('.js')).toSorted()).toEqual([
      'THIRD-PARTY-LICENSES.txt',
      'rule-engine.wasm',
    ]);
  });

  it('has the licenses of what is bundled', async () => {
    const licenses = await readFile(installed(manifest.name, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['commander', 'yaml', 'zod', 'github.com/expr-lang/expr', 'Go']) {
      expect(licenses).toContain(`== ${name}\n`);
    }
    // It comes without a file of its own.
    expect(licenses).toMatch(
      /== @std-uritemplate\/std-uritemplate\n\nCopyright Andrea Peruffo [^\n]*; license Apache-2\.0:\n/,
    );
  });

  it('says its version, and what it can do', async () => {
    expect((await run('argo-access', '--version')).stdout).toBe(`${manifest.version}\n`);
    const { code, stdout } = await run('argo-access', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: argo-access \[options\] \[command\]\n/);
  });

  it('is a plugin of kubectl', async () => {
    const { stdout } = await run('kubectl-argo_access', 'validate', '--help');
    expect(stdout).toMatch(/^Usage: kubectl argo-access validate /);
  });

  it('finds nothing wrong with an example', async () => {
    expect(await run('argo-access', 'validate', join(EXAMPLES, 'login.yaml'))).toEqual({
      code: 0,
      stdout: '1 policy in 1 file: nothing wrong\n',
      stderr: '',
    });
  });

  it("has Argo's rule engine", async () => {
    const text = await readFile(join(EXAMPLES, 'rotation.yaml'), 'utf8');
    const file = join(folder, 'filter.yaml');
    await writeFile(file, text.replace('  sessionExpiry:', '  filterGroupsRegex: ["("]\n    sessionExpiry:'));
    const { code, stdout } = await run('argo-access', 'validate', file);
    expect(code).toBe(1);
    expect(stdout).toContain('Argo Server does not start with "(" (error parsing regexp: missing closing )');
  });

  it('prints the rights for a configuration', async () => {
    const config = join(ROOT, 'config', 'example', 'config.yaml');
    const { stdout } = await run('argo-access', 'rbac', '--config', config);
    expect(stdout).toBe(await readFile(join(ROOT, 'config', 'example', 'rights.yaml'), 'utf8'));
  });

  it('speaks to a cluster', async () => {
    const [server, files] = await Promise.all([startScriptedServer(), makeFolder()]);
    server.answer(reply(200, { metadata: {}, items: [] }));
    const cluster = { server: server.url, 'insecure-skip-tls-verify': true };
    const kubeconfig = await files.kubeconfig(cluster, { token: 't' });
    expect(await run('argo-access', 'status', '--kubeconfig', kubeconfig)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'there is no ArgoAccessPolicy in namespace default\n',
    });
    await Promise.all([server.close(), files.remove()]);
  });

  it('starts fast', async () => {
    const entry = installed(manifest.name, manifest.bin['argo-access']);
    await access(entry);
    const [nothing, help, validate] = [
      await timed('--eval', '0'),
      await timed(entry, '--help'),
      await timed(entry, 'validate', join(EXAMPLES, 'login.yaml')),
    ];
    console.log(
      `median of ${RUNS} runs: node alone ${Math.round(nothing)} ms, argo-access --help ${Math.round(help)} ms, ` +
        `validate of one file ${Math.round(validate)} ms`,
    );
    expect(help).toBeLessThan(AMPLE);
    expect(validate).toBeLessThan(AMPLE);
  });
});
