import type { Policy } from './api/objects.ts';
import type { Change } from './policy/change.ts';
import { partOf } from './policy/conclusions.ts';
import { describeChange, objectOf } from './policy/describe-change.ts';
import type { ContestedObject } from './policy/observation.ts';

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

/** Argo Server is not restarted over and over: each restart is felt. */
const RESTARTS = { most: 3, windowMs: 60 * 60_000 };
const OWN = { most: MOST_CHANGES, windowMs: WINDOW_MS };

/** Changes after which there is nothing that could be taken back. */
const ENDINGS: ReadonlySet<Change['kind']> = new Set([
  'DeleteObject',
  'DeleteClient',
  'ProveSecret',
  'Rehearse',
  'RegenerateSecret',
  'EndOverlap',
]);

interface History extends ContestedObject {
  readonly limit: typeof OWN;
  readonly generation: number;
  /** In milliseconds since the epoch, oldest first. */
  readonly times: readonly number[];
}

/** What is changed, and how often that may be; undefined for what nobody could take back. */
function contestOf(policy: Policy, change: Change) {
  const part = partOf(change);
  if (part === undefined || ENDINGS.has(change.kind)) return undefined;
  const what = objectOf(change, policy);
  // Another mark is another restart, which was asked for.
  const key = change.kind === 'RollDeployment' ? `${what} ${change.mark}` : what;
  const { kind } = describeChange(change, policy);
  return { key, part, kind, what, limit: change.kind === 'RollDeployment' ? RESTARTS : OWN };
}

/** Starts with nothing remembered: after a restart, a contest is noticed anew. */
export function createContest(now: () => number): Contest {
  const byPolicy = new Map<string, Map<string, History>>();
  // One of the future was made before somebody set the clock back: nobody can tell how long ago.
  const recent = ({ times, limit }: History) =>
    times.filter(time => time > now() - limit.windowMs && time <= now());
  return {
    record: (policy, change) => {
      const contest = contestOf(policy, change);
      if (contest === undefined) return;
      const { uid, generation = 0 } = policy.metadata;
      const known = [...(byPolicy.get(uid) ?? [])];
      const histories = new Map(known.filter(([, history]) => recent(history).length > 0));
      byPolicy.set(uid, histories);
      const { key, ...rest } = contest;
      const before = histories.get(key);
      const times = before?.generation === generation ? recent(before) : [];
      histories.set(key, { ...rest, generation, times: [...times, now()] });
    },
    contested: ({ metadata: { uid, generation = 0, deletionTimestamp } }) => {
      if (deletionTimestamp !== undefined) {
        byPolicy.delete(uid);
        return [];
      }
      return [...(byPolicy.get(uid)?.values() ?? [])]
        .filter(history => history.generation === generation && recent(history).length >= history.limit.most)
        .map(({ part, kind, what }) => ({ part, kind, what }));
    },
  };
}
