import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_ROOT } from '../env/cache-root.ts';
import { eventually, start } from '../env/process.ts';

const MAIN = join(import.meta.dirname, '../../operator/main.ts');
const START_DEADLINE = 30_000;
/** An operator is started many times: what Node has compiled once is kept. */
const COMPILE_CACHE = join(CACHE_ROOT, 'compiled');

/** The operator as a process of its own. */
export interface OperatorProcess {
  /** All that it has printed so far. */
  readonly output: () => Promise<string>;
  /** Its log as parsed lines; what is not JSON fails. */
  readonly log: () => Promise<readonly LogLine[]>;
  /** Ends it as Kubernetes does, with SIGTERM; gives the exit code. */
  readonly stop: () => Promise<number | null>;
  /** Ends it at once, with SIGKILL. */
  readonly kill: () => Promise<void>;
  /** Whether it has ended. */
  readonly ended: () => boolean;
}

/** A line of the operator's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly port?: number;
  readonly policy?: string;
  /** Of a look that has ended: `ok`, `retry` where there is more to do soon, or `fault`. */
  readonly result?: string;
  readonly change?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The lines of a log; what follows the last newline is a line that is still being written. */
export function parseLog(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as LogLine);
}

/** Files that an operator is started with. */
export interface OperatorFiles {
  readonly configPath: string;
  readonly kubeconfigPath: string;
  readonly ruleEnginePath: string;
  readonly logPath: string;
}

/** Starts the operator; resolves once it has begun to reconcile. */
export async function startOperatorProcess(files: OperatorFiles): Promise<OperatorProcess> {
  const operator = launchOperatorProcess(files);
  const begun = async () => {
    if (operator.ended()) return true;
    return (await operator.output()).includes('"msg":"started"');
  };
  try {
    await eventually('the operator has started', begun, START_DEADLINE, 20);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}: ${await operator.output()}`);
  }
  if (operator.ended()) throw new Error(`the operator has ended: ${await operator.output()}`);
  return operator;
}

/** Starts the operator, and waits for nothing. */
export function launchOperatorProcess(files: OperatorFiles): OperatorProcess {
  const args = [
    MAIN,
    `--config=${files.configPath}`,
    `--kubeconfig=${files.kubeconfigPath}`,
    `--rule-engine=${files.ruleEnginePath}`,
    '--health=127.0.0.1:0',
  ];
  const running = start(process.execPath, args, {
    logPath: files.logPath,
    env: { ...process.env, LOG_LEVEL: 'debug', NODE_COMPILE_CACHE: COMPILE_CACHE },
  });
  const child = running.process;
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const output = () => readFile(files.logPath, 'utf8').catch(() => '');
  return {
    output,
    log: async () => parseLog(await output()),
    stop: async () => {
      if (!ended()) {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }
      return child.exitCode;
    },
    kill: async () => {
      if (ended()) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    ended,
  };
}
