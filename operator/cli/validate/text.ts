import { styleText } from 'node:util';
import { harmless } from '../terminal.ts';
import type { Finding, Report, Severity } from './finding.ts';

const COLOURS = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** How many findings of each severity there are; nothing where there are none. */
function tally(findings: readonly Finding[]): string {
  const of = (wanted: Severity) => findings.filter(({ severity }) => severity === wanted).length;
  const [errors, warnings, notes] = [of('error'), of('warning'), of('note')];
  return [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
    ...(notes > 0 ? [count(notes, 'note')] : []),
  ].join(', ');
}

/** What was looked at, and what came of it, in one line. */
export function summary({ files, policies, findings }: Report): string {
  const what = `${count(policies, 'policy', 'policies')} in ${count(files, 'file')}`;
  const found = tally(findings);
  return `${what}: ${found === '' ? 'nothing wrong' : found}`;
}

/** What is wrong with which field, without the place. */
export function sentence({ field, message }: Finding): string {
  return field === '' ? message : `${field}: ${message}`;
}

/** A line for each finding, in the form that editors know from compilers, and a summary. */
export function asText(report: Report, colours: boolean): string {
  const style = (format: 'red' | 'yellow' | 'cyan' | 'bold', text: string) =>
    colours ? styleText(format, text, { validateStream: false }) : text;
  const lines = report.findings.map(finding => {
    const { file, line, column, severity, rule } = finding;
    const place = style('bold', `${harmless(file)}:${line}:${column}:`);
    return `${place} ${style(COLOURS[severity], severity)}: ${harmless(sentence(finding))} [${rule}]\n`;
  });
  return `${lines.join('')}${summary(report)}\n`;
}
