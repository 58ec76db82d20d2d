import { clean, hanging, type Paint, painter } from '../live/layout.ts';
import type { Terminal } from '../terminal.ts';
import type { ChangeView } from './change-view.ts';
import type { FieldChange } from './fields.ts';
import { peopleLine } from './people-text.ts';
import type { PlanReport, PolicyReport } from './report.ts';

type Layout = Pick<Terminal, 'colours' | 'columns'>;

const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const COLOURS = { '+': 'green', '~': 'yellow', '-': 'red' } as const;

const MERGES: Readonly<Record<PolicyReport['merge'], string>> = {
  create: 'is new',
  update: 'is changed',
  same: 'stays as it is',
  delete: 'is deleted',
  none: 'is in no file, and answers to what the others do',
};

function valueText(value: FieldChange['before']): string {
  if (value === undefined) return '(none)';
  if (typeof value === 'string') return /^\(.*\)$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

function fieldLine({ field, before, after }: FieldChange, action: ChangeView['action']): string {
  const value = action === 'create' ? valueText(after) : `${valueText(before)} → ${valueText(after)}`;
  return clean(`${field}: ${value}`);
}

function objectName({ kind, namespace, name }: ChangeView): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** What every object bears that a policy makes: whose it is. */
const MARKS =
  /^metadata\.(?:labels\[(?:app\.kubernetes\.io\/managed-by|argo-access\.io\/policy[-a-z]*)\]|ownerReferences)$/;

/** Of what is new, the marks of ownership go without saying. */
function worthShowing({ action, fields }: ChangeView): readonly FieldChange[] {
  return action === 'create' ? fields.filter(({ field }) => !MARKS.test(field)) : fields;
}

function changeLines(change: ChangeView, paint: Paint, { columns }: Layout): readonly string[] {
  const sign = SIGNS[change.action];
  const note = change.note === undefined ? '' : `  (${change.note})`;
  return [
    `  ${paint(COLOURS[sign], sign)} ${clean(objectName(change))}${note}`,
    ...worthShowing(change).map(field => hanging('      ', fieldLine(field, change.action), columns)),
  ];
}

function policyLines(policy: PolicyReport, paint: Paint, layout: Layout): readonly string[] {
  const { namespace, name, merge, changes, problems, warnings } = policy;
  const { columns } = layout;
  const remark = (sign: string, style: 'red' | 'yellow') => (each: PolicyReport['problems'][number]) =>
    hanging(`  ${paint(style, sign)} `, `${each.reason}: ${clean(each.message)}`, columns);
  return [
    `${paint('bold', `Policy ${namespace}/${name}`)} ${MERGES[merge]}`,
    ...problems.map(remark('!', 'red')),
    ...warnings.map(remark('?', 'yellow')),
    ...changes.flatMap(change => changeLines(change, paint, layout)),
    ...(changes.length === 0 ? ['  nothing is written'] : []),
    '',
  ];
}

function isWorthTelling({ merge, changes }: PolicyReport): boolean {
  return merge !== 'none' || changes.length > 0;
}

function peopleLines({ people }: PlanReport, paint: Paint, { columns }: Layout): readonly string[] {
  if (people.length === 0) return [];
  const lines = people.map(peopleLine);
  return [
    paint('bold', 'For people'),
    ...lines.map(({ sign, text }) => hanging(`  ${paint(COLOURS[sign], sign)} `, clean(text), columns)),
    '',
  ];
}

function noteLines({ notes }: PlanReport, paint: Paint, { columns }: Layout): readonly string[] {
  if (notes.length === 0) return [];
  return [paint('bold', 'Not looked at'), ...notes.map(note => hanging('  ', clean(note), columns)), ''];
}

/** How many objects are created, changed and deleted, in one line. */
function summary({ policies }: PlanReport): string {
  const all = policies.flatMap(({ changes }) => changes);
  const count = (wanted: ChangeView['action']) => all.filter(({ action }) => action === wanted).length;
  const troubled = policies.filter(({ problems, merge }) => merge !== 'none' && problems.length > 0).length;
  const what =
    all.length === 0
      ? 'No changes.'
      : `${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete.`;
  const trouble =
    troubled === 0 ? '' : ` ${troubled === 1 ? '1 policy' : `${troubled} policies`} will not be ready.`;
  return `${what}${trouble}`;
}

/** A plan for people: policy by policy, what it means for people, what was not looked at. */
export function asText(report: PlanReport, layout: Layout): string {
  const paint = painter(layout.colours);
  const lines = [
    ...report.policies.filter(isWorthTelling).flatMap(policy => policyLines(policy, paint, layout)),
    ...peopleLines(report, paint, layout),
    ...noteLines(report, paint, layout),
    summary(report),
  ];
  return `${lines.join('\n')}\n`;
}
