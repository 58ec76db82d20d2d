import { describeDuration, parseDuration } from '../api/duration.ts';
import {
  ANNOTATION_ROLLED,
  ANNOTATION_ROTATE_HANDLED,
  ANNOTATION_ROTATE_REQUESTED,
  ANNOTATION_SECRET_CREATED,
  ANNOTATION_SECRET_SINCE,
} from '../api/names.ts';
import type { Deployment, Policy, Rollout, Secret } from '../api/objects.ts';
import { formatTime, parseTime } from '../api/time.ts';
import { clientSecret, holdsValue, isUntouched, proofOf, revisionOf } from './client-secret-view.ts';
import { entry } from './compare.ts';
import type { Observation } from './observation.ts';
import { remembered } from './remembered.ts';
import { jitterOf, revisionMark } from './rotation-hash.ts';
import { leastPeriod } from './rotation-notes.ts';
import type {
  HeldSecret,
  RotationMarks,
  RotationRules,
  RotationView,
  ServerDeployment,
  ServerObstacle,
} from './rotation-view.ts';
import { isServerTaken } from './server-taken.ts';
import { settingsServe, settingsText } from './server-view.ts';

/** How long a rollout of Argo Server may take, in milliseconds; the same as Kubernetes' own default. */
export const ROLLOUT_DEADLINE = 10 * 60_000;

function overlapWanted({ spec }: Policy): number | undefined {
  const text = spec.client?.secret.rotation?.overlap;
  return text === undefined ? undefined : parseDuration(text);
}

/** What is wrong with `spec.client.secret.rotation`, in a sentence with the remedy; undefined where it can be followed. */
export function rotationProblem({ policy, rotation: { schedule } }: Observation): string | undefined {
  const spec = policy.spec.client?.secret.rotation;
  if (spec === undefined || schedule === undefined) return undefined;
  const field = 'spec.client.secret.rotation';
  if (!schedule.ok) return `${field}.${schedule.field}: ${schedule.message}`;
  const least = leastPeriod(overlapWanted(policy), ROLLOUT_DEADLINE);
  if (schedule.schedule.shortestPeriod >= least) return undefined;
  return (
    `${field}.schedule: ${JSON.stringify(spec.schedule)} comes again before a rotation is over, which takes up to ` +
    `${describeDuration(least)} (overlap and a rollout of Argo Server); let it come less often, or make the overlap shorter`
  );
}

function rulesOf(observation: Observation): RotationRules | undefined {
  const { policy, rotation, keycloak } = observation;
  if (!rotation.schedule?.ok || rotationProblem(observation) !== undefined) return undefined;
  if (keycloak.state === 'Observed' && keycloak.coverageHidden !== undefined) return undefined;
  const { tickAfter, shortestPeriod } = rotation.schedule.schedule;
  return { tickAfter, jitter: jitterOf(policy.metadata.uid, shortestPeriod), shortestPeriod };
}

/** Whether a policy may have a new secret made: by its schedule, or because somebody asks for one. */
export function asksForRotation({ spec, metadata }: Policy): boolean {
  const asked = entry(metadata.annotations, ANNOTATION_ROTATE_REQUESTED) !== undefined;
  return asked || spec.client?.secret.rotation !== undefined;
}

/** The marks that a Secret bears. */
export function marksOf({ metadata: { annotations } }: Secret): RotationMarks {
  return {
    created: parseTime(entry(annotations, ANNOTATION_SECRET_CREATED)),
    since: parseTime(entry(annotations, ANNOTATION_SECRET_SINCE)),
    handled: entry(annotations, ANNOTATION_ROTATE_HANDLED),
  };
}

/** Marks as annotations. */
export function annotationsOf({ created, since, handled }: RotationMarks): Readonly<Record<string, string>> {
  return {
    ...(created !== undefined && { [ANNOTATION_SECRET_CREATED]: formatTime(created) }),
    ...(since !== undefined && { [ANNOTATION_SECRET_SINCE]: formatTime(since) }),
    ...(handled !== undefined && { [ANNOTATION_ROTATE_HANDLED]: handled }),
  };
}

function heldSecret(observation: Observation): HeldSecret | undefined {
  const secret = clientSecret(observation);
  if (secret === undefined) return undefined;
  const revision = revisionOf(secret) ?? 0;
  return {
    holdsValue: holdsValue(observation, secret),
    isUntouched: isUntouched(observation, secret),
    marks: marksOf(secret),
    mark: revisionMark(secret.metadata.uid, revision, settingsText(observation)),
    proof: proofOf(observation, revision),
  };
}

/**
 * Since when this operator has waited for Argo Server, by its own clock. Until its status says that it waits, it has
 * only begun to.
 */
function waitingSince({ policy, now }: Observation): number {
  const told = policy.status?.conditions?.find(({ type }) => type === 'ServerReady');
  if (told?.status !== 'False') return now;
  return Math.min(parseTime(told.lastTransitionTime) ?? now, now);
}

/**
 * When a rollout began. Nobody may tell, as of a Deployment without a deadline, or the clock of who does may be another:
 * it did not begin before it was waited for, nor before the value came that it is for.
 */
function begunAt(observation: Observation, { progress, startedAt }: Rollout): number | undefined {
  if (progress !== 'rolling') return startedAt;
  const secret = clientSecret(observation);
  const since = (secret && marksOf(secret).since) ?? Number.NEGATIVE_INFINITY;
  const came = since <= observation.now ? since : Number.NEGATIVE_INFINITY;
  return Math.max(startedAt ?? came, came, waitingSince(observation));
}

function deploymentView(observation: Observation, deployment: Deployment): ServerDeployment {
  const { templateAnnotations, paused, interrupts, rollout } = deployment;
  return {
    state: 'found',
    mark: entry(templateAnnotations, ANNOTATION_ROLLED),
    paused,
    ...rollout,
    startedAt: begunAt(observation, rollout),
    reverted: observation.contested.some(({ kind }) => kind === 'Deployment'),
    ...(interrupts && { interrupts }),
  };
}

function serverDeployment(observation: Observation): ServerDeployment | undefined {
  const { deployment } = observation.server;
  // The one of an older policy reads that one's Secret, so that this one's rotates without it.
  if (deployment === undefined || isServerTaken(observation)) return undefined;
  // What cannot be read is told by a check; it is certainly not known to be complete.
  if (deployment.state !== 'found') return { state: 'missing' };
  return deploymentView(observation, deployment.object);
}

/** Why Argo Server must not be restarted as things stand; a restart would only show what is wrong already. */
function serverObstacle(observation: Observation): ServerObstacle | undefined {
  const { missingAccess, cookieKey } = observation.server;
  if (!settingsServe(observation)) return 'SettingsWrong';
  if (missingAccess !== undefined && missingAccess.length > 0) return 'ServerAccessMissing';
  return cookieKey === 'empty' ? 'ArgoSecretEmpty' : undefined;
}

/** What decides on the next step of the rotation; undefined where there is no client to be seen. */
export const rotationView = remembered((observation: Observation): RotationView | undefined => {
  const { policy, keycloak, now, rotation } = observation;
  if (policy.spec.client === undefined || keycloak.state !== 'Observed' || keycloak.client === undefined)
    return undefined;
  const { client, coverage, coverageHidden, issuerAnswers } = keycloak;
  return {
    now,
    leading: rotation.standing.state === 'Leads',
    rules: rulesOf(observation),
    overlap: overlapWanted(policy),
    request: rotation.request,
    rolloutDeadline: ROLLOUT_DEADLINE,
    keycloak: {
      ...client.secretLife,
      coverage,
      coverageHidden: coverageHidden !== undefined,
      enabled: client.enabled,
    },
    issuerAnswers,
    serverObstacle: serverObstacle(observation),
    secret: heldSecret(observation),
    deployment: serverDeployment(observation),
  };
});
