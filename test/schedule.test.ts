import { describe, expect, it } from 'vitest';
import type { Schedule } from '../operator/policy/schedule-types.ts';
import { parseSchedule } from '../operator/schedule.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(text);

function scheduleOf(text: string, timeZone = 'UTC'): Schedule {
  const parsed = parseSchedule(text, timeZone);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.schedule;
}

/** All ticks after one time and up to another. */
function ticks({ tickAfter }: Schedule, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let tick = tickAfter(from); tick !== undefined && tick <= to; tick = tickAfter(tick)) found.push(tick);
  return found;
}

const texts = (list: readonly number[]) => list.map(tick => new Date(tick).toISOString().slice(0, 16));

function localDay(tick: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(tick);
}

const ZONES = [
  'UTC',
  'Asia/Kolkata',
  'Europe/Berlin',
  'America/New_York',
  // Clocks here change by half an hour, at midnight, and by two hours.
  'Australia/Lord_Howe',
  'America/Santiago',
  'Antarctica/Troll',
];

describe('parseSchedule', () => {
  describe.each(ZONES)('a daily schedule in %s', timeZone => {
    it.each(['0 0', '30 0', '0 1', '30 1', '59 1', '0 2', '15 2', '30 2', '0 3', '0 12'])(
      'at "%s" comes exactly once on each day of a year',
      time => {
        const [from, to] = [at('2026-01-01T12:00:00Z'), at('2027-01-01T12:00:00Z')];
        const days = ticks(scheduleOf(`${time} * * *`, timeZone), from, to).map(t => localDay(t, timeZone));
        expect(new Set(days).size).toBe(days.length);
        expect(days.length).toBe(365);
      },
    );
  });

  it.each([
    // Clocks go from 2:00 to 3:00: what would be at 2:30 comes at 3:00, right after the skipped hour.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    // Clocks go from 3:00 back to 2:00, or from 2:00 back to 1:00: the first of the two counts.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['2026-11-01T05:30', '2026-11-02T06:30']],
    // Nothing special where clocks do not change.
    ['30 2 * * *', 'Asia/Kolkata', '2026-03-28T12:00Z', ['2026-03-28T21:00', '2026-03-29T21:00']],
    ['30 2 * * *', 'UTC', '2026-03-28T12:00Z', ['2026-03-29T02:30', '2026-03-30T02:30']],
    // A schedule that is for that one hour of the year.
    ['30 2 29 3 *', 'Europe/Berlin', '2026-03-01T00:00Z', ['2026-03-29T01:00', '2027-03-29T00:30']],
    ['0 3 * * 0', 'Europe/Berlin', '2026-03-27T00:00Z', ['2026-03-29T01:00', '2026-04-05T01:00']],
  ])('reads "%s" in %s after %s as %j', (text, timeZone, from, expected) => {
    const schedule = scheduleOf(text, timeZone);
    const first = schedule.tickAfter(at(from));
    expect(texts([first ?? 0, schedule.tickAfter(first ?? 0) ?? 0])).toEqual(expected);
  });

  it.each(ZONES)(
    'in %s the next tick from any minute around a change of clocks is the first after it',
    zone => {
      for (const change of [
        '2026-03-07',
        '2026-03-28',
        '2026-04-04',
        '2026-09-05',
        '2026-10-24',
        '2026-10-31',
      ]) {
        const from = at(`${change}T12:00:00Z`);
        const schedule = scheduleOf('30 2 * * *', zone);
        const all = ticks(schedule, from - DAY, from + 3 * DAY);
        for (let time = from; time < from + DAY; time += 1_799_000) {
          expect(schedule.tickAfter(time)).toBe(all.find(tick => tick > time));
        }
      }
    },
  );

  it.each([
    ['@hourly', '2026-01-01T01:00'],
    ['@daily', '2026-01-02T00:00'],
    ['@midnight', '2026-01-02T00:00'],
    ['@weekly', '2026-01-04T00:00'],
    ['@monthly', '2026-02-01T00:00'],
    ['@yearly', '2027-01-01T00:00'],
    ['@annually', '2027-01-01T00:00'],
    ['0 3 * * MON-FRI', '2026-01-01T03:00'],
    ['0 3 * * 7', '2026-01-04T03:00'],
    [' 0  3 1,15 * * ', '2026-01-01T03:00'],
    ['*/20 * * * *', '2026-01-01T00:20'],
    ['0 0 29 2 *', '2028-02-29T00:00'],
    // Either day of month or day of week, as cron has it.
    ['0 0 13 * 5', '2026-01-02T00:00'],
  ])('reads %s', (text, expected) => {
    expect(texts([scheduleOf(text).tickAfter(at('2026-01-01T00:00:00Z')) ?? 0])).toEqual([expected]);
  });

  it('gives the same answers when it is asked again', () => {
    const [first, again] = [
      parseSchedule('0 4 * * *', 'Asia/Kolkata'),
      parseSchedule('0 4 * * *', 'Asia/Kolkata'),
    ];
    expect(again).toEqual(first);
    const elsewhere = scheduleOf('0 4 * * *', 'UTC');
    expect(elsewhere.tickAfter(at('2026-01-01T00:00:00Z'))).toBe(at('2026-01-01T04:00:00Z'));
    expect(scheduleOf('0 4 * * *', 'Asia/Kolkata').tickAfter(at('2026-01-01T00:00:00Z'))).toBe(
      at('2026-01-01T22:30:00Z'),
    );
  });

  it('comes strictly after the time given', () => {
    const { tickAfter } = scheduleOf('0 3 * * *');
    expect(tickAfter(at('2026-01-01T03:00:00Z'))).toBe(at('2026-01-02T03:00:00Z'));
    expect(tickAfter(at('2026-01-01T02:59:59.999Z'))).toBe(at('2026-01-01T03:00:00Z'));
  });

  it.each([
    ['', 'is not five fields'],
    ['soon', 'is not five fields'],
    ['0 3 * *', 'is not five fields'],
    ['0 0 3 * * *', 'is not five fields'],
    ['@reboot', 'is not five fields'],
    ['@every 5m', 'is not five fields'],
    ['2026-01-01T03:00:00', 'is not five fields'],
    ['TZ=UTC 0 3 * * *', 'is not five fields'],
    ['60 3 * * *', 'cannot be read'],
    ['0 3 * * MOON', 'cannot be read'],
    ['0 22-4 * * *', 'cannot be read'],
    ['0 0 30 2 *', 'never comes'],
  ])('refuses the schedule "%s", which %s, with the remedy', (text, problem) => {
    const parsed = parseSchedule(text, 'UTC');
    expect(parsed).toMatchObject({ ok: false, field: 'schedule', message: expect.stringContaining(problem) });
    expect(parsed).toMatchObject({ message: expect.stringContaining('such as "0 3 * * 0"') });
  });

  it.each(['', 'Mars/Phobos', '+02:00', 'GMT+2'])('refuses the time zone "%s", with the remedy', timeZone => {
    expect(parseSchedule('@daily', timeZone)).toEqual({
      ok: false,
      field: 'timeZone',
      message: `time zone "${timeZone}" is unknown; give a name of the IANA database, such as Europe/Berlin or UTC`,
    });
  });

  it.each([
    ['@daily', 'UTC', 24 * HOUR],
    ['@weekly', 'UTC', 7 * DAY],
    ['*/20 * * * *', 'UTC', HOUR / 3],
    ['0 3,5 * * *', 'UTC', 2 * HOUR],
    ['59 23 * * 0', 'UTC', 7 * DAY],
    ['0 23,1 * * *', 'UTC', 2 * HOUR],
    // The night in which clocks are put forward is an hour shorter.
    ['0 12 * * *', 'Europe/Berlin', 23 * HOUR],
    ['0 12 * * *', 'America/New_York', 23 * HOUR],
    ['0 12 * * *', 'Asia/Kolkata', 24 * HOUR],
  ])('knows the shortest time between ticks of "%s" in %s', (text, timeZone, expected) => {
    expect(scheduleOf(text, timeZone).shortestPeriod).toBe(expected);
  });
});
