import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './process.ts';

const MODULE = new URL('./cache.ts', import.meta.url).href;

/** Builds `thing` in a process of its own, as every run does; `during` stands for the build. */
function script(key: string, during: string): string {
  return `
    import { writeFile } from 'node:fs/promises';
    import { cached } from ${JSON.stringify(MODULE)};
    const build = async folder => {
      console.log('building');
      await writeFile(folder + '/half', '');
      ${during}
      await writeFile(folder + '/whole', '');
    };
    console.log(await cached('thing', ${JSON.stringify(key)}, build, () => {}));`;
}

describe('the cache of what takes long to build', () => {
  let home: string;
  let root: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'argo-access-cache-'));
    root = join(home, 'argo-access-operator');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const env = () => ({ ...process.env, XDG_CACHE_HOME: home });
  const node = (text: string) => ['--input-type=module', '--eval', text];
  const build = (key: string, during = '') =>
    spawnSync(process.execPath, node(script(key, during)), { env: env(), encoding: 'utf8' });

  it('is built once, and anew for another key; what is a week old then goes', async () => {
    expect(build('1').stdout).toBe(`building\n${join(root, 'thing-1')}\n`);
    expect(build('1').stdout).toBe(`${join(root, 'thing-1')}\n`);
    expect(build('2').stdout).toBe(`building\n${join(root, 'thing-2')}\n`);
    expect((await readdir(root)).toSorted()).toEqual(['thing-1', 'thing-2']);
    const weekAgo = new Date(Date.now() - 8 * 24 * 3_600_000);
    await utimes(join(root, 'thing-1'), weekAgo, weekAgo);
    expect(build('3').stdout).toBe(`building\n${join(root, 'thing-3')}\n`);
    expect((await readdir(root)).toSorted()).toEqual(['thing-2', 'thing-3']);
  });

  it('breaks a lock that somebody was killed at taking', async () => {
    await mkdir(root, { recursive: true });
    const lock = join(root, 'thing.lock');
    await writeFile(lock, '');
    const before = new Date(Date.now() - 60_000);
    await utimes(lock, before, before);
    expect(build('1').stdout).toBe(`building\n${join(root, 'thing-1')}\n`);
  });

  it('is built once where two ask at the same time', async () => {
    const slowly = 'await new Promise(resolve => setTimeout(resolve, 300));';
    const both = [1, 2].map(async () => {
      const child = spawn(process.execPath, node(script('1', slowly)), { env: env() });
      let said = '';
      child.stdout.on('data', data => {
        said += data;
      });
      await once(child, 'close');
      return said;
    });
    const said = (await Promise.all(both)).toSorted((a, b) => a.length - b.length);
    expect(said).toEqual([`${join(root, 'thing-1')}\n`, `building\n${join(root, 'thing-1')}\n`]);
  });

  it('is not there after a build that failed, and nothing of it is', async () => {
    expect(build('1', "throw new Error('no compiler');").stderr).toContain('no compiler');
    expect(await readdir(root)).toEqual([]);
  });

  it('is not there after a build that was killed, whose lock and folder the next build removes', async () => {
    const forever = 'await new Promise(resolve => setTimeout(resolve, 60_000));';
    const child = spawn(process.execPath, node(script('1', forever)), { env: env() });
    await eventually('it builds', async () => (await readdir(root).catch(() => [])).length === 2);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(root)).not.toContain('thing-1');
    expect(build('1').stdout).toContain('building');
    expect(await readdir(root)).toEqual(['thing-1']);
    expect((await readdir(join(root, 'thing-1'))).toSorted()).toEqual(['half', 'whole']);
  });

  it('leaves what has another name', async () => {
    await mkdir(join(root, 'something-1'), { recursive: true });
    await writeFile(join(root, 'something-1', 'file'), '');
    build('1');
    expect((await readdir(root)).toSorted()).toEqual(['something-1', 'thing-1']);
  });
});
