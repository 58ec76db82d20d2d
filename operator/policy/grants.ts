import type { RoleBinding, RoleRef, ServiceAccount, Subject } from '../api/objects.ts';

/** A role that an account has, and where. */
export interface Grant {
  readonly role: RoleRef;
  /** Undefined: in all namespaces. */
  readonly namespace: string | undefined;
  readonly binding: string;
  /** Whether the binding is for all accounts of a namespace, or of the cluster. */
  readonly shared: boolean;
}

function isSubject({ kind, name, namespace }: Subject, { metadata }: ServiceAccount): boolean {
  switch (kind) {
    case 'ServiceAccount':
      return name === metadata.name && namespace === metadata.namespace;
    case 'User':
      return name === userName(metadata);
    case 'Group':
      return groupsOfAccount(metadata.namespace).includes(name);
    default:
      return false;
  }
}

/** The name under which the API server knows an account. */
export function userName({ namespace, name }: ServiceAccount['metadata']): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** The groups in which the API server has every account of a namespace. */
export function groupsOfAccount(namespace: string): readonly string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
}

/** Bindings for everybody who is known to the API server at all say nothing about an account. */
const EVERYBODY = 'system:authenticated';

/**
 * What an account has by bindings, those for all accounts among these.
 *
 * @param bindings RoleBindings, and ClusterRoleBindings, whose namespace is empty
 */
export function grantsOf(account: ServiceAccount, bindings: readonly RoleBinding[]): readonly Grant[] {
  return bindings
    .flatMap(({ roleRef, metadata, subjects }) => {
      const found = subjects.filter(subject => subject.name !== EVERYBODY && isSubject(subject, account));
      if (found.length === 0) return [];
      const namespace = metadata.namespace === '' ? undefined : metadata.namespace;
      const shared = found.every(({ kind }) => kind === 'Group');
      return [{ role: roleRef, namespace, binding: metadata.name, shared }];
    })
    .toSorted((a, b) => compare(textOf(a), textOf(b)));
}

function textOf({ role, namespace = '' }: Grant): string {
  return `${namespace}/${role.kind}/${role.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
