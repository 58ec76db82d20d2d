import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../api/names.ts';
import { parseTime } from '../api/time.ts';
import { keysBelow, type ManagedEntry, type RawObject } from './decode.ts';

const TEMPLATE_ANNOTATIONS = ['f:spec', 'f:template', 'f:metadata', 'f:annotations'];

/** Who holds fields of the object itself; status and scale have entries of their own. */
function entriesOf({ metadata }: RawObject): readonly ManagedEntry[] {
  return (metadata?.managedFields ?? []).filter(({ subresource }) => subresource === undefined);
}

/**
 * How others hold the mark on a Deployment's pod template: by server-side apply, which says that they want it so, or by
 * updates alone, as `kubectl rollout undo`, `kubectl edit` and a restored backup leave behind; undefined where nobody
 * does. An update under our own name is one of those: our writes are applied.
 */
export function markHeldIn(raw: RawObject): 'Apply' | 'Update' | undefined {
  const others = entriesOf(raw).filter(
    ({ manager, operation, fieldsV1 }) =>
      !(manager === FIELD_MANAGER && operation === 'Apply') &&
      keysBelow(fieldsV1, ...TEMPLATE_ANNOTATIONS).includes(ANNOTATION_ROLLED),
  );
  if (others.length === 0) return undefined;
  return others.some(({ operation }) => operation === 'Apply') ? 'Apply' : 'Update';
}

/** When somebody last changed the spec, at the earliest, by the API server's clock, in milliseconds since the epoch. */
export function specChangedAt(raw: RawObject): number | undefined {
  const times = entriesOf(raw)
    .filter(({ fieldsV1 }) => keysBelow(fieldsV1, 'f:spec').length > 0)
    .flatMap(({ time }) => parseTime(time) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}
