import type { Condition } from '../api/status-schema.ts';
import type { Reason } from './reasons.ts';

/** Types of conditions on a policy. */
export type ConditionType =
  | 'Ready'
  | 'Reconciling'
  | 'Stalled'
  | 'ClientReady'
  | 'SecretReady'
  | 'ServerReady'
  | 'RolesReady';

/** A condition as concluded, before it is compared with the one that stands. */
export interface Conclusion {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

const MAX_MESSAGE = 4096;

/**
 * A text cut to a number of UTF-16 units. Half of a pair of surrogates at the cut is replaced, as the API server
 * would do: a message that is stored differently from what was sent would be written again and again.
 */
export function shortened(text: string, max: number): string {
  return text.slice(0, max).toWellFormed();
}

/**
 * The conditions for the status: the only place that sets `lastTransitionTime`, which moves when the status of a
 * condition changes and stays otherwise, and `observedGeneration`.
 */
export function setConditions(
  present: readonly Condition[],
  conclusions: readonly Conclusion[],
  generation: number,
  now: string,
): readonly Condition[] {
  return conclusions.map(({ type, status, reason, message }) => {
    const before = present.find(condition => condition.type === type);
    return {
      type,
      status,
      reason,
      message: shortened(message, MAX_MESSAGE),
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      observedGeneration: generation,
    };
  });
}
