import type { OwnedKind, SharedObject } from '../api/objects.ts';
import { GROUP, PLURAL, VERSION } from '../api/schema.ts';

/** A kind of object that is read or written, and where the API server has it. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly group: string;
  readonly plural: string;
}

/** The kinds that a policy may own. */
export const RESOURCES: Readonly<Record<OwnedKind, Resource>> = {
  ServiceAccount: { apiVersion: 'v1', kind: 'ServiceAccount', group: '', plural: 'serviceaccounts' },
  Secret: { apiVersion: 'v1', kind: 'Secret', group: '', plural: 'secrets' },
  RoleBinding: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    group: 'rbac.authorization.k8s.io',
    plural: 'rolebindings',
  },
};

/** The kinds of objects of others in which a policy manages one field. */
export const SHARED: Readonly<Record<SharedObject['kind'], Resource>> = {
  ConfigMap: { apiVersion: 'v1', kind: 'ConfigMap', group: '', plural: 'configmaps' },
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment', group: 'apps', plural: 'deployments' },
};

/** The pods that a Deployment runs; only read. */
export const PODS: Resource = { apiVersion: 'v1', kind: 'Pod', group: '', plural: 'pods' };

/** The policies themselves. */
export const POLICIES: Resource = {
  apiVersion: `${GROUP}/${VERSION}`,
  kind: 'ArgoAccessPolicy',
  group: GROUP,
  plural: PLURAL,
};

/** Path of a collection; of all namespaces where none is given. */
export function collectionPath({ apiVersion, group, plural }: Resource, namespace?: string): string {
  const root = group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

/** Path of one object. */
export function objectPath(resource: Resource, namespace: string, name: string): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}
