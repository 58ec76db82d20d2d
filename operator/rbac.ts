import { LEASE_NAME } from './api/names.ts';
import { GROUP, PLURAL } from './api/schema.ts';
import type { OperatorConfig } from './config.ts';
import type { GrantAllowance, NamespaceAllowance } from './policy/allow.ts';

/** A rule of a Role or ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Role or ClusterRole of the operator. */
export interface RightsRole {
  readonly apiVersion: string;
  readonly kind: 'ClusterRole' | 'Role';
  readonly metadata: Metadata;
  readonly rules: readonly Rule[];
}

/** What gives the operator's account a role. */
export interface RightsBinding {
  readonly apiVersion: string;
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding';
  readonly metadata: Metadata;
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
}

/** One object of the operator's Kubernetes rights. */
export type RightsObject = RightsRole | RightsBinding;

/** The account that the operator runs as. */
export interface OperatorAccount {
  readonly operatorNamespace: string;
  readonly serviceAccount: string;
}

const RBAC = 'rbac.authorization.k8s.io';

/** Reads come from a list that a watch keeps up to date, writes are creation, server-side apply and deletion. */
const OWNED_VERBS = ['list', 'watch', 'create', 'patch', 'delete'];

const CLUSTER_RULES: readonly Rule[] = [
  { apiGroups: [GROUP], resources: [PLURAL], verbs: ['list', 'watch', 'patch'] },
  { apiGroups: [GROUP], resources: [`${PLURAL}/status`], verbs: ['update'] },
  {
    apiGroups: ['apiextensions.k8s.io'],
    resources: ['customresourcedefinitions'],
    resourceNames: [`${PLURAL}.${GROUP}`],
    verbs: ['get'],
  },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

const SERVED_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['serviceaccounts', 'secrets'], verbs: OWNED_VERBS },
  { apiGroups: [''], resources: ['events'], verbs: ['create'] },
];

const BINDING_RULE: Rule = { apiGroups: [RBAC], resources: ['rolebindings'], verbs: OWNED_VERBS };

/** To say what keeps Argo Server from starting, and which rights its account lacks. */
const ARGO_SERVER_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
];

/** The rules that the operator needs in one place. */
export interface NeededRules {
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
  readonly rules: readonly Rule[];
}

/** Name of the Lease by which the operators of one instanceId elect their leader. */
export function leaseName(instanceId: string): string {
  return `${LEASE_NAME}-${instanceId}`;
}

/**
 * What the operator needs to be allowed for a configuration, and no more: what concerns policies everywhere, the
 * Lease in its own namespace, and what each namespace takes that is served, or in which roles may be granted.
 * Where its own namespace is not known, the Lease is left out.
 */
export function neededRules(
  config: OperatorConfig,
  operatorNamespace: string | undefined,
): readonly NeededRules[] {
  const served = config.namespaces.map(({ name }) => name);
  const bound = [...served, ...config.namespaces.flatMap(namespaceTargets)];
  const own = operatorNamespace === undefined ? [] : [operatorNamespace];
  const namespaces = [...new Set([...own, ...bound])].sort();
  return [
    { namespace: undefined, rules: CLUSTER_RULES },
    ...namespaces.map(namespace => ({
      namespace,
      rules: [
        ...(namespace === operatorNamespace ? leaseRules(config) : []),
        ...config.namespaces.filter(({ name }) => name === namespace).flatMap(servedRules),
        ...(bound.includes(namespace) ? [BINDING_RULE, ...bindRules(config, namespace)] : []),
      ],
    })),
  ];
}

/** The Lease: read and replaced by its name; a creation cannot be limited to one. */
function leaseRules({ instanceId }: OperatorConfig): readonly Rule[] {
  const lease = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    { ...lease, resourceNames: [leaseName(instanceId)], verbs: ['get', 'update'] },
    { ...lease, verbs: ['create'] },
  ];
}

/** What a served namespace takes: objects of our own, and of Argo's those that policies may name. */
function servedRules({ configMaps, deployments }: NamespaceAllowance): readonly Rule[] {
  return [
    ...SERVED_RULES,
    ...sharedRule('', 'configmaps', configMaps),
    ...sharedRule('apps', 'deployments', deployments),
    ...(deployments.length === 0 ? [] : ARGO_SERVER_RULES),
  ];
}

/** Reading and patching of objects that others have made, each by its name. */
function sharedRule(group: string, resource: string, names: readonly string[]): readonly Rule[] {
  const resourceNames = [...new Set(names)].sort();
  if (resourceNames.length === 0) return [];
  return [{ apiGroups: [group], resources: [resource], resourceNames, verbs: ['list', 'watch', 'patch'] }];
}

/**
 * The Kubernetes rights of the operator's account for a configuration: a ClusterRole, and a Role of its own in
 * each namespace. Equal configurations give equal objects in the same order; the names belong to one account,
 * so that two operators in a cluster do not share an object.
 */
export function renderRights(config: OperatorConfig, account: OperatorAccount): readonly RightsObject[] {
  return neededRules(config, account.operatorNamespace).flatMap(needed =>
    roleAndBinding(config, account, needed),
  );
}

function namespaceTargets({ clusterRoles, roles }: NamespaceAllowance): readonly string[] {
  return [...clusterRoles, ...roles].flatMap(({ namespaces }) => namespaces);
}

/** `bind` on the roles that some policy may grant in a namespace, each by its name. */
function bindRules({ namespaces }: OperatorConfig, namespace: string): readonly Rule[] {
  const rule = (resource: string, grants: readonly GrantAllowance[]): readonly Rule[] => {
    const names = grants.filter(grant => grant.namespaces.includes(namespace)).map(({ name }) => name);
    const resourceNames = [...new Set(names)].sort();
    if (resourceNames.length === 0) return [];
    return [{ apiGroups: [RBAC], resources: [resource], resourceNames, verbs: ['bind'] }];
  };
  return [
    ...rule(
      'clusterroles',
      namespaces.flatMap(({ clusterRoles }) => clusterRoles),
    ),
    ...rule(
      'roles',
      namespaces.flatMap(({ roles }) => roles),
    ),
  ];
}

function roleAndBinding(
  { instanceId }: OperatorConfig,
  { operatorNamespace, serviceAccount }: OperatorAccount,
  { namespace, rules }: NeededRules,
): readonly RightsObject[] {
  const apiVersion = `${RBAC}/v1`;
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  // A colon cannot occur in either part, so that different accounts never get the same name.
  const name = `argo-access:${operatorNamespace}:${serviceAccount}`;
  const metadata: Metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: {
      'app.kubernetes.io/name': 'argo-access-operator',
      'app.kubernetes.io/instance': instanceId,
      'app.kubernetes.io/component': 'rights',
      'app.kubernetes.io/managed-by': 'argo-access-rbac',
    },
  };
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name },
      subjects: [{ kind: 'ServiceAccount', namespace: operatorNamespace, name: serviceAccount }],
    },
  ];
}
