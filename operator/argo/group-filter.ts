import { NOTHING_FILTERED } from '../policy/nothing-seen.ts';
import type { GroupFilterVerdict } from '../policy/observation.ts';
import type { Judgement, RuleEngine, RuleQuestion } from './engine.ts';

/**
 * Says of expressions of `filterGroupsRegex` which of them Argo cannot compile, and which groups none of the others
 * lets through. Fails only where the engine does.
 */
export type GroupFilter = (
  regexes: readonly string[],
  groups: readonly string[],
  signal?: AbortSignal,
) => Promise<GroupFilterVerdict>;

/** Filters whose verdicts are remembered. */
const REMEMBERED = 200;

/** Questions that the engine gets at a time: it does one after the other, and rules of others wait meanwhile. */
const TOGETHER = 64;

/**
 * True, and fails where the expression does not compile. It comes as data, so that nothing in it can be taken for a
 * rule. With `or true` the engine would not look at it at all.
 */
const COMPILES = '("" matches regex) in [true, false]';

/** As Argo filters: any expression, anywhere in the name (argo-workflows, server/auth/sso/sso.go). */
const PASSES = 'any(regexes, group matches #)';

/** What Go says of an expression, without where in our rule it came up. */
function reasonOf({ message }: Extract<Judgement, { kind: 'error' }>): string {
  return (message.split('\n', 1)[0] ?? '').replace(/ \([0-9]+:[0-9]+\)$/, '').slice(0, 400);
}

interface Judged extends GroupFilterVerdict {
  /** Whether the engine gave something up, so that it is worth asking again. */
  readonly exhausted: boolean;
}

/** Judges group filters with the library for regular expressions that Argo uses; asks once about what does not change. */
export function createGroupFilter(engine: Pick<RuleEngine, 'judge'>): GroupFilter {
  // A Map keeps the order of insertion: what was used last stands last.
  const memory = new Map<string, GroupFilterVerdict>();

  async function ask(
    questions: readonly RuleQuestion[],
    signal?: AbortSignal,
  ): Promise<readonly Judgement[]> {
    const judgements: Judgement[] = [];
    for (let at = 0; at < questions.length; at += TOGETHER) {
      judgements.push(...(await engine.judge(questions.slice(at, at + TOGETHER), signal)));
    }
    return judgements;
  }

  async function judge(
    regexes: readonly string[],
    groups: readonly string[],
    signal?: AbortSignal,
  ): Promise<Judged> {
    const compiled = await ask(
      regexes.map(regex => ({ rule: COMPILES, claims: { regex } })),
      signal,
    );
    const invalid = regexes.flatMap((regex, index) => {
      const judgement = compiled[index];
      return judgement?.kind === 'error' ? [{ regex, message: reasonOf(judgement) }] : [];
    });
    const valid = regexes.filter((_, index) => compiled[index]?.kind === 'true');
    const passed =
      valid.length === 0
        ? []
        : await ask(
            groups.map(group => ({ rule: PASSES, claims: { regexes: valid, group } })),
            signal,
          );
    return {
      invalid,
      dropped: groups.filter((_, index) => passed[index]?.kind === 'false'),
      exhausted: [...compiled, ...passed].some(judgement => judgement.exhausted === true),
    };
  }

  return async (regexes, groups, signal) => {
    if (regexes.length === 0) return NOTHING_FILTERED;
    const key = JSON.stringify([regexes, groups]);
    const known = memory.get(key);
    const { exhausted, ...verdict } = known
      ? { ...known, exhausted: false }
      : await judge(regexes, groups, signal);
    memory.delete(key);
    if (!exhausted) memory.set(key, verdict);
    const [oldest] = memory.keys();
    if (memory.size > REMEMBERED && oldest !== undefined) memory.delete(oldest);
    return verdict;
  };
}
