const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
/** Jitter is at most this, in milliseconds. */
const MAX_JITTER = 10 * 60_000;
const SECOND = 1000;

/** FNV-1a of a text's UTF-8 bytes, 64 bits: spreads and tells apart, keeps nothing secret. */
export function fnv1a(text: string): bigint {
  return new TextEncoder()
    .encode(text)
    .reduce((hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME), OFFSET);
}

/**
 * How much later than a tick a policy rotates, in whole seconds as milliseconds: always the same for a policy, and at
 * most a tenth of the time between ticks and ten minutes.
 */
export function jitterOf(uid: string, shortestPeriod: number): number {
  const steps = Math.floor(Math.min(MAX_JITTER, shortestPeriod / 10) / SECOND);
  return Number(fnv1a(uid) % BigInt(steps + 1)) * SECOND;
}

/**
 * Marks pods by what Argo Server reads at its start: the Secret that it read, which of its values, and the settings
 * that are not secret, as text. Made of nothing secret.
 */
export function revisionMark(secretUid: string, revision: number, settings: string): string {
  const hash = fnv1a(`${secretUid}\n${settings}`).toString(16).padStart(16, '0');
  return `${revision}-${hash}`;
}

/** The revision that a mark tells of; undefined where it is none of ours. */
export function markedRevision(mark: string | undefined): number | undefined {
  const revision = /^([1-9][0-9]{0,7})-[0-9a-f]{16}$/.exec(mark ?? '')?.[1];
  return revision === undefined ? undefined : Number(revision);
}
