import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judge } from '../../operator/cli/validate/judge.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'rotation.yaml');
const MANY = 1000;
/** Far more than it takes, for whatever else the machine does; in milliseconds. */
const AMPLE = 15_000;

it('a thousand policies are judged together', async () => {
  const text = readFileSync(EXAMPLE, 'utf8');
  const sources = Array.from({ length: MANY }, (_, index) => ({
    file: `${index}.yaml`,
    text: text
      .replace('namespace: argo\n', `namespace: team-${index}\n`)
      .replace('clientId: argo-workflows', `clientId: argo-${index}`),
  }));
  const started = performance.now();
  const report = await judge(sources, {});
  const took = performance.now() - started;
  console.log(`${MANY} policies judged in ${Math.round(took)} ms`);
  expect(report).toEqual({ files: MANY, policies: MANY, findings: [] });
  expect(took).toBeLessThan(AMPLE);
});
