import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Groups } from '../../operator/keycloak/groups.ts';
import { createGroups } from '../../operator/keycloak/groups.ts';
import type { Session } from '../../operator/keycloak/session.ts';
import type { GroupLookup } from '../../operator/policy/keycloak-types.ts';
import { uniqueName } from '../env/shared.ts';
import { type Bench, credentials, startBench } from './harness.ts';

const MINUTE = 60_000;

/** More groups than one page has; no other name that is searched for is part of theirs. */
const CROWD = Array.from({ length: 501 }, (_, index) => ({ name: `qq-${1000 + index}` }));

let bench: Bench;
let session: Session;
let clock: number;

beforeAll(async () => {
  bench = await startBench(
    'groups',
    ['view-users'],
    [
      { name: 'crowd', subGroups: CROWD },
      { name: 'zzz', subGroups: [{ name: 'qq-' }, { name: 'qq-last' }] },
    ],
  );
  for (const path of ['/a/b', '/platform/admins', '/team/admins', '/deep/er/and/deeper'])
    await bench.admin.createGroup(bench.realm, path);
  for (const name of [
    'a/b',
    'x/y',
    '/',
    'Büro "Köln"',
    "o'neill",
    ' edge ',
    'back\\slash',
    '100%',
    'under_score',
  ])
    await bench.admin.createNamedGroup(bench.realm, name);
  session = bench.open();
});

afterAll(() => bench.close());

/** Nothing is kept from before; with a clock that the test moves where it has one. */
function open(now: () => number = Date.now): Groups {
  bench.proxy.reset();
  return createGroups({ ...session, now }, bench.realm);
}

function openWithClock(): Groups {
  clock = 1_000_000;
  return open(() => clock);
}

const byPath = { fullPath: true };
const byName = { fullPath: false };

async function lookup(name: string, how = byPath, groups = open()): Promise<GroupLookup | undefined> {
  return (await groups.lookup([name], how)).get(name);
}

describe('a group', () => {
  it.each([
    '/a',
    '/platform/admins',
    '/deep/er/and/deeper',
    '/x/y',
    '//',
    '/Büro "Köln"',
    "/o'neill",
    '/ edge ',
    '/back\\slash',
    '/100%',
    '/under_score',
  ])('is found by its path %s with one request', async path => {
    expect(await lookup(path)).toEqual({ kind: 'found' });
    expect(bench.requests()).toHaveLength(1);
  });

  it.each(['a', 'deeper', 'x/y', '/', 'Büro "Köln"', ' edge ', 'back\\slash', '100%'])(
    'is found by its own name %s',
    async name => {
      expect(await lookup(name, byName)).toEqual({ kind: 'found' });
    },
  );

  it.each([
    '/none',
    '/a/none',
    '/b',
    'a',
    '/A',
    '/platform/admin',
    '/platform',
    '/x',
    '/a/b/',
    '',
    '/',
    '/ ',
  ])('is not taken for another: path "%s"', async path => {
    const kind = path === '/platform' ? 'found' : 'missing';
    expect(await lookup(path)).toEqual({ kind });
  });

  it.each(['none', '/a', 'A', 'edge', '100_'])('is not taken for another: name "%s"', async name => {
    expect(await lookup(name, byName)).toEqual({ kind: 'missing' });
  });

  it('is ambiguous where a nested one and one with a slash in its name have the same path', async () => {
    expect(await lookup('/a/b')).toEqual({
      kind: 'ambiguous',
      paths: ['/a/b', '/a/b (one group named "a/b")'],
    });
  });

  it('is ambiguous by name where several paths end in it', async () => {
    expect(await lookup('admins', byName)).toEqual({
      kind: 'ambiguous',
      paths: ['/platform/admins', '/team/admins'],
    });
  });

  it('is found among more matches than one page has', async () => {
    expect(await lookup('/zzz/qq-last')).toEqual({ kind: 'found' });
    expect(bench.requests()).toHaveLength(1);
    expect(await lookup('/zzz/qq-')).toEqual({ kind: 'found' });
    expect(bench.requests()).toHaveLength(2);
    expect(await lookup('/crowd/qq-')).toEqual({ kind: 'missing' });
  });
});

describe('an answer', () => {
  it('is shared by all who ask at the same time', async () => {
    const groups = createGroups(bench.open(), bench.realm);
    bench.proxy.reset();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => groups.lookup(['/a', '/platform/admins', '/a'], byPath)),
    );
    expect(answers.map(answer => [...answer.values()])).toEqual(
      Array(20).fill([{ kind: 'found' }, { kind: 'found' }]),
    );
    expect(bench.requests()).toHaveLength(2);
    expect(bench.tokenRequests()).toHaveLength(1);
  });

  it('of a group that was found serves for nine minutes', async () => {
    const groups = openWithClock();
    await lookup('/a', byPath, groups);
    clock += 9 * MINUTE - 1;
    await lookup('/a', byPath, groups);
    expect(bench.requests()).toHaveLength(1);
    clock += 1;
    await lookup('/a', byPath, groups);
    expect(bench.requests()).toHaveLength(2);
  });

  it('of a missing group serves for a minute, so that one just made is seen soon', async () => {
    const groups = openWithClock();
    const path = `/${uniqueName('late')}`;
    expect(await lookup(path, byPath, groups)).toEqual({ kind: 'missing' });
    await bench.admin.createGroup(bench.realm, path);
    bench.proxy.reset();
    clock += MINUTE - 1;
    expect(await lookup(path, byPath, groups)).toEqual({ kind: 'missing' });
    expect(bench.requests()).toHaveLength(0);
    clock += 1;
    expect(await lookup(path, byPath, groups)).toEqual({ kind: 'found' });
  });

  it('of an ambiguous group serves for a minute', async () => {
    const groups = openWithClock();
    await lookup('/a/b', byPath, groups);
    clock += MINUTE;
    await lookup('/a/b', byPath, groups);
    expect(bench.requests()).toHaveLength(2);
  });

  it('of a missing group serves no longer than until the next comparison', async () => {
    clock = 1_000_000;
    bench.proxy.reset();
    const groups = createGroups({ ...session, now: () => clock }, bench.realm, 5_000);
    await lookup('/none', byPath, groups);
    const asked = bench.requests().length;
    clock += 4_999;
    await lookup('/none', byPath, groups);
    expect(bench.requests()).toHaveLength(asked);
    clock += 1;
    await lookup('/none', byPath, groups);
    expect(bench.requests()).toHaveLength(2 * asked);
  });

  it('about a path is none about a name', async () => {
    const groups = open();
    await bench.admin.createNamedGroup(bench.realm, '/twofold');
    expect(await lookup('/twofold', byPath, groups)).toEqual({ kind: 'missing' });
    expect(await lookup('/twofold', byName, groups)).toEqual({ kind: 'found' });
  });

  it('that is a failure is not kept', async () => {
    const groups = open();
    await bench.proxy.fail({ kind: 'status', status: 503 });
    await expect(groups.lookup(['/a'], byPath)).rejects.toMatchObject({ kind: 'ServerError' });
    await bench.proxy.heal();
    expect(await lookup('/a', byPath, groups)).toEqual({ kind: 'found' });
  });
});

async function openAs(roles: readonly string[]): Promise<Groups> {
  const operator = await bench.admin.createOperator(bench.realm, roles, uniqueName('operator'));
  return createGroups(bench.open({ readCredentials: async () => credentials(operator) }), bench.realm);
}

describe("the operator's service account", () => {
  it.each([
    ['lacks query-groups', ['manage-clients']],
    ['may ask for groups, but view none', ['manage-clients', 'query-groups']],
  ])('is told what it needs where it %s, and no group is called missing', async (_, roles) => {
    const groups = await openAs(roles);
    await expect(groups.lookup(['/platform/admins'], byPath)).rejects.toMatchObject({
      kind: 'Forbidden',
      message: expect.stringMatching(
        /the role query-groups of client realm-management .* fine-grained admin permissions; or .* view-users/,
      ),
    });
  });

  it('may know that a group is missing although it views none', async () => {
    const groups = await openAs(['query-groups']);
    expect(await lookup('/none', byPath, groups)).toEqual({ kind: 'missing' });
  });

  it('needs no more than query-groups and the permission to view groups', async () => {
    const realm = uniqueName('fine');
    await bench.admin.createRealm(realm, ['/platform/admins', '/a/b']);
    try {
      await bench.admin.createNamedGroup(realm, 'a/b');
      const operator = await bench.admin.createOperator(realm, ['query-groups']);
      await bench.admin.letViewGroups(realm, operator.clientId);
      const readCredentials = async () => credentials(operator);
      const groups = createGroups(bench.open({ signInRealm: realm, readCredentials }), realm);
      const found = await groups.lookup(['/platform/admins', '/platform/none', '/a/b'], byPath);
      expect([...found.values()].map(({ kind }) => kind)).toEqual(['found', 'missing', 'ambiguous']);
    } finally {
      await bench.admin.removeRealm(realm);
    }
  });
});
