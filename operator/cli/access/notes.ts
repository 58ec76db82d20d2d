import { ask } from './ask.ts';

/** What could not be looked at, each once, for people. */
export type Note = (text: string) => void;

/** Gives the answer, or, where the user may not ask, notes what is not known for that, and gives undefined. */
export async function orNote<T>(note: Note, what: string, asking: Promise<T>): Promise<T | undefined> {
  const answer = await ask(asking);
  if ('known' in answer) return answer.known;
  note(`${what}: ${answer.unknown}`);
  return undefined;
}
