/** An account of which only the precedence changes. */
export interface Shift {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** An account's place in Argo's order. */
export interface Place {
  readonly name: string;
  readonly precedence: number;
}

/** Whether a move leaves the account strictly above and below the same others. */
function keepsOrder(name: string, from: number, to: number, places: ReadonlyMap<string, number>): boolean {
  for (const [other, precedence] of places) {
    if (other === name) continue;
    const [was, is] = [Math.sign(from - precedence), Math.sign(to - precedence)];
    if (was !== is || is === 0) return false;
  }
  return true;
}

/** Takes moves in an order in which each one changes nothing for anyone, as many as there are. */
function safeMoves(shifts: readonly Shift[], places: readonly Place[]): readonly Shift[] {
  const positions = new Map(places.map(({ name, precedence }) => [name, precedence]));
  const done: Shift[] = [];
  let left = shifts;
  for (;;) {
    const next = left.find(({ name, from, to }) => keepsOrder(name, from, to, positions));
    if (next === undefined) return done;
    positions.set(next.name, next.to);
    done.push(next);
    left = left.filter(shift => shift !== next);
  }
}

/** The renumberings that can be done first: relative to everyone's present place they change no order. */
export function shiftsBefore(shifts: readonly Shift[], places: readonly Place[]): readonly Shift[] {
  return safeMoves(shifts, places);
}

/**
 * The renumberings that can be left to the end: relative to everyone's future place they change no order.
 * Found by going back from the end, so returned the other way round.
 */
export function shiftsAfter(shifts: readonly Shift[], future: readonly Place[]): readonly Shift[] {
  const back = shifts.map(({ name, from, to }) => ({ name, from: to, to: from }));
  return safeMoves(back, future)
    .toReversed()
    .map(({ name, from, to }) => ({ name, from: to, to: from }));
}
