import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { USER_PASSWORD } from '../env/keycloak-admin.ts';
import { type SharedEnvironment, sharedEnvironment } from '../env/shared.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const TOKEN = /eyJ[\w-]{10,}\.eyJ/;

let environment: SharedEnvironment;
let folder: string;
beforeEach(async () => {
  environment = await sharedEnvironment();
  folder = await mkdtemp(join(tmpdir(), 'argo-access-demo-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the demo with a cluster of its own and the Keycloak of these tests; interrupts it once it has said something. */
async function demo({ password = environment.keycloak.password, interruptAt = '' } = {}) {
  const { url, username } = environment.keycloak;
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      TMPDIR: folder,
      ARGO_ACCESS_TEST_KEYCLOAK_URL: url,
      ARGO_ACCESS_TEST_KEYCLOAK_USER: username,
      ARGO_ACCESS_TEST_KEYCLOAK_PASSWORD: password,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  let interrupted = false;
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += String(chunk);
    if (interrupted || interruptAt === '' || !said.includes(interruptAt)) continue;
    // Once only: at the second time it would not wait for anything to end.
    interrupted = child.kill('SIGINT');
  }
  const code = child.exitCode ?? (await new Promise<number | null>(resolve => child.once('exit', resolve)));
  return { code, said };
}

async function realms(): Promise<readonly string[]> {
  const all = (await (await environment.keycloak.admin.request('GET', '')).json()) as { realm: string }[];
  return all.map(({ realm }) => realm);
}

describe('the demo', () => {
  it('plays to its end without showing a secret, and leaves nothing behind', {
    timeout: 180_000,
  }, async () => {
    const { code, said } = await demo();
    expect(code, said.slice(-3000)).toBe(0);
    expect(said).toMatch(/[1-9][0-9] expectations, and all of them hold/);
    expect(said).toMatch(/\n {4}13 to create, 3 to change, 0 to delete\.\n/);
    expect(said).toMatch(/\n {4}\/teams\/team-a +workflows-team-a +policy workflows, role team-a +argo /);
    expect(said).toMatch(/\n {4}✓ acts as ServiceAccount argo\/workflows-admin\n/);
    expect(said).toMatch(/\n {4}\d{2,3} logins, 0 failed: /);
    expect(said).toMatch(/✓ \d{2,3} logins through the rotation, and not one of them failed/);
    expect(said).toMatch(/✓ [1-9][0-9]* of \d{2,3} logins met a pod with the old secret/);
    expect(said).toMatch(/✓ all of them within the [0-9.]+ s from the new secret until the old pod was gone/);
    expect(said).toMatch(/workflows +True +Overlapping +argo-workflows .* 20[0-9]{2}-/);
    expect(said).toMatch(/Normal +Rotating .* client argo-workflows got a new secret/);
    expect(said).not.toContain('\u001b');
    expect(said).not.toMatch(TOKEN);
    expect(said).not.toContain(USER_PASSWORD);
    const [, realm] = /\/realms\/(demo-\w+)/.exec(said) ?? [];
    expect(realm).toBeDefined();
    expect(await realms()).not.toContain(realm);
    expect(await readdir(folder)).toEqual([]);
  });

  it('ends with 1 and says why where it cannot go on', async () => {
    const { code, said } = await demo({ password: 'wrong' });
    expect(code).toBe(1);
    expect(said).toContain('✗ the demo cannot go on');
    expect(said).toContain('administrator refused');
    expect(await readdir(folder)).toEqual([]);
  });

  it('stops everything when it is interrupted, while servers start and later', async () => {
    for (const interruptAt of ['are starting', 'kubectl apply']) {
      const { code, said } = await demo({ interruptAt });
      expect(code, said).toBe(130);
      expect(said).toContain('interrupted');
      expect(await readdir(folder)).toEqual([]);
    }
  });
});
