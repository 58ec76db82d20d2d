import { beforeEach, describe, expect, it } from 'vitest';
import { readClientRepresentation } from '../../operator/keycloak/representation.ts';
import type { Snapshot } from '../../operator/keycloak/snapshot.ts';
import { createSnapshot, PAGE_SIZE } from '../../operator/keycloak/snapshot.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';

const MAX_AGE = 100;

let clock: number;
let realm: readonly string[];
let wanted: readonly string[];
let requests: string[];
let failing: (request: string) => boolean;
/** What a request waits for before it answers. */
let gate: Promise<void>;
let snapshot: Snapshot;

function client(clientId: string, description = ''): KeycloakClient {
  const made = readClientRepresentation({ id: `id of ${clientId}`, clientId, description });
  if (made === undefined) throw new Error('not a client');
  return made;
}

async function answer<T>(request: string, value: () => T): Promise<T> {
  requests.push(request);
  const [asked, fails] = [value(), failing(request)];
  await gate;
  if (fails) throw new Error('no answer');
  return asked;
}

function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

function askAll(clientIds = wanted) {
  return Promise.all(clientIds.map(id => snapshot.get(id, MAX_AGE)));
}

beforeEach(() => {
  clock = 1000;
  realm = [];
  wanted = [];
  requests = [];
  failing = () => false;
  gate = Promise.resolve();
  snapshot = createSnapshot({
    now: () => clock,
    wanted: () => wanted,
    clients: {
      find: id => answer(id, () => (realm.includes(id) ? client(id) : undefined)),
      page: (first, max) =>
        answer(`${first}+${max}`, () => realm.slice(first, first + max).map(id => client(id))),
    },
  });
});

describe('a reading', () => {
  it('takes one request for a hundred policies of a realm with 400 clients', async () => {
    wanted = names('wanted', 100);
    realm = [...names('other', 300), ...wanted];
    const entries = await askAll();
    expect(entries.map(entry => entry.client?.clientId)).toEqual(wanted);
    expect(requests).toEqual([`0+${PAGE_SIZE}`]);
  });

  it('says of a wanted client that is not in the whole listing that there is none', async () => {
    wanted = ['here', 'gone', 'lost'];
    realm = ['here'];
    const entries = await askAll();
    expect(entries.map(entry => entry.client?.clientId)).toEqual(['here', undefined, undefined]);
    expect(requests).toHaveLength(1);
  });

  it('looks up a single client by itself', async () => {
    wanted = ['one'];
    realm = ['one', 'two'];
    expect((await snapshot.get('one', MAX_AGE)).client).toEqual(client('one'));
    expect((await snapshot.get('three', MAX_AGE)).client).toBeUndefined();
    expect(requests).toEqual(['one', 'three']);
  });

  it('ends the listing where all that is wanted was found', async () => {
    wanted = names('a', 10);
    realm = [...wanted, ...names('other', 3 * PAGE_SIZE)];
    await askAll();
    expect(requests).toEqual([`0+${PAGE_SIZE}`]);
  });

  it('reads all pages where many are wanted, also where the last one is empty', async () => {
    wanted = names('z', 40);
    realm = [...names('other', 2 * PAGE_SIZE - 40), ...wanted];
    wanted = [...wanted, 'gone', 'lost', 'away'];
    const entries = await askAll();
    expect(entries.filter(entry => entry.client === undefined)).toHaveLength(3);
    expect(requests).toEqual([0, 1, 2].map(page => `${page * PAGE_SIZE}+${PAGE_SIZE}`));
  });

  it('leaves the listing for single look-ups where the realm proves large, and remembers that', async () => {
    wanted = names('z', 3);
    realm = [...names('other', 30 * PAGE_SIZE), ...wanted];
    await askAll();
    expect(requests.length).toBeLessThanOrEqual(6);
    requests = [];
    clock += MAX_AGE + 1;
    await askAll();
    expect(requests.toSorted()).toEqual(wanted);
  });

  it('goes back to the listing where the realm has become small', async () => {
    wanted = names('z', 8);
    realm = [...names('other', 6 * PAGE_SIZE), ...wanted];
    await askAll();
    realm = wanted;
    clock += MAX_AGE + 1;
    await askAll();
    requests = [];
    clock += MAX_AGE + 1;
    await askAll();
    expect(requests).toEqual([`0+${PAGE_SIZE}`]);
  });
});

describe('an entry', () => {
  beforeEach(() => {
    wanted = ['one', 'two', 'three'];
    realm = wanted;
  });

  it('serves no longer once the clock was set back', async () => {
    wanted = realm = ['a'];
    await snapshot.get('a', MAX_AGE);
    clock -= 500;
    expect((await snapshot.get('a', MAX_AGE)).readAt).toBe(clock);
    expect(requests).toHaveLength(2);
  });

  it('serves until it is too old, counted from when it was asked for', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const first = askAll();
    clock += 10;
    resolve();
    expect((await first).map(({ readAt }) => readAt)).toEqual([1000, 1000, 1000]);
    clock = 1000 + MAX_AGE;
    await askAll();
    expect(requests).toHaveLength(1);
    clock += 1;
    await askAll();
    expect(requests).toHaveLength(2);
  });

  it('is read anew with the others, so that policies that began at different times keep together', async () => {
    for (const id of wanted) {
      snapshot.put(client(id));
      clock += 10;
    }
    clock = 1000 + MAX_AGE + 1;
    await askAll(['one']);
    expect(requests).toEqual([`0+${PAGE_SIZE}`]);
    clock += 30;
    await askAll();
    expect(requests).toHaveLength(1);
  });

  it('that was asked for fresh is fresh', async () => {
    await askAll();
    clock += 1;
    expect((await snapshot.get('one', 0)).readAt).toBe(clock);
    expect((await snapshot.get('one', 0)).readAt).toBe(clock);
    expect(requests).toHaveLength(2);
  });

  it('is what was put last', async () => {
    await askAll();
    clock += 50;
    snapshot.put(client('one', 'new'));
    expect(await snapshot.get('one', MAX_AGE)).toEqual({ client: client('one', 'new'), readAt: clock });
  });

  it('that was dropped is read again, and only that', async () => {
    await askAll();
    snapshot.drop('two');
    await askAll();
    expect(requests).toEqual([`0+${PAGE_SIZE}`, 'two']);
  });
});

describe('while a reading is under way', () => {
  let release: () => void;

  beforeEach(() => {
    wanted = ['one', 'two', 'three'];
    realm = wanted;
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    release = resolve;
  });

  it('all who ask wait for it', async () => {
    const asked = [askAll(), askAll(), askAll()];
    release();
    await Promise.all(asked);
    expect(requests).toHaveLength(1);
  });

  it('what is put stays, for it is newer', async () => {
    const asked = askAll();
    snapshot.put(client('two', 'new'));
    release();
    expect((await asked)[1]?.client?.description).toBe('new');
    expect((await snapshot.get('two', MAX_AGE)).client?.description).toBe('new');
  });

  it('what is dropped is read again, for it was written to', async () => {
    const asked = askAll();
    snapshot.drop('two');
    release();
    await asked;
    expect(requests).toEqual([`0+${PAGE_SIZE}`, 'two']);
  });

  it('a client that it does not know of is read after it', async () => {
    const asked = askAll();
    realm = [...realm, 'new'];
    const late = snapshot.get('new', MAX_AGE);
    release();
    await asked;
    expect((await late).client?.clientId).toBe('new');
    expect(requests).toEqual([`0+${PAGE_SIZE}`, 'new']);
  });

  it('who wants it fresher than its beginning gets another', async () => {
    const asked = askAll();
    clock += 10;
    const fresh = snapshot.get('one', 5);
    release();
    await asked;
    expect((await fresh).readAt).toBe(clock);
  });
});

describe('a reading that fails', () => {
  beforeEach(() => {
    wanted = names('z', 5);
    realm = [...names('other', PAGE_SIZE), ...wanted];
    failing = () => true;
  });

  it('fails for all who wait, and the next one starts anew', async () => {
    const asked = await Promise.allSettled([askAll(), askAll()]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(requests).toHaveLength(1);
    failing = () => false;
    expect((await askAll()).map(entry => entry.client?.clientId)).toEqual(wanted);
  });

  it('leaves nothing of its first pages', async () => {
    realm = [...wanted.slice(0, 2), ...names('other', PAGE_SIZE)];
    failing = request => request === `${PAGE_SIZE}+${PAGE_SIZE}`;
    await expect(askAll()).rejects.toThrow('no answer');
    expect(requests).toHaveLength(2);
    failing = () => false;
    requests = [];
    expect((await snapshot.get('z0', MAX_AGE)).client?.clientId).toBe('z0');
    expect(requests).not.toEqual([]);
  });

  it('is not blamed on one that it was not for', async () => {
    const asked = askAll();
    const late = snapshot.get('late', MAX_AGE);
    failing = () => false;
    await expect(asked).rejects.toThrow('no answer');
    expect((await late).client).toBeUndefined();
  });
});

describe('what is no longer wanted', () => {
  it('is forgotten at the next reading', async () => {
    wanted = ['one', 'two'];
    realm = wanted;
    await askAll();
    wanted = ['two'];
    clock += MAX_AGE + 1;
    await askAll();
    requests = [];
    await snapshot.get('one', 10 * MAX_AGE);
    expect(requests).toEqual(['one']);
  });
});
