import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../operator/cli/validate/finding.ts';
import { judge } from '../../operator/cli/validate/judge.ts';
import { asText } from '../../operator/cli/validate/text.ts';
import { loadConfig, type OperatorConfig } from '../../operator/config.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config', 'example', 'config.yaml');
const BUILD_DEADLINE = 600_000;

const inFolder = (folder: string) =>
  readdirSync(join(import.meta.dirname, folder)).filter(name => !name.endsWith('.txt'));
const BROKEN = inFolder('broken');
const NOT_ALLOWED = inFolder('not-allowed');

let wasmPath: string;
let config: OperatorConfig;
beforeAll(async () => {
  wasmPath = await ruleEngineWasm(line => console.log(line));
  config = await loadConfig(CONFIG);
}, BUILD_DEADLINE);

/** What is said of a file is kept beside it, in a file of the same name that ends with txt. */
async function expectSaid(folder: string, name: string, report: Report): Promise<void> {
  const path = join(import.meta.dirname, folder, name.replace(/\.[a-z]+$/, '.txt'));
  await expect(asText(report, false)).toMatchFileSnapshot(path);
}

function sourceOf(folder: string, name: string) {
  return { file: name, text: readFileSync(join(import.meta.dirname, folder, name), 'utf8') };
}

describe('of a broken file is told where it is broken, and how to mend it', () => {
  it.each(BROKEN)('%s', async name => {
    const report = await judge([sourceOf('broken', name)], { wasmPath });
    await expectSaid('broken', name, report);
  });

  it('of at least 40 kinds', () => {
    expect(BROKEN.length).toBeGreaterThan(40);
  });
});

describe('of a file that asks for what its namespace may not have is told what, and which setting would allow it', () => {
  it.each(NOT_ALLOWED)('%s', async name => {
    const report = await judge([sourceOf('not-allowed', name)], { wasmPath, config });
    await expectSaid('not-allowed', name, report);
  });

  it.each(NOT_ALLOWED)('and nothing of that without the configuration: %s', async name => {
    const { findings } = await judge([sourceOf('not-allowed', name)], { wasmPath });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
