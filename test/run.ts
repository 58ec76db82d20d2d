// `npm test`: each check in turn, all of them even if one fails, closing with a line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

function run(title: string, command: string, args: readonly string[]): boolean {
  console.log(`\n== ${title}`);
  const started = Date.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  console.log(
    `== ${title}: ${status === 0 ? 'ok' : 'FAILED'} (${Math.round((Date.now() - started) / 1000)} s)`,
  );
  return status === 0;
}

function check(title: string, command: string, ...args: readonly string[]): Counts {
  return run(title, command, args) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The unit, property and end-to-end tests, each counted. */
function tests(): Counts {
  const folder = mkdtempSync(join(tmpdir(), 'argo-access-report-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const ok = run('tests', 'vitest', ['run', ...reporters, ...process.argv.slice(2)]);
    const report = JSON.parse(readFileSync(file, 'utf8'));
    // A file that cannot be loaded has no tests, and fails the run all the same.
    return { passed: report.numPassedTests, failed: Math.max(report.numFailedTests, ok ? 0 : 1) };
  } catch (error) {
    console.error('the tests left no report:', error);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const results = [check('types', 'tsc'), check('lint and format', 'biome', 'check', '.'), tests()];
const passed = results.reduce((sum, counts) => sum + counts.passed, 0);
const failed = results.reduce((sum, counts) => sum + counts.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
