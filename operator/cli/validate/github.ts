import type { Report } from './finding.ts';
import { sentence, summary } from './text.ts';

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const;

/** Characters that end a command, or a property of it (actions/toolkit, packages/core/src/command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** Workflow commands of GitHub Actions, which show each finding beside its line; paths are from where it runs. */
export function asGithub(report: Report): string {
  const lines = report.findings.map(finding => {
    const { file, line, column, severity, rule } = finding;
    const properties = { file, line, col: column, title: rule };
    const written = Object.entries(properties).map(
      ([name, value]) => `${name}=${escapeProperty(String(value))}`,
    );
    return `::${COMMANDS[severity]} ${written.join(',')}::${escapeData(sentence(finding))}\n`;
  });
  return `${lines.join('')}${summary(report)}\n`;
}
