import { isKind } from '../live/failure.ts';
import { CommandFailure } from '../terminal.ts';

/** What could not be looked at, each once, for people. */
export type Note = (text: string) => void;

/** Gives the answer, or, where the user may not ask, notes what is not known for that, and gives undefined. */
export async function orNote<T>(note: Note, what: string, asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (!isKind(error, 'Forbidden') || !(error instanceof CommandFailure)) throw error;
    note(`${what}: ${error.message}`);
    return undefined;
  }
}
