import type { Logger } from 'pino';
import type { KubernetesClient } from './client.ts';
import { KubernetesError } from './errors.ts';
import {
  type Holder,
  heldSpec,
  holderOf,
  isHeldBy,
  isReleased,
  type Lease,
  microTime,
  releasedSpec,
  stateOf,
} from './lease-record.ts';
import { createLeaseRequests } from './lease-requests.ts';
import { createTerm, momentOf, STEADY_CLOCK, type SteadyClock } from './lease-term.ts';

/** Elects one leader among all that take part by the same Lease. */
export interface Election {
  /**
   * Whether we lead. While it is true nobody else does, nor begins to within the next {@link MARGIN_MS}, unless
   * somebody writes by hand that the Lease was let go: what is guarded by it must have come to an end by then.
   */
  readonly isLeader: () => boolean;
  /** Stops leading, and lets the Lease go, so that the next leads at once. What is led must have ended before. */
  readonly stop: () => Promise<void>;
}

/** How one takes part in an election. */
export interface ElectionOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Where the Lease is. */
  readonly namespace: string;
  readonly name: string;
  /** Who we are, for people who look at the Lease: the name of the Pod. */
  readonly identity: string;
  /** Told when we begin to lead; the signal is aborted when we no longer do. Must not throw. */
  readonly onLead: (signal: AbortSignal) => void;
  /** Told when we no longer lead. Must not throw. */
  readonly onLost: () => void;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clock?: SteadyClock;
  /** A number from 0 to 1, for the jitter of waits. */
  readonly random?: () => number;
}

/** What is seen of others counts for so long, from when it was first seen. */
const LEASE_MS = 15_000;
/** We lead for so long after the last renewal. */
const RENEW_MS = 10_000;
const RETRY_MS = 2_000;
/** Share of a wait that chance adds, for all but the leader. */
const JITTER = 0.5;
/** How often a Lease is tried to be let go while others edit it. */
const RELEASE_TRIES = 3;

/** Milliseconds after which another may lead, at the earliest, once a leader's time is up; clocks run alike. */
export const MARGIN_MS = LEASE_MS - RENEW_MS;

/** Kinds of errors by which a write has lost against that of another. */
const OVERTAKEN: ReadonlySet<string> = new Set(['Conflict', 'AlreadyExists', 'NotFound']);

/** Whether a write was done; false where another was faster. */
async function unlessOvertaken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof KubernetesError && OVERTAKEN.has(error.kind)) return false;
    throw error;
  }
}

/**
 * Takes part in an election from now on, with the rules of client-go's (kubernetes/client-go,
 * `tools/leaderelection`): no clock but our own is believed, so that clocks may differ by any amount as long as they
 * run about equally fast. Nobody leads for {@link LEASE_MS} after anything about the Lease was seen to change, but
 * who holds it, and the next one after it was let go; each write needs the Lease to be as it was read; a leader
 * leads for {@link RENEW_MS} from when it *sent* the last renewal that succeeded.
 *
 * In three ways it is stricter, so that editing and deleting the Lease by hand never makes two leaders: a Lease that
 * is missing is made without a holder, and waited for like any other; one without a holder counts as let go only
 * with the duration that a release gives it; and our own name in it is believed only with the time of our own term.
 */
export function startElection(options: ElectionOptions): Election {
  const { identity, log, clock = STEADY_CLOCK, random = Math.random } = options;
  const lease = `${options.namespace}/${options.name}`;
  const requests = createLeaseRequests(options, clock);
  const stopping = new AbortController();
  let holder: Holder = { identity, acquireTime: '' };
  /** The Lease as it was last read or written, for a renewal without reading. */
  let latest: Lease | undefined;
  let seen: { readonly state: string; readonly since: number } | undefined;
  let problem = '';

  const term = createTerm({
    clock,
    lastsMs: RENEW_MS,
    onBegin: signal => {
      log.info({ lease, identity }, 'leads');
      options.onLead(signal);
    },
    onEnd: why => {
      log.info({ lease, identity }, `no longer leads: ${why}`);
      options.onLost();
    },
  });

  /** Writes that we hold the Lease. Counts from when it was sent, for nobody can have seen it before that. */
  const write = async (before: Lease | undefined) => {
    const sent = momentOf(clock);
    const spec = heldSpec(before, holder, microTime(sent.set), LEASE_MS);
    const { signal } = stopping;
    latest = await (before === undefined
      ? requests.create(spec, signal)
      : requests.replace(before, spec, signal));
    if (!signal.aborted) term.hold(sent);
  };
  const observe = (found: Lease) => {
    const state = stateOf(found);
    if (state !== seen?.state) seen = { state, since: clock.elapsed() };
    if (isHeldBy(found, holder)) return;
    const other = holderOf(found);
    if (other === undefined) return;
    // From here on a Lease that says it is ours again has been put back by hand.
    holder = { identity, acquireTime: '' };
    term.end(`${other} holds the Lease`);
  };
  const mayTake = (found: Lease): boolean => {
    if (isReleased(found)) return true;
    const durationMs = Math.max(LEASE_MS, (found.spec?.leaseDurationSeconds ?? 0) * 1000);
    return seen !== undefined && clock.elapsed() - seen.since >= durationMs;
  };
  const take = async (found: Lease) => {
    observe(found);
    const isOurs = term.isHeld() || isHeldBy(found, holder);
    if (!isOurs && !mayTake(found)) return;
    if (!isOurs) holder = { identity, acquireTime: microTime(clock.now()) };
    await unlessOvertaken(write(found));
  };
  const make = async () => {
    const free = { leaseDurationSeconds: LEASE_MS / 1000 };
    await unlessOvertaken(term.isHeld() ? write(undefined) : requests.create(free, stopping.signal));
  };
  const attempt = async () => {
    if (term.isHeld() && latest !== undefined && (await unlessOvertaken(write(latest)))) return;
    const found = await requests.read(stopping.signal);
    await (found === undefined ? make() : take(found));
  };

  const failed = (error: unknown) => {
    if (stopping.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof KubernetesError ? error.kind : 'Fault';
    if (message !== problem) log.warn({ lease, reason }, `the Lease cannot be held: ${message}`);
    problem = message;
  };
  const succeeded = () => {
    if (problem !== '') log.info({ lease }, 'the Lease is reached again');
    problem = '';
  };
  const pause = async (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const stopTimer = clock.after(ms, wake);
    stopping.signal.addEventListener('abort', wake, { once: true });
    await promise;
    stopTimer();
    stopping.signal.removeEventListener('abort', wake);
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      const began = clock.elapsed();
      await attempt().then(succeeded, failed);
      if (stopping.signal.aborted) return;
      const period = RETRY_MS * (term.isHeld() ? 1 : 1 + JITTER * random());
      await pause(Math.max(period - (clock.elapsed() - began), 0));
    }
  };
  const release = async () => {
    const { signal } = new AbortController();
    for (let tries = 0; tries < RELEASE_TRIES; tries += 1) {
      const found = await requests.read(signal);
      if (found === undefined || !isHeldBy(found, holder)) return;
      const spec = releasedSpec(found, microTime(clock.now()));
      if (await unlessOvertaken(requests.replace(found, spec, signal))) return;
    }
  };
  const running = run();
  const finish = async () => {
    stopping.abort();
    term.end('stopped');
    await running;
    await release().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ lease }, `the Lease is not let go, others wait until it has run out: ${why}`);
    });
  };
  let finished: Promise<void> | undefined;
  return {
    isLeader: term.isHeld,
    stop: () => {
      finished ??= finish();
      return finished;
    },
  };
}
