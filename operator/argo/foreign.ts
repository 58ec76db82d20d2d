import { createHash } from 'node:crypto';
import type { RuleVerdicts } from '../policy/observation.ts';
import type { RuleEngine } from './engine.ts';
import { WITH_GROUPS, WITHOUT_GROUPS } from './trial-users.ts';

/**
 * Says of rules that others wrote what they give for each kind of user, by the key of each (a name, say). Those of
 * one namespace in their order; where some take too long, the last ones may go without a verdict.
 */
export type ForeignRuleJudge = (
  rules: ReadonlyMap<string, string>,
  signal?: AbortSignal,
) => Promise<ReadonlyMap<string, RuleVerdicts>>;

/** Rules whose verdicts are remembered. */
const REMEMBERED = 500;

/**
 * After so many rules of one namespace that were given up, its others wait until those are mended: each takes the
 * engine for as long as a rule may, and whoever waits for the verdicts too.
 */
const MOST_GIVEN_UP = 2;

/** How long a rule that was given up is not tried again, in milliseconds: the machine may just have been busy. */
const RETRY_AFTER = 600_000;

interface Remembered {
  readonly verdicts: RuleVerdicts;
  /** Whether the rule was given up. */
  readonly exhausted: boolean;
  /** When to ask again, in milliseconds since the epoch. */
  readonly until: number;
}

/**
 * A judge that asks the engine once about a rule that does not change. Each rule is a call of its own, so that bad
 * rules of one namespace do not keep another's waiting for longer than one of them takes.
 */
export function createForeignRuleJudge(
  engine: RuleEngine,
  { now = Date.now, remembered = REMEMBERED }: { now?: () => number; remembered?: number } = {},
): ForeignRuleJudge {
  // A Map keeps the order of insertion: what was used last stands last.
  const memory = new Map<string, Remembered>();

  function remember(key: string, entry: Remembered): void {
    memory.delete(key);
    memory.set(key, entry);
    const [oldest] = memory.keys();
    if (memory.size > remembered && oldest !== undefined) memory.delete(oldest);
  }

  async function ask(rule: string, signal: AbortSignal | undefined): Promise<Remembered> {
    const questions = [WITH_GROUPS, WITHOUT_GROUPS].map(claims => ({ rule, claims }));
    const [withGroups, noGroups] = await engine.judge(questions, signal);
    if (withGroups === undefined || noGroups === undefined) throw new Error('a question was not answered');
    const exhausted = withGroups.exhausted ?? noGroups.exhausted ?? false;
    return {
      // Argo leaves an empty claim out: to a rule, a user with empty groups is one without.
      verdicts: { withGroups, emptyGroups: noGroups, noGroups },
      exhausted,
      until: exhausted ? now() + RETRY_AFTER : Number.POSITIVE_INFINITY,
    };
  }

  return async (rules, signal) => {
    const judged = new Map<string, RuleVerdicts>();
    let givenUp = 0;
    for (const [name, rule] of rules) {
      if (givenUp === MOST_GIVEN_UP) break;
      const key = createHash('sha256').update(rule).digest('base64');
      const known = memory.get(key);
      const entry = known !== undefined && now() < known.until ? known : await ask(rule, signal);
      remember(key, entry);
      judged.set(name, entry.verdicts);
      if (entry.exhausted) givenUp += 1;
    }
    return judged;
  };
}
