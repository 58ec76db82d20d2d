import { ruleClaims } from '../../argo/claims.ts';
import type { Judgement, RuleEngine } from '../../argo/engine.ts';
import type { Members, RealmUser } from '../../keycloak/members.ts';
import {
  type Comparison,
  expressionsNamed,
  groupsNamed,
  type Judge,
  type Match,
  type Person,
  shiftOfUser,
  shiftsOfGroups,
} from '../../policy/people.ts';
import type { Prospect } from '../../policy/prospect.ts';
import type { KeycloakAccess } from '../live/keycloak.ts';
import { oneOfEachNamespace, type PeopleReport } from './report.ts';

/** What looking up users needs. */
export interface UserSources {
  readonly keycloak: KeycloakAccess;
  readonly engine: RuleEngine;
  readonly signal: AbortSignal;
  readonly now: number;
  readonly note: (text: string) => void;
}

/** A realm in which users are looked up, and how groups are named there. */
interface Place {
  readonly members: Members;
  readonly fullPath: boolean;
}

/** Realms of the policies of a namespace. */
function placesOf({ keycloak, note }: UserSources, prospects: readonly Prospect[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { end } of prospects) {
    const { spec, metadata } = end.policy;
    const { connection, realm, groups } = spec.keycloak;
    if (groups.source !== 'Groups') {
      note(
        `users were not looked up by the client roles that policy ${metadata.namespace}/${metadata.name} names`,
      );
      continue;
    }
    const found = keycloak.connections.realm(connection, realm);
    if (found === undefined) continue;
    const { fullPath } = groups;
    places.set(JSON.stringify([connection, found.name, fullPath]), { members: found.members, fullPath });
  }
  return [...places.values()];
}

interface Known {
  readonly user: RealmUser;
  readonly person: Person;
}

async function usersAt({ members, fullPath }: Place, groups: readonly string[]): Promise<readonly Known[]> {
  const found = (await Promise.all(groups.map(name => members.groups(name, { fullPath })))).flat();
  const users = (await Promise.all(found.map(members.of))).flat();
  const once = new Map(users.map(user => [user.id, user]));
  return Promise.all(
    [...once.values()].map(async user => {
      const own = await members.groupsOf(user);
      const names = own.map(({ path, name }) => (fullPath ? path : name)).toSorted();
      return { user, person: { id: user.id, groups: names } };
    }),
  );
}

function claimsOf({ user, person }: Known, now: number) {
  const { id: sub, username, email, firstName, lastName } = user;
  const name = [firstName, lastName].filter(part => part !== undefined).join(' ');
  const claims = { sub, preferred_username: username, name, groups: person.groups };
  const session = 10 * 3600;
  return ruleClaims({ ...claims, ...(email !== undefined && { email }) }, Math.floor(now / 1000) + session);
}

function matchOf({ kind }: Judgement): Match {
  return kind === 'error' ? 'fails' : kind === 'true' ? 'yes' : 'no';
}

/** What the rule engine says of each expression for each user. */
async function judgeFor(
  { engine, signal, now, note }: UserSources,
  expressions: readonly string[],
  users: readonly Known[],
): Promise<Judge> {
  const matches = new Map<string, Match>();
  const keyOf = (rule: string, { id }: Person) => `${id}\n${rule}`;
  try {
    for (const known of expressions.length === 0 ? [] : users) {
      const claims = claimsOf(known, now);
      for (const rule of expressions) {
        const [judgement] = await engine.judge([{ rule, claims }], signal);
        if (judgement !== undefined) matches.set(keyOf(rule, known.person), matchOf(judgement));
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    note(`rules by an expression are left out for users: ${why}`);
  }
  return (rule, person) => matches.get(keyOf(rule, person)) ?? 'unknown';
}

/** Whom nobody can list: there are as many as the realm has users. */
function noteOthers(
  { note }: UserSources,
  namespace: string,
  { start, end }: Pick<Prospect, 'start' | 'end'>,
) {
  const shifts = shiftsOfGroups({ namespace, before: start, after: end });
  if (!shifts.some(({ who }) => who.kind === 'others' || who.kind === 'expression')) return;
  note(
    `users who are in none of the groups that rules of namespace ${namespace} name, and may be concerned too`,
  );
}

async function usersOfNamespace(
  sources: UserSources,
  namespace: string,
  { start, end }: Prospect,
  prospects: readonly Prospect[],
): Promise<readonly PeopleReport[]> {
  const groups = groupsNamed(start, end);
  const places = placesOf(sources, prospects);
  const known = (await Promise.all(places.map(place => usersAt(place, groups)))).flat();
  const judge = await judgeFor(sources, expressionsNamed(start, end), known);
  noteOthers(sources, namespace, { start, end });
  const comparison: Comparison = { namespace, before: start, after: end, judge };
  return known
    .toSorted((a, b) => (a.user.username < b.user.username ? -1 : 1))
    .flatMap(({ user, person }) => {
      const shift = shiftOfUser(comparison, user.username, person);
      return shift === undefined ? [] : [{ namespace, ...shift }];
    });
}

/** What changes for the users who are in some group that a rule names, before or after; by name. */
export async function reportUsers(
  sources: UserSources,
  prospects: readonly Prospect[],
): Promise<readonly PeopleReport[]> {
  const byNamespace = Map.groupBy(prospects, ({ start }) => start.policy.metadata.namespace);
  const reports = [...oneOfEachNamespace(prospects)].map(([namespace, prospect]) =>
    usersOfNamespace(sources, namespace, prospect, byNamespace.get(namespace) ?? []),
  );
  return (await Promise.all(reports)).flat();
}
