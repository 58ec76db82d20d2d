import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Verdict } from '../policy/observation.ts';
import { type EngineThread, startThread } from './engine-thread.ts';
import { orAborted } from './or-aborted.ts';
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

/** A limit on questions that belong together, besides that on each of them. */
export interface Together {
  /** Longest time for all of them, in milliseconds, not counting what others asked before. */
  readonly deadlineMs: number;
}

/** Argo's rule engine. */
export interface RuleEngine {
  /**
   * Verdicts in the order of the questions. Fails only where the engine cannot be started, is closed, or the signal
   * says so; what is wrong with a rule is a verdict.
   *
   * @param untilError for questions about one rule: the first error is the last answer
   */
  readonly judge: (
    questions: readonly RuleQuestion[],
    signal?: AbortSignal,
    untilError?: Together,
  ) => Promise<readonly Judgement[]>;
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

function readAnswer(text: string): Verdict {
  const { verdict, error } = answerSchema.parse(JSON.parse(text));
  if (error !== undefined) return { kind: 'error', message: error };
  return { kind: verdict ? 'true' : 'false' };
}

/** Questions that a thread gets at a time. */
const BATCH = 32;

function givenUp(why: string): Judgement {
  return { kind: 'error', message: `the rule was given up: ${why}`, exhausted: true };
}

function tooLong({ deadlineMs }: Together): Judgement {
  return givenUp(`for several users it takes longer than ${deadlineMs} ms`);
}

async function readEngine(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const remedy = "the packed argo-access and the operator's image bring it along";
    throw new Error(`ENOENT: ${path} is not there; ${remedy}`, { cause: error });
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
    compiled ??= await WebAssembly.compile(limitMemory(await readEngine(wasmPath), maxMemoryMiB));
    thread = await startThread(compiled);
    return thread;
  }

  /** Answers to the first of the questions: to a batch, or until one breaks the thread, or is the error that ends all. */
  async function judgeSome(
    questions: readonly RuleQuestion[],
    together: Together | undefined,
    limit: () => number,
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    signal.throwIfAborted();
    const current = await liveThread();
    signal.throwIfAborted();
    const batch = {
      questions: questions.slice(0, BATCH).map(question => JSON.stringify(question)),
      untilError: together !== undefined,
    };
    const replies = await current.ask(batch, limit);
    if (replies.at(-1)?.kind === 'broken') await current.stop();
    return replies.map(reply => (reply.kind === 'answer' ? readAnswer(reply.text) : givenUp(reply.why)));
  }

  async function judgeAll(
    questions: readonly RuleQuestion[],
    together: Together | undefined,
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    signal.throwIfAborted();
    // A start is nobody's fault.
    if (questions.length > 0) await liveThread();
    signal.throwIfAborted();
    const end = performance.now() + (together?.deadlineMs ?? Number.POSITIVE_INFINITY);
    const limit = () => Math.min(deadlineMs, Math.max(0, Math.ceil(end - performance.now())));
    const judgements: Judgement[] = [];
    const isOver = () => together !== undefined && judgements.at(-1)?.kind === 'error';
    while (judgements.length < questions.length && !isOver()) {
      judgements.push(...(await judgeSome(questions.slice(judgements.length), together, limit, signal)));
    }
    const isLate = together !== undefined && judgements.at(-1)?.exhausted === true && limit() === 0;
    return isLate ? [...judgements.slice(0, -1), tooLong(together)] : judgements;
  }

  return {
    judge: (questions, given, untilError) => {
      const signal = given === undefined ? closed.signal : AbortSignal.any([closed.signal, given]);
      const judged = last.then(() => judgeAll(questions, untilError, signal));
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
