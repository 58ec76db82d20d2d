import { type Election, RENEW_MS } from './kubernetes/lease.ts';
import type { Standing } from './policy/standing.ts';

/** Leave to send one request that must not be made twice. */
export interface Claim {
  /** Whether it may still be sent; to be asked right before. */
  readonly mayStill: () => boolean;
  /** To be told once nothing more will come of it: whether the request may still be on its way after that. */
  readonly end: (outcome: 'Known' | 'Unknown') => void;
}

/** What one replica alone may do at a time: making new secrets. */
export interface Leadership {
  /** Whether we lead; the first question is what makes us take part in the election. */
  readonly isLeader: () => boolean;
  /** How we stand to others about a policy: we lead only where nothing that we have sent may still be on its way. */
  readonly standing: (policyUid: string) => Standing;
  /**
   * Claims leave to send a request for a policy. Until its outcome is known, and for a while where it never is, nobody
   * else leads, whatever becomes of this process. undefined where it must not be sent.
   */
  readonly claim: (policyUid: string) => Promise<Claim | undefined>;
  /** Whether an election is under way, and we lead. For people; nothing is begun by it. */
  readonly isKnownLeader: () => boolean;
  /** Ends it, so that another may lead: at once, unless something that was sent may still be on its way. */
  readonly stop: () => Promise<void>;
}

/** What leadership needs: an election that is begun when it is first needed. */
export interface LeadershipOptions {
  /** `outlastMs` as an election asks for it. */
  readonly startElection: (
    outlastMs: () => number,
  ) => Pick<Election, 'isLeader' | 'standing' | 'renew' | 'stop'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** So long a request whose answer was lost may still be on its way, in milliseconds. */
const ON_ITS_WAY_MS = 60_000;
/** What a leader says of one that is about to be sent holds from its last renewal, which may be so much older. */
const CLAIMED_MS = ON_ITS_WAY_MS + RENEW_MS;

/** A request that may be on its way. */
interface Sent {
  readonly policyUid: string;
  /** Since when its answer is known to be lost; undefined while it may come. */
  lostAt: number | undefined;
}

/** Takes part in no election until somebody asks: where no secret rotates, no Lease is renewed. */
export function createLeadership({ startElection, now }: LeadershipOptions): Leadership {
  const sent = new Set<Sent>();
  let election: ReturnType<typeof startElection> | undefined;
  let stopped = false;
  const restOf = (request: Sent) => {
    if (request.lostAt === undefined) return CLAIMED_MS;
    // A clock that is set back does not make it last longer.
    request.lostAt = Math.min(request.lostAt, now());
    return request.lostAt + ON_ITS_WAY_MS - now();
  };
  const onTheirWay = () => {
    for (const request of sent) if (restOf(request) <= 0) sent.delete(request);
    return [...sent];
  };
  const outlastMs = () => Math.max(0, ...onTheirWay().map(restOf));
  const takePart = () => {
    election ??= startElection(outlastMs);
    return election;
  };
  const isLeader = () => !stopped && takePart().isLeader();
  const standing = (policyUid: string): Standing => {
    if (stopped) return { state: 'Undecided' };
    const found = takePart().standing();
    const mayBeOnItsWay = onTheirWay().some(request => request.policyUid === policyUid);
    return found.state === 'Leads' && mayBeOnItsWay ? { state: 'Held' } : found;
  };
  return {
    isLeader,
    standing,
    claim: async policyUid => {
      if (standing(policyUid).state !== 'Leads') return undefined;
      const request: Sent = { policyUid, lostAt: undefined };
      sent.add(request);
      const isTold = await takePart().renew();
      if (!isTold) {
        sent.delete(request);
        return undefined;
      }
      return {
        mayStill: isLeader,
        end: outcome => {
          if (outcome === 'Known') sent.delete(request);
          else request.lostAt = now();
        },
      };
    },
    isKnownLeader: () => election?.isLeader() ?? false,
    stop: async () => {
      stopped = true;
      await election?.stop();
    },
  };
}
