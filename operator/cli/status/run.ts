import type { Policy } from '../../api/objects.ts';
import { type Cluster, inCluster, type LiveOptions } from '../live/cluster.ts';
import { asData } from '../live/data.ts';
import { type PolicyEvent, readEvents } from '../live/events.ts';
import { isKind } from '../live/failure.ts';
import { painter } from '../live/layout.ts';
import { readPolicies, readPolicy, sayInvalid } from '../live/policies.ts';
import type { LiveFormat } from '../options.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { policyList, policyScreen } from './text.ts';
import { type PolicyView, viewPolicy } from './view.ts';

/** How policies are chosen, and shown. */
export interface StatusOptions extends LiveOptions {
  readonly output: LiveFormat;
}

/** Shows how one policy is doing, or all of a namespace or cluster. */
export async function status(
  name: string | undefined,
  options: StatusOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  if (name !== undefined && options.allNamespaces === true) {
    throw new CommandFailure(
      'a policy has its name in one namespace: give --namespace with the name, or --all-namespaces without',
      ExitCode.Failed,
    );
  }
  return inCluster(options, terminal, cluster =>
    name === undefined ? showAll(cluster, options, terminal) : showOne(cluster, name, options, terminal),
  );
}

function codeOf(views: readonly PolicyView[]): ExitCode {
  return views.every(({ state }) => state === 'Ready') ? ExitCode.Ok : ExitCode.Wrong;
}

function screenOf({ colours, columns }: Terminal) {
  return { paint: painter(colours), columns, now: Date.now() };
}

async function showOne(
  cluster: Cluster,
  name: string,
  { output }: StatusOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const policy = await readPolicy(cluster, name);
  sayInvalid(terminal, [policy]);
  const view = viewPolicy(policy, await eventsOrSay(cluster, policy, terminal));
  terminal.out(output === 'text' ? policyScreen(view, screenOf(terminal)) : asData(output, view));
  return codeOf([view]);
}

/** Whoever may not list events is shown all the rest. */
async function eventsOrSay(
  cluster: Cluster,
  policy: Policy,
  terminal: Terminal,
): Promise<readonly PolicyEvent[] | undefined> {
  try {
    return await readEvents(cluster, policy);
  } catch (error) {
    if (!isKind(error, 'Forbidden') || !(error instanceof Error)) throw error;
    terminal.err(`events are not shown: ${error.message}\n`);
    return undefined;
  }
}

async function showAll(cluster: Cluster, { output }: StatusOptions, terminal: Terminal): Promise<ExitCode> {
  const policies = await readPolicies(cluster);
  sayInvalid(terminal, policies);
  const views = policies.map(policy => viewPolicy(policy));
  if (output !== 'text') terminal.out(asData(output, { policies: views }));
  else if (views.length > 0) terminal.out(policyList(views, screenOf(terminal)));
  else {
    const where = cluster.scope === undefined ? 'in any namespace' : `in namespace ${cluster.scope}`;
    terminal.err(`there is no ArgoAccessPolicy ${where}\n`);
  }
  return codeOf(views);
}
