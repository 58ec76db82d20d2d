import type { KeycloakClient } from '../policy/keycloak-types.ts';
import type { Clients } from './clients.ts';

/** What a snapshot knows of one client. */
export interface SnapshotEntry {
  /** Undefined where the realm has no such client. */
  readonly client: KeycloakClient | undefined;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly readAt: number;
}

/**
 * The clients of one realm that policies want, read for all of them together. An entry may be old, or a page of
 * the listing may have missed a client: conclude from it only that nothing is to be done.
 */
export interface Snapshot {
  /** The client, not older than `maxAgeMs`; what is read for it serves the other wanted ones too. */
  get(clientId: string, maxAgeMs: number): Promise<SnapshotEntry>;
  /** Takes in a client that was just read. */
  put(client: KeycloakClient): void;
  /** Forgets a client, after a write to it. */
  drop(clientId: string): void;
}

/** What {@link createSnapshot} needs. */
export interface SnapshotOptions {
  readonly clients: Pick<Clients, 'find' | 'page'>;
  /** clientIds of all policies of the realm. */
  readonly wanted: () => Iterable<string>;
  readonly now: () => number;
}

/** Clients in one page of the listing. */
export const PAGE_SIZE = 500;

type Found = ReadonlyMap<string, KeycloakClient | undefined>;

interface Reading {
  /** The clientIds that it will know of. */
  readonly ids: ReadonlySet<string>;
  readonly startedAt: number;
  /** clientIds that were written to, or read, since it began: it knows nothing of them any more. */
  readonly overtaken: Set<string>;
  readonly done: Promise<void>;
}

/** Reads several clients with few requests; one that is not there is undefined. */
type Reader = (ids: ReadonlySet<string>) => Promise<Found>;

/**
 * One request for each client, or the pages of the listing that are still to come, whichever is fewer. How many
 * pages there are is known from the last listing; beyond that, as many more as were read so far are expected.
 */
function createReader({ find, page }: SnapshotOptions['clients']): Reader {
  let pages = 1;

  async function readPage(index: number): Promise<readonly KeycloakClient[]> {
    const list = await page(index * PAGE_SIZE, PAGE_SIZE);
    pages = list.length < PAGE_SIZE ? index + 1 : Math.max(pages, index + 2);
    return list;
  }

  /** Moves what the listing has from `left` to `found`, as long as that is the shorter way; true at its end. */
  async function list(left: Set<string>, found: Map<string, KeycloakClient | undefined>): Promise<boolean> {
    for (let index = 0; left.size > Math.max(pages - index, index); index += 1) {
      const clients = await readPage(index);
      for (const client of clients) if (left.delete(client.clientId)) found.set(client.clientId, client);
      if (index + 1 === pages) return true;
    }
    return false;
  }

  return async ids => {
    const left = new Set(ids);
    const found = new Map<string, KeycloakClient | undefined>();
    const isComplete = await list(left, found);
    await Promise.all([...left].map(async id => found.set(id, isComplete ? undefined : await find(id))));
    return found;
  };
}

/** A snapshot of a realm that is read when an entry is asked for that is too old; at most one reading at a time. */
export function createSnapshot({ clients, wanted, now }: SnapshotOptions): Snapshot {
  const read = createReader(clients);
  const entries = new Map<string, SnapshotEntry>();
  let reading: Reading | undefined;

  function isOlder(clientId: string, time: number): boolean {
    return (entries.get(clientId)?.readAt ?? Number.NEGATIVE_INFINITY) < time;
  }

  /** The clientId, and all others that would be asked for soon: those past half of the age that is allowed. */
  function staleWith(clientId: string, maxAgeMs: number): ReadonlySet<string> {
    const halfAge = now() - maxAgeMs / 2;
    const others = [...wanted()].filter(id => isOlder(id, halfAge));
    return new Set([clientId, ...others]);
  }

  function keep({ overtaken, startedAt }: Reading, found: Found): void {
    const current = new Set(wanted());
    for (const id of entries.keys()) if (!current.has(id) && !found.has(id)) entries.delete(id);
    for (const [id, client] of found) if (!overtaken.has(id)) entries.set(id, { client, readAt: startedAt });
  }

  function start(ids: ReadonlySet<string>): Reading {
    const started: Reading = {
      ids,
      startedAt: now(),
      overtaken: new Set(),
      done: read(ids)
        .then(found => keep(started, found))
        .finally(() => {
          reading = undefined;
        }),
    };
    reading = started;
    return started;
  }

  /** Waits for what is under way, which may be for others and fail without harm, or for a reading of its own. */
  async function refresh(clientId: string, maxAgeMs: number): Promise<void> {
    const current = reading;
    if (current === undefined) return start(staleWith(clientId, maxAgeMs)).done;
    return current.ids.has(clientId) ? current.done : current.done.catch(() => {});
  }

  return {
    async get(clientId, maxAgeMs) {
      const latest = now();
      for (;;) {
        const entry = entries.get(clientId);
        // One of the future was read before somebody set the clock back: nobody can tell how old it is.
        if (entry !== undefined && entry.readAt >= latest - maxAgeMs && entry.readAt <= now()) return entry;
        await refresh(clientId, maxAgeMs);
      }
    },
    put(client) {
      reading?.overtaken.add(client.clientId);
      entries.set(client.clientId, { client, readAt: now() });
    },
    drop(clientId) {
      reading?.overtaken.add(clientId);
      entries.delete(clientId);
    },
  };
}
