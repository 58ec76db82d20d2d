import { FIELD_MANAGER, FINALIZER } from '../api/names.ts';
import type { OwnedKind, OwnedObject, Policy } from '../api/objects.ts';
import type { PolicyStatus } from '../api/status-schema.ts';
import type { DesiredObject, ObjectRef, PatchObject } from '../policy/change.ts';
import type { PolicyEvent } from '../policy/conclude.ts';
import type { KubernetesClient } from './client.ts';
import {
  decodePolicy,
  decodeRoleBinding,
  decodeSecret,
  decodeServiceAccount,
  type RawObject,
} from './decode.ts';
import { KubernetesError } from './errors.ts';
import { collectionPath, objectPath, POLICIES, RESOURCES } from './paths.ts';
import { createSharedWriter, type SharedWriter } from './write-shared.ts';

/** Writes to the objects that the operator makes. Each answers with the object as it then is, where there is one. */
export interface ObjectWriter {
  /** POST, never an upsert: fails where an object of that name exists. */
  readonly create: (object: DesiredObject, signal: AbortSignal) => Promise<OwnedObject>;
  /** Server-side apply with force, of the object with this uid only. */
  readonly apply: (object: DesiredObject, uid: string, signal: AbortSignal) => Promise<OwnedObject>;
  readonly patch: (patch: PatchObject, signal: AbortSignal) => Promise<OwnedObject>;
  /**
   * Deletes the object with this uid; one that is gone counts as deleted. Answers with the object where somebody's
   * finalizer holds it, so that it is still there.
   */
  readonly delete: (ref: ObjectRef, signal: AbortSignal) => Promise<OwnedObject | undefined>;
}

/** All writes to Kubernetes. */
export interface KubernetesWriter extends ObjectWriter, SharedWriter {
  /** Does all that the API server does for a write but the write itself. */
  readonly rehearsal: ObjectWriter & SharedWriter;
  readonly addFinalizer: (policy: Policy, signal: AbortSignal) => Promise<Policy>;
  /** undefined where the policy was being deleted and is gone with its last finalizer. */
  readonly removeFinalizer: (policy: Policy, signal: AbortSignal) => Promise<Policy | undefined>;
  readonly writeStatus: (policy: Policy, status: PolicyStatus, signal: AbortSignal) => Promise<Policy>;
  readonly createEvent: (policy: Policy, event: PolicyEvent, signal: AbortSignal) => Promise<void>;
}

const DECODERS: Readonly<Record<OwnedKind, (raw: RawObject) => OwnedObject>> = {
  ServiceAccount: decodeServiceAccount,
  Secret: decodeSecret,
  RoleBinding: decodeRoleBinding,
};

/** Turns an answer of the API server into an object of the kind. */
export function decodeOwned(kind: OwnedKind, raw: unknown): OwnedObject {
  return DECODERS[kind](raw as RawObject);
}

function encodeBody(object: DesiredObject): object {
  switch (object.kind) {
    case 'ServiceAccount':
      return {};
    case 'Secret': {
      const entries = Object.entries(object.data).map(([key, value]) => [
        key,
        Buffer.from(value.reveal(), 'utf8').toString('base64'),
      ]);
      return { type: object.type, ...(entries.length > 0 && { data: Object.fromEntries(entries) }) };
    }
    case 'RoleBinding':
      return {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...object.roleRef },
        subjects: object.subjects,
      };
  }
}

function encode(object: DesiredObject, uid?: string): object {
  const { owner, ...metadata } = object.metadata;
  return {
    apiVersion: RESOURCES[object.kind].apiVersion,
    kind: object.kind,
    metadata: {
      ...metadata,
      ...(owner !== undefined && { ownerReferences: [owner] }),
      ...(uid !== undefined && { uid }),
    },
    ...encodeBody(object),
  };
}

function nulls(keys: readonly string[] | undefined): Readonly<Record<string, null>> {
  return Object.fromEntries((keys ?? []).map(key => [key, null]));
}

/**
 * A strategic merge patch: null removes a key, whichever manager owns it, and `$patch: delete` an entry of a list.
 * The uid makes it fail on another object of the same name.
 */
function encodePatch(patch: PatchObject): object {
  const { removeOwnerUid, removeSecrets, removeData } = patch;
  return {
    metadata: {
      uid: patch.ref.uid,
      labels: nulls(patch.removeLabels),
      annotations: { ...nulls(patch.removeAnnotations), ...patch.setAnnotations },
      ...(removeOwnerUid !== undefined && { ownerReferences: [{ $patch: 'delete', uid: removeOwnerUid }] }),
    },
    ...(removeData !== undefined && removeData.length > 0 && { data: nulls(removeData) }),
    ...(removeSecrets !== undefined && { secrets: removeEntries(removeSecrets) }),
  };
}

/** The API server merges no list that holds an entry without a name; such a list goes as a whole. */
function removeEntries(names: readonly string[]): readonly object[] {
  return names.includes('') ? [{ $patch: 'replace' }] : names.map(name => ({ $patch: 'delete', name }));
}

/** Replaces the list of finalizers, only while the policy is as it was observed. */
function finalizerPatch(policy: Policy, finalizers: readonly string[]): object {
  const { uid, resourceVersion } = policy.metadata;
  return { metadata: { uid, resourceVersion, finalizers } };
}

async function unlessGone<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (error instanceof KubernetesError && error.kind === 'NotFound') return undefined;
    throw error;
  }
}

/** Whether the API server has deleted the object, whose last state or a mere `Status` it then answers with. */
function isDeleted(answer: RawObject): boolean {
  const { finalizers } = (answer.metadata ?? {}) as { readonly finalizers?: readonly string[] };
  return finalizers === undefined || finalizers.length === 0;
}

const MANAGER = { fieldManager: FIELD_MANAGER };

const DRY_RUN = 'All';

/** @param dryRun keeps the API server from writing */
function createObjectWriter(client: KubernetesClient, dryRun?: typeof DRY_RUN): ObjectWriter {
  const manager = { ...MANAGER, ...(dryRun && { dryRun }) };
  return {
    create: async (object, signal) => {
      const path = collectionPath(RESOURCES[object.kind], object.metadata.namespace);
      const body = encode(object);
      return decodeOwned(
        object.kind,
        await client.request({ method: 'POST', path, query: manager, body, signal }),
      );
    },
    apply: async (object, uid, signal) => {
      const { namespace, name } = object.metadata;
      const path = objectPath(RESOURCES[object.kind], namespace, name);
      const query = { ...manager, force: 'true' };
      const contentType = 'application/apply-patch+yaml';
      const body = encode(object, uid);
      return decodeOwned(
        object.kind,
        await client.request({ method: 'PATCH', path, query, body, contentType, signal }),
      );
    },
    patch: async (patch, signal) => {
      const { kind, namespace, name } = patch.ref;
      const path = objectPath(RESOURCES[kind], namespace, name);
      const contentType = 'application/strategic-merge-patch+json';
      const body = encodePatch(patch);
      return decodeOwned(
        kind,
        await client.request({ method: 'PATCH', path, query: manager, body, contentType, signal }),
      );
    },
    delete: async ({ kind, namespace, name, uid }, signal) => {
      const path = objectPath(RESOURCES[kind], namespace, name);
      const body = {
        preconditions: { uid },
        propagationPolicy: 'Background',
        // Where there is a body, the API server looks at nothing else: in the query alone this would delete.
        ...(dryRun && { dryRun: [dryRun] }),
      };
      // In the query as well, for whoever reads an audit log, which has no bodies.
      const query = dryRun && { dryRun };
      const request = { method: 'DELETE', path, body, signal, ...(query && { query }) } as const;
      const answer = (await unlessGone(client.request(request))) as RawObject | undefined;
      return answer === undefined || isDeleted(answer) ? undefined : decodeOwned(kind, answer);
    },
  };
}

/** Makes the writer for a cluster; events carry the component's name and the time, in milliseconds. */
export function createWriter(
  client: KubernetesClient,
  component: string,
  now: () => number,
): KubernetesWriter {
  // Events are dated to the second: those of one second come in the order of their names (kubectl describe).
  let lastEvent = 0;
  const nextEvent = () => {
    lastEvent = Math.max(lastEvent + 1, now() * 1000);
    return lastEvent.toString(16).padStart(14, '0');
  };
  const patchPolicy = async (policy: Policy, body: object, signal: AbortSignal) => {
    const { namespace, name } = policy.metadata;
    const path = objectPath(POLICIES, namespace, name);
    const contentType = 'application/merge-patch+json';
    return decodePolicy(
      (await client.request({
        method: 'PATCH',
        path,
        query: MANAGER,
        body,
        contentType,
        signal,
      })) as RawObject,
    );
  };
  return {
    ...createObjectWriter(client),
    ...createSharedWriter(client),
    rehearsal: { ...createObjectWriter(client, DRY_RUN), ...createSharedWriter(client, DRY_RUN) },
    addFinalizer: (policy, signal) =>
      patchPolicy(policy, finalizerPatch(policy, [...(policy.metadata.finalizers ?? []), FINALIZER]), signal),
    removeFinalizer: async (policy, signal) => {
      const rest = (policy.metadata.finalizers ?? []).filter(name => name !== FINALIZER);
      const after = await unlessGone(patchPolicy(policy, finalizerPatch(policy, rest), signal));
      const gone = rest.length === 0 && after?.metadata.deletionTimestamp !== undefined;
      return gone ? undefined : after;
    },
    writeStatus: async (policy, status, signal) => {
      const { namespace, name, uid, resourceVersion } = policy.metadata;
      const path = `${objectPath(POLICIES, namespace, name)}/status`;
      const body = {
        apiVersion: POLICIES.apiVersion,
        kind: POLICIES.kind,
        metadata: { namespace, name, uid, resourceVersion },
        status,
      };
      return decodePolicy(
        (await client.request({ method: 'PUT', path, query: MANAGER, body, signal })) as RawObject,
      );
    },
    createEvent: async (policy, event, signal) => {
      const { namespace, name, uid, resourceVersion } = policy.metadata;
      const at = new Date(now()).toISOString().replace(/\.[0-9]+Z$/, 'Z');
      const body = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${name.slice(0, 50)}.${nextEvent()}.`, namespace },
        involvedObject: {
          apiVersion: POLICIES.apiVersion,
          kind: POLICIES.kind,
          namespace,
          name,
          uid,
          resourceVersion,
        },
        type: event.type,
        reason: event.reason,
        message: event.message,
        source: { component },
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
        reportingComponent: component,
      };
      await client.request({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/events`,
        query: MANAGER,
        body,
        signal,
      });
    },
  };
}
