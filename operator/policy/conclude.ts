import type { Condition, InventoryEntry, PolicyStatus } from '../api/schema.ts';
import type { Change } from './change.ts';
import { missingGroups } from './checks-keycloak.ts';
import { clientOwner, isAdopted } from './client.ts';
import { clientSecret, isProved, revisionOf } from './client-secret.ts';
import { type Conclusion, type ConditionType, setConditions } from './conditions.ts';
import { remaining } from './deletion.ts';
import { wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import type { Plan } from './plan.ts';
import type { Part, Violation } from './reasons.ts';
import { Reason } from './reasons.ts';

/** A write that did not succeed. */
export interface Failure {
  readonly change: Change;
  readonly reason: Reason;
  readonly message: string;
  /** Whether waiting can heal it. */
  readonly transient: boolean;
}

/** How a pass ended: what is still to be done, and what stopped it. */
export interface Ending {
  readonly left: Plan;
  readonly failure: Failure | undefined;
}

/** An event for people, with the reason of the condition that it tells of. */
export interface PolicyEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: Reason;
  readonly message: string;
}

/** What is to be told of a policy. */
export interface Verdict {
  readonly status: PolicyStatus;
  readonly events: readonly PolicyEvent[];
  /** Whether trying again soon can help. */
  readonly retry: boolean;
}

/** Policies that were in sync say that Keycloak does not answer only after this time, in milliseconds. */
export const OUTAGE_SILENCE = 5 * 60_000;

const TRANSIENT: ReadonlySet<Reason> = new Set([
  Reason.KeycloakUnavailable,
  Reason.KubernetesUnavailable,
  Reason.Progressing,
  Reason.SecretRefused,
]);

const CONDITION_OF = { client: 'ClientReady', secret: 'SecretReady', roles: 'RolesReady' } as const;

function partsOf({ policy }: Observation): readonly Part[] {
  return policy.spec.client === undefined ? ['roles'] : ['client', 'secret', 'roles'];
}

function failedPart({ left, failure }: Ending): Part | undefined {
  if (failure === undefined) return undefined;
  const parts: readonly Part[] = ['client', 'secret', 'roles'];
  return parts.find(part => left[part].some(change => change.kind === failure.change.kind)) ?? 'roles';
}

const DONE: Readonly<Record<Part, string>> = {
  client: 'the Keycloak client is as the policy says',
  secret: 'the Secret holds what Keycloak accepts',
  roles: 'accounts, rules, tokens and grants are as the policy says',
};

function concludePart(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
  part: Part,
): Conclusion {
  const type = CONDITION_OF[part];
  const blocking = violations.find(({ blocks }) => blocks.includes(part));
  if (blocking !== undefined) {
    return { type, status: 'False', reason: blocking.reason, message: blocking.message };
  }
  if (failedPart(ending) === part && ending.failure !== undefined) {
    return { type, status: 'False', reason: ending.failure.reason, message: ending.failure.message };
  }
  const waiting = awaited(observation, ending, part);
  if (waiting !== undefined) return { type, status: 'False', reason: Reason.Progressing, message: waiting };
  const warning = violations.find(violation => violation.part === part);
  if (warning === undefined) return { type, status: 'True', reason: Reason.InSync, message: DONE[part] };
  const broken = warning.reason === Reason.ClientDisabled || warning.reason === Reason.SecretRefused;
  return { type, status: broken ? 'False' : 'True', reason: warning.reason, message: warning.message };
}

/** What the part waits for; undefined where it is done. */
function awaited(observation: Observation, { left }: Ending, part: Part): string | undefined {
  if (left[part].length > 0) return 'changes are being made';
  if (part === 'secret') return awaitedOfSecret(observation);
  if (part !== 'roles') return undefined;
  const empty = wantedRoles(observation.policy, observation.neighbours).filter(
    ({ token }) =>
      !observation.secrets.some(
        ({ metadata, tokenFilled }) => metadata.name === token.metadata.name && tokenFilled,
      ),
  );
  if (empty.length === 0) return undefined;
  const names = empty.map(({ token }) => token.metadata.name).join(', ');
  return `waiting for Kubernetes to fill the token of Secret ${names}`;
}

function awaitedOfSecret(observation: Observation): string | undefined {
  const secret = clientSecret(observation);
  if (secret === undefined) return 'waiting for the Keycloak client';
  const revision = revisionOf(secret) ?? 0;
  if (isProved(observation, revision) || clientIsOff(observation)) return undefined;
  const said = observation.proof?.message ?? '';
  return `the credentials have not been proved at Keycloak's token endpoint yet${said === '' ? '' : `: ${said}`}`;
}

function clientIsOff({ keycloak }: Observation): boolean {
  return keycloak.state === 'Observed' && keycloak.client?.enabled === false;
}

function suspended(): readonly Conclusion[] {
  return [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: Reason.Suspended,
      message: 'spec.suspend is true: nothing is changed or checked until it is set to false',
    },
  ];
}

function concludeDeletion(observation: Observation, ending: Ending): readonly Conclusion[] {
  const { keycloak } = observation;
  const why = ending.failure ?? (keycloak.state === 'Failed' ? keycloak : undefined);
  const objects = remaining(observation).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const message =
    why === undefined
      ? `being removed: ${objects.join(', ') || 'finalizer'}`
      : `deletion waits: ${why.message}`;
  const reason = why?.reason ?? Reason.Deleting;
  const stuck = why !== undefined && !why.transient;
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: stuck ? 'Stalled' : 'Reconciling', status: 'True', reason, message },
  ];
}

/** Ready from its parts, with `Stalled` where waiting cannot heal it and `Reconciling` where it can. */
function summarize(parts: readonly Conclusion[], violations: readonly Violation[]): readonly Conclusion[] {
  const wrong = parts.filter(({ status }) => status !== 'True');
  const first = wrong[0];
  if (first === undefined) {
    const warnings = violations.map(({ message }) => message);
    const reason = violations[0]?.reason ?? Reason.InSync;
    const message = warnings.length === 0 ? 'everything is as the policy says' : warnings.join(' | ');
    return [{ type: 'Ready', status: 'True', reason, message }, ...parts];
  }
  const stuck = wrong.find(({ reason }) => !TRANSIENT.has(reason));
  const { reason, message } = stuck ?? first;
  const ready: Conclusion = { type: 'Ready', status: 'False', reason, message };
  const type: ConditionType = stuck === undefined ? 'Reconciling' : 'Stalled';
  return [ready, { type, status: 'True', reason, message }, ...parts];
}

function conclusions(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
): readonly Conclusion[] {
  const { policy } = observation;
  if (policy.metadata.deletionTimestamp !== undefined) return concludeDeletion(observation, ending);
  if (policy.spec.suspend) return suspended();
  const whole = violations.find(({ part, blocks }) => part === 'policy' && blocks.length > 0);
  if (whole !== undefined) {
    const { reason, message } = whole;
    return [
      { type: 'Ready', status: 'False', reason, message },
      { type: 'Stalled', status: 'True', reason, message },
    ];
  }
  const parts = partsOf(observation).map(part => concludePart(observation, violations, ending, part));
  return summarize(parts, violations);
}

/** During a short outage of Keycloak a policy that was in sync keeps saying so. */
function keepsSilent(observation: Observation, ending: Ending): boolean {
  const { policy, keycloak, now } = observation;
  if (keycloak.state !== 'Failed' || !keycloak.transient || ending.failure !== undefined) return false;
  const ready = policy.status?.conditions?.find(({ type }) => type === 'Ready');
  const current = ready?.observedGeneration === policy.metadata.generation && ready?.status === 'True';
  return current && now - keycloak.since < OUTAGE_SILENCE && ending.left.roles.length === 0;
}

function clientStatus(observation: Observation): Pick<PolicyStatus, 'client' | 'issuer'> {
  const { policy, keycloak } = observation;
  if (policy.spec.client === undefined) return {};
  if (keycloak.state !== 'Observed') {
    const { client, issuer } = policy.status ?? {};
    return { ...(client && { client }), ...(issuer && { issuer }) };
  }
  const { client, issuer, realm } = keycloak;
  if (client === undefined || clientOwner(observation, client) !== 'ours') return { issuer };
  return { issuer, client: { id: client.id, clientId: client.clientId, realm, adopted: isAdopted(client) } };
}

function secretStatus(observation: Observation): Pick<PolicyStatus, 'secret'> {
  const { policy } = observation;
  const secret = clientSecret(observation);
  const revision = secret && revisionOf(secret);
  if (secret === undefined || revision === undefined || secret.metadata.managed === undefined) {
    return policy.status?.secret === undefined ? {} : { secret: policy.status.secret };
  }
  const proved = isProved(observation, revision) ? { provedRevision: revision } : {};
  return { secret: { name: secret.metadata.name, revision, ...proved } };
}

function rolesStatus(observation: Observation, ready: boolean): Pick<PolicyStatus, 'roles' | 'summary'> {
  const roles = wantedRoles(observation.policy, observation.neighbours);
  const { keycloak, policy } = observation;
  const realm = keycloak.state === 'Observed' ? keycloak.realm : policy.status?.summary?.realm;
  const list = roles.map(({ spec, serviceAccount, precedence }) => {
    const missing = missingGroups(observation, spec.groups ?? []);
    return {
      name: spec.name,
      serviceAccount,
      precedence,
      ...(missing.length > 0 && { missingGroups: [...missing] }),
    };
  });
  const done = ready ? roles.length : roles.filter(role => isOn(observation, role.serviceAccount)).length;
  return {
    roles: list,
    summary: { roles: `${done}/${roles.length}`, ...(realm !== undefined && { realm }) },
  };
}

/** Whether the role's account stands as wanted: rule, precedence and a filled token. */
function isOn(observation: Observation, name: string): boolean {
  const role = wantedRoles(observation.policy, observation.neighbours).find(
    wanted => wanted.serviceAccount === name,
  );
  const account = observation.accounts.find(({ metadata }) => metadata.name === name);
  const filled = observation.secrets.some(
    ({ metadata, tokenFilled }) => metadata.name === role?.token.metadata.name && tokenFilled,
  );
  const annotations = account?.metadata.annotations ?? {};
  return filled && Object.values(annotations).includes(role?.rule ?? '');
}

function inventory(observation: Observation): readonly InventoryEntry[] {
  return remaining(observation)
    .map(({ kind, metadata: { namespace, name, uid } }) => ({ kind, namespace, name, uid }))
    .toSorted((a, b) => compareText(key(a), key(b)));
}

function key({ kind, namespace, name }: InventoryEntry): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An event where a condition that matters has come to say something else. */
function transitions(before: readonly Condition[], after: readonly Condition[]): readonly PolicyEvent[] {
  return after.flatMap(condition => {
    const was = before.find(({ type }) => type === condition.type);
    if (condition.type !== 'Ready' || condition.reason === Reason.Progressing) return [];
    if (was?.status === condition.status && was.reason === condition.reason) return [];
    const fine = condition.status === 'True' && condition.reason === Reason.InSync;
    const calm = fine || condition.reason === Reason.Suspended || condition.reason === Reason.Deleting;
    return [
      {
        type: calm ? 'Normal' : 'Warning',
        reason: condition.reason as Reason,
        message: condition.message.slice(0, 1000),
      },
    ];
  });
}

/**
 * Turns what was found and done into status and events. Pure: the same observation always gives the same status,
 * and nothing in it changes by time alone.
 */
export function conclude(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
  nowText: string,
): Verdict {
  const { policy } = observation;
  const before = policy.status ?? {};
  const list = conclusions(observation, violations, ending);
  const retry = list.some(({ type, reason }) => type === 'Reconciling' && TRANSIENT.has(reason));
  if (keepsSilent(observation, ending)) return { status: before, events: [], retry: true };
  const generation = policy.metadata.generation ?? 0;
  const conditions = setConditions(before.conditions ?? [], list, generation, nowText);
  const events = transitions(before.conditions ?? [], conditions);
  const head = { observedGeneration: generation, conditions: [...conditions] };
  if (policy.spec.suspend || policy.metadata.deletionTimestamp !== undefined) {
    return { status: { ...before, ...head }, events, retry };
  }
  if (list.length === 2 && violations.some(({ part }) => part === 'policy')) {
    return { status: { ...before, ...head }, events, retry: false };
  }
  const rolesReady = list.some(({ type, status }) => type === 'RolesReady' && status === 'True');
  const status = {
    ...head,
    ...clientStatus(observation),
    ...secretStatus(observation),
    ...rolesStatus(observation, rolesReady),
    inventory: [...inventory(observation)],
  };
  return { status, events, retry };
}
