import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argo-access-process-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Listens, and says where, and which process it is. */
const SERVER = `
const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
  console.log(server.address().port, process.pid);
});
`;

/** Starts a server, and does not end it. */
const PARENT = `
require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(SERVER)}], { stdio: 'inherit' });
`;

/** Starts that parent as tests start their servers, repeats what the server says, and ends. */
const STARTER = `
import { readFile } from 'node:fs/promises';
import { eventually, start } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))};
start(process.execPath, ['-e', ${JSON.stringify(PARENT)}], { logPath: 'log', startsOthers: true });
console.log(await eventually('the server listens', async () => {
  const said = await readFile('log', 'utf8');
  return said.endsWith('\\n') && said;
}));
process.exit();
`;

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('a program that starts others', () => {
  it('ends with the process that started it, and the others do, too', async () => {
    const args = ['--input-type=module-typescript', '-e', STARTER];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    const [port = 0, pid = 0] = stdout.split(' ').map(Number);
    expect(port).toBeGreaterThan(0);
    try {
      await eventually('the server is gone', async () => !(await isListening(port)), 5_000);
    } catch (error) {
      process.kill(pid);
      throw error;
    }
  });
});
