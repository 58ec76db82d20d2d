import type { Policy } from '../api/objects.ts';
import { type WantedRole, wantedRoles } from './desired.ts';

/** Something that is told when policies are reviewed together, and of which no policy's own status tells. */
export interface Remark {
  readonly rule: 'ClientIdTwice' | 'GrantsContained' | 'GroupSpelling';
  readonly policy: Policy;
  /** Path of the field, such as `spec.roles[0]`. */
  readonly field: string;
  readonly message: string;
  /** Whether the operator would not do all that the policy asks for. */
  readonly blocks: boolean;
}

/** Realm of a policy; undefined where it names none and the connection's own is not known. */
export type RealmOf = (policy: Policy) => string | undefined;

/** The policy's name for people, with its namespace where it has one. */
export function policyName({ metadata: { namespace, name } }: Policy): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** A text by which two policies are told to speak of the same realm. */
function realmKey(policy: Policy, realmOf: RealmOf): string {
  return JSON.stringify([policy.spec.keycloak.connection, realmOf(policy)]);
}

/** Two policies, each with its own name, that want one client of Keycloak: it belongs to one of them. */
export function clientIdTwice(policies: readonly Policy[], realmOf: RealmOf): readonly Remark[] {
  const owners = new Map<string, Policy>();
  return policies.flatMap(policy => {
    const { client } = policy.spec;
    if (client === undefined) return [];
    const key = JSON.stringify([realmKey(policy, realmOf), client.clientId]);
    const owner = owners.get(key) ?? policy;
    owners.set(key, owner);
    if (policyName(owner) === policyName(policy)) return [];
    return [
      {
        rule: 'ClientIdTwice',
        policy,
        field: 'spec.client.clientId',
        message:
          `client ${client.clientId} is that of policy ${policyName(owner)} already, and a client belongs to one policy; choose ` +
          `another clientId, or make this a policy of roles only, without client`,
        blocks: true,
      },
    ];
  });
}

/** A role in its place among all of the namespace. */
interface PlacedRole {
  readonly policy: Policy;
  readonly index: number;
  readonly role: WantedRole;
  /** What it may do, by a text for people. */
  readonly grants: ReadonlySet<string>;
}

function placedRoles(policies: readonly Policy[]): readonly PlacedRole[] {
  return policies
    .flatMap(policy =>
      wantedRoles(policy, policies).map((role, index) => ({ policy, index, role, grants: grantsOf(role) })),
    )
    .toSorted((a, b) => b.role.precedence - a.role.precedence);
}

function grantsOf({ bindings }: WantedRole): ReadonlySet<string> {
  return new Set(
    bindings.map(({ metadata, roleRef }) => {
      const place = metadata.namespace === '' ? "the policy's namespace" : metadata.namespace;
      return `${roleRef.kind} ${roleRef.name} in ${place}`;
    }),
  );
}

const SHOWN = 3;

function listed(grants: readonly string[]): string {
  const more = grants.length - SHOWN;
  return grants.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Roles that give less than one below them: Argo gives a user one role, the first that matches, and nothing of those
 * below. A role without any grants is meant to give nothing.
 *
 * @param policies those of one namespace, each with its own name
 */
export function grantsContained(policies: readonly Policy[]): readonly Remark[] {
  const placed = placedRoles(policies);
  return placed.flatMap((upper, at) => {
    if (upper.grants.size === 0) return [];
    const lower = placed.slice(at + 1).find(each => givesMore(upper, each));
    if (lower === undefined) return [];
    const { policy, index } = upper;
    return [
      {
        rule: 'GrantsContained',
        policy,
        field: `spec.roles[${index}]`,
        message: `role ${upper.role.spec.name} ${whatIsMissing(upper, lower)}`,
        blocks: false,
      },
    ];
  });
}

/** For groups of their own, two roles may well give the same. */
function givesMore(upper: PlacedRole, lower: PlacedRole): boolean {
  if (![...upper.grants].every(grant => lower.grants.has(grant))) return false;
  return lower.role.spec.everyone === true || upper.grants.size < lower.grants.size;
}

function whatIsMissing(upper: PlacedRole, lower: PlacedRole): string {
  const where = lower.policy === upper.policy ? '' : ` of policy ${lower.policy.metadata.name}`;
  const other = `role ${lower.role.spec.name}${where}`;
  const missing = [...lower.grants].filter(grant => !upper.grants.has(grant));
  const everyone = lower.role.spec.everyone === true;
  if (missing.length === 0) {
    return `gives what ${other} below it gives everyone, and no more; grant what it is for, or remove it`;
  }
  const byGroups = upper.role.spec.groups !== undefined && lower.role.spec.groups !== undefined;
  const both = byGroups ? 'members of both groups do' : 'whoever is in both does';
  const who = everyone ? 'everyone has otherwise' : `${both} not get, for the first role counts`;
  return `gives less than ${other} below it: it lacks ${listed(missing)}, which ${who}; grant that here as well, or move the role down`;
}

/** Where a group is named. */
interface Mention {
  readonly policy: Policy;
  readonly field: string;
  readonly role: string;
  readonly group: string;
}

function mentionsOf(policy: Policy): readonly Mention[] {
  return policy.spec.roles.flatMap(({ name, groups }, index) =>
    (groups ?? []).map((group, at) => ({
      policy,
      field: `spec.roles[${index}].groups[${at}]`,
      role: name,
      group,
    })),
  );
}

/** What spellings of one name have in common: all but case, composition of characters, and what separates words. */
function essence(group: string): string {
  return group
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s._-]+/g, '-');
}

/** Groups of one realm, or roles of one client, that are spelled in two ways: Keycloak tells them apart. */
export function groupSpellings(policies: readonly Policy[], realmOf: RealmOf): readonly Remark[] {
  const scopeOf = (policy: Policy) =>
    policy.spec.keycloak.groups.source === 'ClientRoles'
      ? JSON.stringify([realmKey(policy, realmOf), policy.spec.client?.clientId ?? policyName(policy)])
      : realmKey(policy, realmOf);
  const alike = Map.groupBy(policies.flatMap(mentionsOf), ({ policy, group }) =>
    JSON.stringify([scopeOf(policy), essence(group)]),
  );
  return [...alike.values()].flatMap(mentions => {
    const spellings = Map.groupBy(mentions, ({ group }) => group);
    if (spellings.size === 1) return [];
    // The most frequent one is taken for the right one, and of several the first.
    const [[usual] = []] = [...spellings.values()].toSorted((a, b) => b.length - a.length);
    if (usual === undefined) return [];
    return mentions
      .filter(({ group }) => group !== usual.group)
      .map(({ policy, field, group }) => ({
        rule: 'GroupSpelling' as const,
        policy,
        field,
        message:
          `${JSON.stringify(group)} is spelled ${JSON.stringify(usual.group)} in role ${usual.role} of policy ${policyName(usual.policy)}, and ` +
          `Keycloak tells them apart; spell it alike, unless these are two groups`,
        blocks: false,
      }));
  });
}
