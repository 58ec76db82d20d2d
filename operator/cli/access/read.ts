import type { Policy, RoleBinding, ServiceAccount } from '../../api/objects.ts';
import { decodeRoleBinding, decodeServiceAccount, type RawObject } from '../../kubernetes/decode.ts';
import { RESOURCES } from '../../kubernetes/paths.ts';
import { argoRule } from '../../policy/accounts.ts';
import { grantNamespaces } from '../../policy/desired.ts';
import { type Grant, grantsOf } from '../../policy/grants.ts';
import type { WorkflowVerbs } from '../../policy/workflow-verbs.ts';
import type { Cluster } from '../live/cluster.ts';
import { isKind } from '../live/failure.ts';
import { readPolicies } from '../live/policies.ts';
import { type Note, orNote } from './notes.ts';
import { CLUSTER_ROLE_BINDINGS } from './resources.ts';
import { readRoles } from './roles.ts';

/** A role that an account has, and what it lets do with workflows; undefined where that is not known. */
export interface ResolvedGrant extends Grant {
  readonly workflows: WorkflowVerbs | undefined;
}

/** Policies and accounts with a rule, and what these may do. */
export interface AccessView {
  readonly policies: readonly Policy[];
  readonly accounts: readonly ServiceAccount[];
  readonly grantsOf: (account: ServiceAccount) => readonly ResolvedGrant[];
}

/** What a note begins with that tells why policies are not shown. */
export const POLICIES_UNREAD = 'which policies accounts come from';

/** The policies; none where the cluster does not know what that is, or does not show them. */
export async function policiesOf(
  cluster: Cluster,
  namespace: string | undefined,
  note: Note,
): Promise<readonly Policy[]> {
  try {
    const found = await orNote(note, POLICIES_UNREAD, readPolicies(cluster, namespace));
    return found ?? [];
  } catch (error) {
    if (isKind(error, 'NotFound')) return [];
    throw error;
  }
}

/** Bindings of all namespaces; of some, where the user may see no more. */
export async function bindingsOf(
  cluster: Cluster,
  some: ReadonlySet<string>,
  note: Note,
): Promise<readonly RoleBinding[]> {
  try {
    return (await cluster.list<RawObject>(RESOURCES.RoleBinding, undefined)).map(decodeRoleBinding);
  } catch (error) {
    if (!isKind(error, 'Forbidden')) throw error;
  }
  note(
    `what is granted in other namespaces than ${[...some].join(', ')}: you may not list rolebindings everywhere`,
  );
  const lists = await Promise.all(
    [...some].map(namespace =>
      orNote(
        note,
        `what is granted in namespace ${namespace}`,
        cluster.list<RawObject>(RESOURCES.RoleBinding, namespace),
      ),
    ),
  );
  return lists.flatMap(list => list ?? []).map(decodeRoleBinding);
}

/** Bindings that hold in all namespaces; none where the user may not see them. */
export async function clusterBindingsOf(cluster: Cluster, note: Note): Promise<readonly RoleBinding[]> {
  const what = 'what is granted in all namespaces at once';
  const raw = await orNote(note, what, cluster.list<RawObject>(CLUSTER_ROLE_BINDINGS, undefined));
  return (raw ?? []).map(decodeRoleBinding);
}

/** What every account of a cluster has anyway, such as the discovery of the issuer, says nothing of workflows. */
function isTelling({ shared, workflows }: ResolvedGrant): boolean {
  if (!shared || workflows === undefined) return true;
  return workflows.verbs.length > 0 || workflows.named.length > 0;
}

/** The accounts with a rule, of a namespace or of all. */
export async function ruledAccounts(
  cluster: Cluster,
  namespace: string | undefined,
): Promise<readonly ServiceAccount[]> {
  const raw = await cluster.list<RawObject>(RESOURCES.ServiceAccount, namespace);
  return raw.map(decodeServiceAccount).filter(account => argoRule(account) !== undefined);
}

/**
 * Reads, once and with the user's own rights, what decides about access.
 *
 * @param homes namespaces whose accounts matter; undefined for all
 * @param note told what is left out, for people
 */
export async function readAccess(
  cluster: Cluster,
  homes: ReadonlySet<string> | undefined,
  note: Note,
): Promise<AccessView> {
  const places = homes === undefined ? [undefined] : [...homes];
  const lists = await Promise.all(
    places.map(async place => ({
      policies: await policiesOf(cluster, place, note),
      accounts: await ruledAccounts(cluster, place),
    })),
  );
  const policies = lists.flatMap(each => each.policies);
  const accounts = lists.flatMap(each => each.accounts);
  const granted = policies.flatMap(policy =>
    policy.spec.roles.flatMap(role => role.grants.flatMap(grant => grantNamespaces(policy, grant))),
  );
  const some = new Set([...(homes ?? []), ...accounts.map(({ metadata }) => metadata.namespace), ...granted]);
  const [bindings, everywhere] = await Promise.all([
    bindingsOf(cluster, some, note),
    clusterBindingsOf(cluster, note),
  ]);
  const all = [...everywhere, ...bindings];
  const grants = new Map(accounts.map(account => [account.metadata.uid, grantsOf(account, all)]));
  const roles = await readRoles(cluster, [...grants.values()].flat(), note);
  const resolve = (grant: Grant): ResolvedGrant => ({
    ...grant,
    workflows: roles.verbsOf(grant.role, grant.namespace),
  });
  return {
    policies,
    accounts,
    grantsOf: ({ metadata }) => (grants.get(metadata.uid) ?? []).map(resolve).filter(isTelling),
  };
}
