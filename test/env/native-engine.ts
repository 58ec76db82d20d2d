import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { RuleEngine } from '../../operator/argo/engine.ts';

interface Answer {
  readonly verdict: boolean;
  readonly error?: string;
}

/** Starts the program of one version of Argo's rule engine; it is asked as the operator's own is. */
export function startNativeEngine(path: string): RuleEngine {
  // One processor each: there are as many of these as there are versions.
  const env = { ...process.env, GOMAXPROCS: '1' };
  const child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'], env });
  // A program that is gone says so by its exit.
  child.stdin.on('error', () => {});
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', line => waiting.shift()?.(line));
  const ended = once(child, 'exit');
  return {
    judge: questions => {
      const answers = questions.map(() => new Promise<string>(resolve => waiting.push(resolve)));
      child.stdin.write(questions.map(question => `${JSON.stringify(question)}\n`).join(''));
      const read = async () => {
        const lines = await Promise.all(answers);
        return lines.map(line => {
          const { verdict, error }: Answer = JSON.parse(line);
          if (error !== undefined) return { kind: 'error', message: error } as const;
          return { kind: verdict ? 'true' : 'false' } as const;
        });
      };
      const failed = ended.then(([code]) => {
        throw new Error(`${path} ended with ${code}`);
      });
      return Promise.race([read(), failed]);
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
