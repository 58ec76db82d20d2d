import type { Terminal } from '../../operator/cli/terminal.ts';
import { run } from '../../operator/cli.ts';

/** What a command line ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What some work writes to a terminal without colours. */
export async function written(
  work: (terminal: Terminal) => Promise<number>,
  input = '',
  terminal: Partial<Terminal> = {},
): Promise<Ended> {
  let [out, err] = ['', ''];
  const code = await work({
    out: text => {
      out += text;
    },
    err: text => {
      err += text;
    },
    input: async () => input,
    colours: false,
    ...terminal,
  });
  return { code, out, err };
}

/** Runs a command line in this process, on a terminal without colours. */
export function argoAccess(
  args: readonly string[],
  input = '',
  terminal: Partial<Terminal> = {},
): Promise<Ended> {
  return written(each => run(args, each), input, terminal);
}
