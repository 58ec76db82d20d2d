import { isDeepStrictEqual } from 'node:util';
import { holds } from './print.ts';

/** An expectation of the demo that does not hold: it ends there. */
export class Disappointment extends Error {
  override readonly name = 'Disappointment';
}

/** Says what holds, or fails with what was found instead. */
export function expect(what: string, found: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(found, wanted)) {
    throw new Disappointment(
      `${what}\nexpected ${JSON.stringify(wanted)}\nfound    ${JSON.stringify(found)}`,
    );
  }
  holds(what);
}
