import { apply } from './apply.ts';
import { failureOf, suspectNamespace } from './failures.ts';
import type { PolicyLog } from './log.ts';
import type { Observer, Sight } from './observe.ts';
import type { Change } from './policy/change.ts';
import { check, checkCluster } from './policy/checks.ts';
import { conclude, type Failure } from './policy/conclude.ts';
import type { Observation } from './policy/observation.ts';
import { changesOf, isLeftAlone, NO_CHANGES, type Plan, plan, restsOnKeycloak } from './policy/plan.ts';
import type { Violation } from './policy/reasons.ts';
import type { StatusWriter } from './status.ts';

/** After this many passes without an end, what is left waits for the next reconcile. */
const MAX_PASSES = 8;

/** What a reconcile needs of the world. */
export interface Reconciler {
  readonly observer: Observer;
  readonly status: StatusWriter;
  readonly log: PolicyLog;
}

/** When a policy is to be looked at again. */
export interface Outcome {
  /** Soon. */
  readonly retry: boolean;
  /** At this time although nothing was seen to change, in milliseconds since the epoch; undefined: at the resync. */
  readonly lookAgainAt: number | undefined;
}

const DONE: Outcome = { retry: false, lookAgainAt: undefined };

/** One pass: what was seen, what is wrong with it, and what is to be done. */
interface Pass {
  readonly observation: Observation;
  readonly violations: readonly Violation[];
  readonly plan: Plan;
}

/**
 * Brings the world to what one policy asks for:
 *
 * 1. observe the cluster, and check whether the policy may ask for what it asks for
 * 2. only then observe Keycloak
 * 3. check everything, and plan the changes from what is observed to what is desired
 * 4. make them in order, then look again, until nothing is left to do
 * 5. conclude status and events, and write the status once, if it differs
 *
 * A suspended policy is only told so, unless it is being deleted.
 */
export async function reconcile(key: string, reconciler: Reconciler, signal: AbortSignal): Promise<Outcome> {
  const sight = reconciler.observer.open(key);
  if (sight === undefined) return DONE;
  let pass = await look(sight, signal);
  let failure: Failure | undefined;
  for (let count = 0; count < MAX_PASSES && hasWork(pass) && failure === undefined; count += 1) {
    // Its own event has queued the policy again.
    if (sight.isOvertaken()) return { retry: true, lookAgainAt: undefined };
    // What was planned from the realm's shared snapshot is not made: this pass only looks at the client itself.
    const isOld = restsOnKeycloak(pass.plan) && sight.needsFreshClient();
    if (!isOld) failure = await change(sight, pass, reconciler, signal);
    if (sight.policy() === undefined) return DONE;
    pass = await look(sight, signal);
  }
  const { observation, violations } = pass;
  const ending = { left: pass.plan, failure, ...sight.done() };
  const verdict = conclude(observation, violations, ending, timeOf(observation));
  const written = await reconciler.status.write(observation.policy, verdict, signal);
  const retry = !written || verdict.retry || failure !== undefined || hasWork(pass);
  return { retry, lookAgainAt: verdict.lookAgainAt };
}

/** Gathers everything once, and decides from it what is wrong and what is to be done. */
async function look(sight: Sight, signal: AbortSignal): Promise<Pass> {
  const cluster = await sight.observeCluster(signal);
  const early = checkCluster(cluster);
  if (isLeftAlone(cluster.policy, early))
    return { observation: cluster, violations: early, plan: NO_CHANGES };
  const observation = await sight.observeKeycloak(cluster, signal);
  const violations = check(observation);
  return { observation, violations, plan: plan(observation, violations) };
}

function hasWork(pass: Pass): boolean {
  return changesOf(pass.plan).length > 0;
}

/** Makes the planned changes; what stopped them is the result. Roles do not wait for Keycloak. */
async function change(
  sight: Sight,
  { observation, plan: planned }: Pass,
  { log }: Reconciler,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { policy } = observation;
  const make = async (changes: readonly Change[]) => {
    const stopped = await apply(changes, sight.targets, signal, done => {
      log.changed(policy, done);
      sight.made(done);
    });
    if (stopped === undefined) return undefined;
    const namespace = suspectNamespace(stopped.change, stopped.error);
    if (namespace !== undefined) sight.suspect(namespace);
    const failure = failureOf(stopped.change, stopped.error);
    log.failed(policy, failure);
    return failure;
  };
  const stopped = await make(planned.first);
  if (stopped !== undefined) return stopped;
  const credentials = await make([...planned.client, ...planned.secret, ...planned.server]);
  const roles = await make(planned.roles);
  return credentials ?? roles;
}

/** The observation's time as conditions carry it, to the second. */
function timeOf({ now }: Observation): string {
  return new Date(now).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
