import { apply } from './apply.ts';
import { failureOf, suspectNamespace } from './failures.ts';
import type { PolicyLog } from './log.ts';
import type { Observer, Sight } from './observe.ts';
import { CHAINS, type Chain, hasOpenChanges, openChanges } from './policy/chains.ts';
import { check, checkCluster } from './policy/checks.ts';
import { conclude, type Failure } from './policy/conclude.ts';
import type { Observation } from './policy/observation.ts';
import { isLeftAlone, NO_CHANGES, type Plan, plan, restsOnKeycloak } from './policy/plan.ts';
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
 * 4. make them in order, then look again, until nothing is left to do that can be done
 * 5. conclude status and events, and write the status once, if it differs
 *
 * A suspended policy is only told so, unless it is being deleted.
 */
export async function reconcile(key: string, reconciler: Reconciler, signal: AbortSignal): Promise<Outcome> {
  const sight = reconciler.observer.open(key);
  if (sight === undefined) return DONE;
  let pass = await look(sight, signal);
  const failed = new Map<Chain, Failure>();
  for (let count = 0; count < MAX_PASSES && hasOpenChanges(pass.plan, failed); count += 1) {
    // Its own event has queued the policy again.
    if (sight.isOvertaken()) return { retry: true, lookAgainAt: undefined };
    // What was planned from the realm's shared snapshot is not made: this pass only looks at the client itself.
    const isOld = restsOnKeycloak(pass.plan) && sight.needsFreshClient();
    if (!isOld) await change(sight, pass, failed, reconciler, signal);
    if (sight.policy() === undefined) return DONE;
    pass = await look(sight, signal);
  }
  const { observation, violations } = pass;
  const ending = { left: pass.plan, failures: [...failed.values()], ...sight.done() };
  const verdict = conclude(observation, violations, ending, timeOf(observation));
  const written = await reconciler.status.write(observation.policy, verdict, signal);
  const retry = !written || verdict.retry || failed.size > 0 || hasOpenChanges(pass.plan, failed);
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

/** Makes the planned changes, and adds what has failed. What does not depend on that goes on. */
async function change(
  sight: Sight,
  { observation, plan: planned }: Pass,
  failed: Map<Chain, Failure>,
  { log }: Reconciler,
  signal: AbortSignal,
): Promise<void> {
  const { policy } = observation;
  for (const chain of CHAINS) {
    const stopped = await apply(openChanges(planned, chain, failed), sight.targets, signal, done => {
      log.changed(policy, done);
      sight.made(done);
    });
    if (stopped === undefined) continue;
    const namespace = suspectNamespace(stopped.change, stopped.error);
    if (namespace !== undefined) sight.suspect(namespace);
    const failure = failureOf(stopped.change, stopped.error);
    log.failed(policy, failure);
    failed.set(chain, failure);
  }
}

/** The observation's time as conditions carry it, to the second. */
function timeOf({ now }: Observation): string {
  return new Date(now).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
