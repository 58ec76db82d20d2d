import type { OwnedObject, Policy, SharedObject } from './api/objects.ts';
import { KeycloakError, type KeycloakErrorKind } from './keycloak/errors.ts';
import type { KeycloakRealm } from './keycloak/realm.ts';
import type { KubernetesWriter } from './kubernetes/write.ts';
import type { Claim } from './leadership.ts';
import type {
  Change,
  KeycloakChange,
  KubernetesChange,
  ObjectRef,
  Rehearsable,
  SharedChange,
} from './policy/change.ts';
import type { KeycloakClient } from './policy/keycloak-types.ts';
import type { Proof } from './policy/observation.ts';
import type { DueCause } from './policy/rotation-due.ts';
import { isAsDecided, type SecretStep } from './policy/secret-step.ts';

/** What the effects of a change are told to, so that the next observation knows of them. */
export interface Effects {
  /** An object as the API server answered it. */
  readonly objectWritten: (object: OwnedObject) => void;
  readonly objectDeleted: (ref: ObjectRef) => void;
  /** An object of somebody else as the API server answered it. */
  readonly sharedWritten: (object: SharedObject) => void;
  /** The policy as the API server answered it; undefined when it is gone. */
  readonly policyWritten: (policy: Policy | undefined) => void;
  /** A write to the client is about to be sent: whatever comes of it, what was known of it is old. */
  readonly clientTouched: () => void;
  /** The client as read after a write to it; undefined when it is gone. */
  readonly clientRead: (client: KeycloakClient | undefined) => void;
  readonly roleCreated: (role: string) => void;
  /** Keycloak has made a new secret, whether or not the client can be read since. */
  readonly regenerated: (cause: DueCause) => void;
  readonly proved: (proof: Proof) => void;
}

/** Where changes go. */
export interface Targets {
  readonly policy: Policy;
  readonly kubernetes: KubernetesWriter;
  /** The realm of the policy; undefined where no change can concern it. */
  readonly keycloak: KeycloakRealm | undefined;
  readonly effects: Effects;
  /** The client as Keycloak has it, asked again unless that was read for the very decision that is followed now. */
  readonly currentClient: () => Promise<KeycloakClient | undefined>;
  /** Whether nobody else makes new secrets, or ends old ones. */
  readonly isLeader: () => boolean;
  /** Claims leave to have one new secret made; undefined where none may be made. */
  readonly claim: () => Promise<Claim | undefined>;
}

function realmOf({ keycloak }: Targets): KeycloakRealm {
  if (keycloak === undefined) throw new Error('a change to Keycloak without a connection');
  return keycloak;
}

async function applyToKubernetes(
  change: KubernetesChange,
  { kubernetes, effects, policy }: Targets,
  signal: AbortSignal,
): Promise<void> {
  switch (change.kind) {
    case 'AddFinalizer':
      return effects.policyWritten(await kubernetes.addFinalizer(policy, signal));
    case 'RemoveFinalizer':
      return effects.policyWritten(await kubernetes.removeFinalizer(policy, signal));
    case 'CreateObject':
      return effects.objectWritten(await kubernetes.create(change.object, signal));
    case 'ApplyObject':
      return effects.objectWritten(await kubernetes.apply(change.object, change.uid, signal));
    case 'PatchObject':
      return effects.objectWritten(await kubernetes.patch(change, signal));
    case 'DeleteObject': {
      // What somebody's finalizer holds is still there, and is waited for.
      const left = await kubernetes.delete(change.ref, signal);
      return left === undefined ? effects.objectDeleted(change.ref) : effects.objectWritten(left);
    }
  }
}

/** Fails where the change would; nothing is written, and nothing of the answer is real. */
async function rehearse(
  change: Rehearsable,
  { kubernetes: { rehearsal } }: Targets,
  signal: AbortSignal,
): Promise<void> {
  switch (change.kind) {
    case 'CreateObject':
      await rehearsal.create(change.object, signal);
      return;
    case 'ApplyObject':
      await rehearsal.apply(change.object, change.uid, signal);
      return;
    case 'PatchObject':
      await rehearsal.patch(change, signal);
      return;
    case 'DeleteObject':
      await rehearsal.delete(change.ref, signal);
      return;
    case 'ApplySettings':
      await rehearsal.applySettings(change.ref, change.sso, signal);
      return;
    case 'RollDeployment':
      await rehearsal.rollDeployment(change, signal);
  }
}

async function applyShared(
  change: SharedChange,
  { kubernetes, effects }: Targets,
  signal: AbortSignal,
): Promise<void> {
  switch (change.kind) {
    case 'ApplySettings':
      return effects.sharedWritten(await kubernetes.applySettings(change.ref, change.sso, signal));
    case 'RollDeployment':
      return effects.sharedWritten(await kubernetes.rollDeployment(change, signal));
  }
}

/** A change was left out at the last moment; what to do is to be decided anew. */
class Abstained extends Error {}

/** Failures after which a request may have been followed all the same. */
const UNCLEAR: readonly KeycloakErrorKind[] = ['Unreachable', 'Timeout', 'ServerError'];

type Outcome = Parameters<Claim['end']>[0];

function outcomeOf(error: unknown): Outcome {
  return error instanceof KeycloakError && !UNCLEAR.includes(error.kind) ? 'Known' : 'Unknown';
}

/** Has somebody else been at the secret since it was decided on, that decision is not followed. */
async function insistOn(step: SecretStep, { currentClient, effects }: Targets): Promise<void> {
  if (!isAsDecided(step, await currentClient())) throw new Abstained();
  // What was read for that has been kept, and must not be what is known if the step's answer gets lost.
  effects.clientTouched();
}

/** The one change that must not be made twice: where its answer is lost, nobody tries again at once. */
async function regenerate(
  step: Extract<SecretStep, { readonly kind: 'RegenerateSecret' }>,
  targets: Targets,
): Promise<void> {
  const claim = await targets.claim();
  if (claim === undefined) throw new Abstained();
  let outcome: Outcome = 'Known';
  try {
    await insistOn(step, targets);
    const sending = realmOf(targets).clients.regenerate(step.id, claim.mayStill);
    const sent = await sending.catch((error: unknown) => {
      outcome = outcomeOf(error);
      throw error;
    });
    if (!sent) throw new Abstained();
  } finally {
    claim.end(outcome);
  }
  targets.effects.regenerated(step.cause);
}

async function endOverlap(
  step: Extract<SecretStep, { readonly kind: 'EndOverlap' }>,
  targets: Targets,
): Promise<void> {
  await insistOn(step, targets);
  if (!targets.isLeader()) throw new Abstained();
  await realmOf(targets).clients.endOverlap(step.id);
}

/**
 * Makes a change to a client. Where it fails, Keycloak may have made it all the same, and what others have read meanwhile
 * may be from before: neither is known any more.
 */
async function applyToKeycloak(change: KeycloakChange, targets: Targets): Promise<void> {
  try {
    await writeToKeycloak(change, targets);
  } catch (error) {
    if (error instanceof KeycloakError) targets.effects.clientTouched();
    throw error;
  }
}

/** A client that was written to is read back: what Keycloak made of it is what counts. */
async function writeToKeycloak(change: KeycloakChange, targets: Targets): Promise<void> {
  const { clients } = realmOf(targets);
  const { effects } = targets;
  effects.clientTouched();
  const readBack = async (id: string) => effects.clientRead(await clients.read(id));
  switch (change.kind) {
    case 'CreateClient':
      return readBack(await clients.create(change.fields, change.mappers));
    case 'UpdateClient':
      await clients.update(change.id, change.fields);
      return readBack(change.id);
    case 'CreateMapper':
      await clients.createMapper(change.id, change.mapper);
      return readBack(change.id);
    case 'UpdateMapper':
      await clients.updateMapper(change.id, change.mapperId, change.mapper);
      return readBack(change.id);
    case 'DeleteMapper':
      await clients.deleteMapper(change.id, change.mapperId);
      return readBack(change.id);
    case 'CreateClientRole':
      await clients.createRole(change.id, change.role);
      return effects.roleCreated(change.role);
    case 'RegenerateSecret':
      await regenerate(change, targets);
      return readBack(change.id);
    case 'EndOverlap':
      await endOverlap(change, targets);
      return readBack(change.id);
    case 'DeleteClient':
      await clients.delete(change.id);
      return effects.clientRead(undefined);
  }
}

/** Makes one change; every kind has one call here. */
async function applyChange(change: Change, targets: Targets, signal: AbortSignal): Promise<void> {
  switch (change.kind) {
    case 'AddFinalizer':
    case 'RemoveFinalizer':
    case 'CreateObject':
    case 'ApplyObject':
    case 'PatchObject':
    case 'DeleteObject':
      return applyToKubernetes(change, targets, signal);
    case 'ApplySettings':
    case 'RollDeployment':
      return applyShared(change, targets, signal);
    case 'Rehearse':
      return rehearse(change.change, targets, signal);
    case 'ProveSecret':
      return targets.effects.proved(await realmOf(targets).prove(change));
    default:
      return applyToKeycloak(change, targets);
  }
}

/**
 * Makes changes in order and stops at the first that fails, which it returns with what was thrown; what is left
 * is derived again from what is then observed.
 */
export async function apply(
  changes: readonly Change[],
  targets: () => Targets,
  signal: AbortSignal,
  made: (change: Change) => void,
): Promise<{ readonly change: Change; readonly error: unknown } | undefined> {
  for (const change of changes) {
    try {
      await applyChange(change, targets(), signal);
      made(change);
    } catch (error) {
      signal.throwIfAborted();
      return error instanceof Abstained ? undefined : { change, error };
    }
  }
  return undefined;
}
