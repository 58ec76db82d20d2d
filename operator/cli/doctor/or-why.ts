import type { Known } from '../access/ask.ts';

/** What Argo's engine says; where it does not, as when it is not there, why. */
export async function orWhy<T>(judging: Promise<T>, signal: AbortSignal): Promise<Known<T>> {
  try {
    return { known: await judging };
  } catch (error) {
    signal.throwIfAborted();
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}
