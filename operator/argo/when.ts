import { createHash } from 'node:crypto';
import type { WhenVerdict } from '../policy/observation.ts';
import { engineError } from '../policy/short.ts';
import type { RuleEngine } from './engine.ts';
import { orAborted } from './or-aborted.ts';
import { TRIAL_USERS } from './trial-users.ts';

/**
 * Says of the expressions that policies of a namespace give as `when` whether each is true or false for all kinds of
 * users. Fails only where the engine does, or the signal says so.
 */
export type WhenJudge = (
  namespace: string,
  expressions: readonly string[],
  signal?: AbortSignal,
) => Promise<ReadonlyMap<string, WhenVerdict>>;

/** How a judge is set up. */
export interface WhenJudgeOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Expressions whose verdicts are remembered: more than a cluster has, for each is tried on dozens of users. */
  readonly remembered?: number;
  /** Longest time in which verdicts are waited for, in milliseconds. */
  readonly waitMs?: number;
  /** Waits for every verdict, however many take too long: for a person who asks, and holds up nobody else. */
  readonly patient?: boolean;
}

/** Longest time for all users together, in milliseconds; an ordinary expression takes a fiftieth of it. */
const DEADLINE_MS = 2_000;

/** How long an expression that was given up is not tried again, in milliseconds: the machine may just have been busy. */
const RETRY_AFTER = 600_000;

/**
 * After so many expressions of one namespace that were given up within that time, its new ones wait: whoever writes
 * such expressions must not take the engine from others.
 */
const MOST_GIVEN_UP = 3;

const TOO_MANY: WhenVerdict = {
  kind: 'unjudged',
  message: 'too many others of this namespace were given up within ten minutes',
};

const STILL_TRIED: WhenVerdict = { kind: 'unjudged', message: 'it is still being tried' };

interface Remembered {
  readonly verdict: WhenVerdict;
  /** When to ask again, in milliseconds since the epoch. */
  readonly until: number;
}

function keyOf(expression: string): string {
  return createHash('sha256').update(expression).digest('base64');
}

/** Waits for something to end, well or badly, no longer than a time in milliseconds. */
async function waitFor(work: Promise<unknown>, longestMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = Number.isFinite(longestMs) ? setTimeout(late.resolve, longestMs) : undefined;
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A judge that tries an expression once, and those of one namespace one at a time. What takes long goes on when
 * nobody waits for it any more, so that the next look finds the verdict.
 */
export function createWhenJudge(
  engine: Pick<RuleEngine, 'judge'>,
  { now = Date.now, remembered = 10_000, waitMs = 10_000, patient = false }: WhenJudgeOptions = {},
): WhenJudge {
  // A Map keeps the order of insertion: what was used last stands last.
  const memory = new Map<string, Remembered>();
  /** By namespace, until when each of its expressions that were given up counts. */
  const givenUp = new Map<string, readonly number[]>();
  const turns = new Map<string, Promise<void>>();

  function recall(expression: string): WhenVerdict | undefined {
    const key = keyOf(expression);
    const known = memory.get(key);
    if (known === undefined || now() >= known.until) return undefined;
    memory.delete(key);
    memory.set(key, known);
    return known.verdict;
  }

  function remember(expression: string, entry: Remembered): void {
    const key = keyOf(expression);
    memory.delete(key);
    memory.set(key, entry);
    const [oldest] = memory.keys();
    if (memory.size > remembered && oldest !== undefined) memory.delete(oldest);
  }

  function mayAsk(namespace: string): boolean {
    const counting = (givenUp.get(namespace) ?? []).filter(until => now() < until);
    givenUp.set(namespace, counting);
    return patient || counting.length < MOST_GIVEN_UP;
  }

  async function ask(namespace: string, rule: string): Promise<Remembered> {
    const questions = TRIAL_USERS.map(({ claims }) => ({ rule, claims }));
    const judgements = await engine.judge(questions, undefined, { deadlineMs: DEADLINE_MS });
    const last = judgements.at(-1);
    if (last?.kind !== 'error') {
      if (judgements.length < TRIAL_USERS.length) throw new Error('a question was not answered');
      return { verdict: { kind: 'sound' }, until: Number.POSITIVE_INFINITY };
    }
    const place = judgements.length - 1;
    const user = TRIAL_USERS[place]?.who ?? '';
    const message = engineError(last.message);
    const until = last.exhausted ? now() + RETRY_AFTER : Number.POSITIVE_INFINITY;
    if (last.exhausted) givenUp.set(namespace, [...(givenUp.get(namespace) ?? []), until]);
    return { verdict: { kind: 'fails', user, message, always: place === 0 }, until };
  }

  async function judgeOne(namespace: string, expression: string): Promise<WhenVerdict> {
    const known = recall(expression);
    if (known !== undefined) return known;
    if (!mayAsk(namespace)) return TOO_MANY;
    const entry = await ask(namespace, expression);
    remember(expression, entry);
    return entry.verdict;
  }

  /** Does something once all that was asked for the namespace before is done. */
  function inTurn(namespace: string, work: () => Promise<void>): Promise<void> {
    const mine = (turns.get(namespace) ?? Promise.resolve()).then(work);
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (turns.get(namespace) === settled) turns.delete(namespace);
      });
    turns.set(namespace, settled);
    return mine;
  }

  return async (namespace, expressions, signal = new AbortController().signal) => {
    signal.throwIfAborted();
    const judged = new Map<string, WhenVerdict>();
    const unknown: string[] = [];
    for (const expression of expressions) {
      const known = recall(expression);
      if (known === undefined) unknown.push(expression);
      else judged.set(expression, known);
    }
    if (unknown.length > 0) {
      const work = inTurn(namespace, async () => {
        for (const expression of unknown) judged.set(expression, await judgeOne(namespace, expression));
      });
      await orAborted(waitFor(work, patient ? Number.POSITIVE_INFINITY : waitMs), signal);
    }
    return new Map(expressions.map(each => [each, judged.get(each) ?? STILL_TRIED]));
  };
}

/** A judge that fails no more: where there is no engine, nothing is judged, and why is told of each expression. */
export function orUnjudged(judge: WhenJudge): WhenJudge {
  return async (namespace, expressions, signal) => {
    try {
      return await judge(namespace, expressions, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      return new Map(expressions.map(expression => [expression, { kind: 'unjudged', message }]));
    }
  };
}
