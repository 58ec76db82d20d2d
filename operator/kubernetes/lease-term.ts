import { type Clock, SYSTEM_CLOCK } from './queue.ts';

/** A clock that also counts time which nobody sets. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some moment; goes neither back nor ahead of time. */
  readonly elapsed: () => number;
}

/** The machine's clock, and the time since the process began. */
export const STEADY_CLOCK: SteadyClock = { ...SYSTEM_CLOCK, elapsed: () => performance.now() };

/** A moment on both hands of a clock. */
export interface Moment {
  readonly set: number;
  readonly steady: number;
}

/** The time now. */
export function momentOf(clock: SteadyClock): Moment {
  return { set: clock.now(), steady: clock.elapsed() };
}

/** Times during which we lead. */
export interface Term {
  /** Whether we lead; false from the instant at which the time is up, whether or not a timer has run. */
  readonly isHeld: () => boolean;
  /** Begins a term, or prolongs the one there is, by a request that was sent at that moment. */
  readonly hold: (sent: Moment) => void;
  /** Ends the term, where there is one. */
  readonly end: (why: string) => void;
}

/** How terms begin and end. */
export interface TermOptions {
  readonly clock: SteadyClock;
  /** How long a term lasts without being prolonged, in milliseconds. */
  readonly lastsMs: number;
  readonly onBegin: (signal: AbortSignal) => void;
  readonly onEnd: (why: string) => void;
}

/** Counts our terms, by our own clock. */
export function createTerm({ clock, lastsMs, onBegin, onEnd }: TermOptions): Term {
  let running: { readonly renewed: Moment; readonly leading: AbortController } | undefined;
  let stopTimer = () => {};

  /**
   * Time left. The steady clock stands still while a machine is suspended, and the other one may be set: whichever
   * has gone further counts, for to end too early does no harm.
   */
  const left = (since: Moment) => lastsMs - Math.max(clock.now() - since.set, clock.elapsed() - since.steady);
  const isHeld = () => running !== undefined && left(running.renewed) > 0;
  const end = (why: string) => {
    stopTimer();
    if (running === undefined) return;
    const { leading } = running;
    running = undefined;
    leading.abort();
    onEnd(why);
  };
  const watch = () => {
    if (running === undefined) return;
    const ms = left(running.renewed);
    if (ms <= 0) end(`not renewed within ${lastsMs / 1000} s`);
    else stopTimer = clock.after(ms, watch);
  };
  return {
    isHeld,
    end,
    hold: sent => {
      // Where the time was up before an answer came, others may count on that: it is another term.
      if (!isHeld()) end(`not renewed within ${lastsMs / 1000} s`);
      if (left(sent) <= 0) return;
      const leading = running?.leading;
      stopTimer();
      running = { renewed: sent, leading: leading ?? new AbortController() };
      watch();
      if (leading === undefined) onBegin(running.leading.signal);
    },
  };
}
