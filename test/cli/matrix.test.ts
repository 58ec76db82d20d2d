import { expect, it } from 'vitest';
import type { MatrixReport } from '../../operator/cli/matrix/report.ts';
import { asText } from '../../operator/cli/matrix/text.ts';

it('a matrix for people stays readable where somebody has written a long expression', () => {
  const expression = `email in [${Array.from({ length: 50 }, (_, at) => `"user-${at}@example.com"`)}]`;
  const cell = {
    namespace: 'argo',
    roles: ['ClusterRole view'],
    verbs: ['get'],
    named: ['delete'],
    unknown: [],
  };
  const account = {
    serviceAccount: 'hand-made',
    precedence: 1,
    from: { kind: 'hand' } as const,
    cells: [cell],
  };
  const row = { who: { kind: 'expression', expression } as const, accounts: [account], unlessFirst: [] };
  const home = { namespace: 'argo', namespaces: ['argo'], rows: [row] };
  const report: MatrixReport = { server: '', context: '', madeAt: '', homes: [home], notes: [] };
  const [, head = '', line = ''] = asText(report, { colours: false }).split('\n');
  expect(line).toMatch(/^whoever matches email in \["user-0@.*… {2}hand-made {7}made by hand {2}argo {7}/);
  expect(line).toMatch(/ClusterRole view {2}get delete \(some\)$/);
  expect(head.indexOf('SERVICEACCOUNT')).toBe(62);
});
