import { readAccess } from '../access/read.ts';
import { type Cluster, inCluster, type LiveOptions } from '../live/cluster.ts';
import { asData } from '../live/data.ts';
import type { MatrixFormat } from '../matrix.ts';
import { ExitCode, type Terminal } from '../terminal.ts';
import { asHtml } from './html.ts';
import { asMarkdown } from './markdown.ts';
import { homesOf, type MatrixReport } from './report.ts';
import { asText } from './text.ts';

/** Options of the command. */
export interface MatrixOptions extends LiveOptions {
  readonly output: MatrixFormat;
}

async function reportOf(cluster: Cluster): Promise<MatrixReport> {
  const { place, scope } = cluster;
  const notes = new Set<string>();
  const homes = scope === undefined ? undefined : new Set([scope]);
  const view = await readAccess(cluster, homes, text => void notes.add(text));
  return {
    server: place.server,
    context: place.context,
    madeAt: new Date().toISOString(),
    homes: homesOf(view),
    notes: [...notes],
  };
}

function write(report: MatrixReport, output: MatrixFormat, terminal: Terminal): string {
  switch (output) {
    case 'text':
      return asText(report, terminal);
    case 'markdown':
      return asMarkdown(report);
    case 'html':
      return asHtml(report);
    case 'json':
    case 'yaml':
      return asData(output, report);
  }
}

/** Shows who may do what with workflows, and where. */
export async function matrix(options: MatrixOptions, terminal: Terminal): Promise<ExitCode> {
  const report = await inCluster(options, terminal, reportOf);
  if (report.homes.length === 0 && options.output === 'text') {
    const where = options.allNamespaces === true ? 'in any namespace' : 'in the namespace';
    terminal.err(`no ServiceAccount ${where} has a rule of Argo\n`);
  }
  terminal.out(write(report, options.output, terminal));
  return ExitCode.Ok;
}
