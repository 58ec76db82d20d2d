import type { Policy } from '../../api/objects.ts';

import type { Observation } from '../../policy/observation.ts';
import { Reason } from '../../policy/reasons.ts';
import { type Cluster, inCluster } from '../live/cluster.ts';
import { asData } from '../live/data.ts';
import { isKind } from '../live/failure.ts';
import { type KeycloakAccess, withKeycloak } from '../live/keycloak.ts';
import { readPolicies } from '../live/policies.ts';
import type { LiveFormat } from '../options.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { readSources, type SourceText } from '../validate/sources.ts';
import { viewCluster } from './cluster-view.ts';
import { type FilePolicy, readFiles, refuse } from './files.ts';
import { observeMerged, type Sources, withEngine } from './observe.ts';
import { mergePolicies, refusedUpdates } from './policies.ts';
import { type PlanReport, reportGroups, reportPolicy, timeText } from './report.ts';
import { planAround } from './taken.ts';
import { asText } from './text.ts';
import { reportUsers } from './users.ts';

/** Options of the command. */
export interface PlanOptions {
  readonly config: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly output: LiveFormat;
  readonly prune?: boolean;
  readonly users?: boolean;
  readonly exitCode?: boolean;
}

/** What a plan needs besides its options. */
interface Access {
  readonly cluster: Cluster;
  readonly keycloak: KeycloakAccess;
  readonly now: number;
}

/** Collects what could not be looked at, each once. */
function noteBook() {
  const notes = new Set<string>();
  return { notes, note: (text: string) => void notes.add(text) };
}

const SECRETS_UNREAD =
  "values of Secrets: each is taken to hold what Keycloak has. Where one does not, the operator writes Keycloak's value";

function hiddenNote(namespaces: ReadonlySet<string>): string {
  return (
    `Secrets of namespace ${[...namespaces].join(', ')}, for you may not list them: those that the policies in force want ` +
    'are taken to be there and as they should'
  );
}

const POLICIES_HIDDEN =
  'policies of namespaces other than those of the files, for you may not list them in the whole cluster';

/** All policies of the cluster; those of some namespaces where the user may see no more. */
async function readPresent(
  cluster: Cluster,
  namespaces: ReadonlySet<string>,
  note: (text: string) => void,
): Promise<readonly Policy[]> {
  try {
    // Not only those of the context's namespace, which readPolicies would take by itself.
    return await readPolicies({ ...cluster, scope: undefined });
  } catch (error) {
    if (!isKind(error, 'Forbidden')) throw error;
    note(POLICIES_HIDDEN);
    const lists = await Promise.all([...namespaces].map(namespace => readPolicies(cluster, namespace)));
    return lists.flat();
  }
}

/** What has not to do with policies, but with the way to Keycloak. */
const NO_ANSWER: ReadonlySet<Reason> = new Set([
  Reason.KeycloakUnavailable,
  Reason.KeycloakUntrusted,
  Reason.KeycloakCredentialsRefused,
  Reason.KeycloakForbidden,
]);

function assertKeycloak(observations: readonly Observation[]): void {
  for (const { keycloak } of observations) {
    if (keycloak.state !== 'Failed' || !(keycloak.transient || NO_ANSWER.has(keycloak.reason))) continue;
    throw new CommandFailure(`${keycloak.message}; without Keycloak nothing can be planned`, ExitCode.Failed);
  }
}

function namespacesOf(files: readonly FilePolicy[], cluster: Cluster, prune: boolean): ReadonlySet<string> {
  const named = files.map(({ policy }) => policy.metadata.namespace);
  return new Set(prune ? [...named, cluster.namespace] : named);
}

async function planFiles(
  { cluster, keycloak, now }: Access,
  sources: readonly SourceText[],
  options: PlanOptions,
  wasmPath: string | undefined,
): Promise<PlanReport> {
  const { config } = keycloak;
  const { notes, note } = noteBook();
  const files = readFiles(sources, { namespace: cluster.namespace, wrong: ExitCode.Wrong });
  if (files.length === 0) note('anything: there is no ArgoAccessPolicy in the files');
  const homes = namespacesOf(files, cluster, options.prune === true);
  const present = await readPresent(cluster, homes, note);
  const refused = refusedUpdates(files, present);
  if (refused.length > 0) refuse(sources, refused, ExitCode.Wrong);
  const pruned = options.prune === true ? homes : new Set<string>();
  const merged = mergePolicies({ files, present, pruned, now });
  const planned = merged.filter(({ policy }) => homes.has(policy.metadata.namespace));
  return withEngine(wasmPath, async engine => {
    const all = merged.map(({ policy }) => policy);
    const view = await viewCluster(cluster, config, all, homes);
    if (planned.length > 0)
      note(view.secretsHidden.size > 0 ? hiddenNote(view.secretsHidden) : SECRETS_UNREAD);
    const from: Sources = { cluster, keycloak, view, engine, now, note };
    const observations = await observeMerged(from, planned);
    assertKeycloak(observations);
    const prospects = planAround(observations, view.holders);
    const users =
      options.users === true ? await reportUsers({ ...from, signal: cluster.signal }, prospects) : [];
    const policies = planned.flatMap((each, index) => {
      const prospect = prospects[index];
      return prospect === undefined ? [] : [reportPolicy(each, prospect)];
    });
    return {
      policies,
      people: [...reportGroups(prospects), ...users],
      changes: policies.some(({ changes }) => changes.length > 0),
      plannedAt: timeText(now),
      notes: [...notes],
    };
  });
}

function exitCodeOf({ policies, changes }: PlanReport, { exitCode }: PlanOptions): ExitCode {
  if (exitCode === true) return changes ? ExitCode.Wrong : ExitCode.Ok;
  const isWrong = policies.some(({ merge, problems }) => merge !== 'none' && problems.length > 0);
  return isWrong ? ExitCode.Wrong : ExitCode.Ok;
}

/** With `--exit-code`, 1 says that something would change, and nothing else. */
function failureOf(error: unknown, { exitCode }: PlanOptions): unknown {
  const isWrong = error instanceof CommandFailure && error.exitCode === ExitCode.Wrong;
  return isWrong && exitCode === true ? new CommandFailure(error.message, ExitCode.Failed, error) : error;
}

/**
 * Says what merging files would change, in the cluster and in Keycloak.
 *
 * @param wasmPath Argo's rule engine; by default the one that lies beside the code
 */
export async function plan(
  paths: readonly string[],
  options: PlanOptions,
  terminal: Terminal,
  wasmPath?: string,
): Promise<ExitCode> {
  const sources = await readSources(paths, terminal.input);
  const report = await inCluster(options, terminal, cluster =>
    withKeycloak(options.config, keycloak =>
      planFiles({ cluster, keycloak, now: Date.now() }, sources, options, wasmPath),
    ),
  ).catch(error => {
    throw failureOf(error, options);
  });
  terminal.out(options.output === 'text' ? asText(report, terminal) : asData(options.output, report));
  return exitCodeOf(report, options);
}
