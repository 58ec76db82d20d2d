import { KeycloakError } from './keycloak/errors.ts';
import { judgeKeycloakError } from './keycloak/reasons.ts';
import { KubernetesError, type KubernetesErrorKind } from './kubernetes/errors.ts';
import type { Change } from './policy/change.ts';
import type { Failure } from './policy/conclude.ts';
import { Reason } from './policy/reasons.ts';

const BY_KIND: Readonly<
  Record<KubernetesErrorKind, { readonly reason: Reason; readonly transient: boolean }>
> = {
  NotFound: { reason: Reason.Progressing, transient: true },
  AlreadyExists: { reason: Reason.Progressing, transient: true },
  Conflict: { reason: Reason.Progressing, transient: true },
  Gone: { reason: Reason.Progressing, transient: true },
  NamespaceTerminating: { reason: Reason.Progressing, transient: true },
  Forbidden: { reason: Reason.KubernetesForbidden, transient: false },
  Unauthorized: { reason: Reason.KubernetesForbidden, transient: false },
  Invalid: { reason: Reason.KubernetesRejected, transient: false },
  TooManyRequests: { reason: Reason.KubernetesUnavailable, transient: true },
  FieldTaken: { reason: Reason.FieldTaken, transient: false },
  Unavailable: { reason: Reason.KubernetesUnavailable, transient: true },
};

function remedyOf(kind: KubernetesErrorKind): string {
  return kind === 'Forbidden'
    ? '; apply the rights that "argo-access rbac" renders from the operator\'s configuration'
    : '';
}

/** What a failed write means; what is neither Kubernetes' nor Keycloak's doing is thrown on. */
export function failureOf(change: Change, error: unknown): Failure {
  if (error instanceof KeycloakError) return { change, ...judgeKeycloakError(error) };
  if (!(error instanceof KubernetesError)) throw error;
  const { kind, message } = error;
  return { change, ...BY_KIND[kind], message: `${message}${remedyOf(kind)}` };
}

/** Namespace that a refused write went to, where the refusal may mean that the namespace is going away. */
export function suspectNamespace(change: Change, error: unknown): string | undefined {
  if (!(error instanceof KubernetesError)) return undefined;
  if (!['Forbidden', 'NotFound', 'NamespaceTerminating'].includes(error.kind)) return undefined;
  switch (change.kind) {
    case 'Rehearse':
      return suspectNamespace(change.change, error);
    case 'CreateObject':
    case 'ApplyObject':
      return change.object.metadata.namespace;
    case 'PatchObject':
    case 'DeleteObject':
    case 'ApplySettings':
    case 'RollDeployment':
      return change.ref.namespace;
    default:
      return undefined;
  }
}
