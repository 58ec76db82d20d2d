import type { RoleRef } from '../../api/objects.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import { type PolicyRule, type WorkflowVerbs, workflowVerbs } from '../../policy/workflow-verbs.ts';
import type { Cluster } from '../live/cluster.ts';
import { type Note, orNote } from './notes.ts';
import { CLUSTER_ROLES, ROLES } from './resources.ts';

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** A Role or ClusterRole as the API server gives it. */
export interface RawRole extends RawObject {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly PolicyRule[] | null;
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly Selector[] };
}

/** Tells what a role lets do with workflows; undefined where nobody may read it, or it does not exist. */
export interface Roles {
  /** @param namespace of the binding, where a Role is looked for */
  readonly verbsOf: (role: RoleRef, namespace: string | undefined) => WorkflowVerbs | undefined;
}

type Expression = NonNullable<Selector['matchExpressions']>[number];

function fits(labels: Readonly<Record<string, string>>, { key, operator, values = [] }: Expression): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, { metadata }: RawRole): boolean {
  const { labels = {} } = metadata;
  const named = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return named && matchExpressions.every(expression => fits(labels, expression));
}

/**
 * The rules of a role. Those of an aggregated one are what a controller has gathered there, and what it will: of some
 * clusters that controller is not part.
 */
export function rulesOf(role: RawRole, all: readonly RawRole[]): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const gathered = all.filter(each => selectors.some(selector => selects(selector, each)));
  return [role, ...gathered].flatMap(({ rules }) => rules ?? []);
}

const UNREAD = 'what roles let do';

async function readClusterRoles(
  cluster: Cluster,
  names: readonly string[],
  note: Note,
): Promise<readonly RawRole[]> {
  if (names.length === 0) return [];
  return (await orNote(note, UNREAD, cluster.list<RawRole>(CLUSTER_ROLES, undefined))) ?? [];
}

/** A role, and the namespace of the binding that refers to it. */
export interface RoleInUse {
  readonly role: RoleRef;
  readonly namespace: string | undefined;
}

function keyOf({ kind, name }: RoleRef, namespace: string | undefined): string {
  return kind === 'ClusterRole' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** Reads the roles that bindings refer to. */
export async function readRoles(cluster: Cluster, used: readonly RoleInUse[], note: Note): Promise<Roles> {
  const once = [...new Map(used.map(each => [keyOf(each.role, each.namespace), each])).values()];
  const [own, shared] = [
    once.filter(({ role }) => role.kind === 'Role'),
    once.filter(({ role }) => role.kind === 'ClusterRole'),
  ];
  const all = await readClusterRoles(
    cluster,
    shared.map(({ role }) => role.name),
    note,
  );
  const byKey = new Map(
    all.map(role => [`ClusterRole/${role.metadata.name}`, workflowVerbs(rulesOf(role, all))]),
  );
  for (const { role, namespace = '' } of own) {
    const found = await orNote(note, UNREAD, cluster.get<RawRole>(ROLES, namespace, role.name));
    if (found !== undefined) byKey.set(keyOf(role, namespace), workflowVerbs(rulesOf(found, [])));
  }
  return { verbsOf: (role, namespace) => byKey.get(keyOf(role, namespace)) };
}
