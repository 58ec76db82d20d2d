import { clean, hanging, type Paint, painter, type Style } from '../live/layout.ts';
import type { Terminal } from '../terminal.ts';
import { CHECKS } from './checks.ts';
import { type Finding, SUBJECTS, type Subject, type Verdict } from './finding.ts';
import type { DoctorReport } from './run.ts';

type Layout = Pick<Terminal, 'colours' | 'columns'>;

const SIGNS: Readonly<Record<Verdict, readonly [sign: string, style: Style]>> = {
  pass: ['✓', 'green'],
  fail: ['✗', 'red'],
  warn: ['!', 'yellow'],
  unknown: ['?', 'yellow'],
};

function signOf(verdict: Verdict, paint: Paint): string {
  const [sign, style] = SIGNS[verdict];
  return paint(style, sign);
}

function lines({ verdict, check, message, remedy }: Finding, paint: Paint, columns: number | undefined) {
  const before = `  ${signOf(verdict, paint)} `;
  return [
    hanging(before, `${paint('bold', check)}: ${clean(message)}`, columns),
    ...(remedy === undefined ? [] : [hanging('    → ', clean(remedy), columns)]),
  ];
}

function block(
  subject: Subject,
  { findings, notJudged }: DoctorReport,
  paint: Paint,
  columns: number | undefined,
): readonly string[] {
  const own = findings.filter(each => each.subject === subject);
  const passed = own.filter(({ verdict }) => verdict === 'pass').map(({ check }) => check);
  const rest = own.filter(({ verdict }) => verdict !== 'pass');
  const silent = CHECKS.filter(each => each.subject === subject && notJudged.includes(each.id)).map(
    ({ id }) => id,
  );
  const all = [
    ...(passed.length === 0
      ? []
      : [hanging(`  ${signOf('pass', paint)} `, [...new Set(passed)].join(', '), columns)]),
    ...rest.flatMap(finding => lines(finding, paint, columns)),
    ...(silent.length === 0
      ? []
      : [
          hanging(
            `  ${signOf('unknown', paint)} `,
            `${silent.join(', ')}: not judged, for they rest on what is wrong, or not known`,
            columns,
          ),
        ]),
  ];
  return all.length === 0 ? [] : [SUBJECTS[subject], ...all];
}

function counted(count: number, one: string, several = one): string {
  return `${count} ${count === 1 ? one : several}`;
}

function summary({ findings, notJudged }: DoctorReport): string {
  const count = (verdict: Verdict) => findings.filter(each => each.verdict === verdict).length;
  const [wrong, risks, open] = [count('fail'), count('warn'), count('unknown') + notJudged.length];
  const parts = [
    ...(risks === 0 ? [] : [counted(risks, 'risk', 'risks')]),
    ...(open === 0 ? [] : [`${open} not known`]),
  ];
  if (wrong + risks === 0 && count('pass') === 0) return 'nothing could be looked at';
  const rest = parts.length === 0 ? '' : `; ${parts.join(', ')}`;
  return wrong === 0 ? `nothing is found to be wrong${rest}` : `${counted(wrong, 'fault', 'faults')}${rest}`;
}

function signFor(findings: readonly Finding[]): Verdict {
  const has = (verdict: Verdict) => findings.some(each => each.verdict === verdict);
  if (has('fail')) return 'fail';
  return has('pass') ? 'pass' : 'unknown';
}

/** A report for people. */
export function asText(report: DoctorReport, { colours, columns }: Layout): string {
  const paint = painter(colours);
  const { namespace, deployment, findings } = report;
  const blocks = (Object.keys(SUBJECTS) as Subject[])
    .map(subject => block(subject, report, paint, columns))
    .filter(each => each.length > 0)
    .map(([title = '', ...rest]) => [paint('bold', title), ...rest].join('\n'));
  const sign = signFor(findings);
  return `Argo Server ${namespace}/${deployment}\n\n${blocks.join('\n\n')}\n\n${signOf(sign, paint)} ${summary(report)}\n`;
}
