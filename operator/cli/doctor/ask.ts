import { isKind } from '../live/failure.ts';
import { CommandFailure } from '../terminal.ts';
import type { Known } from './snapshot.ts';

/** The answer; where the user may not ask, why it is not known. All else ends the command. */
export async function ask<T>(asking: Promise<T>): Promise<Known<T>> {
  try {
    return { known: await asking };
  } catch (error) {
    if (!isKind(error, 'Forbidden') || !(error instanceof CommandFailure)) throw error;
    return { unknown: error.message };
  }
}

/** What Argo's engine says; where it does not, as when it is not there, why. */
export async function orWhy<T>(judging: Promise<T>, signal: AbortSignal): Promise<Known<T>> {
  try {
    return { known: await judging };
  } catch (error) {
    signal.throwIfAborted();
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}
