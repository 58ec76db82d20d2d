import { describe, expect, it } from 'vitest';
import { type Conclusion, setConditions, shortened } from '../../operator/policy/conditions.ts';

const ready: Conclusion = { type: 'Ready', status: 'True', reason: 'InSync', message: 'fine' };
const before = [{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 }];
const NOW = '2026-03-01T00:00:00Z';

describe('a condition', () => {
  it.each([
    ['that is new has its time from now', [], ready, NOW],
    ['whose status stays keeps its time', before, ready, '2026-01-01T00:00:00Z'],
    [
      'whose reason and message change keeps its time',
      before,
      { ...ready, reason: 'GroupMissing', message: 'x' } as const,
      '2026-01-01T00:00:00Z',
    ],
    ['whose status changes has its time from now', before, { ...ready, status: 'False' } as const, NOW],
    ['of another type takes no time over', before, { ...ready, type: 'RolesReady' } as const, NOW],
  ])('%s', (_, present, conclusion, time) => {
    expect(setConditions(present, [conclusion], 2, NOW)).toEqual([
      { ...conclusion, lastTransitionTime: time, observedGeneration: 2 },
    ]);
  });

  it('that is not concluded any more is gone', () => {
    const stalled = {
      ...before[0],
      type: 'Stalled',
      status: 'True',
      reason: 'NameTaken',
      message: '',
    } as const;
    const present = [...before, { ...stalled, lastTransitionTime: NOW, observedGeneration: 1 }];
    expect(setConditions(present, [ready], 2, NOW).map(({ type }) => type)).toEqual(['Ready']);
  });

  const written = (message: string) => setConditions([], [{ ...ready, message }], 1, NOW)[0]?.message ?? '';
  const LONGEST = 32_768;
  const CUT = /… \(cut here, as a condition holds no more than 32768 characters\)$/;

  it('has the whole message as long as a condition can hold it', () => {
    const message = 'x'.repeat(LONGEST);
    expect(written(message)).toBe(message);
  });

  it('has a message that is not too long, says where it was cut, and is stored as it is sent', () => {
    const message = written(`x${'😀'.repeat(LONGEST / 2)}`);
    expect(message.length).toBeLessThanOrEqual(LONGEST);
    expect(message.isWellFormed()).toBe(true);
    expect(message).not.toContain('\uFFFD');
    expect(message).toMatch(CUT);
  });

  it('has a message that is never cut within a certificate', () => {
    const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
    const first = pem('A'.repeat(1000));
    const message = written(`write: ${first}${pem('B'.repeat(LONGEST))}scopes: []`);
    expect(message).toMatch(CUT);
    expect(message.startsWith(`write: ${first}…`)).toBe(true);
  });
});

describe('a text', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['ab😀', 4, 'ab😀'],
    ['ab😀', 3, 'ab\uFFFD'],
    ['', 3, ''],
  ])('%j cut to %d is %j', (text, max, expected) => {
    expect(shortened(text, max)).toBe(expected);
  });
});
