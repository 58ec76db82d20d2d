import { provenanceText } from '../../policy/provenance.ts';
import { clean, hanging, painter, table } from '../live/layout.ts';
import type { Terminal } from '../terminal.ts';
import type { AccountReport, HomeReport, MatrixReport, Row } from './report.ts';
import { cellWords, placeHeading, remarksOf, whoText } from './words.ts';

type Layout = Pick<Terminal, 'colours' | 'columns'>;

const HEADS = ['WHO', 'SERVICEACCOUNT', 'FROM', 'NAMESPACE', 'ROLES', 'WORKFLOWS'];

/** What is the same as in the line above is left out. */
function accountRows(who: string, account: AccountReport): readonly (readonly string[])[] {
  const { serviceAccount, from, cells } = account;
  const head = [who, serviceAccount, provenanceText(from)];
  if (cells.length === 0) return [[...head, '-', '-', 'nothing']];
  return cells.map((cell, index) => [
    ...(index === 0 ? head : head.map(() => '')),
    placeHeading(cell.namespace),
    cell.roles.join(', '),
    cellWords(cell).join(' '),
  ]);
}

/** Longest cell in characters; an expression goes on for as long as somebody cares to write. */
const WIDEST = 60;

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= WIDEST ? text : `${characters.slice(0, WIDEST - 1).join('')}…`;
}

function rowLines(row: Row): readonly (readonly string[])[] {
  const who = shortened(clean(whoText(row.who)));
  if (row.accounts.length === 0) return [[who, '-', '-', '-', '-', 'denied: no rule matches']];
  return row.accounts.flatMap((account, index) => accountRows(index === 0 ? who : '', account));
}

function homeLines({ namespace, rows }: HomeReport, { colours, columns }: Layout): readonly string[] {
  const paint = painter(colours);
  const cells = [HEADS, ...rows.flatMap(rowLines)].map(row => row.map(clean));
  const remarks = rows.flatMap(row => remarksOf(row).map(text => `${whoText(row.who)}: ${text}`));
  return [
    paint('bold', `ServiceAccounts of namespace ${namespace}`),
    ...table(cells).map((line, index) => (index === 0 ? paint('dim', line) : line)),
    ...remarks.map(text => hanging(`${paint('yellow', '!')} `, clean(text), columns)),
  ];
}

/** A report for people. */
export function asText({ homes, notes }: MatrixReport, layout: Layout): string {
  const paint = painter(layout.colours);
  const blocks = [
    ...homes.map(home => homeLines(home, layout)),
    notes.map(note => hanging(`${paint('yellow', '?')} `, clean(note), layout.columns)),
  ];
  const shown = blocks.filter(lines => lines.length > 0).map(lines => lines.join('\n'));
  return `${shown.join('\n\n')}\n`;
}
