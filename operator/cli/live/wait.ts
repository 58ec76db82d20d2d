import { parseDuration } from '../../api/duration.ts';
import { CommandFailure, ExitCode } from '../terminal.ts';
import { isKind } from './failure.ts';
import { pause } from './interrupt.ts';

const ROUND_MS = 500;

/** A duration of the command line in milliseconds; ends the command where it is none. */
export function timeoutMs(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new CommandFailure(`--timeout ${text}: must be a duration such as 90s or 5m`, ExitCode.Failed);
}

/** What one look is told of the wait. */
export interface Round {
  /** Since its beginning, in milliseconds. */
  readonly elapsed: number;
  /** Whether there is no other look after this one. */
  readonly isLast: boolean;
}

/**
 * Looks again and again until a look gives something, which the last one has to. A cluster that does not answer for a
 * while ends it only where it does not answer the last time either.
 */
export async function waitFor<T>(
  timeout: number,
  signal: AbortSignal,
  look: (round: Round) => Promise<T | undefined>,
): Promise<T> {
  const begun = Date.now();
  for (;;) {
    const elapsed = Date.now() - begun;
    const isLast = elapsed >= timeout;
    const found = await look({ elapsed, isLast }).catch(error => {
      if (isLast || !(isKind(error, 'Unavailable') || isKind(error, 'TooManyRequests'))) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (isLast) throw new Error('the last look gave nothing');
    await pause(Math.max(0, Math.min(ROUND_MS, begun + timeout - Date.now())), signal);
  }
}
