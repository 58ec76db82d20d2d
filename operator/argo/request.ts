import type { ServiceAccount } from '../api/objects.ts';
import {
  type Contender,
  contenderKey,
  contendersOf,
  delegate,
  type Outcome,
  select,
  type Tried,
} from '../policy/selection.ts';
import type { RuleEngine } from './engine.ts';
import { type IdToken, type Login, type LoginTerms, loginOf } from './id-token.ts';

/** Somebody who has signed in by an ID token, and asks for something. */
export interface Request {
  readonly token: IdToken;
  readonly terms: LoginTerms;
  readonly accounts: readonly ServiceAccount[];
  /** Where Argo Server looks for the account of a login. */
  readonly loginNamespace: string;
  /** Of what is asked for; undefined where that has none, or nothing is asked for in particular. */
  readonly namespace: string | undefined;
  /** Whether Argo Server also looks in the namespace of what is asked for. */
  readonly delegates: boolean;
}

/** An account that Argo tries, and what its rule gives. */
export interface Trial {
  readonly contender: Contender;
  readonly tried: Tried;
}

/** What Argo does with a request. */
export interface Explanation {
  readonly login: Login;
  /** In Argo's order, those of the login first; none where the login is refused. */
  readonly trials: readonly Trial[];
  /** What may come of it in the namespace of the login alone. */
  readonly own: readonly Outcome[];
  /** What may come of it in the namespace of what is asked for; undefined where Argo does not look there. */
  readonly there: readonly Outcome[] | undefined;
  /** What may come of it; several where accounts tie, none where the login is refused. */
  readonly outcomes: readonly Outcome[];
}

const UNTRIED: Tried = { kind: 'unknown', message: 'it was not tried' };

async function tryAll(
  contenders: readonly Contender[],
  claims: Readonly<Record<string, unknown>>,
  engine: Pick<RuleEngine, 'judge'>,
  signal: AbortSignal | undefined,
): Promise<readonly Trial[]> {
  const questions = contenders.map(({ rule }) => ({ rule, claims }));
  const judgements = await judgeOrSay(questions, engine, signal);
  return contenders.map((contender, index) => ({ contender, tried: judgements[index] ?? UNTRIED }));
}

/** Argo has no limits: of a rule that was given up, nobody knows what it would give there. */
async function judgeOrSay(
  questions: Parameters<RuleEngine['judge']>[0],
  engine: Pick<RuleEngine, 'judge'>,
  signal: AbortSignal | undefined,
): Promise<readonly Tried[]> {
  try {
    const judgements = await engine.judge(questions, signal);
    return judgements.map(
      ({ exhausted, ...verdict }): Tried =>
        exhausted === true && verdict.kind === 'error' ? { ...verdict, kind: 'unknown' } : verdict,
    );
  } catch (error) {
    signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return questions.map(() => ({ kind: 'unknown', message }));
  }
}

/** What Argo Server would do with a request, by its own rule engine. */
export async function explainRequest(
  { token, terms, accounts, loginNamespace, namespace, delegates }: Request,
  engine: Pick<RuleEngine, 'judge'>,
  signal?: AbortSignal,
): Promise<Explanation> {
  const login = loginOf(token, terms);
  if (login.kind === 'refused') return { login, trials: [], own: [], there: undefined, outcomes: [] };
  const within = (name: string) =>
    contendersOf(accounts.filter(({ metadata }) => metadata.namespace === name));
  const looksThere = delegates && namespace !== undefined && namespace !== loginNamespace;
  const contenders = [...within(loginNamespace), ...(looksThere ? within(namespace) : [])];
  const trials = await tryAll(contenders, login.claims, engine, signal);
  const tried = new Map(trials.map(trial => [contenderKey(trial.contender), trial.tried]));
  const outcomesIn = (name: string) =>
    select(within(name), contender => tried.get(contenderKey(contender)) ?? UNTRIED);
  const own = outcomesIn(loginNamespace);
  const there = looksThere ? outcomesIn(namespace) : undefined;
  return { login, trials, own, there, outcomes: there === undefined ? own : delegate(own, there) };
}
