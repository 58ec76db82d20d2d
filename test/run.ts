// `npm test`: every check, also where one fails, closing with a line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const PASSED: Counts = { passed: 1, failed: 0 };
const FAILED: Counts = { passed: 0, failed: 1 };

function sum(all: readonly Counts[]): Counts {
  const total = (key: keyof Counts) => all.reduce((so, counts) => so + counts[key], 0);
  return { passed: total('passed'), failed: total('failed') };
}

/** Runs a check; what it prints comes in one piece when it has ended. */
async function check(title: string, command: string, ...args: readonly string[]): Promise<Counts> {
  const started = Date.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`\n== ${title}\n${out}${err}== ${title}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  return code === 0 ? PASSED : FAILED;
}

/** The unit, property and end-to-end tests, each counted. */
async function tests(): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'argo-access-report-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const args = ['run', ...reporters, ...process.argv.slice(2)];
    const [code] = await once(spawn('vitest', args, { stdio: 'inherit' }), 'close');
    const report = JSON.parse(readFileSync(file, 'utf8'));
    // A file that cannot be loaded has no tests, and fails the run all the same.
    return { passed: report.numPassedTests, failed: Math.max(report.numFailedTests, code === 0 ? 0 : 1) };
  } catch (error) {
    console.error('the tests left no report:', error);
    return FAILED;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// By Ctrl-C vitest ends too, and stops the servers that it has started: that is waited for.
process.on('SIGINT', () => {});
// What is quick runs beside the start of the tests.
const results = [check('types', 'tsc'), check('lint and format', 'biome', 'check', '.'), tests()];
const { passed, failed } = sum(await Promise.all(results));
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
