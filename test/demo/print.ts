import { stripVTControlCharacters, styleText } from 'node:util';

const INDENT = '    ';
const TICK_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';
/** Of what is shown, in characters. */
export const WIDTH = 110;
let steps = 0;
let held = 0;
/** A line on the terminal that the next one takes the place of. */
let passing = false;

function line(text = ''): void {
  if (passing) process.stdout.write(CLEAR_LINE);
  passing = false;
  process.stdout.write(`${text}\n`);
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map(each => (each === '' ? '' : `${INDENT}${each}`))
    .join('\n');
}

/** The title of all that follows. */
export function title(text: string): void {
  line();
  line(styleText('bold', text));
}

/** Begins the next step; they are numbered as they come. */
export function heading(text: string): void {
  steps += 1;
  line();
  line(styleText(['bold', 'cyan'], `${String(steps).padStart(2)}  ${text}`));
}

/** A sentence that tells what happens. */
export function say(text: string): void {
  line(indented(text));
}

/** A command as somebody would type it. */
export function command(text: string): void {
  line();
  line(`${INDENT}${styleText('yellow', '$')} ${styleText('bold', text)}`);
}

/** What a command printed, or a file. */
export function output(text: string): void {
  line(indented(text));
}

/** One long line, broken between words. */
export function prose(text: string): void {
  const rows: string[] = [];
  for (const word of text.trim().split(' ')) {
    const last = rows.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) rows.push(word);
    else rows[rows.length - 1] = `${last} ${word}`;
  }
  line(indented(rows.join('\n')));
}

/** How many expectations have held so far. */
export function countHeld(): number {
  return held;
}

/** Something that was expected, and is so. */
export function holds(text: string): void {
  held += 1;
  line(`${INDENT}${styleText('green', '✓')} ${text}`);
}

/** Something that was expected, and is not so; then what may help to see why. */
export function fails(text: string, help = ''): void {
  const [first = '', ...rest] = text.split('\n');
  line();
  line(`${INDENT}${styleText('red', '✗')} ${first}`);
  for (const each of rest) line(`${INDENT}  ${each}`);
  if (help !== '') line(styleText('dim', indented(help)));
}

/** A table with its columns aligned; the first row is its head. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => stripVTControlCharacters(row[column] ?? '').length)),
  );
  line();
  for (const [index, row] of rows.entries()) {
    const cells = row.map((cell, column) => {
      const pad = (widths[column] ?? 0) - stripVTControlCharacters(cell).length;
      return `${cell}${' '.repeat(pad)}`;
    });
    const text = cells.join('   ').trimEnd();
    line(`${INDENT}${index === 0 ? styleText('bold', text) : text}`);
  }
  line();
}

/** Milliseconds for people. */
export function duration(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** Tells how long something is awaited already, on a terminal in one line that goes away again. */
export async function awaiting<T>(text: string, work: Promise<T>): Promise<T> {
  if (!process.stdout.isTTY) {
    say(`${text} …`);
    return work;
  }
  const started = Date.now();
  const show = () => {
    process.stdout.write(`${CLEAR_LINE}${INDENT}${text} … ${Math.round((Date.now() - started) / 1000)} s`);
    passing = true;
  };
  show();
  const timer = setInterval(show, TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (passing) process.stdout.write(CLEAR_LINE);
    passing = false;
  }
}
