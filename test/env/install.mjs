// Before `npm test`, `npm run demo` and `npm run env`: installs what package-lock.json names, unless that has been done.
// Plain JavaScript, for the Node that is at hand before the project's own is there.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** When a file was last changed, in milliseconds since the epoch; 0 where there is none. */
function changedAt(...path) {
  return statSync(join(root, ...path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

// npm writes the second when it has installed everything.
if (changedAt('package-lock.json') > changedAt('node_modules', '.package-lock.json')) {
  console.log('installing dependencies ...');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
