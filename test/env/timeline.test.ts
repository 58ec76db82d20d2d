import { describe, expect, it } from 'vitest';
import { drawTimeline, type TimelineLogin } from './timeline.ts';

const START = 1_800_000_000_000;
const login = (openedAt: number, doneAt: number, ok = true): TimelineLogin => ({
  openedAt: START + openedAt,
  doneAt: START + doneAt,
  ok,
});
const step = (at: number, name: string) => ({ at: START + at, name });
const lines = (text: string) => text.split('\n');
const many = (count: number, of: TimelineLogin) => Array.from({ length: count }, () => of);

describe('the timeline of logins', () => {
  it('draws logins above the steps, and tells for each step what was open across it and what failed', () => {
    const steps = [step(2000, 'Keycloak has a new secret'), step(4000, 'Argo Server has it')];
    const logins = [
      login(0, 500),
      login(900, 1000),
      login(1000, 7700),
      login(1900, 2100, false),
      login(2200, 2200, false),
      login(3000, 3100, false),
      login(3900, 4100),
      login(5000, 7700),
      login(5000, 7700, false),
    ];
    expect(lines(drawTimeline(steps, logins, 80))).toEqual([
      '9 logins, 4 failed: each # is one login that went well, each x one that failed',
      '|                                                                              #',
      '|                                                                              #',
      '|      #    #          xx        x         #                                   x',
      '+-------------------------------------------------------------------------------',
      '                      A                   B',
      '  0.00 s             1.90 s             3.80 s             5.70 s         7.70 s',
      '',
      '                                             at  open across  ended then  failed',
      '   before                                0.00 s            0           2       0',
      'A  Keycloak has a new secret             2.00 s            2           3       3',
      'B  Argo Server has it                    4.00 s            2           4       1',
    ]);
  });

  it('lets no failure vanish among many logins, and stays within its height', () => {
    const logins = [...many(600, login(0, 0)), login(0, 0, false), login(0, 1000)];
    const [head = '', ...rest] = lines(drawTimeline([], logins, 100));
    const chart = rest.slice(
      0,
      rest.findIndex(line => line.startsWith('+')),
    );
    expect(head).toContain('602 logins, 1 failed: each # is up to 101 logins that went well');
    expect(chart.map(line => line[2])).toEqual(['#', '#', '#', '#', '#', '#', 'x']);
    expect(chart.at(-1)?.at(-1)).toBe('#');
  });

  it('gives each of several steps of one moment a column of its own, also at the right end', () => {
    const steps = [step(0, 'begin'), step(0, 'at once'), step(7700, 'end'), step(7700, 'end of the end')];
    const text = drawTimeline(steps, [], 80);
    expect(lines(text)[2]).toBe(`  AB${' '.repeat(74)}DC`);
  });

  it('puts steps in the order of their times, and cuts a name that does not fit', () => {
    const name = 'a name that goes on and on, though there is room only for some thirty letters';
    const text = drawTimeline([step(900, 'later'), step(100, name)], [login(0, 1000)], 80);
    expect(text).toMatch(/^A {2}a name that goes on and on, though… {3}0\.10 s/m);
    expect(text).toMatch(/^B {2}later {3}/m);
  });

  it('is no wider than it may be', () => {
    const logins = many(50, login(0, 90_000)).map((each, index) => ({
      ...each,
      doneAt: START + index * 2000,
    }));
    const steps = many(30, login(0, 0)).map((_, index) => step(index * 3000, `step ${index}`));
    for (const width of [80, 100, 120]) {
      const widths = lines(drawTimeline(steps, logins, width)).map(({ length }) => length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(width);
    }
  });

  it('draws a single moment, and says so where there is nothing to draw', () => {
    expect(drawTimeline([step(0, 'alone')], [], 80)).toContain('A  alone');
    expect(drawTimeline([], [], 80)).toBe('no steps and no logins');
  });
});
