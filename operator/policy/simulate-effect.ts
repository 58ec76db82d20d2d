import type { OwnedObject, Policy, SharedObject } from '../api/objects.ts';
import type { ObjectRef } from './change.ts';
import type { KeycloakClient } from './keycloak-types.ts';
import type { Proof } from './observation.ts';

/** What a change has led to, as the server that it was sent to would answer it. */
export type Effect =
  /** The policy as it then is; `gone` with its last finalizer. */
  | { readonly kind: 'Policy'; readonly policy: Policy; readonly gone: boolean }
  | { readonly kind: 'Object'; readonly object: OwnedObject }
  | { readonly kind: 'ObjectGone'; readonly ref: ObjectRef }
  | { readonly kind: 'Shared'; readonly object: SharedObject }
  | { readonly kind: 'Client'; readonly client: KeycloakClient | undefined }
  | { readonly kind: 'ClientRole'; readonly role: string }
  | { readonly kind: 'Proof'; readonly proof: Proof }
  /** Nothing is written, and nothing that is decided by becomes known. */
  | { readonly kind: 'None' };
