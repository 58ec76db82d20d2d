import type { Policy } from '../../api/objects.ts';
import { decodePolicy, type RawObject } from '../../kubernetes/decode.ts';
import { POLICIES } from '../../kubernetes/paths.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import type { Cluster } from './cluster.ts';
import { isKind } from './failure.ts';

/**
 * The policies of a namespace, or of all, by namespace and name. One whose spec this version cannot read has
 * `invalid`, and next to nothing in its spec: see {@link sayInvalid}.
 */
export async function readPolicies(cluster: Cluster, namespace = cluster.scope): Promise<readonly Policy[]> {
  const raw = await listPolicies(cluster, namespace);
  return raw.map(decodePolicy).toSorted((a, b) => compare(keyOf(a), keyOf(b)));
}

/** One policy; where it is not there, the command ends and names those that are. */
export async function readPolicy(
  cluster: Cluster,
  name: string,
  namespace = cluster.namespace,
): Promise<Policy> {
  const found = await cluster.get<RawObject>(POLICIES, namespace, name);
  if (found !== undefined) return decodePolicy(found);
  throw await noSuchPolicy(cluster, name, namespace);
}

/** The end of a command whose policy is not there; names those that are. */
export async function noSuchPolicy(
  cluster: Cluster,
  name: string,
  namespace: string,
): Promise<CommandFailure> {
  const rest = await others(cluster, namespace);
  return new CommandFailure(
    `there is no ArgoAccessPolicy ${name} in namespace ${namespace}${rest}`,
    ExitCode.Failed,
  );
}

/** Tells, beside the result, of policies whose spec cannot be read. */
export function sayInvalid(terminal: Pick<Terminal, 'err'>, policies: readonly Policy[]): void {
  for (const { metadata, invalid } of policies) {
    if (invalid === undefined) continue;
    const { namespace, name } = metadata;
    terminal.err(`policy ${namespace}/${name} cannot be read by this version of argo-access: ${invalid}\n`);
  }
}

/** As `namespace/name`. */
export function keyOf({ metadata: { namespace, name } }: Policy): string {
  return `${namespace}/${name}`;
}

async function listPolicies(cluster: Cluster, namespace: string | undefined): Promise<readonly RawObject[]> {
  try {
    return await cluster.list<RawObject>(POLICIES, namespace);
  } catch (error) {
    if (isKind(error, 'NotFound')) throw notInstalled(cluster, error);
    throw error;
  }
}

function notInstalled({ place: { server, context } }: Cluster, cause: unknown): CommandFailure {
  return new CommandFailure(
    `the cluster ${server} (context ${context}) does not know ArgoAccessPolicies; apply crds/ of the operator there, ` +
      'or choose another cluster by --context',
    ExitCode.Failed,
    cause,
  );
}

async function others(cluster: Cluster, namespace: string): Promise<string> {
  try {
    const names = (await readPolicies(cluster, namespace)).map(({ metadata }) => metadata.name);
    return names.length === 0
      ? ', nor any other; choose the namespace by --namespace'
      : `; there is ${names.join(', ')}`;
  } catch (error) {
    // Whoever may get a policy need not be allowed to list them all.
    if (isKind(error, 'Forbidden')) return '; correct the name, or choose the namespace by --namespace';
    throw error;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
