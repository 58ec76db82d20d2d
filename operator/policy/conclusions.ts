import { isStep } from './chains.ts';
import type { Change } from './change.ts';
import { clusterUnread, grantOutOfSight } from './checks-cluster.ts';
import { connectionUnknown } from './checks-permission.ts';
import { clientSecret, isProved, revisionOf, rolledRevision } from './client-secret-view.ts';
import type { Ending } from './conclude.ts';
import type { Conclusion, ConditionType } from './conditions.ts';
import { remaining } from './deletion.ts';
import { isTokenSecretName, wantedRoles } from './desired.ts';
import { awaitedToGo } from './going.ts';
import type { Observation } from './observation.ts';
import type { Part, Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { rotationOf } from './rotation-changes.ts';

const TRANSIENT: ReadonlySet<Reason> = new Set([
  Reason.KeycloakUnavailable,
  Reason.KubernetesUnavailable,
  Reason.Progressing,
  Reason.SecretRefused,
  Reason.WhenUnjudged,
  Reason.AwaitingRollout,
  Reason.RolloutPostponed,
  Reason.ServerUnavailable,
]);

/** What is waited for by looking at a certain time, or at a change of what is awaited: trying more often is no use. */
const AWAITED: ReadonlySet<Reason> = new Set([
  Reason.AwaitingRollout,
  Reason.RolloutPostponed,
  Reason.ServerUnavailable,
]);

/** Warnings with which a part is nevertheless not as the policy asks. */
const BROKEN: ReadonlySet<Reason> = new Set([
  Reason.ClientDisabled,
  Reason.SecretRefused,
  Reason.NamespaceMissing,
  Reason.OutOfSight,
  Reason.RotationInvalid,
  Reason.RotationFailed,
  Reason.AwaitingRollout,
  Reason.RolloutPostponed,
  Reason.RotationUnknown,
  Reason.LifeShorterThanRotation,
  Reason.DeploymentMissing,
  Reason.ServerUnavailable,
  Reason.SettingsElsewhere,
  Reason.SettingsNotWritable,
  Reason.SettingsDiffer,
  Reason.SsoModeMissing,
  Reason.RbacDisabled,
  Reason.RedirectMismatch,
  Reason.ServerAccessMissing,
  Reason.ArgoSecretEmpty,
]);

/** Whether some part is not as the policy asks, where this was found; all else is a warning. */
export function isFault({ blocks, reason }: Violation): boolean {
  return blocks.length > 0 || BROKEN.has(reason);
}

const CONDITION_OF = {
  client: 'ClientReady',
  secret: 'SecretReady',
  server: 'ServerReady',
  roles: 'RolesReady',
} as const;

const DONE: Readonly<Record<Part, string>> = {
  client: 'the Keycloak client is as the policy says',
  secret: 'the Secret holds what Keycloak accepts',
  server: "Argo Server's settings are as the policy says",
  roles: 'accounts, rules, tokens and grants are as the policy says',
};

/** Whether waiting alone can mend what the reason says. */
export function isTransient(reason: Reason): boolean {
  return TRANSIENT.has(reason);
}

/** Whether trying again soon can mend what the reason says. */
export function healsByTrying(reason: Reason): boolean {
  return isTransient(reason) && !AWAITED.has(reason);
}

/** What stands against the policy as a whole, so that nothing of it is looked at. */
export function wholeViolation(violations: readonly Violation[]): Violation | undefined {
  return violations.find(({ part, blocks }) => part === 'policy' && blocks.length > 0);
}

/** The conditions of a policy: of each part and of the whole. */
export function conclusions(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
): readonly Conclusion[] {
  const { metadata, spec } = observation.policy;
  if (metadata.deletionTimestamp !== undefined) return concludeDeletion(observation, ending);
  if (spec.suspend) return [SUSPENDED];
  const whole = wholeViolation(violations);
  if (whole !== undefined) return notReady('Stalled', whole);
  const parts = partsOf(observation).map(part => concludePart(observation, violations, ending, part));
  return summarize(parts, violations);
}

const SUSPENDED: Conclusion = {
  type: 'Ready',
  status: 'Unknown',
  reason: Reason.Suspended,
  message: 'spec.suspend is true: nothing is changed or checked until it is set to false',
};

interface Why {
  readonly reason: Reason;
  readonly message: string;
}

function notReady(type: ConditionType, { reason, message }: Why): readonly Conclusion[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ];
}

function concludeDeletion(observation: Observation, ending: Ending): readonly Conclusion[] {
  const why = whyDeletionWaits(observation, ending);
  if (why === undefined) {
    const objects = remaining(observation).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const message = `being removed: ${objects.join(', ') || 'finalizer'}`;
    return notReady('Reconciling', { reason: Reason.Deleting, message });
  }
  const { reason, message, transient } = why;
  return notReady(transient ? 'Reconciling' : 'Stalled', { reason, message: `deletion waits: ${message}` });
}

function whyDeletionWaits(
  observation: Observation,
  { failures: [failure] }: Ending,
): (Why & { readonly transient: boolean }) | undefined {
  const { policy, keycloak, crdEnding } = observation;
  if (failure !== undefined) return failure;
  const unread = clusterUnread(observation);
  if (unread !== undefined) return { ...unread, transient: isTransient(unread.reason) };
  const hidden = crdEnding ? undefined : grantOutOfSight(observation);
  if (hidden !== undefined) return { ...hidden, transient: false };
  if (keycloak.state === 'Failed') return keycloak;
  const unknown = policy.spec.client === undefined || crdEnding ? undefined : connectionUnknown(observation);
  return unknown && { ...unknown, transient: false };
}

function partsOf({ policy }: Observation): readonly Part[] {
  const { client, server } = policy.spec;
  if (client === undefined) return ['roles'];
  return server === undefined ? ['client', 'secret', 'roles'] : ['client', 'secret', 'server', 'roles'];
}

function concludePart(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
  part: Part,
): Conclusion {
  const type = CONDITION_OF[part];
  const why = whyNotDone(observation, violations, ending, part);
  if (why !== undefined) return { type, status: 'False', ...why };
  const warnings: readonly Why[] = violations.filter(violation => violation.part === part);
  const held = part === 'secret' ? heldBack(observation, ending) : undefined;
  const warning = told(held === undefined ? warnings : [held, ...warnings]);
  return { type, status: 'True', ...(warning ?? { reason: Reason.InSync, message: DONE[part] }) };
}

/** The reason of the first of several violations, with what all of them say. */
function told(violations: readonly Why[]): Why | undefined {
  const [first] = violations;
  if (first === undefined) return undefined;
  return { reason: first.reason, message: violations.map(({ message }) => message).join(' | ') };
}

/** What a new secret waits for that nothing observed speaks against: another part that could not be written. */
function heldBack({ policy }: Observation, { left, failures }: Ending): Why | undefined {
  const parts = failures.map(({ change }) => partOf(change));
  if (!isStep(left.secret)) return undefined;
  const clientId = policy.spec.client?.clientId ?? '';
  const what = parts.includes('client')
    ? `client ${clientId} can be changed, which comes first; condition ClientReady says what is wrong`
    : parts.includes('server') && 'Argo Server could follow; condition ServerReady says what is wrong';
  return what ? { reason: Reason.RotationPostponed, message: `the rotation waits until ${what}` } : undefined;
}

/** What keeps a part from being as the policy asks; undefined where it is. */
function whyNotDone(
  observation: Observation,
  violations: readonly Violation[],
  ending: Ending,
  part: Part,
): Why | undefined {
  const blocking = told(violations.filter(({ blocks }) => blocks.includes(part)));
  if (blocking !== undefined) return withRestart(observation, part, blocking);
  const failures = ending.failures.filter(
    ({ change }) => (partOf(change) ?? partsOf(observation)[0]) === part,
  );
  const failure = told(failures);
  if (failure !== undefined)
    return failures.every(({ transient }) => transient) ? failure : withRestart(observation, part, failure);
  const broken = told(violations.filter(each => each.part === part && BROKEN.has(each.reason)));
  if (broken !== undefined) return broken;
  const message = awaited(observation, ending, part);
  return message === undefined ? undefined : { reason: Reason.Progressing, message };
}

/** What somebody must mend, where Argo Server waits for it to read a secret that came since it started. */
function withRestart(observation: Observation, part: Part, why: Why): Why {
  const secret = clientSecret(observation);
  const step = rotationOf(observation)?.step;
  const awaitsRestart = step?.kind === 'Roll' || (step?.kind === 'Postpone' && step.what === 'Rollout');
  const read = rolledRevision(observation);
  const isBehind = read !== undefined && secret !== undefined && read !== revisionOf(secret);
  if (part !== 'server' || !awaitsRestart || !isBehind) return why;
  const message = `the restart of Argo Server, which runs with an earlier secret, waits for this: ${why.message}`;
  return { reason: Reason.RolloutPostponed, message };
}

/** The part of the policy that a change belongs to; undefined for what comes before all of them. */
export function partOf(change: Change): Part | undefined {
  switch (change.kind) {
    case 'AddFinalizer':
    case 'RemoveFinalizer':
      return undefined;
    case 'ProveSecret':
    case 'RegenerateSecret':
    case 'EndOverlap':
      return 'secret';
    case 'ApplySettings':
    case 'RollDeployment':
      return 'server';
    case 'Rehearse':
      return partOf(change.change);
    case 'CreateObject':
    case 'ApplyObject':
      return partOfObject(change.object.kind, change.object.metadata.name);
    case 'PatchObject':
    case 'DeleteObject':
      return partOfObject(change.ref.kind, change.ref.name);
    default:
      return 'client';
  }
}

function partOfObject(kind: string, name: string): Part {
  return kind === 'Secret' && !isTokenSecretName(name) ? 'secret' : 'roles';
}

/** Where only a new secret is still to come, the present one is as good as before. */
const TO_COME: ReadonlySet<Change['kind']> = new Set(['Rehearse', 'RegenerateSecret']);

/** What the part waits for; undefined where it is done. */
function awaited(observation: Observation, ending: Ending, part: Part): string | undefined {
  const { left, failures } = ending;
  const isTold = part === 'secret' && heldBack(observation, ending) !== undefined;
  if (!isTold && left[part].some(({ kind }) => !TO_COME.has(kind))) {
    return failures.length === 0 ? 'changes are being made' : 'waits for what could not be done before it';
  }
  if (part === 'secret') return awaitedOfSecret(observation);
  if (part === 'server') return awaitedOfServer(observation);
  return part === 'roles' ? awaitedOfRoles(observation) : undefined;
}

function awaitedOfRoles(observation: Observation): string | undefined {
  const { policy, neighbours, secrets } = observation;
  const going = awaitedToGo(observation);
  if (going.length > 0) return `waiting until ${going.join(', ')} is gone, which a finalizer holds`;
  const filled = new Set(
    secrets.flatMap(({ metadata, tokenFilled }) => (tokenFilled ? [metadata.name] : [])),
  );
  const empty = wantedRoles(policy, neighbours)
    .map(({ token }) => token.metadata.name)
    .filter(name => !filled.has(name));
  return empty.length === 0
    ? undefined
    : `waiting for Kubernetes to fill the token of Secret ${empty.join(', ')}`;
}

function awaitedOfSecret(observation: Observation): string | undefined {
  const secret = clientSecret(observation);
  if (secret === undefined) return 'waiting for the Keycloak client';
  const { keycloak, proof } = observation;
  const isOff = keycloak.state === 'Observed' && keycloak.client?.enabled === false;
  if (isProved(observation, revisionOf(secret) ?? 0) || isOff) return undefined;
  const said = proof === undefined ? '' : `: ${proof.message}`;
  return `the credentials have not been proved at Keycloak's token endpoint yet${said}`;
}

function awaitedOfServer(observation: Observation): string | undefined {
  const waits = awaitedOfSecret(observation) !== undefined || observation.keycloak.state !== 'Observed';
  return waits ? "waits for the client's Secret" : undefined;
}

/** Ready from its parts, with `Stalled` where waiting cannot heal it and `Reconciling` where it can. */
function summarize(parts: readonly Conclusion[], violations: readonly Violation[]): readonly Conclusion[] {
  const wrong = parts.filter(({ status }) => status !== 'True');
  const stuck = wrong.find(({ reason }) => !isTransient(reason));
  // A part that only waits for another has less to say than that other.
  const worst = stuck ?? wrong.find(({ reason }) => reason !== Reason.Progressing) ?? wrong[0];
  if (worst !== undefined) {
    return [...notReady(stuck === undefined ? 'Reconciling' : 'Stalled', worst), ...parts];
  }
  const fine = { reason: Reason.InSync, message: 'everything is as the policy says' };
  return [{ type: 'Ready', status: 'True', ...(told(violations) ?? fine) }, ...parts];
}
