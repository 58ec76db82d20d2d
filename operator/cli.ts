#!/usr/bin/env node
import { basename } from 'node:path';
import { CommanderError } from 'commander';
import { program } from './cli/program.ts';
import { CommandFailure, ExitCode, harmless, type Terminal } from './cli/terminal.ts';
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
    terminal.err(`${error.message.split('\n').map(harmless).join('\n')}\n`);
    return error.exitCode;
  }
}

/** How long the process may go on after its end, in milliseconds. */
const LINGER_MS = 1_000;

/** As kubectl finds it among its plugins: `kubectl argo-access`. */
const PLUGIN = 'kubectl-argo_access';

/** Asks on the standard error, for the output may go elsewhere. The end of the input is an empty answer. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While it asks, the terminal gives Ctrl-C to it.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  try {
    return await lines.question(question, { signal: AbortSignal.any([signal, ended.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    if (ended.signal.aborted) return '';
    throw error;
  } finally {
    lines.close();
  }
}

async function main(): Promise<ExitCode> {
  const terminal: Terminal = {
    out: text => process.stdout.write(text),
    err: text => process.stderr.write(text),
    input: async () => (await import('node:stream/consumers')).text(process.stdin),
    colours: process.stdout.hasColors?.() ?? false,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  };
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) {
    terminal.err(`${problem}\n`);
    return ExitCode.Failed;
  }
  process.stdout.on('error', error => {
    const code = 'code' in error ? error.code : error.message;
    // Whoever reads the output may have seen enough, as `head` does.
    if (code === 'EPIPE') process.exit();
    process.stderr.write(`the output cannot be written (${code})\n`);
    process.exit(ExitCode.Failed);
  });
  try {
    const plugin = basename(process.argv[1] ?? '') === PLUGIN;
    return await run(process.argv.slice(2), terminal, plugin ? 'kubectl argo-access' : 'argo-access');
  } catch (error) {
    terminal.err(`This should not happen: ${error instanceof Error ? error.stack : error}\n`);
    return ExitCode.Failed;
  }
}

if (import.meta.main) {
  const code = await main();
  process.exitCode = code;
  // Once all is written, nothing that was left hanging, such as a plugin of the kubeconfig, keeps the process.
  process.stdout.write('', () =>
    setTimeout(() => process.exit(), code === ExitCode.Interrupted ? 0 : LINGER_MS).unref(),
  );
}
