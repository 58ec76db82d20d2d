import { run } from '../../operator/cli.ts';

/** What a command line ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, on a terminal without colours. */
export async function argoAccess(args: readonly string[], input = ''): Promise<Ended> {
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
  });
  return { code, out, err };
}
