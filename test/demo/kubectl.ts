import type { Kubernetes } from '../env/kubernetes.ts';
import { Disappointment } from './expect.ts';
import { command, output } from './print.ts';

/** kubectl as the cluster's administrator; fails where kubectl does. */
export interface Kubectl {
  /** Shows the command and what it prints; gives that. */
  (...args: readonly string[]): Promise<string>;
  /** The same, without showing anything: also for what is secret. */
  readonly quiet: (...args: readonly string[]) => Promise<string>;
  /** The same as quiet, with something to read at its standard input. */
  readonly feed: (input: string, ...args: readonly string[]) => Promise<string>;
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`;
}

/** kubectl for one cluster, until the signal says that the demo ends. */
export function createKubectl(kubernetes: Kubernetes, signal: AbortSignal): Kubectl {
  const feed = async (input: string, ...args: readonly string[]) => {
    signal.throwIfAborted();
    const { code, stdout, stderr } = await kubernetes.kubectl(args, input);
    signal.throwIfAborted();
    if (code === 0) return `${stdout}${stderr}`;
    throw new Disappointment(`kubectl ${args.map(quoted).join(' ')}\nended with ${code}: ${stderr.trim()}`);
  };
  const quiet = (...args: readonly string[]) => feed('', ...args);
  const shown = async (...args: readonly string[]) => {
    command(`kubectl ${args.map(quoted).join(' ')}`);
    const text = await quiet(...args);
    output(text);
    return text;
  };
  return Object.assign(shown, { quiet, feed });
}
