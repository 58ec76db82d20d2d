import { pino } from 'pino';
import type { KubernetesRequest } from '../../operator/kubernetes/client.ts';
import { KubernetesError } from '../../operator/kubernetes/errors.ts';
import { type Election, startElection } from '../../operator/kubernetes/lease.ts';
import type { LeaseSpec } from '../../operator/kubernetes/lease-record.ts';
import type { SteadyClock } from '../../operator/kubernetes/lease-term.ts';

/** A Lease as the simulated server stores it. */
export interface StoredLease {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: LeaseSpec;
}

/** How the way from a machine to the server is; the ways of a request and of its answer each take a delay. */
export interface Network {
  /** `deaf` hangs, and not even the request's signal ends that. */
  readonly kind: 'open' | 'refuse' | 'hang' | 'deaf' | 'lose' | 'forbid';
  /** Milliseconds one way; default 5. */
  readonly delay?: () => number;
}

/** A machine with a clock of its own, on which one candidate runs. */
export interface Machine {
  readonly name: string;
  readonly election: Election;
  /** What the candidate was told, and when by the time of the world. */
  readonly told: { readonly at: number; readonly what: 'lead' | 'lost'; readonly signal: AbortSignal }[];
  /** Lines of its log: level and message. */
  readonly log: readonly { readonly level: number; readonly msg: string }[];
  network: Network;
  /** What the Lease is to tell: for how many milliseconds nobody else may lead, whatever becomes of the machine. */
  outlastMs: number;
  /** Sets the clock that people read ahead, or back. */
  readonly setClock: (ms: number) => void;
  /** Nothing runs for a while; the clocks go on, but the steady one only unless the machine is suspended. */
  readonly freeze: (ms: number, suspended?: boolean) => void;
  /** Nothing runs any more; what was sent is still under way. */
  readonly kill: () => void;
  readonly isAlive: () => boolean;
}

/** How a machine differs from others. */
export interface MachineOptions {
  /** Milliseconds of its own in one of the world. */
  readonly rate?: number;
  /** By how many milliseconds its clock is ahead. */
  readonly ahead?: number;
  readonly network?: Network;
}

/** A simulated API server that holds one Lease, machines, and a time that is moved by hand. */
export interface World {
  readonly now: () => number;
  readonly join: (name: string, options?: MachineOptions) => Machine;
  readonly machines: readonly Machine[];
  readonly leaders: () => readonly string[];
  readonly lease: () => StoredLease | undefined;
  /** Replaces the Lease as somebody would by hand; undefined deletes it. */
  readonly edit: (change: (lease: StoredLease | undefined) => StoredLease | undefined) => void;
  /** Methods of the requests that reached the server, and what they were answered. */
  readonly requests: readonly { readonly at: number; readonly from: string; readonly what: string }[];
  /** Lets time pass; `isDone` is asked before and after whatever happens, and often between, and ends it. */
  readonly run: (ms: number, isDone?: () => boolean) => Promise<void>;
}

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const DEFAULT_DELAY_MS = 5;
const LOOK_EVERY_MS = 100;

/** Lets everything run that is ready to. */
const settle = () => new Promise(resolve => setImmediate(resolve));

const STATUS = { AlreadyExists: 409, Conflict: 409, NotFound: 404, Forbidden: 403 } as const;

function refusal(kind: keyof typeof STATUS, method: string): KubernetesError {
  return new KubernetesError(kind, `${method} lease: ${kind}`, STATUS[kind]);
}

/** The part of the API server that matters: versions, uids, and writes that need the version which was read. */
function createServer() {
  let stored: StoredLease | undefined;
  let versions = 0;
  const store = (lease: StoredLease, uid: string) => {
    versions += 1;
    stored = structuredClone({
      ...lease,
      metadata: { ...lease.metadata, uid, resourceVersion: String(versions) },
    });
    return structuredClone(stored);
  };
  const create = (body: StoredLease | undefined) => {
    if (stored !== undefined || body === undefined) throw refusal('AlreadyExists', 'POST');
    return store(body, `uid-${versions}`);
  };
  const replace = ({ metadata }: StoredLease, body: StoredLease | undefined) => {
    if (body?.metadata.resourceVersion !== metadata.resourceVersion) throw refusal('Conflict', 'PUT');
    return store(body, metadata.uid);
  };
  return {
    lease: () => structuredClone(stored),
    edit: (lease: StoredLease | undefined) => {
      if (lease === undefined) stored = undefined;
      else store(lease, lease.metadata.uid);
    },
    handle: (method: string, body: StoredLease | undefined): StoredLease => {
      if (method === 'POST') return create(body);
      if (stored === undefined) throw refusal('NotFound', method);
      return method === 'GET' ? structuredClone(stored) : replace(stored, body);
    },
  };
}

/** Makes a world without machines; `random` is for the candidates' jitter. */
export function createWorld(random: () => number = () => 0.5): World {
  const server = createServer();
  const machines: Machine[] = [];
  const requests: { at: number; from: string; what: string }[] = [];
  const happenings: Happening[] = [];
  let now = 0;
  let order = 0;
  const at = (time: number, run: () => void) => {
    order += 1;
    happenings.push({ at: Math.max(time, now), order, run });
  };
  const takeNext = (until: number): Happening | undefined => {
    const next = happenings.reduce<Happening | undefined>((first, each) => {
      const isEarlier =
        first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order);
      return isEarlier ? each : first;
    }, undefined);
    if (next === undefined || next.at > until) return undefined;
    happenings.splice(happenings.indexOf(next), 1);
    return next;
  };

  const happen = async (next: Happening | undefined): Promise<boolean> => {
    if (next === undefined) return false;
    next.run();
    await settle();
    return true;
  };

  const join = (name: string, { rate = 1, ahead = 0, network = { kind: 'open' } }: MachineOptions = {}) => {
    let set = ahead;
    let frozenUntil = 0;
    let suspendedFor = 0;
    let isAlive = true;
    const told: Machine['told'][number][] = [];
    const log: { level: number; msg: string }[] = [];

    let suspendedUntil = 0;
    const elapsed = () => (now - suspendedFor + Math.max(suspendedUntil - now, 0)) * rate;
    /** Runs on the machine, once it is not frozen. */
    const onMachine = (run: () => void) => {
      if (!isAlive) return;
      if (now < frozenUntil) at(frozenUntil + random(), () => onMachine(run));
      else run();
    };
    const clock: SteadyClock = {
      now: () => now * rate + set,
      elapsed,
      after: (wished, callback) => {
        // As Node's: no less than a millisecond.
        const ms = Math.max(wished, 1);
        const due = elapsed() + ms;
        let cancelled = false;
        const fire = () => {
          if (cancelled) return;
          const early = due - elapsed();
          if (early > 1e-6) at(now + early / rate, () => onMachine(fire));
          else callback();
        };
        at(now + ms / rate, () => onMachine(fire));
        return () => {
          cancelled = true;
        };
      },
    };
    const request = ({ method, body, signal }: KubernetesRequest): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const { kind, delay = () => DEFAULT_DELAY_MS } = machine.network;
      if (kind !== 'deaf') signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      const unavailable = new KubernetesError('Unavailable', `${method} lease: ECONNREFUSED`);
      const sent = structuredClone(body) as StoredLease | undefined;
      const arrive = () => {
        const answer = () => {
          if (kind === 'forbid') throw refusal('Forbidden', method);
          return server.handle(method, sent);
        };
        const said = (what: string) => requests.push({ at: now, from: name, what });
        const back = (run: () => void) => {
          if (kind !== 'lose') at(now + delay(), () => onMachine(run));
        };
        try {
          const value = answer();
          said(method);
          back(() => resolve(value));
        } catch (error) {
          said(`${method} ${error instanceof KubernetesError ? error.kind : 'failed'}`);
          back(() => reject(error));
        }
      };
      if (kind === 'refuse') at(now + delay(), () => onMachine(() => reject(unavailable)));
      else if (kind !== 'hang' && kind !== 'deaf') at(now + delay(), arrive);
      return promise;
    };
    const lines = { write: (line: string) => log.push(JSON.parse(line)) };
    const machine: Machine = {
      name,
      told,
      log,
      network,
      outlastMs: 0,
      election: startElection({
        // The network is asked for at the first request, when the machine is there.
        client: { request: async options => request(await Promise.resolve(options)) },
        namespace: 'ns',
        name: 'lease',
        identity: name,
        clock,
        random,
        log: pino({ base: null }, lines),
        outlastMs: () => machine.outlastMs,
        onLead: signal => told.push({ at: now, what: 'lead', signal }),
        onLost: () => {
          const signal = told.at(-1)?.signal ?? AbortSignal.abort();
          told.push({ at: now, what: 'lost', signal });
        },
      }),
      setClock: ms => {
        set += ms;
      },
      freeze: (ms, suspended = false) => {
        if (now < frozenUntil) return;
        frozenUntil = now + ms;
        if (!suspended) return;
        suspendedUntil = now + ms;
        suspendedFor += ms;
      },
      kill: () => {
        isAlive = false;
      },
      isAlive: () => isAlive,
    };
    machines.push(machine);
    return machine;
  };

  return {
    now: () => now,
    join,
    machines,
    requests,
    leaders: () =>
      machines.filter(({ isAlive, election }) => isAlive() && election.isLeader()).map(({ name }) => name),
    lease: server.lease,
    edit: change => server.edit(change(server.lease())),
    run: async (ms, isDone = () => false) => {
      const end = now + ms;
      await settle();
      for (let done = false; !done; ) {
        const next = takeNext(Math.min(now + LOOK_EVERY_MS, end));
        const last = next === undefined && now === end;
        now = next?.at ?? Math.min(now + LOOK_EVERY_MS, end);
        done = last || isDone() || ((await happen(next)) && isDone());
      }
    },
  };
}
