/** Something that was done at a moment, in milliseconds since the epoch. */
export interface TimelineStep {
  readonly at: number;
  readonly name: string;
}

/** A login, as far as the chart shows it; times in milliseconds since the epoch. */
export interface TimelineLogin {
  readonly openedAt: number;
  readonly doneAt: number;
  readonly ok: boolean;
}

/** Rows of the tallest column. */
const HEIGHT = 6;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const OK = '#';
const FAILED = 'x';

interface Frame {
  readonly from: number;
  /** Milliseconds of one column. */
  readonly each: number;
  readonly columns: number;
}

function letter(index: number): string {
  return LETTERS[index] ?? '*';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function frameOf(times: readonly number[], columns: number): Frame {
  const [from, to] = [Math.min(...times), Math.max(...times)];
  return { from, each: Math.max((to - from) / (columns - 1), 1), columns };
}

function columnOf({ from, each, columns }: Frame, at: number): number {
  return Math.min(Math.floor((at - from) / each), columns - 1);
}

/** How many logins end in each column. */
function perColumn(frame: Frame, logins: readonly TimelineLogin[]): readonly number[] {
  const counts = new Array<number>(frame.columns).fill(0);
  for (const { doneAt } of logins) {
    const column = columnOf(frame, doneAt);
    counts[column] = (counts[column] ?? 0) + 1;
  }
  return counts;
}

/** Columns from the axis upwards, failures first; not one of them is lost by rounding. */
function bars(
  failed: readonly number[],
  ok: readonly number[],
): { readonly rows: string[]; readonly one: number } {
  const tallest = Math.max(...failed.map((count, column) => count + (ok[column] ?? 0)));
  const one = Math.max(Math.ceil(tallest / HEIGHT), 1);
  const columns = failed.map((count, column) => {
    const crosses = FAILED.repeat(Math.ceil(count / one));
    return crosses + OK.repeat(Math.ceil((ok[column] ?? 0) / one));
  });
  const height = Math.max(...columns.map(({ length }) => length));
  const row = (index: number) => columns.map(column => column[height - 1 - index] ?? ' ').join('');
  return { rows: Array.from({ length: height }, (_, index) => row(index)), one };
}

/** The steps' letters below their columns; of several in one column each goes to the next that is free. */
function marks(frame: Frame, steps: readonly TimelineStep[]): string {
  const line = new Array<string>(frame.columns).fill(' ');
  for (const [index, { at }] of steps.entries()) {
    const free = line.indexOf(' ', columnOf(frame, at));
    line[free === -1 ? line.lastIndexOf(' ') : free] = letter(index);
  }
  return line.join('');
}

/** Seconds below the axis: of each quarter at its left end, and of the last also at its right end. */
function scale({ each, columns }: Frame): string {
  const quarter = Math.floor(columns / 4);
  const labels = [0, 1, 2, 3].map(index => seconds(index * quarter * each).padEnd(quarter));
  const end = seconds((columns - 1) * each);
  return `${labels.join('').slice(0, columns - end.length - 1)} ${end}`;
}

interface Row {
  readonly mark: string;
  readonly name: string;
  readonly cells: readonly [
    at: string,
    open: string | number,
    ended: string | number,
    failed: string | number,
  ];
}

const HEADINGS: Row = { mark: '', name: '', cells: ['at', 'open across', 'ended then', 'failed'] };
const CELLS = [9, 13, 12, 8] as const;

function line({ mark, name, cells }: Row, width: number): string {
  const numbers = cells.map((cell, index) => String(cell).padStart(CELLS[index] ?? 0)).join('');
  const room = width - numbers.length - 3;
  const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  return `${mark.padEnd(3)}${text.padEnd(room)}${numbers}`;
}

/** A row for what was before the first step, and one for each step until the next. */
function rowsOf(
  { from }: Frame,
  steps: readonly TimelineStep[],
  logins: readonly TimelineLogin[],
): readonly Row[] {
  const phases = [{ at: from, name: 'before', mark: '' }].concat(
    steps.map((step, index) => ({ ...step, mark: letter(index) })),
  );
  return phases.map(({ at, name, mark }, index) => {
    const below = phases[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const open = logins.filter(({ openedAt, doneAt }) => openedAt < at && doneAt >= at);
    const ended = logins.filter(({ doneAt }) => doneAt > at && doneAt <= below);
    const failed = ended.filter(({ ok }) => !ok);
    return { mark, name, cells: [seconds(at - from), open.length, ended.length, failed.length] };
  });
}

/**
 * A plain-text chart of logins that were tried and that failed, against the steps of what went on meanwhile. Each
 * login stands where it ended. Below, each step says how many logins were open across it, and how many ended after it,
 * until the next.
 *
 * @param width in characters, at least 80
 */
export function drawTimeline(
  steps: readonly TimelineStep[],
  logins: readonly TimelineLogin[],
  width: number,
): string {
  const inOrder = steps.toSorted((a, b) => a.at - b.at);
  const times = [
    ...inOrder.map(({ at }) => at),
    ...logins.flatMap(({ openedAt, doneAt }) => [openedAt, doneAt]),
  ];
  if (times.length === 0) return 'no steps and no logins';
  const frame = frameOf(times, width - 2);
  const failed = logins.filter(({ ok }) => !ok);
  const { rows, one } = bars(
    perColumn(frame, failed),
    perColumn(
      frame,
      logins.filter(({ ok }) => ok),
    ),
  );
  const [key, short] = one === 1 ? ['one login', 'one'] : [`up to ${one} logins`, `up to ${one}`];
  return [
    `${logins.length} logins, ${failed.length} failed: each ${OK} is ${key} that went well, each ${FAILED} ${short} that failed`,
    ...rows.map(row => `| ${row}`),
    `+-${'-'.repeat(frame.columns)}`,
    `  ${marks(frame, inOrder)}`,
    `  ${scale(frame)}`,
    '',
    ...[HEADINGS, ...rowsOf(frame, inOrder, logins)].map(row => line(row, width)),
  ]
    .map(text => text.trimEnd())
    .join('\n');
}
