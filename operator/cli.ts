#!/usr/bin/env node
import { basename } from 'node:path';
import { CommanderError } from 'commander';
import { program } from './cli/program.ts';
import { CommandFailure, ExitCode, type Terminal } from './cli/terminal.ts';
import { nodeProblem } from './cli/version.ts';

/** Runs one command line, without the program's name; gives the exit code. */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  name = 'argo-access',
): Promise<ExitCode> {
  let code: ExitCode = ExitCode.Ok;
  const end = (given: ExitCode) => {
    code = given;
  };
  try {
    await program(name, { terminal, end }).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Ok : ExitCode.Failed;
    if (!(error instanceof CommandFailure)) throw error;
    terminal.err(`${error.message}\n`);
    return error.exitCode;
  }
}

/** As kubectl finds it among its plugins: `kubectl argo-access`. */
const PLUGIN = 'kubectl-argo_access';

async function main(): Promise<ExitCode> {
  const terminal: Terminal = {
    out: text => process.stdout.write(text),
    err: text => process.stderr.write(text),
    input: async () => (await import('node:stream/consumers')).text(process.stdin),
    colours: process.stdout.hasColors?.() ?? false,
  };
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) {
    terminal.err(`${problem}\n`);
    return ExitCode.Failed;
  }
  // Whoever reads the output may have seen enough, as `head` does.
  process.stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    const plugin = basename(process.argv[1] ?? '') === PLUGIN;
    return await run(process.argv.slice(2), terminal, plugin ? 'kubectl argo-access' : 'argo-access');
  } catch (error) {
    terminal.err(`This should not happen: ${error instanceof Error ? error.stack : error}\n`);
    return ExitCode.Failed;
  }
}

if (import.meta.main) process.exitCode = await main();
