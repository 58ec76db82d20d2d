import { isKind } from '../live/failure.ts';
import { CommandFailure } from '../terminal.ts';

/** What was asked for; or, for people, why it is not known. */
export type Known<T> = { readonly known: T } | { readonly unknown: string };

/** The answer; where the user may not ask, why it is not known. All else ends the command. */
export async function ask<T>(asking: Promise<T>): Promise<Known<T>> {
  try {
    return { known: await asking };
  } catch (error) {
    if (!isKind(error, 'Forbidden') || !(error instanceof CommandFailure)) throw error;
    return { unknown: error.message };
  }
}
