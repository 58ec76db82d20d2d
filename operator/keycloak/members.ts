import { z } from 'zod';
import type { Purpose } from './failures.ts';
import type { Session } from './session.ts';

/** A user of a realm, as far as rules look. */
export interface RealmUser {
  readonly id: string;
  readonly username: string;
  readonly email?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}

/** A group of a realm. */
export interface RealmGroup {
  readonly id: string;
  readonly name: string;
  readonly path: string;
}

/** Who is in which group of one realm. Throws `KeycloakError`. */
export interface Members {
  /** The groups of this path; without paths, of this name. One request for each page. */
  groups(name: string, how: { readonly fullPath: boolean }): Promise<readonly RealmGroup[]>;
  /** The members of a group itself, not those of groups below it. */
  of(group: RealmGroup): Promise<readonly RealmUser[]>;
  /** The groups that a user is in. */
  groupsOf(user: RealmUser): Promise<readonly RealmGroup[]>;
}

const PAGE_SIZE = 500;

const groupsSchema = z.array(z.object({ id: z.string(), name: z.string(), path: z.string() }));
const text = z
  .string()
  .nullish()
  .transform(value => value ?? undefined);
const usersSchema = z.array(
  z.object({ id: z.string(), username: z.string(), email: text, firstName: text, lastName: text }),
);

function needs(action: string): Purpose {
  return { action, role: 'view-users', missing: 'object' };
}

/** The members of a realm's groups, as the session's service account sees them (role `view-users`). */
export function createMembers(session: Session, realm: string): Members {
  async function all<T>(page: (first: number) => Promise<readonly T[]>): Promise<readonly T[]> {
    const found: T[] = [];
    for (;;) {
      const next = await page(found.length);
      found.push(...next);
      if (next.length < PAGE_SIZE) return found;
    }
  }

  return {
    async groups(name, { fullPath }) {
      const search = fullPath ? (name.split('/').findLast(part => part.trim() !== '') ?? '/') : name;
      const found = await all(first =>
        session.call(
          realm,
          needs(`look up group ${name}`),
          ({ groups }) => groups.find({ search, first, max: PAGE_SIZE, populateHierarchy: false }),
          answer => groupsSchema.safeParse(answer).data,
        ),
      );
      return found.filter(group => (fullPath ? group.path : group.name) === name);
    },
    of: ({ id, path }) =>
      all(first =>
        session.call(
          realm,
          needs(`list the members of group ${path}`),
          ({ groups }) => groups.listMembers({ id, first, max: PAGE_SIZE, briefRepresentation: true }),
          answer => usersSchema.safeParse(answer).data,
        ),
      ),
    groupsOf: ({ id, username }) =>
      all(first =>
        session.call(
          realm,
          needs(`list the groups of user ${username}`),
          ({ users }) => users.listGroups({ id, first, max: PAGE_SIZE, briefRepresentation: true }),
          answer => groupsSchema.safeParse(answer).data,
        ),
      ),
  };
}
