import { decodePolicy, type RawObject } from '../../kubernetes/decode.ts';
import { POLICIES } from '../../kubernetes/paths.ts';
import { inCluster, type LiveOptions } from '../live/cluster.ts';
import { CLI_MANAGER } from '../live/manager.ts';
import { keyOf, noSuchPolicy } from '../live/policies.ts';
import { ExitCode, type Terminal } from '../terminal.ts';
import { applierOf } from './gitops.ts';
import { describeApplier, describeSwitch } from './words.ts';

/** Sets `spec.suspend` of a policy, and nothing else. */
export async function setSuspended(
  name: string,
  suspend: boolean,
  options: LiveOptions,
  { out, err, interrupt }: Terminal,
): Promise<ExitCode> {
  return inCluster(options, { interrupt }, async cluster => {
    const { namespace } = cluster;
    const found = await cluster.get<RawObject>(POLICIES, namespace, name);
    if (found === undefined) throw await noSuchPolicy(cluster, name, namespace);
    const before = decodePolicy(found);
    if (before.spec.suspend === suspend) {
      out(
        `policy ${keyOf(before)} is ${suspend ? 'suspended already' : 'not suspended'}; nothing is changed\n`,
      );
      return ExitCode.Ok;
    }
    const body = { metadata: { uid: before.metadata.uid }, spec: { suspend } };
    const query = { fieldManager: CLI_MANAGER };
    await cluster.write({ verb: 'patch', resource: POLICIES, namespace, name, body, query });
    out(`${describeSwitch(before, suspend).join('\n')}\n`);
    const applier = applierOf(found);
    if (applier !== undefined) err(`warning: ${describeApplier(applier, suspend)}\n`);
    return ExitCode.Ok;
  });
}
