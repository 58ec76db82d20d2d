import { FINALIZER } from '../../api/names.ts';
import { formatTime } from '../../api/time.ts';
import { conclusions, isFault } from '../../policy/conclusions.ts';
import { type Shift, shiftsOfGroups } from '../../policy/people.ts';
import { NO_CHANGES } from '../../policy/plan.ts';
import type { Prospect } from '../../policy/prospect.ts';
import { Reason, type Violation } from '../../policy/reasons.ts';
import { type ChangeView, viewChange } from './change-view.ts';
import type { MergedPolicy } from './policies.ts';

/** Something that stands against a part of a policy, or is to be known of it. */
export interface Remark {
  readonly reason: string;
  readonly message: string;
}

/** All that is to come of one policy. */
export interface PolicyReport {
  readonly namespace: string;
  readonly name: string;
  /** What the merge does to the policy itself; `none` for one that is in no file. */
  readonly merge: MergedPolicy['merge'];
  /** In the order in which the operator makes them. */
  readonly changes: readonly ChangeView[];
  /** What keeps some part from being as the policy asks, even when all of that is done. */
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
  /** Condition `Ready` as it will be. */
  readonly ready: { readonly status: string; readonly reason: string; readonly message: string };
}

/** What changes for somebody in a namespace. */
export interface PeopleReport extends Shift {
  readonly namespace: string;
}

/** A whole plan. */
export interface PlanReport {
  readonly policies: readonly PolicyReport[];
  readonly people: readonly PeopleReport[];
  /** Whether something would be written to Kubernetes or Keycloak. */
  readonly changes: boolean;
  /** When it was made, RFC 3339. */
  readonly plannedAt: string;
  /** What was not looked at, and what is taken for granted in its place. */
  readonly notes: readonly string[];
}

function remarkOf({ reason, message }: Violation): Remark {
  return { reason, message };
}

function readyOf({ end, violations }: Prospect): PolicyReport['ready'] {
  const ending = { left: NO_CHANGES, failures: [], changed: [], regenerated: undefined };
  const ready = conclusions(end, violations, ending).find(({ type }) => type === 'Ready');
  const { status = 'Unknown', reason = '', message = '' } = ready ?? {};
  return { status, reason, message };
}

const NO_END: Remark = {
  reason: 'NoEnd',
  message: 'no end to the changes was found: the operator would go on after these; tell its authors',
};

/** What is waited for, where nothing stands against the policy and it is not ready all the same. */
function awaited(
  { policy }: MergedPolicy,
  ready: PolicyReport['ready'],
  told: readonly Remark[],
): readonly Remark[] {
  const goes = policy.metadata.deletionTimestamp !== undefined;
  if (goes || ready.status === 'True' || told.length > 0) return [];
  return [{ reason: ready.reason, message: ready.message }];
}

const GOING: Remark = {
  reason: Reason.Deleting,
  message: 'it is being deleted already: what the files say has no effect until it is gone and applied again',
};

/** Whether the policy is gone in the end: nothing stands against what is not there any more. */
function isGone({ end: { policy } }: Prospect): boolean {
  const { deletionTimestamp, finalizers = [] } = policy.metadata;
  return deletionTimestamp !== undefined && !finalizers.includes(FINALIZER);
}

/** What is shown of one policy. */
export function reportPolicy(merged: MergedPolicy, prospect: Prospect): PolicyReport {
  const { merge, policy } = merged;
  const { namespace, name } = policy.metadata;
  const violations = isGone(prospect) ? [] : prospect.violations;
  const faults = violations.filter(isFault).map(remarkOf);
  const problems = prospect.quiet ? faults : [...faults, NO_END];
  const ready = readyOf(prospect);
  const waits = awaited(merged, ready, problems);
  const isProblem = ready.status === 'False';
  return {
    namespace,
    name,
    merge,
    changes: prospect.changes.flatMap(change => viewChange(change) ?? []),
    problems: [...problems, ...(isProblem ? waits : [])],
    warnings: [
      ...(merge !== 'delete' && policy.metadata.deletionTimestamp !== undefined ? [GOING] : []),
      ...violations.filter(each => !isFault(each)).map(remarkOf),
      ...(isProblem ? [] : waits),
    ],
    ready,
  };
}

/** One prospect of each namespace: what all policies there do, each of them sees. */
export function oneOfEachNamespace(prospects: readonly Prospect[]): ReadonlyMap<string, Prospect> {
  return new Map(
    prospects.toReversed().map(prospect => [prospect.start.policy.metadata.namespace, prospect] as const),
  );
}

/** What changes for members of groups, namespace by namespace. */
export function reportGroups(prospects: readonly Prospect[]): readonly PeopleReport[] {
  return [...oneOfEachNamespace(prospects)].flatMap(([namespace, { start, end }]) =>
    shiftsOfGroups({ namespace, before: start, after: end }).map(shift => ({ namespace, ...shift })),
  );
}

/** A time for a report. */
export function timeText(now: number): string {
  return formatTime(Math.floor(now / 1000) * 1000);
}
