import { ANNOTATION_ROTATE_REQUESTED } from '../../api/names.ts';
import type { Policy } from '../../api/objects.ts';
import { formatTime, parseTime } from '../../api/time.ts';
import { Reason } from '../../policy/reasons.ts';
import { CLOCK_SKEW } from '../../policy/rotation-marks.ts';
import { keyOf } from '../live/policies.ts';
import { conditionOf } from '../status/view.ts';

/** Why nothing at all is done for a policy. */
const WHOLE: ReadonlySet<string> = new Set([
  Reason.NamespaceNotServed,
  Reason.InvalidSpec,
  Reason.NotAllowed,
  Reason.ConnectionUnknown,
]);

/** Why a request to rotate would come to nothing, with the remedy; undefined where it would not. */
export function whyNotRotated(policy: Policy): string | undefined {
  const { metadata, spec, status, invalid } = policy;
  const key = keyOf(policy);
  if (metadata.deletionTimestamp !== undefined)
    return `policy ${key} is being deleted, and its client with it`;
  if (invalid !== undefined) return `policy ${key} cannot be read: ${invalid}`;
  if (spec.client === undefined) {
    return `policy ${key} has no spec.client, and so no secret; rotate the policy of the login that it belongs to`;
  }
  if (spec.suspend) {
    return `policy ${key} is suspended; let it go on first: argo-access resume ${metadata.name} --namespace ${metadata.namespace}`;
  }
  const ready = conditionOf(policy, 'Ready');
  if (ready === undefined) return `the operator has not looked at policy ${key} yet; see whether it runs`;
  if (WHOLE.has(ready.reason)) return `nothing is done for policy ${key}: ${ready.reason}: ${ready.message}`;
  if (status?.secret !== undefined) return undefined;
  return `policy ${key} has no secret yet that could be replaced: ${ready.reason}: ${ready.message}`;
}

/**
 * The time to ask for: now, but later than what was asked for before, for each request acts once and an earlier one is
 * not followed. One that lies further ahead than clocks differ has not been followed, and is replaced.
 *
 * @param now milliseconds since the epoch
 */
export function requestTime({ metadata }: Policy, now: number): string {
  const asked = parseTime(metadata.annotations?.[ANNOTATION_ROTATE_REQUESTED]);
  const second = Math.floor(now / 1000) * 1000;
  const later = asked === undefined || asked > now + CLOCK_SKEW ? second : asked + 1000;
  return formatTime(Math.max(second, later));
}
