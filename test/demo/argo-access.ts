import { explain } from '../../operator/cli/explain/run.ts';
import { matrix } from '../../operator/cli/matrix/run.ts';
import { plan } from '../../operator/cli/plan/run.ts';
import type { Terminal } from '../../operator/cli/terminal.ts';
import { type Ended, written } from '../cli/command-line.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { Disappointment } from './expect.ts';
import { command, output, WIDTH } from './print.ts';
import type { Stage } from './stage.ts';

/** Shows a command of argo-access and what it prints; fails where that is not what it ends with. */
async function show(
  args: string,
  exitCode: number,
  work: (terminal: Terminal) => Promise<number>,
): Promise<string> {
  command(`argo-access ${args}`);
  const { code, out, err }: Ended = await written(work, '', { columns: WIDTH });
  output(`${err}${out}`);
  if (code !== exitCode) throw new Disappointment(`argo-access ${args}\nended with ${code}: ${err.trim()}`);
  return out;
}

/** What applying a file would change. */
export async function showPlan({ environment, configPath }: Stage, file: string): Promise<string> {
  const { kubeconfigPath: kubeconfig } = environment.kubernetes;
  const wasmPath = await ruleEngineWasm(() => {});
  const options = { kubeconfig, config: configPath, output: 'text' } as const;
  return show(`plan --config config.yaml ${file}`, 0, terminal => plan([file], options, terminal, wasmPath));
}

/** As whom a user of the policy's realm acts, and why. */
export async function showExplanation({ environment, configPath }: Stage, user: string): Promise<string> {
  const { kubeconfigPath: kubeconfig } = environment.kubernetes;
  const wasmPath = await ruleEngineWasm(() => {});
  const options = { kubeconfig, config: configPath, namespace: 'argo', user, output: 'text' } as const;
  return show(`explain --user ${user} --config config.yaml --namespace argo`, 0, terminal =>
    explain(options, terminal, wasmPath),
  );
}

/** Who may do what, and where. */
export async function showMatrix({ environment }: Stage): Promise<string> {
  const { kubeconfigPath: kubeconfig } = environment.kubernetes;
  return show('matrix --namespace argo', 0, terminal =>
    matrix({ kubeconfig, namespace: 'argo', output: 'text' }, terminal),
  );
}
