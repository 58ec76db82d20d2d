import type { Deployment } from '../../api/objects.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import { decodeDeployment } from '../../kubernetes/decode-server.ts';
import { RESOURCES, SHARED } from '../../kubernetes/paths.ts';
import { createReader } from '../../kubernetes/reader.ts';
import { missingServerAccess } from '../../kubernetes/server-access.ts';
import { type Cluster, inCluster, type LiveOptions } from '../live/cluster.ts';
import { explainFailure, isKind } from '../live/failure.ts';
import { CLI_MANAGER } from '../live/manager.ts';
import { readPolicies, readPolicy } from '../live/policies.ts';
import { timeoutMs, waitFor } from '../live/wait.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { announcement, type Findings, refusals } from './checks.ts';
import { issuerProblem } from './issuer.ts';
import { onlyTarget, type Target, targetOf } from './target.ts';

/** How sessions are ended. */
export interface LockoutOptions extends LiveOptions {
  /** Nobody is asked. */
  readonly yes?: boolean;
  /** A duration: how long the restart is waited for. */
  readonly timeout: string;
}

/** Argo Server's own Secret with the key of its session cookies (argo-workflows, server/auth/sso/sso.go). */
const ARGO_SECRET = 'sso';
/** The annotation that `kubectl rollout restart` sets (kubectl, pkg/polymorphichelpers/objectrestarter.go). */
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

/** Ends every open session of an Argo Server. */
export async function lockout(
  name: string | undefined,
  options: LockoutOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const timeout = timeoutMs(options.timeout);
  return inCluster(options, terminal, async cluster => {
    const target = await chooseTarget(cluster, name);
    const findings = await findOut(cluster, target);
    const reasons = refusals(target, findings);
    if (reasons.length > 0) {
      const list = reasons.map(reason => `- ${reason}\n`).join('');
      throw new CommandFailure(`nothing is done:\n${list.trimEnd()}`, ExitCode.Wrong);
    }
    await rehearse(cluster, target);
    terminal.out(`${announcement(target, cluster.place.context, findings)}\n`);
    if (options.yes !== true) await agree(terminal, cluster.signal);
    await endSessions(cluster, target, findings, terminal);
    return awaitRestart(cluster, target, timeout, terminal);
  });
}

async function chooseTarget(cluster: Cluster, name: string | undefined): Promise<Target> {
  if (name !== undefined) return targetOf(await readPolicy(cluster, name));
  return onlyTarget(await readPolicies(cluster), cluster.namespace);
}

async function findOut(cluster: Cluster, target: Target): Promise<Findings> {
  const { spec } = target.policy;
  const [deployment, problem] = await Promise.all([
    readDeployment(cluster, target),
    issuerProblem(target.issuer, spec.server?.rootCA),
  ]);
  const missingAccess = deployment === undefined ? [] : await accessOf(cluster, target, deployment);
  return { issuerProblem: problem, deployment, missingAccess };
}

async function readDeployment(
  cluster: Cluster,
  { namespace, deployment }: Target,
): Promise<Deployment | undefined> {
  const raw = await cluster.get<RawObject>(SHARED.Deployment, namespace, deployment);
  return raw === undefined ? undefined : decodeDeployment(raw);
}

/** Undefined where whoever runs the command may not ask. */
async function accessOf(
  { client, place, signal }: Cluster,
  { namespace, policy: { spec } }: Target,
  { serviceAccountName }: Deployment,
): Promise<readonly string[] | undefined> {
  const configMap = spec.server?.configMap?.name;
  const secret = spec.client?.secret.name;
  const names = {
    configMaps: configMap === undefined ? [] : [configMap],
    secrets: [ARGO_SECRET, ...(secret === undefined ? [] : [secret])],
  };
  try {
    return await missingServerAccess(client, namespace, serviceAccountName, signal, names);
  } catch (error) {
    if (isKind(error, 'Forbidden')) return undefined;
    const resource = { group: 'authorization.k8s.io', plural: 'localsubjectaccessreviews' };
    throw explainFailure(place, { verb: 'create', resource, namespace }, error);
  }
}

/** Asks the API server whether it would take both writes, so that not one of them is made and the other refused. */
async function rehearse(cluster: Cluster, target: Target): Promise<void> {
  await deleteKey(cluster, target, true);
  await restart(cluster, target, undefined, true);
}

async function agree({ ask }: Terminal, signal: AbortSignal): Promise<void> {
  if (ask === undefined) {
    throw new CommandFailure(
      'nothing is done: there is no terminal to ask whether to go on; give --yes to go on without',
      ExitCode.Failed,
    );
  }
  const answer = (await ask('Go on? [y/N] ', signal)).trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes') throw new CommandFailure('nothing is done', ExitCode.Failed);
}

async function endSessions(
  cluster: Cluster,
  target: Target,
  { deployment }: Findings,
  { out }: Terminal,
): Promise<void> {
  const { namespace, deployment: name } = target;
  const found = await deleteKey(cluster, target, false);
  const secret = `Secret ${namespace}/${ARGO_SECRET}`;
  out(found ? `${secret} is deleted\n` : `${secret} is not there; the key is in the pods alone\n`);
  await restart(cluster, target, deployment?.metadata.uid, false);
  out(`Deployment ${namespace}/${name} is being restarted\n`);
}

/** Whether it was there. Its value is not read. */
async function deleteKey(cluster: Cluster, { namespace }: Target, dryRun: boolean): Promise<boolean> {
  const resource = RESOURCES.Secret;
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(dryRun && { dryRun: ['All'] }) };
  try {
    await cluster.write({ verb: 'delete', resource, namespace, name: ARGO_SECRET, body });
    return true;
  } catch (error) {
    if (isKind(error, 'NotFound')) return false;
    throw error;
  }
}

async function restart(
  cluster: Cluster,
  { namespace, deployment: name }: Target,
  uid: string | undefined,
  dryRun: boolean,
): Promise<void> {
  const annotations = { [RESTARTED]: new Date().toISOString() };
  const body = {
    ...(uid !== undefined && { metadata: { uid } }),
    spec: { template: { metadata: { annotations } } },
  };
  const query = { fieldManager: CLI_MANAGER, ...(dryRun && { dryRun: 'All' }) };
  await cluster.write({ verb: 'patch', resource: SHARED.Deployment, namespace, name, body, query });
}

async function awaitRestart(
  cluster: Cluster,
  target: Target,
  timeout: number,
  { out, err }: Terminal,
): Promise<ExitCode> {
  return waitFor<ExitCode>(timeout, cluster.signal, async ({ isLast }) => {
    const deployment = await readDeployment(cluster, target);
    const progress = deployment?.rollout.progress;
    if (progress === 'complete') {
      out('done: every session from before has ended\n');
      return ExitCode.Ok;
    }
    if (!isLast && progress === 'rolling') return undefined;
    const why = deployment === undefined ? 'it is gone' : await whyNot(cluster, deployment);
    err(
      `Deployment ${target.namespace}/${target.deployment} is not restarted yet, and sessions may go on in old pods` +
        `${why === '' ? '' : `: ${why}`}; mend it, and see: kubectl --namespace ${target.namespace} rollout status ` +
        `deployment/${target.deployment}\n`,
    );
    return ExitCode.Wrong;
  });
}

async function whyNot({ client, signal }: Cluster, deployment: Deployment): Promise<string> {
  const troubles = await createReader(client)
    .podTroubles(deployment, signal)
    .catch((error: unknown) => {
      // The pods need not be seen by whoever may restart them.
      if (isKind(error, 'Forbidden')) return [];
      throw error;
    });
  const { why } = deployment.rollout;
  return [...(why === undefined ? [] : [why]), ...troubles].join('; ');
}
