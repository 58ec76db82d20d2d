/** When to rotate. Times in milliseconds since the epoch. */
export interface Schedule {
  /** The first tick strictly after a time; undefined where none comes. */
  readonly tickAfter: (time: number) => number | undefined;
  /** Shortest time between two ticks, in milliseconds; infinite where there are none. */
  readonly shortestPeriod: number;
}

/** A schedule, or what is wrong with it: which field, and a sentence with the remedy. */
export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: Schedule }
  | { readonly ok: false; readonly field: 'schedule' | 'timeZone'; readonly message: string };
