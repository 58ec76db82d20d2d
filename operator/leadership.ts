/** What one replica alone may do at a time: making new secrets. */
export interface Leadership {
  /** Whether we lead; the first question is what makes us take part in the election. */
  readonly isLeader: () => boolean;
  /** Whether something may be led for a policy: we lead, and nothing that we have sent may still be on its way. */
  readonly leads: (policyUid: string) => boolean;
  /** A request was sent for a policy, and its outcome is not known. */
  readonly hold: (policyUid: string) => void;
  /** Whether an election is under way, and we lead. For people; nothing is begun by it. */
  readonly isKnownLeader: () => boolean;
  readonly stop: () => Promise<void>;
}

/** What leadership needs: an election that is begun when it is first needed. */
export interface LeadershipOptions {
  readonly startElection: () => { readonly isLeader: () => boolean; readonly stop: () => Promise<void> };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** So long a request whose answer was lost may still be on its way, in milliseconds. */
const ON_ITS_WAY_MS = 60_000;

/** Takes part in no election until somebody asks: where no secret rotates, no Lease is renewed. */
export function createLeadership({ startElection, now }: LeadershipOptions): Leadership {
  const held = new Map<string, number>();
  let election: ReturnType<typeof startElection> | undefined;
  let stopped = false;
  const isLeader = () => {
    if (stopped) return false;
    election ??= startElection();
    return election.isLeader();
  };
  return {
    isLeader,
    leads: policyUid => {
      const since = held.get(policyUid);
      if (since !== undefined && now() - since >= ON_ITS_WAY_MS) held.delete(policyUid);
      return isLeader() && !held.has(policyUid);
    },
    hold: policyUid => {
      held.set(policyUid, now());
    },
    isKnownLeader: () => election?.isLeader() ?? false,
    stop: async () => {
      stopped = true;
      await election?.stop();
    },
  };
}
