import type { Policy } from '../../api/objects.ts';
import { parseTime } from '../../api/time.ts';
import type { Resource } from '../../kubernetes/paths.ts';
import type { Cluster } from './cluster.ts';

/** Something that was told of a policy. */
export interface PolicyEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** When it was last told, RFC 3339. */
  readonly time: string;
  readonly count: number;
}

interface RawEvent {
  readonly metadata: { readonly name: string; readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

const EVENTS: Resource = { apiVersion: 'v1', kind: 'Event', group: '', plural: 'events' };

/** The events of a policy that the API server still has, by default of an hour; the oldest first. */
export async function readEvents(cluster: Cluster, { metadata }: Policy): Promise<readonly PolicyEvent[]> {
  const { namespace, name, uid } = metadata;
  const fieldSelector = `involvedObject.name=${name},involvedObject.uid=${uid}`;
  return inOrder(await cluster.list<RawEvent>(EVENTS, namespace, { fieldSelector }));
}

/** Events are dated to the second; those of one second come in the order of their names, as the operator gives them. */
export function inOrder(raw: readonly RawEvent[]): readonly PolicyEvent[] {
  const keyOf = (event: RawEvent) => `${parseTime(timeOf(event)) ?? 0} ${event.metadata.name}`;
  return raw
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(event => ({
      type: event.type ?? '',
      reason: event.reason ?? '',
      message: event.message ?? '',
      time: timeOf(event),
      count: event.count ?? 1,
    }));
}

function timeOf({ lastTimestamp, eventTime, firstTimestamp, metadata }: RawEvent): string {
  return lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp ?? '';
}
