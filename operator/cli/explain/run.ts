import type { Policy } from '../../api/objects.ts';
import { createRuleEngine, type RuleEngine } from '../../argo/engine.ts';
import { createGroupFilter } from '../../argo/group-filter.ts';
import type { IdToken } from '../../argo/id-token.ts';
import { type Explanation, explainRequest, type Trial } from '../../argo/request.ts';
import { contenderKey } from '../../policy/selection.ts';
import { allowedIn } from '../access/can-i.ts';
import type { Note } from '../access/notes.ts';
import { type AccessView, policiesOf, readAccess } from '../access/read.ts';
import { tokenStateOf } from '../access/tokens.ts';
import { assertNamed, type Cluster, inCluster, type LiveOptions } from '../live/cluster.ts';
import { asData } from '../live/data.ts';
import type { LiveFormat } from '../options.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { type LoginServer, readLoginServer } from './login-server.ts';
import { type PersonOptions, personOf } from './person.ts';
import { type ExplainReport, nearestOf, outcomeOf, reportTrial, type TrialReport } from './report.ts';
import { asText } from './text.ts';

/** Options of the command. */
export interface ExplainOptions extends LiveOptions, PersonOptions {
  readonly policy?: string;
  readonly resourceNamespace?: string;
  readonly canI?: boolean;
  readonly output: LiveFormat;
}

interface Sources {
  readonly cluster: Cluster;
  readonly engine: RuleEngine;
  readonly terminal: Terminal;
  readonly options: ExplainOptions;
  readonly note: Note;
}

/** The policy by which people sign in; undefined where there is none. */
function loginPolicy({ cluster, options, note }: Sources, policies: readonly Policy[]): Policy | undefined {
  const here = policies.filter(
    ({ metadata, spec }) => metadata.namespace === cluster.namespace && spec.client !== undefined,
  );
  const names = here.map(({ metadata }) => metadata.name);
  if (options.policy === undefined) {
    if (here.length > 1 && options.user !== undefined) {
      throw new CommandFailure(
        `namespace ${cluster.namespace} has several policies with a client: choose one of ${names.join(', ')} by --policy`,
        ExitCode.Failed,
      );
    }
    if (here.length > 1)
      note(`how policy ${names.slice(1).join(', ')} reads groups: ${names[0]} was taken, choose by --policy`);
    return here[0];
  }
  const found = here.find(({ metadata }) => metadata.name === options.policy);
  if (found !== undefined) return found;
  const rest = names.length === 0 ? 'there is none' : `there is ${names.join(', ')}`;
  throw new CommandFailure(
    `namespace ${cluster.namespace} has no policy ${options.policy} with a client; ${rest}`,
    ExitCode.Failed,
  );
}

/** Whether Argo Server looks in the namespace of what is asked for; undefined where that is none, or its own. */
function delegationOf(
  { resourceNamespace }: ExplainOptions,
  { accountNamespace, delegates }: LoginServer,
): ExplainReport['delegation'] {
  if (resourceNamespace === undefined || resourceNamespace === accountNamespace) return undefined;
  if (delegates === undefined) return 'unknown';
  return delegates ? 'yes' : 'no';
}

/** The token with the groups that Argo's own filter leaves (argo-workflows, server/auth/sso/sso.go). */
async function filtered(
  { engine, cluster, note }: Sources,
  token: IdToken,
  { groupsClaim, groupFilters }: LoginServer,
): Promise<IdToken> {
  const value = token[groupsClaim];
  if (groupFilters.length === 0 || !Array.isArray(value)) return token;
  const groups = value.filter((each): each is string => typeof each === 'string');
  const { dropped } = await createGroupFilter(engine)(groupFilters, groups, cluster.signal);
  if (dropped.length === 0) return token;
  note(`groups that filterGroupsRegex drops: ${dropped.join(', ')}`);
  return { ...token, [groupsClaim]: groups.filter(group => !dropped.includes(group)) };
}

const GROUPS_ONLY =
  'claims other than groups: with --groups a rule sees none, so that one which looks into them may fail';

async function reportTrials(
  { cluster, options }: Sources,
  view: AccessView,
  explanation: Explanation,
): Promise<readonly TrialReport[]> {
  const { serviceAccounts } = outcomeOf(explanation);
  const report = async (trial: Trial): Promise<TrialReport> => {
    const { account } = trial.contender;
    const wins = serviceAccounts.includes(contenderKey(trial.contender));
    const grants = view.grantsOf(account);
    const where = new Set([
      options.resourceNamespace ?? cluster.namespace,
      ...grants.flatMap(({ namespace }) => namespace ?? []),
    ]);
    const canI =
      options.canI === true && wins
        ? await Promise.all([...where].map(each => allowedIn(cluster, account, each)))
        : undefined;
    const token = await tokenStateOf(cluster, account);
    return reportTrial(trial, view.policies, wins, { token, grants, canI });
  };
  return Promise.all(explanation.trials.map(report));
}

async function explainIn(sources: Sources, notes: ReadonlySet<string>): Promise<ExplainReport> {
  const { cluster, engine, terminal, options, note } = sources;
  const { namespace } = cluster;
  const { resourceNamespace } = options;
  assertNamed({ namespace: resourceNamespace });
  const login = loginPolicy(sources, await policiesOf(cluster, namespace, note));
  const server = await readLoginServer(cluster, login, note);
  const { accountNamespace, groupsClaim } = server;
  const homes = new Set([namespace, accountNamespace, resourceNamespace ?? namespace]);
  const view = await readAccess(cluster, homes, note);
  const person = await personOf(options, { terminal, login, groupsClaim });
  if (person.groupsOnly) note(GROUPS_ONLY);
  const delegation = delegationOf(options, server);
  const request = {
    token: await filtered(sources, person.token, server),
    terms: { groupsClaim, exp: Math.floor((Date.now() + server.sessionMs) / 1000) },
    accounts: view.accounts,
    loginNamespace: accountNamespace,
    namespace: resourceNamespace,
    delegates: delegation !== 'no',
  };
  const explanation = await explainRequest(request, engine, cluster.signal);
  const trials = await reportTrials(sources, view, explanation);
  if (explanation.login.kind === 'session') for (const each of explanation.login.notes) note(each);
  return {
    who: person.what,
    groups: explanation.login.kind === 'session' ? explanation.login.groups : [],
    claims: explanation.login.kind === 'session' ? explanation.login.claims : {},
    namespace,
    ...(accountNamespace !== namespace && { accountNamespace }),
    ...(resourceNamespace !== undefined && { resourceNamespace }),
    ...(delegation !== undefined && { delegation }),
    outcome: outcomeOf(explanation),
    trials,
    nearest: nearestOf(explanation),
    notes: [...notes],
  };
}

function exitCodeOf({ outcome, trials }: ExplainReport): ExitCode {
  if (outcome.kind !== 'account') return ExitCode.Wrong;
  const winner = trials.find(({ wins }) => wins);
  return winner?.token.state === 'filled' || winner?.token.state === 'unread' ? ExitCode.Ok : ExitCode.Wrong;
}

/**
 * Says as which ServiceAccount somebody acts, and why.
 *
 * @param wasmPath Argo's rule engine; by default the one that lies beside the code
 */
export async function explain(
  options: ExplainOptions,
  terminal: Terminal,
  wasmPath?: string,
): Promise<ExitCode> {
  const engine = createRuleEngine(wasmPath === undefined ? {} : { wasmPath });
  const notes = new Set<string>();
  const note = (text: string) => void notes.add(text);
  try {
    const report = await inCluster(options, terminal, cluster =>
      explainIn({ cluster, engine, terminal, options, note }, notes),
    );
    terminal.out(options.output === 'text' ? asText(report, terminal) : asData(options.output, report));
    return exitCodeOf(report);
  } finally {
    await engine.close();
  }
}
