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

/** What the message of a condition may hold, in UTF-16 units: as Kubernetes' own (metav1.Condition). */
const MAX_MESSAGE = 32_768;
const CUT = `… (cut here, as a condition holds no more than ${MAX_MESSAGE} characters)`;
const PEM_BEGIN = '-----BEGIN ';
const PEM_END = /-----END [^-]+-----/;

/**
 * A text cut to a number of UTF-16 units. Half of a pair of surrogates at the cut is replaced, as the API server
 * would do: a message that is stored differently from what was sent would be written again and again.
 */
export function shortened(text: string, max: number): string {
  return text.slice(0, max).toWellFormed();
}

/** A message that fits; where it had to be cut it says so. Half a certificate is left out: somebody might paste it. */
function fitting(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const room = MAX_MESSAGE - CUT.length;
  const isHalf = /[\uD800-\uDBFF]$/.test(message.slice(0, room));
  const kept = message.slice(0, isHalf ? room - 1 : room);
  const begin = kept.lastIndexOf(PEM_BEGIN);
  const isOpen = begin >= 0 && !PEM_END.test(kept.slice(begin));
  return `${isOpen ? kept.slice(0, begin) : kept}${CUT}`.toWellFormed();
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
      message: fitting(message),
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      observedGeneration: generation,
    };
  });
}
