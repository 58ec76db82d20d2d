import { join } from 'node:path';
import { cached, hashFolder, hashText } from './cache.ts';
import { startLineProgram } from './line-program.ts';
import { run } from './process.ts';

const SOURCE = join(import.meta.dirname, 'selection');
const FILE = 'selection';

/** A request to Argo Server, and the accounts that there are. */
export interface SelectionCase {
  /** Claims of the ID token. */
  readonly token: Readonly<Record<string, unknown>>;
  /** End of the session, in seconds since the epoch. */
  readonly expiry: number;
  readonly serviceAccounts: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
  readonly loginNamespace: string;
  /** Of what is asked for; empty where that has none. */
  readonly namespace: string;
  readonly delegates: boolean;
}

/** Argo's choice, written independently of the operator around the real rule engine. */
export interface ArgoSelection {
  /** All that may come of each case, such as `account argo/viewer`, `denied argo/broken` or `none`; sorted. */
  readonly choose: (cases: readonly SelectionCase[]) => Promise<readonly (readonly string[])[]>;
  readonly close: () => Promise<void>;
}

/** The program, built once; its path. */
export async function argoSelectionProgram(say: (line: string) => void): Promise<string> {
  const key = hashText(await hashFolder(SOURCE), await run('go', ['version']));
  const folder = await cached(
    'argo-selection',
    key,
    async target => {
      await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', join(target, FILE), '.'], {
        cwd: SOURCE,
        env: { ...process.env, CGO_ENABLED: '0' },
      });
    },
    say,
  );
  return join(folder, FILE);
}

/** Starts the program. */
export function startArgoSelection(path: string): ArgoSelection {
  const program = startLineProgram(path);
  return {
    choose: async cases => {
      const lines = await program.ask(cases.map(each => JSON.stringify(each)));
      return lines.map((line): readonly string[] => JSON.parse(line));
    },
    close: program.close,
  };
}
