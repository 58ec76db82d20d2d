import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../docs-pages.ts';
import { EXAMPLES } from '../env/example.ts';

/** Where the repository to copy lies. */
export const GITOPS = join(EXAMPLES, 'gitops');

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job extends Pick<Step, 'env'> {
  readonly steps: readonly Step[];
  readonly strategy: { readonly matrix: { readonly environment: readonly string[] } };
}

/** What is used of a workflow of GitHub Actions. */
export interface Workflow {
  readonly defaults: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

/** The workflow of the repository to copy. */
export async function readWorkflow(): Promise<Workflow> {
  const text = await readFile(join(GITOPS, '.github', 'workflows', 'policies.yaml'), 'utf8');
  return parse(text) as Workflow;
}

/** Where a job runs, and with what. */
export interface Runner {
  /** The repository. */
  readonly repository: string;
  /** Stands for the runner's own folder, with the programs that jobs find there. */
  readonly temp: string;
  readonly environment: string;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What a step ended with. */
export interface StepEnd {
  readonly code: number;
  readonly text: string;
}

/** Makes the folder of a runner that has `kubectl`, and `argo-access` as after its installation. */
export async function makeRunner(temp: string, kubectlPath: string): Promise<void> {
  await mkdir(join(temp, 'bin'), { recursive: true });
  const programs = {
    kubectl: `exec '${kubectlPath}' kubectl "$@"`,
    'argo-access': `exec '${process.execPath}' '${join(ROOT, 'operator', 'cli.ts')}' "$@"`,
  };
  for (const [name, line] of Object.entries(programs)) {
    await writeFile(join(temp, 'bin', name), `#!/bin/sh\n${line}\n`);
    await chmod(join(temp, 'bin', name), 0o755);
  }
}

/** The values that GitHub puts in place of its expressions, as far as the workflow has any. */
function filled(env: Step['env'], { environment, secrets = {} }: Runner): Record<string, string> {
  const entries = Object.entries(env ?? {}).map(([name, value]) => {
    const text = value
      .replaceAll(/\$\{\{ matrix\.environment }}/g, () => environment)
      .replaceAll(/\$\{\{ secrets\.(\w+) }}/g, (_, secret) => secrets[secret] ?? '');
    if (/\$\{\{/.test(text)) throw new Error(`${name} has an expression that is not known here: ${text}`);
    return [name, text] as const;
  });
  return Object.fromEntries(entries);
}

function runStep(script: string, env: Readonly<Record<string, string>>, runner: Runner): Promise<StepEnd> {
  return new Promise((resolve, reject) => {
    // What GitHub makes of `shell: bash`.
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd: runner.repository,
      env: {
        HOME: runner.temp,
        PATH: `${join(runner.temp, 'bin')}:${process.env.PATH}`,
        RUNNER_TEMP: runner.temp,
        GITHUB_STEP_SUMMARY: join(runner.temp, 'summary.md'),
        NO_COLOR: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const take = (part: string) => {
      text += part;
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('error', reject);
    child.once('close', code => resolve({ code: code ?? 1, text }));
  });
}

/** Runs the commands of a job one after the other, but for the installation, to the first that fails. */
export async function runJob({ jobs }: Workflow, name: string, runner: Runner): Promise<readonly StepEnd[]> {
  const ends: StepEnd[] = [];
  const job = jobs[name];
  for (const { run, env } of job?.steps ?? []) {
    if (run === undefined || run.startsWith('npm install ')) continue;
    const end = await runStep(run, { ...filled(job?.env, runner), ...filled(env, runner) }, runner);
    ends.push(end);
    if (end.code !== 0) break;
  }
  return ends;
}
