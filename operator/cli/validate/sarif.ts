import { VERSION } from '../version.ts';
import type { Finding, Report } from './finding.ts';
import { sentence } from './text.ts';

/** A path as a URI: relative ones stay so, for code scanning looks for them in the repository. */
function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

function resultOf(finding: Finding) {
  const { file, line, column, severity, rule, field } = finding;
  return {
    ruleId: rule,
    level: severity,
    message: { text: sentence(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: { startLine: line, startColumn: column },
        },
        ...(field !== '' && { logicalLocations: [{ fullyQualifiedName: field }] }),
      },
    ],
  };
}

/** A log for code scanning (SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/). */
export function asSarif({ findings }: Report): object {
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'argo-access', version: VERSION, rules: rules.map(id => ({ id })) } },
        // The column counts UTF-16 units, as JavaScript does.
        columnKind: 'utf16CodeUnits',
        results: findings.map(resultOf),
      },
    ],
  };
}
