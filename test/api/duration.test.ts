import { describe, expect, it } from 'vitest';
import { describeDuration } from '../../operator/api/duration.ts';

const MINUTE = 60_000;

describe('a duration for people', () => {
  it.each([
    [10 * MINUTE, '10 minutes'],
    [61 * MINUTE, '61 minutes'],
    [11.5 * MINUTE, '11.5 minutes'],
    [120 * MINUTE, '2 hours'],
    [(720 * 60 + 10) * MINUTE, '720 hours and 10 minutes'],
    [(3 * 60 + 1) * MINUTE, '3 hours and 1 minute'],
    [180.5 * MINUTE, '3 hours and 1 minute'],
  ])('%d ms: %s', (ms, text) => {
    expect(describeDuration(ms)).toBe(text);
  });
});
