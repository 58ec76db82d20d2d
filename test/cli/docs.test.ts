import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program } from '../../operator/cli/program.ts';
import { nodeProblem } from '../../operator/cli/version.ts';
import manifest from '../../package.json' with { type: 'json' };
import { blocks, documents, read, tableRows } from '../docs-pages.ts';

const PAGE = 'docs/cli.md';
const text = read(PAGE);
const NOTHING = { terminal: { out() {}, err() {}, input: async () => '', colours: false }, end() {} };
const { commands } = program('argo-access', NOTHING);

/** All that is said of the broken files, line by line. */
const SAID = ['broken', 'not-allowed'].flatMap(folder => {
  const path = join(import.meta.dirname, folder);
  const names = readdirSync(path).filter(name => name.endsWith('.txt'));
  return names.flatMap(name => readFileSync(join(path, name), 'utf8').trim().split('\n'));
});

/** Findings that no file shows: it takes a machine without the rule engine. */
const NOT_SHOWN = ['NotJudged'];

describe(PAGE, () => {
  it.each(commands.map(command => command.name()))('teaches %s', name => {
    expect(text).toMatch(new RegExp(`^## ${name}: `, 'm'));
    expect(blocks(PAGE, 'console').join()).toContain(`argo-access ${name} `);
  });

  it.each(commands.flatMap(({ options }) => options.map(({ long }) => long)))('tells of %s', option => {
    expect(text).toContain(String(option));
  });

  it('names every kind of finding, in a table, and no other', () => {
    const found = SAID.flatMap(line => / \[(\w+)]$/.exec(line)?.[1] ?? []);
    const told = tableRows(PAGE).flatMap(row => /^\| `(\w+)`/.exec(row)?.[1] ?? []);
    expect(new Set(told)).toEqual(new Set([...found, ...NOT_SHOWN]));
    expect(told.length).toBe(new Set(told).size);
  });

  it('shows findings as they are written', () => {
    const shown = blocks(PAGE, 'console').flatMap(block =>
      block.split('\n').filter(line => /: (?:error|warning): /.test(line)),
    );
    expect(shown.length).toBeGreaterThan(1);
    for (const line of shown) expect(SAID).toContain(line.replace(/^policies\//, ''));
  });

  it('names the least version of Node, and this version of the package', () => {
    const [, least = ''] = /needs Node ([0-9.]+) or newer/.exec(text) ?? [];
    expect(nodeProblem(`${least}.0`)).toBeUndefined();
    expect(manifest.engines.node).toBe(`>=${least}`);
    expect(JSON.stringify(documents(PAGE))).toContain(`${manifest.name}-${manifest.version}.tgz`);
  });

  it('has the exit codes of the help', () => {
    const [, list = ''] = /Exit codes:\n([\s\S]*)$/.exec(helpOf()) ?? [];
    const codes = [...list.matchAll(/^ {2}([0-9]+) {2}(.*)$/gm)];
    expect(codes).toHaveLength(4);
    for (const [, code, means] of codes) expect(tableRows(PAGE)).toContain(`| ${code} | ${means} |`);
  });
});

function helpOf(): string {
  let help = '';
  const terminal = {
    ...NOTHING.terminal,
    out: (part: string) => {
      help += part;
    },
  };
  program('argo-access', { ...NOTHING, terminal }).outputHelp();
  return help;
}
