import type { Policy } from './api/objects.ts';
import { objectOf } from './log.ts';
import type { Change } from './policy/change.ts';
import { partOf } from './policy/conclusions.ts';
import type { ContestedObject } from './policy/observation.ts';
import type { Part } from './policy/reasons.ts';

/** Remembers what the operator has corrected, so that it sees when something takes its changes back each time. */
export interface Contest {
  /** A change was made for a policy. */
  readonly record: (policy: Policy, change: Change) => void;
  /** Objects of the policy that were changed too often of late. */
  readonly contested: (policy: Policy) => readonly ContestedObject[];
}

/** So many changes to one object within the window, by one version of a policy, are a contest. */
const MOST_CHANGES = 20;
const WINDOW_MS = 10 * 60_000;

/** Changes after which there is nothing that could be taken back. */
const ENDINGS: ReadonlySet<Change['kind']> = new Set([
  'DeleteObject',
  'DeleteClient',
  'ProveSecret',
  'Rehearse',
]);

interface History {
  readonly part: Part;
  readonly what: string;
  readonly generation: number;
  /** In milliseconds since the epoch, oldest first. */
  readonly times: readonly number[];
}

/** Starts with nothing remembered: after a restart, a contest is noticed anew. */
export function createContest(now: () => number): Contest {
  const byPolicy = new Map<string, Map<string, History>>();
  const recent = ({ times }: History) => times.filter(time => time > now() - WINDOW_MS);
  return {
    record: (policy, change) => {
      const part = partOf(change);
      if (part === undefined || ENDINGS.has(change.kind)) return;
      const { uid, generation = 0 } = policy.metadata;
      const what = objectOf(change, policy);
      const histories = byPolicy.get(uid) ?? new Map<string, History>();
      byPolicy.set(uid, histories);
      const before = histories.get(what);
      const times = before?.generation === generation ? recent(before) : [];
      histories.set(what, { part, what, generation, times: [...times, now()] });
    },
    contested: ({ metadata: { uid, generation = 0, deletionTimestamp } }) => {
      if (deletionTimestamp !== undefined) {
        byPolicy.delete(uid);
        return [];
      }
      return [...(byPolicy.get(uid)?.values() ?? [])]
        .filter(history => history.generation === generation && recent(history).length >= MOST_CHANGES)
        .map(({ part, what }) => ({ part, what }));
    },
  };
}
