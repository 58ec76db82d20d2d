import { ANNOTATION_ROTATE_REQUESTED } from '../../api/names.ts';
import type { Policy } from '../../api/objects.ts';
import { decodePolicy, type RawObject } from '../../kubernetes/decode.ts';
import { POLICIES } from '../../kubernetes/paths.ts';
import { type Cluster, inCluster, type LiveOptions } from '../live/cluster.ts';
import { clean, hanging } from '../live/layout.ts';
import { CLI_MANAGER } from '../live/manager.ts';
import { keyOf, readPolicy } from '../live/policies.ts';
import { timeoutMs, waitFor } from '../live/wait.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { judgeProgress, stepsOf } from './progress.ts';
import { requestTime, whyNotRotated } from './refusal.ts';

/** Whether a rotation is only asked for, or followed too. */
export interface RotateOptions extends LiveOptions {
  readonly wait?: boolean;
  /** A duration, for `wait`. */
  readonly timeout: string;
}

/** For so long what was there before the request may still be what the operator found then. */
const PATIENCE_MS = 15_000;
/** Width of a reason, such as RotationPostponed. */
const REASON = 19;

/** Asks for a new secret of a policy's client. */
export async function rotate(name: string, options: RotateOptions, terminal: Terminal): Promise<ExitCode> {
  const timeout = timeoutMs(options.timeout);
  return inCluster(options, terminal, async cluster => {
    const found = await readPolicy(cluster, name);
    const refusal = whyNotRotated(found);
    if (refusal !== undefined) throw new CommandFailure(refusal, ExitCode.Wrong);
    const policy = await ask(cluster, found);
    const { namespace } = policy.metadata;
    terminal.out(
      `asked for a new secret of client ${policy.spec.client?.clientId} of policy ${keyOf(policy)}\n`,
    );
    if (options.wait === true) return follow(cluster, policy, timeout, terminal);
    terminal.out(`how far it is: argo-access status ${name} --namespace ${namespace}\n`);
    return ExitCode.Ok;
  });
}

/** Gives the policy as it was when it was asked for: the operator cannot have followed yet. */
async function ask(cluster: Cluster, policy: Policy): Promise<Policy> {
  const { namespace, name, uid } = policy.metadata;
  const annotations = { [ANNOTATION_ROTATE_REQUESTED]: requestTime(policy, Date.now()) };
  const body = { metadata: { uid, annotations } };
  const query = { fieldManager: CLI_MANAGER };
  return decodePolicy(
    await cluster.write<RawObject>({ verb: 'patch', resource: POLICIES, namespace, name, body, query }),
  );
}

async function follow(
  cluster: Cluster,
  before: Policy,
  timeout: number,
  { out, err, columns }: Terminal,
): Promise<ExitCode> {
  const told = new Set<string>();
  const tell = (reason: string, message: string) => {
    if (told.has(`${reason} ${message}`)) return;
    told.add(`${reason} ${message}`);
    out(`${hanging(reason.padEnd(REASON), clean(message), columns)}\n`);
  };
  const { namespace, name, uid } = before.metadata;
  const until = Date.now() + timeout;
  return waitFor<ExitCode>(timeout, cluster.signal, async ({ elapsed, isLast }) => {
    const now = await readPolicy(cluster, name, namespace);
    if (now.metadata.uid !== uid) {
      throw new CommandFailure(`policy ${keyOf(before)} has been replaced by another one`, ExitCode.Wrong);
    }
    for (const { reason, message } of stepsOf(before, now)) tell(reason, message);
    const early = elapsed < Math.min(PATIENCE_MS, timeout);
    const progress = judgeProgress(before, now, { early, until });
    switch (progress.state) {
      case 'done':
        tell('Done', 'everybody who signs in from now on does so with the new secret');
        return ExitCode.Ok;
      case 'held':
        err(`it is not done: ${clean(progress.why)}\n`);
        return ExitCode.Wrong;
      case 'going':
        if (!isLast) return undefined;
        err(`it is not done within the time given, and waits for ${clean(progress.waitsFor)}\n`);
        return ExitCode.Wrong;
    }
  });
}
