import { formatTime } from '../api/time.ts';
import type { DueCause } from './rotation-due.ts';
import type { RotationNote } from './rotation-notes.ts';
import type { FailureCause, PostponeCause, RotationStep } from './rotation-step.ts';
import type { Standing } from './standing.ts';

/** Reason of a step for conditions and events; the lasting state between rotations has none. */
export type RotationReason =
  | 'Rotating'
  | 'AwaitingRollout'
  | 'Overlapping'
  | 'RolloutPostponed'
  | 'RotationPostponed'
  | 'RotationFailed';

/** What the sentences name. */
export interface RotationNames {
  readonly clientId: string;
  readonly realm: string;
  readonly secret: string;
  /** Empty where the policy names none. */
  readonly deployment: string;
  /** The last request that was followed, as the Secret holds it. */
  readonly handled?: string | undefined;
}

/** The reason that a step stands for. */
export function rotationReason(step: RotationStep): RotationReason | undefined {
  switch (step.kind) {
    case 'Nothing':
      return undefined;
    case 'TakeOver':
    case 'RecordMarks':
    case 'Prove':
    case 'Roll':
    case 'EndOverlap':
    case 'RegenerateSecret':
      return 'Rotating';
    case 'AwaitRollout':
      return step.late ? 'RotationFailed' : 'AwaitingRollout';
    case 'AwaitOverlap':
      return 'Overlapping';
    case 'Postpone':
      return step.what === 'Rollout' ? 'RolloutPostponed' : 'RotationPostponed';
    case 'Failed':
      return 'RotationFailed';
  }
}

/** What a step does or waits for, in a sentence with the remedy where one is needed; no number in it changes by itself. */
export function describeStep(step: RotationStep, names: RotationNames): string {
  const { clientId, realm, secret, deployment } = names;
  switch (step.kind) {
    case 'Nothing':
      return 'no rotation is due';
    case 'TakeOver':
      return `Secret ${secret} takes over the secret of client ${clientId}`;
    case 'RecordMarks':
      return `Secret ${secret} records since when it has its value`;
    case 'Prove':
      return `the value of Secret ${secret} is proved at the token endpoint of realm ${realm}`;
    case 'Roll':
      return `Deployment ${deployment} is rolled out, as Argo Server reads its settings at start only`;
    case 'EndOverlap':
      return `the old secret of client ${clientId} is ended`;
    case 'RegenerateSecret':
      return `client ${clientId} gets a new secret`;
    case 'AwaitOverlap':
      return `the old secret of client ${clientId} stays valid for logins under way`;
    case 'AwaitRollout':
      return describeRollout(step.late, step.why, deployment);
    case 'Postpone':
      return `${WAITING[step.what]} until ${OBSTACLES[step.cause](names)}`;
    case 'Failed':
      return FAILURES[step.cause](names);
  }
}

function describeRollout(late: boolean, why: string | undefined, deployment: string): string {
  const reason = why === undefined ? '' : `: ${why}`;
  if (!late) return `the rollout of Deployment ${deployment} is awaited${reason}`;
  return `the rollout of Deployment ${deployment} does not come to its end${reason}; mend it, for there is no new secret before`;
}

const WAITING = {
  Proof: 'the proof of the secret waits',
  Rollout: 'the restart of Argo Server waits',
  Rotation: 'the rotation waits',
} as const;

const OBSTACLES: Readonly<Record<PostponeCause, (names: RotationNames) => string>> = {
  NotLeading: () => 'this operator holds the lease; another one holds it',
  IssuerSilent: ({ realm }) =>
    `the issuer of realm ${realm} answers, without which Argo Server cannot start; bring Keycloak back`,
  TokenEndpointUnclear: ({ realm }) =>
    `the token endpoint of realm ${realm} gives a clear answer; see the log of Keycloak`,
  ClientDisabled: ({ clientId, realm }) => `client ${clientId} of realm ${realm} is enabled again`,
  DeploymentMissing: ({ deployment }) =>
    `Deployment ${deployment} exists; create it, or correct spec.server.deployment`,
  DeploymentPaused: ({ deployment }) =>
    `Deployment ${deployment} is resumed: kubectl rollout resume deployment/${deployment}`,
  RolloutReverted: ({ deployment }) =>
    `nobody takes the annotation argo-access.io/sso-revision off the pod template of Deployment ${deployment}, or sets it back; let whatever deploys it ignore that one (it is tried again after an hour)`,
  PodsNotReady: ({ deployment }) =>
    `all pods of Deployment ${deployment} are ready; kubectl get pods tells what they lack`,
  SettingsWrong: ({ deployment }) =>
    `the settings that Deployment ${deployment} would read are as a login needs them; condition ServerReady says what is wrong`,
  ServerAccessMissing: ({ deployment }) =>
    `the account of Deployment ${deployment} has the rights that Argo Server needs; condition ServerReady names them`,
  ArgoSecretEmpty: ({ deployment }) =>
    `Secret sso is gone or has its key, without which Deployment ${deployment} does not start; condition ServerReady says more`,
  CoverageHidden: ({ realm }) =>
    `the client policies of realm ${realm} can be read, which say whether an old secret stays valid; condition SecretReady says what hides them: where it is a right, give the operator's account the role view-realm, or leave out spec.client.secret.rotation.overlap`,
  OverlapNeedsPolicy: ({ clientId, realm }) =>
    `a client policy of realm ${realm} with the executor secret-rotation covers client ${clientId}; add one, or leave out spec.client.secret.rotation.overlap`,
  RotatedPeriodTooShort: ({ realm }) =>
    `the rotated-expiration-period of realm ${realm} is at least overlap and rollout together; make it longer, or spec.client.secret.rotation.overlap shorter`,
};

const FAILURES: Readonly<Record<FailureCause, (names: RotationNames) => string>> = {
  SecretRefused: ({ clientId, realm }) =>
    `realm ${realm} refuses the secret of client ${clientId} although it was just read there; see whether another authenticator is set for the client`,
  SecretExpired: ({ clientId, realm }) =>
    `realm ${realm} refuses the secret of client ${clientId}, as its life is over; set spec.client.secret.rotation, or ask for a new one by the annotation argo-access.io/rotate-requested-at`,
};

const CAUSES: Readonly<Record<DueCause, string>> = {
  Schedule: 'it was due by the schedule',
  Expiry: 'Keycloak would soon have ended the old one',
  Request: 'it was asked for by the annotation argo-access.io/rotate-requested-at',
};

/** Why a rotation waits that is due and that this operator may not begin, in a sentence with the remedy. */
export function describeStanding(
  standing: Exclude<Standing, { readonly state: 'Leads' | 'Undecided' }>,
  { clientId }: RotationNames,
): string {
  switch (standing.state) {
    case 'Held':
      return `${WAITING.Rotation} until a minute has passed since the answer to the last request for a new secret of client ${clientId} was lost, as Keycloak may still follow it`;
    case 'Barred':
      return `${WAITING.Rotation} until this operator can hold Lease ${standing.lease}: ${standing.message}; where a right is missing, apply the output of \`argo-access rbac --config FILE\``;
    case 'Follows':
      return `${WAITING.Rotation} until operator ${standing.holder} begins it, which holds Lease ${standing.lease}; it is overdue: see the log of that operator`;
  }
}

/** What is told in addition where the present secret ends before the next one may come. */
export function describeEnd(endsAt: number, { clientId, realm }: RotationNames): string {
  return `realm ${realm} ends the present secret of client ${clientId} at ${formatTime(Math.floor(endsAt / 1000) * 1000)}, and nobody can sign in from then on`;
}

/** Why a new secret was made. */
export function describeCause(cause: DueCause): string {
  return CAUSES[cause];
}

const NOTES: Readonly<Record<RotationNote, (names: RotationNames) => string>> = {
  OverlapNeedsPolicy: names => `no rotation begins until ${OBSTACLES.OverlapNeedsPolicy(names)}`,
  RotatedPeriodTooShort: names => `no rotation begins until ${OBSTACLES.RotatedPeriodTooShort(names)}`,
  NoOverlap: ({ clientId, realm }) =>
    `no secret-rotation policy of realm ${realm} covers client ${clientId}: a login under way during a rotation fails and must be begun anew`,
  OverlapShorterThanRollout: ({ realm }) =>
    `realm ${realm} may end the old secret before the rollout is done: make its rotated-expiration-period longer`,
  OverlapOutlastsSchedule: ({ realm }) =>
    `realm ${realm} keeps an old secret for longer than the schedule waits, and there is no new one before it has ended: set spec.client.secret.rotation.overlap, or make the realm's rotated-expiration-period shorter`,
  ExpiresBeforeSchedule: ({ realm }) =>
    `realm ${realm} ends the secret before the schedule asks for a new one: it is rotated earlier; let spec.client.secret.rotation.schedule come more often`,
  OverlapOutlastsLife: ({ realm }) =>
    `realm ${realm} keeps an old secret until the new one is about to end, so that it is ended for the next one: make the realm's rotated-expiration-period well below its expiration-period, or set spec.client.secret.rotation.overlap`,
  LifeShorterThanRotation: ({ realm }) =>
    `realm ${realm} ends a secret before the rotation that made it is surely over (overlap and 10 minutes for the restart, and a quarter of its life before its end): make its expiration-period longer, or spec.client.secret.rotation.overlap shorter`,
  RestartLeftToUser: ({ secret }) =>
    `spec.server.deployment names none: restart Argo Server whenever Secret ${secret} changes`,
  RestartInterrupts: ({ deployment }) =>
    `Deployment ${deployment} takes its pods away before new ones are ready, so that Argo cannot be reached during a rotation's restart: give it strategy RollingUpdate with maxUnavailable 0`,
  RequestUnreadable: () =>
    'annotation argo-access.io/rotate-requested-at is no time such as 2026-01-31T09:30:00Z and is not followed',
  RequestOutdated: ({ secret, handled }) =>
    `annotation argo-access.io/rotate-requested-at names an earlier time than the last request that was followed, and is not followed: annotation argo-access.io/rotate-handled of Secret ${secret} holds ${handled ?? 'that one'}; take it off, or give it a later time`,
};

/** A note in a sentence, with the remedy. */
export function describeNote(note: RotationNote, names: RotationNames): string {
  return NOTES[note](names);
}
