import { provenanceText } from '../../policy/provenance.ts';
import { clean } from '../live/layout.ts';
import type { AccountReport, Cell, HomeReport, MatrixReport, Row } from './report.ts';
import { STYLE } from './style.ts';
import { cellWords, placeHeading, remarksOf, whoText } from './words.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text of others that is nothing but text to a browser, in an attribute too. */
export function escapeHtml(text: string): string {
  return clean(text.toWellFormed()).replaceAll(/[&<>"']/g, found => ENTITIES[found] ?? '');
}

const KINDS: readonly (readonly [kind: string, words: RegExp])[] = [
  ['unknown', /^\?/],
  ['none', /^nothing$/],
  ['delete', /^(?:delete|everything)/],
  ['write', /^(?:create|update|patch)/],
  ['read', /^(?:get|list|watch)/],
];

function chip(word: string): string {
  const [kind = 'other'] = KINDS.find(([, words]) => words.test(word)) ?? [];
  return `<span class="verb ${kind}">${escapeHtml(word)}</span>`;
}

function cellHtml(cell: Cell | undefined): string {
  if (cell === undefined) return '<td class="empty"><span class="hidden">nothing</span></td>';
  const roles = cell.roles.map(role => `<div class="role">${escapeHtml(role)}</div>`);
  return `<td><div class="verbs">${cellWords(cell).map(chip).join(' ')}</div>${roles.join('')}</td>`;
}

function whoHtml(row: Row, span: number): string {
  const name = row.who.kind === 'others' ? `<em>${whoText(row.who)}</em>` : escapeHtml(whoText(row.who));
  const remarks = remarksOf(row).map(text => `<div class="remark">${escapeHtml(text)}</div>`);
  return `<th scope="row" rowspan="${span}" class="${row.who.kind}">${name}${remarks.join('')}</th>`;
}

function accountHtml(account: AccountReport, namespaces: readonly string[]): string {
  const { serviceAccount, precedence, from, cells } = account;
  const byPlace = new Map(cells.map(cell => [cell.namespace, cell]));
  const origin = `<div class="from ${from.kind}">${escapeHtml(provenanceText(from))}</div>`;
  const head = `<td class="account">${escapeHtml(serviceAccount)}<div class="from">precedence ${precedence}</div>${origin}</td>`;
  return `${head}${namespaces.map(namespace => cellHtml(byPlace.get(namespace))).join('')}`;
}

function rowHtml(row: Row, namespaces: readonly string[]): string {
  const [first, ...rest] = row.accounts;
  if (first === undefined) {
    const denied = `<td class="denied" colspan="${namespaces.length + 1}">denied: no rule matches</td>`;
    return `<tr>${whoHtml(row, 1)}${denied}</tr>`;
  }
  const others = rest.map(account => `<tr>${accountHtml(account, namespaces)}</tr>`);
  return `<tr>${whoHtml(row, row.accounts.length)}${accountHtml(first, namespaces)}</tr>${others.join('\n')}`;
}

function homeHtml({ namespace, namespaces, rows }: HomeReport): string {
  const columns = namespaces.map(each => `<th scope="col">${escapeHtml(placeHeading(each))}</th>`);
  return `<section>
<h2>ServiceAccounts of namespace ${escapeHtml(namespace)}</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Who</th><th scope="col">ServiceAccount</th>${columns.join('')}</tr></thead>
<tbody>
${rows.map(row => rowHtml(row, namespaces)).join('\n')}
</tbody>
</table></div>
</section>`;
}

const LEGEND = `<p class="legend">What a person may do with workflows in a namespace:
<span class="verb read">read</span> <span class="verb write">write</span>
<span class="verb delete">delete, or everything</span> <span class="verb none">nothing</span>
<span class="verb unknown">? the role could not be read</span>.
<em>(some)</em> means workflows of certain names only. A group stands for somebody who is in it and in no other group
named here; who is in several gets the ServiceAccount of the highest precedence among these.</p>`;

/** A page that needs nothing else: no script, nothing from elsewhere. */
export function asHtml({ homes, notes, context, server, madeAt }: MatrixReport): string {
  const hidden = notes.map(note => `<li>${escapeHtml(note)}</li>`);
  const missing =
    notes.length === 0 ? '' : `<section><h2>Not looked at</h2><ul>${hidden.join('')}</ul></section>`;
  const empty = homes.length === 0 ? '<p>No ServiceAccount has a rule.</p>' : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Who may do what with workflows</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Who may do what with workflows</h1>
<p>Cluster ${escapeHtml(server)} (context ${escapeHtml(context)}), as it was at <time>${escapeHtml(madeAt)}</time></p>
</header>
${LEGEND}
${homes.map(homeHtml).join('\n')}${empty}
${missing}
</body>
</html>
`;
}
