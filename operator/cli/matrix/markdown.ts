import { provenanceText } from '../../policy/provenance.ts';
import { clean } from '../live/layout.ts';
import type { AccountReport, HomeReport, MatrixReport, Row } from './report.ts';
import { cellWords, placeHeading, remarksOf, whoText } from './words.ts';

/** A text of others that is nothing but text to Markdown, also in a table. */
function plain(text: string): string {
  return clean(text)
    .replaceAll(/[\\`*_{}[\]()#+!|~$-]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function accountCells(
  { serviceAccount, from, cells }: AccountReport,
  namespaces: readonly string[],
): readonly string[] {
  const granted = namespaces.map(namespace => {
    const cell = cells.find(each => each.namespace === namespace);
    return cell === undefined ? '' : `${plain(cellWords(cell).join(' '))}<br>${plain(cell.roles.join(', '))}`;
  });
  return [`${plain(serviceAccount)}<br>${plain(provenanceText(from))}`, ...granted];
}

function rowLines(row: Row, namespaces: readonly string[]): readonly string[] {
  const who = [plain(whoText(row.who)), ...remarksOf(row).map(plain)].join('<br>');
  if (row.accounts.length === 0) return [line([who, 'denied', ...namespaces.map(() => '')])];
  return row.accounts.map(account => line([who, ...accountCells(account, namespaces)]));
}

function homeLines({ namespace, namespaces, rows }: HomeReport): readonly string[] {
  return [
    `## ServiceAccounts of namespace ${plain(namespace)}`,
    '',
    line(['Who', 'ServiceAccount', ...namespaces.map(each => plain(placeHeading(each)))]),
    line(['---', '---', ...namespaces.map(() => '---')]),
    ...rows.flatMap(row => rowLines(row, namespaces)),
    '',
  ];
}

/** A report in GitHub's Markdown. */
export function asMarkdown({ homes, notes, context, madeAt }: MatrixReport): string {
  return [
    '# Who may do what with workflows',
    '',
    `Context ${plain(context)}, ${madeAt}.`,
    '',
    ...homes.flatMap(homeLines),
    ...(notes.length === 0 ? [] : ['Not looked at:', '', ...notes.map(note => `- ${plain(note)}`), '']),
  ].join('\n');
}
