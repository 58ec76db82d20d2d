import type { RuleEngine } from '../../operator/argo/engine.ts';
import { startLineProgram } from './line-program.ts';

interface Answer {
  readonly verdict: boolean;
  readonly error?: string;
}

/** Starts the program of one version of Argo's rule engine; it is asked as the operator's own is. */
export function startNativeEngine(path: string): RuleEngine {
  const program = startLineProgram(path);
  return {
    judge: async questions => {
      const lines = await program.ask(questions.map(question => JSON.stringify(question)));
      return lines.map(line => {
        const { verdict, error }: Answer = JSON.parse(line);
        if (error !== undefined) return { kind: 'error', message: error } as const;
        return { kind: verdict ? 'true' : 'false' } as const;
      });
    },
    close: program.close,
  };
}
