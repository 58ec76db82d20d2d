import { planClient } from './client.ts';
import type { Observation } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import type { RotationPlan } from './rotation.ts';
import { rotationOf, updatesWait } from './rotation-changes.ts';
import { type RotationNote, rotationNotes } from './rotation-notes.ts';
import { rotationProblem, rotationView } from './rotation-observed.ts';
import type { RotationStep } from './rotation-step.ts';
import {
  describeEnd,
  describeNote,
  describeStanding,
  describeStep,
  type RotationNames,
} from './rotation-words.ts';
import { unlessTaken } from './server-taken.ts';

function namesOf({ policy, keycloak }: Observation): RotationNames {
  const { client, server } = policy.spec;
  return {
    clientId: client?.clientId ?? '',
    realm: keycloak.state === 'Observed' ? keycloak.realm : '',
    secret: client?.secret.name ?? '',
    deployment: server?.deployment ?? '',
  };
}

/** A rotation that cannot be followed as it is written; the secret is still rotated on request. */
export function rotationInvalid(observation: Observation): Violation | undefined {
  const message = rotationProblem(observation);
  if (message === undefined) return undefined;
  return { reason: Reason.RotationInvalid, message, part: 'secret', blocks: [] };
}

/** Without knowing whether an old secret stays valid, nothing is rotated by itself; all else goes on. */
export function rotationUnknown({ policy, keycloak }: Observation): Violation | undefined {
  if (keycloak.state !== 'Observed' || keycloak.coverageHidden === undefined) return undefined;
  const demanded = policy.spec.client?.secret.rotation?.overlap !== undefined;
  const meanwhile = demanded ? 'not rotated' : 'rotated on request alone';
  return {
    reason: Reason.RotationUnknown,
    message: `the secret is ${meanwhile} until the realm's client policies can be read: ${keycloak.coverageHidden}`,
    part: 'secret',
    blocks: [],
  };
}

/** Reason and part of a step that lasts; those that are done at once are told when they were done. */
function lasting(step: RotationStep): Pick<Violation, 'reason' | 'part'> | undefined {
  switch (step.kind) {
    case 'AwaitRollout':
      return { reason: step.late ? Reason.RotationFailed : Reason.AwaitingRollout, part: 'server' };
    case 'AwaitOverlap':
      return { reason: Reason.Overlapping, part: 'secret' };
    case 'Postpone':
      if (step.what === 'Rollout') return { reason: Reason.RolloutPostponed, part: 'server' };
      // Why a secret is not proved is told by its condition.
      return step.what === 'Proof' ? undefined : { reason: Reason.RotationPostponed, part: 'secret' };
    case 'Failed':
      if (step.cause === 'SecretRefused') return undefined;
      return { reason: Reason.RotationFailed, part: 'secret' };
    default:
      return undefined;
  }
}

/** Where the rotation stands, as long as it is not done or waits for somebody. */
export function rotationUnderWay(observation: Observation): Violation | undefined {
  const rotation = rotationOf(observation);
  const told = rotation && lasting(rotation.step);
  if (rotation === undefined || told === undefined) return undefined;
  const { step } = rotation;
  if (step.kind === 'Postpone' && step.cause === 'NotLeading') return leftToOthers(observation, rotation);
  return held(told, describeStep(step, namesOf(observation)), observation, rotation);
}

/** What holds up a rotation: a fault once the present secret is about to end. */
function held(
  told: Pick<Violation, 'reason' | 'part'>,
  message: string,
  observation: Observation,
  { endsAt }: RotationPlan,
): Violation {
  if (endsAt === undefined) return { ...told, message, blocks: [] };
  const whole = `${message}; ${describeEnd(endsAt, namesOf(observation))}`;
  return { ...told, reason: Reason.RotationFailed, message: whole, blocks: [] };
}

/** So long after it was due a rotation that is left to another operator is told of, in milliseconds. */
const OVERDUE = 10 * 60_000;

/** What whoever leads may have told of a rotation that waits. */
const POSTPONED = [Reason.RotationPostponed, Reason.RotationFailed];

/**
 * What is told of a step that this operator may not take. Whoever leads takes it, or tells what it waits for: what was
 * told so stays, also while it is not known yet who leads.
 */
function leftToOthers(observation: Observation, plan: RotationPlan): Violation | undefined {
  const { now, policy, rotation } = observation;
  const { standing } = rotation;
  const due = plan.overlapUntil ?? plan.nextRotation ?? now;
  const isOthers = standing.state === 'Follows' && now - due < OVERDUE;
  if (isOthers || standing.state === 'Undecided' || standing.state === 'Leads') {
    const told = policy.status?.conditions?.find(({ type }) => type === 'SecretReady');
    const reason = POSTPONED.find(each => each === told?.reason);
    // What else is told of the part follows, and is told again.
    const [message] = told?.message.split(' | ') ?? [];
    return reason && message ? { reason, message, part: 'secret', blocks: [] } : undefined;
  }
  const message = describeStanding(standing, namesOf(observation));
  return held({ reason: Reason.RotationPostponed, part: 'secret' }, message, observation, plan);
}

/** An update of the client would end the old secret at once, while pods may still use it. */
export function updateWaitsForOverlap(observation: Observation): Violation | undefined {
  if (!updatesWait(observation) || planClient(observation).length === 0) return undefined;
  const { clientId, realm } = namesOf(observation);
  return {
    reason: Reason.Overlapping,
    message:
      `changes to client ${clientId} wait until its old secret has ended: no secret-rotation policy of realm ${realm} ` +
      `covers it any more, and any change would end the old secret while Argo Server may still use it`,
    part: 'client',
    blocks: ['client'],
  };
}

function noteCheck(note: RotationNote): (observation: Observation) => Violation | undefined {
  return observation => {
    const view = rotationView(observation);
    if (view === undefined || !rotationNotes(view).includes(note)) return undefined;
    // Told of the rotation that waits for it.
    const step = rotationOf(observation)?.step;
    if (step?.kind === 'Postpone' && step.cause === note) return undefined;
    return {
      reason: Reason[note],
      message: describeNote(note, { ...namesOf(observation), handled: view.secret?.marks.handled }),
      part: 'secret',
      blocks: [],
    };
  };
}

/** What the user should know about rotations to come. */
export const ROTATION_NOTE_CHECKS = [
  noteCheck('RequestUnreadable'),
  noteCheck('RequestOutdated'),
  noteCheck('OverlapNeedsPolicy'),
  noteCheck('RotatedPeriodTooShort'),
  noteCheck('NoOverlap'),
  noteCheck('OverlapShorterThanRollout'),
  noteCheck('OverlapOutlastsSchedule'),
  noteCheck('LifeShorterThanRotation'),
  noteCheck('OverlapOutlastsLife'),
  noteCheck('ExpiresBeforeSchedule'),
  unlessTaken(noteCheck('RestartLeftToUser')),
  noteCheck('RestartInterrupts'),
];
