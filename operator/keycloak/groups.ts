import { z } from 'zod';
import type { GroupLookup } from '../policy/keycloak-types.ts';
import type { Purpose } from './failures.ts';
import { hiddenGroups } from './failures.ts';
import { createLimit } from './limit.ts';
import type { Session } from './session.ts';

/** How the names of groups are written. */
export interface GroupNames {
  /** Whether they are paths, as in `/a/b`, or the groups' own names. */
  readonly fullPath: boolean;
}

/** The groups of one realm. */
export interface Groups {
  /**
   * What the realm has under each name. One request for each name that was not asked for lately, and one more
   * for a name under which nothing is seen; throws `KeycloakError`.
   */
  lookup(names: readonly string[], how: GroupNames): Promise<ReadonlyMap<string, GroupLookup>>;
}

interface Group {
  readonly name: string;
  readonly path: string;
}

interface Kept {
  readonly lookup: Promise<GroupLookup>;
  /** In milliseconds since the epoch; endless while the lookup is under way. */
  until: number;
}

/** How long an answer is used again at most, in milliseconds: what somebody has yet to mend is looked at soon. */
const KEPT_MS: Readonly<Record<GroupLookup['kind'], number>> = {
  found: 9 * 60_000,
  missing: 60_000,
  ambiguous: 60_000,
};

/** Names looked up at a time: a policy may have thousands, and others have questions too. */
const IN_FLIGHT = 4;

/** Groups asked for in one request. */
const PAGE_SIZE = 500;

const groupsSchema = z.array(z.object({ name: z.string(), path: z.string() }));
const countSchema = z.object({ count: z.int() });

/** Whether Keycloak would trim all of it away (Java's `String.trim`). */
function isBlank(text: string): boolean {
  return [...text].every(char => char <= ' ');
}

/**
 * What to search for: a part of the group's own name. A name may itself contain slashes, so that only the text
 * after the last of them is certain to be part of it; where that text is empty, the slash is.
 */
function searchTerm(name: string, { fullPath }: GroupNames): string {
  if (!fullPath) return name;
  return name.split('/').findLast(part => !isBlank(part)) ?? '/';
}

/** A path for people: two groups of one path differ in where their own names begin. */
function describe({ name, path }: Group): string {
  return name.includes('/') ? `${path} (one group named "${name}")` : path;
}

function judge(name: string, groups: readonly Group[], { fullPath }: GroupNames): GroupLookup {
  const same = groups.filter(group => (fullPath ? group.path : group.name) === name);
  if (same.length === 0) return { kind: 'missing' };
  if (same.length === 1) return { kind: 'found' };
  return { kind: 'ambiguous', paths: same.map(describe).toSorted() };
}

/**
 * The groups of a realm, searched as the session's service account. What somebody has yet to mend is looked at
 * again after `resyncMs` at the latest.
 */
export function createGroups(
  session: Session,
  realm: string,
  resyncMs: number = Number.POSITIVE_INFINITY,
): Groups {
  const kept = new Map<string, Kept>();
  const limit = createLimit(IN_FLIGHT);

  function purpose(name: string): Purpose {
    return { action: `look up group ${name}`, role: 'query-groups', missing: 'realm' };
  }

  async function page(name: string, search: string, first: number): Promise<readonly Group[]> {
    // Flat: in the tree that Keycloak makes otherwise, groups that do not match take part, some of them twice.
    const query = { search, first, max: PAGE_SIZE, populateHierarchy: false };
    return session.call(
      realm,
      purpose(name),
      ({ groups }) => groups.find(query),
      answer => groupsSchema.safeParse(answer).data,
    );
  }

  async function search(name: string, term: string): Promise<readonly Group[]> {
    const found: Group[] = [];
    for (;;) {
      const next = await page(name, term, found.length);
      found.push(...next);
      if (next.length < PAGE_SIZE) return found;
    }
  }

  /**
   * Keycloak leaves groups out of an answer without a word where the service account may ask but not see
   * (keycloak, `GroupsResource.java`, which filters the list, but not the count). A group that nobody can see
   * must not be called missing.
   */
  async function assertAllSeen(name: string, term: string, seen: number): Promise<void> {
    const count = await session.call(
      realm,
      purpose(name),
      ({ groups }) => groups.count({ search: term.trim() }),
      answer => countSchema.safeParse(answer).data?.count,
    );
    if (count > seen) throw hiddenGroups(session.place(realm), purpose(name));
  }

  async function read(name: string, how: GroupNames): Promise<GroupLookup> {
    const term = searchTerm(name, how);
    const groups = await search(name, term);
    const result = judge(name, groups, how);
    if (result.kind === 'missing') await assertAllSeen(name, term, groups.length);
    return result;
  }

  function ask(key: string, name: string, how: GroupNames): Promise<GroupLookup> {
    const asked = session.now();
    const entry: Kept = { lookup: limit(() => read(name, how)), until: Number.POSITIVE_INFINITY };
    kept.set(key, entry);
    entry.lookup.then(
      ({ kind }) => {
        entry.until = asked + (kind === 'found' ? KEPT_MS.found : Math.min(KEPT_MS[kind], resyncMs));
      },
      () => kept.delete(key),
    );
    return entry.lookup;
  }

  function forgetOld(): void {
    const now = session.now();
    for (const [key, { until }] of kept) if (until <= now) kept.delete(key);
  }

  return {
    async lookup(names, how) {
      forgetOld();
      const entries = [...new Set(names)].map(async name => {
        const key = `${how.fullPath ? 'path' : 'name'}:${name}`;
        return [name, await (kept.get(key)?.lookup ?? ask(key, name, how))] as const;
      });
      return new Map(await Promise.all(entries));
    },
  };
}
