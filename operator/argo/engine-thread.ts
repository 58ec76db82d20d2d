import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isError } from './engine-answer.ts';

/** Longest time in which a thread must be ready, in milliseconds: it only guards against waiting for ever. */
const START_DEADLINE = 60_000;

/** Beside this file, and of its kind: TypeScript, or JavaScript where the sources are bundled. */
const WORKER = new URL(`./engine-worker${extname(import.meta.url)}`, import.meta.url);

/** Questions that are sent together, to be answered one after another. */
export interface Batch {
  readonly questions: readonly string[];
  /** Whether the first answer that is an error is the last. */
  readonly untilError: boolean;
}

/** What came of a question. */
export type Reply =
  | { readonly kind: 'answer'; readonly text: string }
  /** No answer, and the thread is of no more use. */
  | { readonly kind: 'broken'; readonly why: string };

/** A thread with the rule engine in it, for one batch at a time. It does not keep the process alive when idle. */
export interface EngineThread {
  /**
   * The replies in the order of the questions; only the last can be a broken one.
   *
   * @param limit longest time for the next question, in milliseconds
   */
  readonly ask: (batch: Batch, limit: () => number) => Promise<readonly Reply[]>;
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

  const replies = (limit: () => number, isLast: (text: string, count: number) => boolean) =>
    new Promise<readonly Reply[]>(resolve => {
      const given: Reply[] = [];
      const begin = () => {
        const deadlineMs = limit();
        const question = given.length;
        // An answer may have come while this thread itself was busy: it is taken first.
        const late = () => given.length === question && fail(`it takes longer than ${deadlineMs} ms`);
        return setTimeout(() => setImmediate(late), deadlineMs);
      };
      let timer = begin();
      worker.ref();
      settle = reply => {
        clearTimeout(timer);
        given.push(reply);
        if (reply.kind === 'answer' && !isLast(reply.text, given.length)) {
          timer = begin();
          return;
        }
        worker.unref();
        settle = () => {};
        resolve(given);
      };
    });
  const stop = async () => {
    alive = false;
    await worker.terminate();
  };

  const [ready] = await replies(
    () => START_DEADLINE,
    () => true,
  );
  if (ready?.kind === 'broken') {
    await stop();
    throw new Error(`the rule engine does not start: ${ready.why}`);
  }
  return {
    ask: (batch, limit) => {
      const { questions, untilError } = batch;
      const isLast = (text: string, count: number) =>
        count === questions.length || (untilError && isError(text));
      const answered = replies(limit, isLast);
      worker.postMessage(batch);
      return answered;
    },
    alive: () => alive,
    stop,
  };
}
