import type { Resource } from '../../kubernetes/paths.ts';

const RBAC = { apiVersion: 'rbac.authorization.k8s.io/v1', group: 'rbac.authorization.k8s.io' };

/** Roles of a namespace; only read. */
export const ROLES: Resource = { ...RBAC, kind: 'Role', plural: 'roles' };
/** Roles of the cluster; only read. */
export const CLUSTER_ROLES: Resource = { ...RBAC, kind: 'ClusterRole', plural: 'clusterroles' };
/** Bindings in all namespaces at once; only read. */
export const CLUSTER_ROLE_BINDINGS: Resource = {
  ...RBAC,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
};
/** A question to the API server, which writes nothing. */
export const ACCESS_REVIEWS: Resource = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'LocalSubjectAccessReview',
  group: 'authorization.k8s.io',
  plural: 'localsubjectaccessreviews',
};
