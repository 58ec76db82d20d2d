import { FINALIZER } from '../api/names.ts';
import type { Policy } from '../api/objects.ts';
import type { Change } from './change.ts';
import { blocksEverything } from './checks.ts';
import { clientOwner, planClient } from './client.ts';
import { planClientSecret } from './client-secret.ts';
import { planDeletion, remaining } from './deletion.ts';
import { withoutGoing } from './going.ts';
import type { Observation } from './observation.ts';
import { type Part, Reason, type Violation } from './reasons.ts';
import { planRoles } from './roles.ts';
import { clientInSafeOrder, planRollout, planSecretStep } from './rotation-changes.ts';
import { planSettings } from './server-settings.ts';

/** The changes of each part, in the order in which they are made. */
export interface Plan {
  readonly first: readonly Change[];
  readonly client: readonly Change[];
  readonly secret: readonly Change[];
  readonly server: readonly Change[];
  /**
   * Made where the client or Argo's settings cannot be changed: the restart that the Secret asks for, which otherwise
   * comes after those. It does not wait for a setting that it can do without.
   */
  readonly restart: readonly Change[];
  readonly roles: readonly Change[];
}

/** A plan that does nothing. */
export const NO_CHANGES: Plan = { first: [], client: [], secret: [], server: [], restart: [], roles: [] };

/** All changes of a plan in order, where each can be made. */
export function changesOf(plan: Plan): readonly Change[] {
  return [...plan.first, ...plan.client, ...plan.secret, ...plan.server, ...plan.roles];
}

/**
 * Whether nothing is done for the policy, and nothing asked: it is suspended, or may not have what it wants, or goes
 * without having had anything.
 */
export function isLeftAlone({ metadata, spec }: Policy, violations: readonly Violation[]): boolean {
  if (metadata.deletionTimestamp !== undefined) return !metadata.finalizers?.includes(FINALIZER);
  return spec.suspend || blocksEverything(violations);
}

/**
 * From what is observed to what should be: the ordered writes, none of them for a part that a violation blocks.
 * No change at all means in sync, and then nothing is written anywhere.
 */
export function plan(observation: Observation, violations: readonly Violation[]): Plan {
  const { policy } = observation;
  if (policy.metadata.deletionTimestamp !== undefined)
    return { ...NO_CHANGES, first: planDeletion(observation) };
  if (policy.spec.suspend) return NO_CHANGES;
  const blocked = new Set(violations.flatMap(({ blocks }) => blocks));
  const open = (part: Part, changes: () => readonly Change[]) =>
    blocked.has(part) ? [] : withoutGoing(observation, changes());
  const secret = open('secret', () => (clientReady(observation) ? planSecret(observation) : []));
  const client = clientInSafeOrder(
    observation,
    open('client', () => planClient(observation)),
    secret,
  );
  const waits = secret.length > 0 || blocked.has('secret') || !clientReady(observation);
  const settings = open('server', () => (waits ? [] : planSettings(observation)));
  const rollout = waits || !mayRestart(violations) ? [] : planRollout(observation);
  const comesLater = client.length + settings.length > 0;
  const parts = {
    client,
    secret,
    server: comesLater ? settings : rollout,
    restart: comesLater ? rollout : [],
    roles: open('roles', () => planRoles(observation)),
  };
  const all = [...parts.client, ...parts.secret, ...parts.server, ...parts.roles];
  const owns = all.length > 0 || clientReady(observation) || remaining(observation).length > 0;
  const needsFinalizer = owns && !policy.metadata.finalizers?.includes(FINALIZER);
  return { first: needsFinalizer ? [{ kind: 'AddFinalizer' }] : [], ...parts };
}

/** The Secret follows Keycloak first; only from there does the rotation go on. */
function planSecret(observation: Observation): readonly Change[] {
  const changes = planClientSecret(observation);
  return changes.length > 0 ? changes : planSecretStep(observation);
}

/** Settings that somebody keeps changing back are left to him; the planner knows whether a restart can do with them. */
function mayRestart(violations: readonly Violation[]): boolean {
  return violations.every(
    ({ blocks, reason }) => !blocks.includes('server') || reason === Reason.FieldNotHeld,
  );
}

/** The Secret follows a client that is ours already; a client that is about to be adopted comes first. */
function clientReady(observation: Observation): boolean {
  const { keycloak } = observation;
  if (keycloak.state !== 'Observed' || keycloak.client === undefined) return false;
  return clientOwner(observation, keycloak.client) === 'ours';
}

/** Removals that are planned by what Keycloak said of the client; the last also by its not being there. */
const BY_CLIENT: ReadonlySet<Change['kind']> = new Set(['DeleteClient', 'UpdateClient', 'RemoveFinalizer']);

/** Whether a change rests on what Keycloak said, so that it must be planned from a fresh read. */
export function restsOnKeycloak({ first, client, secret, server }: Plan): boolean {
  return client.length + secret.length + server.length > 0 || first.some(({ kind }) => BY_CLIENT.has(kind));
}
