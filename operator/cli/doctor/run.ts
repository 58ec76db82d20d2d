import { createRuleEngine } from '../../argo/engine.ts';
import { inCluster, type LiveOptions } from '../live/cluster.ts';
import { asData } from '../live/data.ts';
import type { LiveFormat } from '../options.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { type Diagnosis, diagnose } from './checks.ts';
import { type DoctorQuestion, gather } from './gather.ts';
import { asText } from './text.ts';

/** Options of the command. */
export interface DoctorOptions extends LiveOptions, DoctorQuestion {
  readonly output: LiveFormat;
}

/** All that is said, for people and programs. */
export interface DoctorReport extends Diagnosis {
  readonly namespace: string;
  readonly deployment: string;
}

function exitCodeOf({ findings }: Diagnosis): ExitCode {
  if (findings.some(({ verdict }) => verdict === 'fail')) return ExitCode.Wrong;
  // Whoever may look at nothing has not been told anything.
  return findings.every(({ verdict }) => verdict === 'unknown') ? ExitCode.Failed : ExitCode.Ok;
}

/**
 * Says whether everything is in place that a login needs.
 *
 * @param wasmPath Argo's rule engine; by default the one that lies beside the code
 */
export async function doctor(
  options: DoctorOptions,
  terminal: Terminal,
  wasmPath?: string,
): Promise<ExitCode> {
  if (options.connection !== undefined && options.config === undefined) {
    throw new CommandFailure('--connection needs --config, which has the connections', ExitCode.Failed);
  }
  const engine = createRuleEngine(wasmPath === undefined ? {} : { wasmPath });
  try {
    const snapshot = await inCluster(options, terminal, cluster => gather(cluster, engine, options));
    const report: DoctorReport = {
      namespace: snapshot.namespace,
      deployment: snapshot.deploymentName,
      ...diagnose(snapshot),
    };
    terminal.out(options.output === 'text' ? asText(report, terminal) : asData(options.output, report));
    return exitCodeOf(report);
  } finally {
    await engine.close();
  }
}
