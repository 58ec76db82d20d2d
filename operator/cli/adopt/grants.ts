import { rbacName } from '../../api/fields.ts';
import type { RoleBinding, ServiceAccount } from '../../api/objects.ts';
import type { GrantSpec } from '../../api/schema.ts';
import { type Grant, grantsOf } from '../../policy/grants.ts';
import { placeText } from '../access/words.ts';

/** Most that a role of the contract can grant, and in how many namespaces each. */
const MOST_GRANTS = 16;
const MOST_NAMESPACES = 32;

/** What an account may do by bindings, as far as a role of a policy says it. */
export interface DescribedGrants {
  readonly grants: readonly GrantSpec[];
  /** Bindings that say the same, once the policy's own are there. */
  readonly doubled: readonly RoleBinding[];
  /** What else binds the account, and stays: lines for people. */
  readonly others: readonly string[];
}

function inWords({ role, namespace, binding }: Grant): string {
  const by =
    namespace === undefined ? `ClusterRoleBinding ${binding}` : `RoleBinding ${namespace}/${binding}`;
  return `${role.kind} ${role.name} in ${placeText(namespace)}, by ${by}`;
}

function grantOf(role: Grant['role'], namespaces: readonly string[], home: string): GrantSpec {
  const named = role.kind === 'ClusterRole' ? { clusterRole: role.name } : { role: role.name };
  const [first] = namespaces;
  return namespaces.length === 1 && first === home ? named : { ...named, namespaces: [...namespaces] };
}

/** A role in as many namespaces as one grant has room for, by the bindings that give it. */
interface DescribedGrant {
  readonly list: readonly Grant[];
  readonly namespaces: readonly string[];
  readonly role: Grant['role'];
}

function describedGrants(list: readonly Grant[]): readonly DescribedGrant[] {
  const [first] = list;
  if (first === undefined) return [];
  const all = [...new Set(list.flatMap(({ namespace }) => namespace ?? []))];
  return Array.from({ length: Math.ceil(all.length / MOST_NAMESPACES) }, (_, index) => {
    const namespaces = all.slice(index * MOST_NAMESPACES, (index + 1) * MOST_NAMESPACES);
    const some = new Set(namespaces);
    return {
      list: list.filter(({ namespace = '' }) => some.has(namespace)),
      namespaces,
      role: first.role,
    };
  });
}

function isSayable({ role }: Grant): boolean {
  return rbacName.safeParse(role.name).success;
}

/** The bindings of an account as grants of a role. A binding that is not described stays all the same. */
export function describeGrants(account: ServiceAccount, bindings: readonly RoleBinding[]): DescribedGrants {
  const home = account.metadata.namespace;
  const all = grantsOf(account, bindings);
  const own = all.filter(({ namespace, shared }) => namespace !== undefined && !shared);
  const byRole = Map.groupBy(own.filter(isSayable), ({ role }) => `${role.kind}/${role.name}`);
  const kept = [...byRole.values()].flatMap(describedGrants).slice(0, MOST_GRANTS);
  const told = new Set(kept.flatMap(({ list }) => list));
  return {
    grants: kept.map(({ role, namespaces }) => grantOf(role, namespaces, home)),
    doubled: bindings.filter(({ metadata }) =>
      [...told].some(
        ({ binding, namespace }) => binding === metadata.name && namespace === metadata.namespace,
      ),
    ),
    others: [
      ...all.filter(grant => grant.namespace === undefined || grant.shared).map(inWords),
      ...own
        .filter(grant => !told.has(grant))
        .map(
          grant =>
            `${inWords(grant)}: ${isSayable(grant) ? 'a role has no room for more grants' : 'its name is longer than a policy may give one'}`,
        ),
    ],
  };
}
