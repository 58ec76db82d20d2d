import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { program } from '../../operator/cli/program.ts';
import { nodeProblem } from '../../operator/cli/version.ts';
import manifest from '../../package.json' with { type: 'json' };
import { argoAccess } from './command-line.ts';

const CLI = join(import.meta.dirname, '..', '..', 'operator', 'cli.ts');

/** Prints which modules a run has loaded, by what the loader was asked for. */
const LISTEN = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });
`)}`;

const NOTHING = { terminal: { out() {}, err() {}, input: async () => '', colours: false }, end() {} };
const COMMANDS = program('argo-access', NOTHING).commands.map(command => command.name());

describe('argo-access', () => {
  it('has a line for each command in its help, and says what exit codes mean', async () => {
    const { code, out } = await argoAccess(['--help']);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(out).toContain(`\n  ${name} [options]`);
    expect(out).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
  });

  it.each(COMMANDS)('shows examples in the help of %s', async name => {
    const { code, out } = await argoAccess([name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n(?: {2}.*\\n)* {2}argo-access ${name} `));
  });

  it('says which version it is', async () => {
    expect(await argoAccess(['--version'])).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' });
  });

  it('is called in its help as people have called it', async () => {
    const plugin = program('kubectl argo-access', NOTHING);
    expect(plugin.helpInformation()).toContain('Usage: kubectl argo-access [options] [command]');
  });

  it('reads neither the contract nor any client to show its help', async () => {
    const { stderr } = await promisify(execFile)(process.execPath, ['--import', LISTEN, CLI, '--help']);
    expect(stderr).toContain('/operator/cli.ts\n');
    expect(stderr).toContain('/node_modules/commander/');
    expect(stderr).not.toMatch(/node_modules\/(?!commander)/);
    expect(stderr).not.toMatch(/operator\/(?!cli)/);
  });

  it('ends in peace where nobody reads on', async () => {
    const child = spawn(process.execPath, [CLI, 'validate', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', data => {
      said += data;
    });
    await once(child, 'close');
    expect(said).toBe('');
  });

  it.each([
    ['20.20.2', true],
    ['22.18.0', true],
    ['22.19.0', false],
    ['24.0.0', false],
  ])('on Node %s says whether it is too old', (version, tooOld) => {
    expect(nodeProblem(version)).toBe(
      tooOld
        ? `argo-access needs Node 22.19 or newer, and this is ${version}; install a newer one`
        : undefined,
    );
  });
});
