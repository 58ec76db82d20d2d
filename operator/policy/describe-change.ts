import type { Policy } from '../api/objects.ts';
import type { Change } from './change.ts';

/** A change in a few words: what is done to which object. */
export interface ChangeLine {
  readonly change: Change['kind'];
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Names the object of a change. Nothing of its content is among that. */
export function describeChange(change: Change, policy: Policy): ChangeLine {
  switch (change.kind) {
    case 'AddFinalizer':
    case 'RemoveFinalizer':
      return { change: change.kind, kind: policy.kind, ...nameOf(policy.metadata) };
    case 'Rehearse':
      return describeChange(change.change, policy);
    case 'CreateObject':
    case 'ApplyObject':
      return { change: change.kind, kind: change.object.kind, ...nameOf(change.object.metadata) };
    case 'PatchObject':
    case 'DeleteObject':
      return { change: change.kind, kind: change.ref.kind, ...nameOf(change.ref) };
    case 'CreateClient':
      return { change: change.kind, kind: 'KeycloakClient', name: change.fields.clientId };
    case 'ApplySettings':
      return { change: change.kind, kind: 'ConfigMap', ...nameOf(change.ref) };
    case 'RollDeployment':
      return { change: change.kind, kind: 'Deployment', ...nameOf(change.ref) };
    case 'RegenerateSecret':
    case 'EndOverlap':
    case 'DeleteClient':
    case 'ProveSecret':
      return { change: change.kind, kind: 'KeycloakClient', name: change.clientId };
    case 'UpdateClient':
      return { change: change.kind, kind: 'KeycloakClient', name: clientIdOf(policy) };
    case 'CreateMapper':
    case 'UpdateMapper':
      return { change: change.kind, kind: 'KeycloakMapper', name: change.mapper.name };
    case 'DeleteMapper':
      return { change: change.kind, kind: 'KeycloakMapper', name: change.name };
    case 'CreateClientRole':
      return { change: change.kind, kind: 'KeycloakClientRole', name: change.role };
  }
}

/** The object of a change for people: `ServiceAccount argo/workflows-viewer`. */
export function objectOf(change: Change, policy: Policy): string {
  const { kind, name, namespace } = describeChange(change, policy);
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function nameOf({ name, namespace }: { readonly name: string; readonly namespace: string }) {
  return { name, namespace };
}

function clientIdOf({ spec }: Policy): string {
  return spec.client?.clientId ?? '';
}
