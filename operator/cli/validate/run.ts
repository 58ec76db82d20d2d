import { readConfig } from '../config-file.ts';
import { ExitCode, type Terminal } from '../terminal.ts';
import type { Format } from '../validate.ts';
import { judge } from './judge.ts';
import { readSources } from './sources.ts';
import { write } from './write.ts';

/** How policies are judged, and the result written. */
export interface ValidateOptions {
  /** File with the operator's configuration. */
  readonly config?: string;
  readonly namespace?: string;
  readonly output: Format;
}

/** Judges the policies in files and folders, and writes what was found. */
export async function validate(
  paths: readonly string[],
  { config: configFile, namespace, output }: ValidateOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const config = configFile === undefined ? undefined : await readConfig(configFile);
  const report = await judge(await readSources(paths, terminal.input), { config, namespace });
  terminal.out(write(report, output, terminal.colours));
  return report.findings.some(({ severity }) => severity === 'error') ? ExitCode.Wrong : ExitCode.Ok;
}
