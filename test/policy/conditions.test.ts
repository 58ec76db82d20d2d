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

  it('has a message that is not too long, and that the API server stores as it is sent', () => {
    const [condition] = setConditions(
      [],
      [{ ...ready, message: `${'x'.repeat(4095)}😀${'x'.repeat(100)}` }],
      1,
      NOW,
    );
    expect(condition?.message).toHaveLength(4096);
    expect(condition?.message.isWellFormed()).toBe(true);
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
