import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Longest time in which a thread must be ready, in milliseconds: it only guards against waiting for ever. */
const START_DEADLINE = 60_000;

/** Beside this file, and of its kind: TypeScript, or JavaScript where the sources are bundled. */
const WORKER = new URL(`./engine-worker${extname(import.meta.url)}`, import.meta.url);

/** What came of a question. */
export type Reply =
  | { readonly kind: 'answer'; readonly text: string }
  /** No answer, and the thread is of no more use. */
  | { readonly kind: 'broken'; readonly why: string };

/** A thread with the rule engine in it, for one question at a time. It does not keep the process alive when idle. */
export interface EngineThread {
  readonly ask: (question: string, deadlineMs: number) => Promise<Reply>;
  readonly alive: () => boolean;
  /** Ends it, whatever it is doing. */
  readonly stop: () => Promise<void>;
}

/** Starts a thread; fails where the engine does not come up. */
export async function startThread(module: WebAssembly.Module): Promise<EngineThread> {
  const worker = new Worker(WORKER, {
    workerData: module,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 },
  });
  let alive = true;
  let settle: (reply: Reply) => void = () => {};
  const fail = (why: string) => {
    alive = false;
    settle({ kind: 'broken', why });
  };
  worker.on('message', (text: string) => settle({ kind: 'answer', text }));
  worker.on('error', error => fail(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => fail('the rule engine was stopped'));

  const reply = (deadlineMs: number) =>
    new Promise<Reply>(resolve => {
      const timer = setTimeout(() => fail(`it takes longer than ${deadlineMs} ms`), deadlineMs);
      worker.ref();
      settle = given => {
        clearTimeout(timer);
        worker.unref();
        settle = () => {};
        resolve(given);
      };
    });
  const stop = async () => {
    alive = false;
    await worker.terminate();
  };

  const ready = await reply(START_DEADLINE);
  if (ready.kind === 'broken') {
    await stop();
    throw new Error(`the rule engine does not start: ${ready.why}`);
  }
  return {
    ask: (question, deadlineMs) => {
      const answered = reply(deadlineMs);
      worker.postMessage(question);
      return answered;
    },
    alive: () => alive,
    stop,
  };
}
