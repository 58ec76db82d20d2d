import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Verdict } from '../policy/observation.ts';
import { type EngineThread, startThread } from './engine-thread.ts';
import { limitMemory } from './wasm-memory.ts';

/** Where the rule engine lies beside the code; the image's build puts it there. */
export const DEFAULT_WASM_PATH = fileURLToPath(new URL('./rule-engine.wasm', import.meta.url));

/** A rule, and the names that it may use, as Argo Server gives them. */
export interface RuleQuestion {
  readonly rule: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A verdict; `exhausted` where the rule was given up for taking too much time, memory or depth. */
export type Judgement = Verdict & { readonly exhausted?: true };

/** Argo's rule engine. */
export interface RuleEngine {
  /**
   * Verdicts in the order of the questions. Fails only where the engine cannot be started, is closed, or the signal
   * says so; what is wrong with a rule is a verdict.
   */
  readonly judge: (questions: readonly RuleQuestion[], signal?: AbortSignal) => Promise<readonly Judgement[]>;
  /** Stops it; questions under way fail. */
  readonly close: () => Promise<void>;
}

/** How a rule engine is set up. */
export interface RuleEngineOptions {
  /** Default: {@link DEFAULT_WASM_PATH}. */
  readonly wasmPath?: string;
  /** Longest time for one question, in milliseconds. */
  readonly deadlineMs?: number;
  /** Most memory that the engine may take. */
  readonly maxMemoryMiB?: number;
}

const answerSchema = z.object({ verdict: z.boolean(), error: z.string().optional() });

function verdictOf(text: string): Verdict {
  const { verdict, error } = answerSchema.parse(JSON.parse(text));
  if (error !== undefined) return { kind: 'error', message: error };
  return { kind: verdict ? 'true' : 'false' };
}

/** The promise's outcome, or the signal's reason where that comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Argo's rule engine in a thread of its own, which starts with the first question and keeps no process alive. It
 * runs what others wrote: a rule that takes too long, or too much memory, costs its thread and nothing else.
 */
export function createRuleEngine({
  wasmPath = DEFAULT_WASM_PATH,
  deadlineMs = 1_000,
  maxMemoryMiB = 64,
}: RuleEngineOptions = {}): RuleEngine {
  const closed = new AbortController();
  let compiled: WebAssembly.Module | undefined;
  let thread: EngineThread | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function liveThread(): Promise<EngineThread> {
    if (thread?.alive()) return thread;
    compiled ??= await WebAssembly.compile(limitMemory(await readFile(wasmPath), maxMemoryMiB));
    thread = await startThread(compiled);
    return thread;
  }

  async function judgeOne(question: RuleQuestion, signal: AbortSignal): Promise<Judgement> {
    signal.throwIfAborted();
    const current = await liveThread();
    signal.throwIfAborted();
    const reply = await current.ask(JSON.stringify(question), deadlineMs);
    if (reply.kind === 'answer') return verdictOf(reply.text);
    await current.stop();
    return { kind: 'error', message: `the rule was given up: ${reply.why}`, exhausted: true };
  }

  async function judgeAll(
    questions: readonly RuleQuestion[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    const judgements: Judgement[] = [];
    for (const question of questions) judgements.push(await judgeOne(question, signal));
    return judgements;
  }

  return {
    judge: (questions, given) => {
      const signal = given === undefined ? closed.signal : AbortSignal.any([closed.signal, given]);
      const judged = last.then(() => judgeAll(questions, signal));
      last = judged.catch(() => {});
      return orAborted(judged, signal);
    },
    close: async () => {
      closed.abort(new Error('the rule engine is closed'));
      await thread?.stop();
      await last;
      await thread?.stop();
    },
  };
}
