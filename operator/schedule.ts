import { Cron } from 'croner';
import type { ParsedSchedule, Schedule } from './policy/schedule-types.ts';

const FIELDS = 5;
const MACROS: ReadonlySet<string> = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);
/** Ticks looked at for the shortest time between two: more than a year of daily ones, changes of clocks included. */
const TICKS = 400;

/** So many schedules are kept once they are read: each is looked at again in every reconcile. */
const MAX_KEPT = 1000;
const kept = new Map<string, ParsedSchedule>();

/**
 * Reads five fields of cron, or a macro such as `@daily`, in an IANA time zone. Where clocks skip an hour, a daily
 * tick inside it comes at its end; where they repeat one, it comes in the first: once a day in either case.
 */
export function parseSchedule(text: string, timeZone: string): ParsedSchedule {
  const key = JSON.stringify([text, timeZone]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const parsed = parse(text, timeZone);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, parsed);
  return parsed;
}

function parse(text: string, timeZone: string): ParsedSchedule {
  if (!isTimeZone(timeZone)) {
    const message = `time zone ${JSON.stringify(timeZone)} is unknown; give a name of the IANA database, such as Europe/Berlin or UTC`;
    return { ok: false, field: 'timeZone', message };
  }
  const refuse = (problem: string): ParsedSchedule => {
    const message = `${JSON.stringify(text)} ${problem}; give five fields of cron, such as "0 3 * * 0", or a macro such as @daily`;
    return { ok: false, field: 'schedule', message };
  };
  const words = text.trim().split(/\s+/);
  if (words.length !== FIELDS && !MACROS.has(text.trim()))
    return refuse('is not five fields or a known macro');
  let cron: Cron;
  try {
    cron = new Cron(text.trim(), { timezone: timeZone, mode: '5-part', paused: true });
  } catch (error) {
    return refuse(`cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const tickAfter = rememberingLast((time: number) => cron.nextRun(new Date(time))?.getTime());
  if (tickAfter(0) === undefined) return refuse('names a day that never comes');
  return { ok: true, schedule: { tickAfter, shortestPeriod: shortestPeriod(tickAfter) } };
}

/** Asked several times in each look, and mostly about the same time. */
function rememberingLast(tickAfter: Schedule['tickAfter']): Schedule['tickAfter'] {
  const answers = new Map<number, number | undefined>();
  return time => {
    if (!answers.has(time)) {
      if (answers.size >= MAX_KEPT) answers.clear();
      answers.set(time, tickAfter(time));
    }
    return answers.get(time);
  };
}

/** Names only: an offset such as +02:00 would not follow a change of clocks. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function shortestPeriod(tickAfter: Schedule['tickAfter']): number {
  let shortest = Number.POSITIVE_INFINITY;
  let tick = tickAfter(Date.UTC(2026, 0, 1));
  for (let count = 0; count < TICKS && tick !== undefined; count += 1) {
    const next = tickAfter(tick);
    shortest = Math.min(shortest, (next ?? Number.POSITIVE_INFINITY) - tick);
    tick = next;
  }
  return shortest;
}
