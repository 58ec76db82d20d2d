import { describe, expect, it } from 'vitest';
import { fnv1a, jitterOf, revisionMark } from '../../operator/policy/rotation-hash.ts';
import { days, hours, minutes } from './rotation-fixtures.ts';

const UIDS = Array.from({ length: 1000 }, (_, index) => `uid-${index}`);

describe('fnv1a', () => {
  // Test vectors of the reference (www.isthe.com/chongo/tech/comp/fnv).
  it.each([
    ['', 0xcbf29ce484222325n],
    ['a', 0xaf63dc4c8601ec8cn],
    ['foobar', 0x85944171f73967e8n],
  ])('gives the reference value of "%s"', (text, expected) => {
    expect(fnv1a(text)).toBe(expected);
  });
});

describe('jitterOf', () => {
  it('is the same for a policy every time', () => {
    expect(jitterOf('uid-1', days(1))).toBe(jitterOf('uid-1', days(1)));
  });

  it.each([
    ['a daily schedule', days(1), minutes(10)],
    ['an hourly schedule', hours(1), minutes(6)],
    ['a schedule without ticks', Number.POSITIVE_INFINITY, minutes(10)],
  ])('of %s is whole seconds within its limit, and uses all of it', (_, period, limit) => {
    const all = UIDS.map(uid => jitterOf(uid, period));
    expect(all.every(jitter => jitter >= 0 && jitter <= limit && jitter % 1000 === 0)).toBe(true);
    expect(Math.max(...all)).toBeGreaterThan(limit * 0.95);
    expect(Math.min(...all)).toBeLessThan(limit * 0.05);
  });

  it('spreads many policies over the time: no more than a few in one second', () => {
    const counts = new Map<number, number>();
    for (const uid of UIDS.slice(0, 200)) {
      const jitter = jitterOf(uid, days(1));
      counts.set(jitter, (counts.get(jitter) ?? 0) + 1);
    }
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(5);
  });
});

describe('revisionMark', () => {
  it('begins with the revision, for people', () => {
    expect(revisionMark('uid', 7, 'settings')).toMatch(/^7-[0-9a-f]{16}$/);
  });

  it('differs where Secret, revision or settings do', () => {
    const marks = [
      revisionMark('uid', 1, 'settings'),
      revisionMark('other', 1, 'settings'),
      revisionMark('uid', 2, 'settings'),
      revisionMark('uid', 1, 'others'),
      revisionMark('uids', 1, 'ettings'),
    ];
    expect(new Set(marks).size).toBe(marks.length);
    expect(revisionMark('uid', 1, 'settings')).toBe(marks[0]);
  });
});
