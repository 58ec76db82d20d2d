import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that answers each line with a line. */
export interface LineProgram {
  readonly ask: (lines: readonly string[]) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** Starts a program that answers each line of its standard input with a line of its output, in order. */
export function startLineProgram(path: string): LineProgram {
  // One processor each: there are as many of these as there are versions.
  const env = { ...process.env, GOMAXPROCS: '1' };
  const child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'], env });
  // A program that is gone says so by its exit.
  child.stdin.on('error', () => {});
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', line => waiting.shift()?.(line));
  const ended = once(child, 'exit');
  return {
    ask: lines => {
      const answers = lines.map(() => new Promise<string>(resolve => waiting.push(resolve)));
      child.stdin.write(lines.map(line => `${line}\n`).join(''));
      const failed = ended.then(([code]) => {
        throw new Error(`${path} ended with ${code}`);
      });
      return Promise.race([Promise.all(answers), failed]);
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
