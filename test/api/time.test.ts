import { describe, expect, it } from 'vitest';
import { parseTime } from '../../operator/api/time.ts';

describe('a time in RFC 3339', () => {
  it.each([
    ['2026-01-31T09:30:00Z', Date.UTC(2026, 0, 31, 9, 30)],
    ['2026-01-31t09:30:00z', Date.UTC(2026, 0, 31, 9, 30)],
    ['2026-01-31T09:30:00.5Z', Date.UTC(2026, 0, 31, 9, 30, 0, 500)],
    ['2026-03-01T00:30:00+01:00', Date.UTC(2026, 1, 28, 23, 30)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2026-12-31T23:59:59-12:00', Date.UTC(2027, 0, 1, 11, 59, 59)],
  ])('%s is read', (text, time) => {
    expect(parseTime(text)).toBe(time);
  });

  it.each([
    '2026-02-29T09:30:00Z',
    '2026-02-31T09:30:00Z',
    '2026-04-31T09:30:00+02:00',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31',
    '2026-01-31T09:30:00',
    '',
  ])('"%s" is none, rather than another day', text => {
    expect(parseTime(text)).toBeUndefined();
  });
});
