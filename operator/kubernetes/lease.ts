import type { Logger } from 'pino';
import type { Standing } from '../policy/standing.ts';
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
import { startRounds } from './lease-rounds.ts';
import { createTerm, momentOf, STEADY_CLOCK, type SteadyClock } from './lease-term.ts';

/** Elects one leader among all that take part by the same Lease. */
export interface Election {
  /**
   * Whether we lead. While it is true nobody else does, nor begins to within the next {@link MARGIN_MS}, unless
   * somebody writes by hand that the Lease was let go: what is guarded by it must have come to an end by then.
   */
  readonly isLeader: () => boolean;
  /** Whether we lead, and why not. */
  readonly standing: () => Standing;
  /** Renews the Lease out of turn, with what `outlastMs` says now; whether that was done, and we lead. */
  readonly renew: () => Promise<boolean>;
  /**
   * Stops leading, and lets the Lease go, so that the next leads at once; where `outlastMs` says so, only after that
   * time. What is led must have ended before.
   */
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
  /**
   * For how many milliseconds from now on nobody else may lead, even if this process ends at once. Asked at each write
   * of the Lease, which carries it; the usual duration of a lease where it is shorter.
   */
  readonly outlastMs?: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clock?: SteadyClock;
  /** A number from 0 to 1, for the jitter of waits. */
  readonly random?: () => number;
}

/** What is seen of others counts for so long, from when it was first seen. */
const LEASE_MS = 15_000;
/** We lead for so long after the last renewal, in milliseconds. */
export const RENEW_MS = 10_000;
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
  const { identity, log, outlastMs = () => 0, clock = STEADY_CLOCK, random = Math.random } = options;
  const lease = `${options.namespace}/${options.name}`;
  const requests = createLeaseRequests(options, clock);
  const stopping = new AbortController();
  let holder: Holder = { identity, acquireTime: '' };
  /** The Lease as it was last read or written, for a renewal without reading. */
  let latest: Lease | undefined;
  let seen: { readonly state: string; readonly since: number } | undefined;
  /** Who else held the Lease when it was last read. */
  let other: string | undefined;
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
    const spec = heldSpec(before, holder, microTime(sent.set), Math.max(LEASE_MS, outlastMs()));
    const { signal } = stopping;
    latest = await (before === undefined
      ? requests.create(spec, signal)
      : requests.replace(before, spec, signal));
    if (!signal.aborted) term.hold(sent);
  };
  const observe = (found: Lease) => {
    const state = stateOf(found);
    if (state !== seen?.state) seen = { state, since: clock.elapsed() };
    other = isHeldBy(found, holder) ? undefined : holderOf(found);
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
    if (!isOurs && !mayTake(found)) return false;
    if (!isOurs) holder = { identity, acquireTime: microTime(clock.now()) };
    return unlessOvertaken(write(found));
  };
  const make = async () => {
    if (term.isHeld()) return unlessOvertaken(write(undefined));
    await unlessOvertaken(requests.create({ leaseDurationSeconds: LEASE_MS / 1000 }, stopping.signal));
    return false;
  };
  /** Whether the Lease was written, as ours. */
  const attempt = async () => {
    if (term.isHeld() && latest !== undefined && (await unlessOvertaken(write(latest)))) return true;
    const found = await requests.read(stopping.signal);
    return found === undefined ? make() : take(found);
  };

  const failed = (error: unknown) => {
    if (stopping.signal.aborted) return false;
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof KubernetesError ? error.kind : 'Fault';
    if (message !== problem) log.warn({ lease, reason }, `the Lease cannot be held: ${message}`);
    problem = message;
    return false;
  };
  const succeeded = (isWritten: boolean) => {
    if (problem !== '') log.info({ lease }, 'the Lease is reached again');
    problem = '';
    return isWritten;
  };
  const rounds = startRounds({
    clock,
    round: () => attempt().then(succeeded, failed),
    period: () => RETRY_MS * (term.isHeld() ? 1 : 1 + JITTER * random()),
    signal: stopping.signal,
  });
  /** The last spec that we write: another leads at once, or after the time that it must wait. */
  const lastSpec = (found: Lease) => {
    const [time, waitMs] = [microTime(clock.now()), outlastMs()];
    return waitMs > 0 ? heldSpec(found, holder, time, waitMs) : releasedSpec(found, time);
  };
  const release = async () => {
    const { signal } = new AbortController();
    for (let tries = 0; tries < RELEASE_TRIES; tries += 1) {
      const found = await requests.read(signal);
      if (found === undefined || !isHeldBy(found, holder)) return;
      if (await unlessOvertaken(requests.replace(found, lastSpec(found), signal))) return;
    }
  };
  const finish = async () => {
    stopping.abort();
    term.end('stopped');
    await rounds.ended;
    await release().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ lease }, `the Lease is not let go, others wait until it has run out: ${why}`);
    });
  };
  let finished: Promise<void> | undefined;
  return {
    isLeader: term.isHeld,
    standing: () => {
      if (term.isHeld()) return { state: 'Leads' };
      if (problem !== '') return { state: 'Barred', lease, message: problem };
      return other === undefined ? { state: 'Undecided' } : { state: 'Follows', lease, holder: other };
    },
    renew: async () => term.isHeld() && (await rounds.next()) && term.isHeld(),
    stop: () => {
      finished ??= finish();
      return finished;
    },
  };
}
