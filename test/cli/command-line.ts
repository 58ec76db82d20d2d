import type { Terminal } from '../../operator/cli/terminal.ts';
import { run } from '../../operator/cli.ts';

/** What a command line ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, on a terminal without colours. */
export async function argoAccess(
  args: readonly string[],
  input = '',
  terminal: Partial<Terminal> = {},
): Promise<Ended> {
  let [out, err] = ['', ''];
  const code = await run(args, {
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
