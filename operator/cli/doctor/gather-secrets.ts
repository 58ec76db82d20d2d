import { SecretValue } from '../../api/secret-value.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import { RESOURCES } from '../../kubernetes/paths.ts';
import { secretMetadata } from '../access/secret-metadata.ts';
import type { Cluster } from '../live/cluster.ts';
import { dataEntries, keysOf, writtenAt } from './gather-server.ts';
import type { KeyState, SecretSight } from './snapshot.ts';

/** A Secret, with values where they were read. */
export interface SecretRead {
  readonly sight: SecretSight;
  readonly values: ReadonlyMap<string, SecretValue>;
}

/** The keys that somebody is known to have written; others may be there all the same. */
function ownedKeys(raw: RawObject): ReadonlySet<string> {
  return new Set(dataEntries(raw).flatMap(keysOf));
}

function stateOf(value: string): KeyState {
  if (value === '') return 'empty';
  return value.trim() === value ? 'filled' : 'padded';
}

async function readValues(cluster: Cluster, name: string): Promise<SecretRead | undefined> {
  const raw = await cluster.get<RawObject>(RESOURCES.Secret, cluster.namespace, name);
  if (raw === undefined) return undefined;
  const { data = {} } = raw as { data?: Readonly<Record<string, string>> };
  const decoded = Object.entries(data).map(
    ([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')] as const,
  );
  const keys = new Map(decoded.map(([key, value]) => [key, stateOf(value)]));
  const values = new Map(decoded.map(([key, value]) => [key, new SecretValue(value)]));
  return { sight: { keys, changedAt: writtenAt(raw, new Set(keys.keys())) }, values };
}

/**
 * Looks at a Secret; undefined where it is not there. Its metadata tell who wrote which key, so that its values stay
 * where they are unless they are wanted, or a key is not among these: one that a backup restored need not be.
 *
 * @param wanted keys that it should have
 */
export async function readSecret(
  cluster: Cluster,
  name: string,
  wanted: readonly string[],
  withValues: boolean,
): Promise<SecretRead | undefined> {
  if (withValues) return readValues(cluster, name);
  const raw = await secretMetadata(cluster, cluster.namespace, name);
  if (raw === undefined) return undefined;
  const owned = ownedKeys(raw);
  if (wanted.some(key => !owned.has(key))) return readValues(cluster, name);
  const keys = new Map([...owned].map((key): [string, KeyState] => [key, 'there']));
  return { sight: { keys, changedAt: writtenAt(raw, owned) }, values: new Map() };
}
