import { isDeepStrictEqual } from 'node:util';
import { validateUpdate } from '../../api/immutable.ts';
import { FINALIZER } from '../../api/names.ts';
import type { ObjectMeta, Policy } from '../../api/objects.ts';
import { formatTime } from '../../api/time.ts';
import { unknownText } from '../../policy/simulate-unknown.ts';
import type { Finding } from '../validate/finding.ts';
import type { FilePolicy } from './files.ts';

/** A policy as it will be once the files are merged, and as it is. */
export interface MergedPolicy {
  readonly policy: Policy;
  /** As it is in the cluster; undefined where it is not there yet. */
  readonly before: Policy | undefined;
  /** What the merge does to it; `none` for one that is in no file, and stays. */
  readonly merge: 'create' | 'update' | 'same' | 'delete' | 'none';
}

/** What is merged into what. */
export interface Merge {
  readonly files: readonly FilePolicy[];
  /** The policies of the cluster. */
  readonly present: readonly Policy[];
  /** Namespaces of which the merge deletes the policies that are in no file. */
  readonly pruned: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

function keyOf({ metadata: { namespace, name } }: Policy): string {
  return `${namespace}/${name}`;
}

/** As the API server dates objects. */
function toSecond(time: number): string {
  return formatTime(Math.floor(time / 1000) * 1000);
}

/** The policies of the cluster once the files are merged: those of the files first, in their order. */
export function mergePolicies({ files, present, pruned, now }: Merge): readonly MergedPolicy[] {
  const known = new Map(present.map(policy => [keyOf(policy), policy]));
  const named = new Set(files.map(({ policy }) => keyOf(policy)));
  const merged = files.map((file, order) => mergeOne(file, known.get(keyOf(file.policy)), order, now));
  const others = present.filter(policy => !named.has(keyOf(policy)));
  return [...merged, ...others.flatMap(policy => leave(policy, pruned, now))];
}

function mergeOne(
  { policy, labels, annotations }: FilePolicy,
  before: Policy | undefined,
  order: number,
  now: number,
): MergedPolicy {
  const { namespace, name } = policy.metadata;
  if (before === undefined) {
    const metadata: ObjectMeta = {
      namespace,
      name,
      // In the order of the files: of those that come in one moment, nobody knows which will be the older.
      uid: unknownText('policy', String(order).padStart(6, '0'), namespace, name),
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: toSecond(now),
      labels,
      annotations,
    };
    return { policy: { ...policy, metadata }, before, merge: 'create' };
  }
  const changes = !isDeepStrictEqual(policy.spec, before.spec);
  const { generation = 0 } = before.metadata;
  const metadata: ObjectMeta = {
    ...before.metadata,
    generation: changes ? generation + 1 : generation,
    labels: { ...before.metadata.labels, ...labels },
    annotations: { ...before.metadata.annotations, ...annotations },
  };
  const { invalid: _, ...kept } = before;
  return { policy: { ...kept, metadata, spec: policy.spec }, before, merge: changes ? 'update' : 'same' };
}

function leave(policy: Policy, pruned: ReadonlySet<string>, now: number): readonly MergedPolicy[] {
  const { namespace, finalizers = [], deletionTimestamp = toSecond(now) } = policy.metadata;
  if (!pruned.has(namespace)) return [{ policy, before: policy, merge: 'none' }];
  // Without the finalizer it goes at once, and has nothing to take along.
  if (!finalizers.includes(FINALIZER)) return [];
  const metadata = { ...policy.metadata, deletionTimestamp };
  return [{ policy: { ...policy, metadata }, before: policy, merge: 'delete' }];
}

/** What the API server would refuse, for a policy that exists can only change so far. */
export function refusedUpdates(files: readonly FilePolicy[], present: readonly Policy[]): readonly Finding[] {
  const known = new Map(present.map(policy => [keyOf(policy), policy]));
  return files.flatMap(({ policy, placeOf }) => {
    const before = known.get(keyOf(policy));
    if (before === undefined || before.invalid !== undefined) return [];
    return validateUpdate(before.spec, policy.spec).map(({ field, message }) => ({
      ...placeOf(field),
      severity: 'error' as const,
      rule: 'Immutable',
      policy: keyOf(policy),
      field,
      message,
    }));
  });
}
