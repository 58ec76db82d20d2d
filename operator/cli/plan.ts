import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import {
  clusterOptions,
  configOption,
  LIVE_FORMATS,
  type LiveFormat,
  namespaceOption,
  outputOption,
} from './options.ts';

const ABOUT = [
  'Say what merging ArgoAccessPolicies would change, before it does: in the cluster, in Keycloak, and for people.',
  'The files are taken to be applied, and what the operator would then do is worked out by its own code in memory, from \
what the cluster and Keycloak hold just now. Nothing is written, and no value of a Secret is read.',
  'The cluster is read with your own rights; Keycloak as the client that the configuration names. docs/cli.md says which \
rights are enough.',
].join('\n\n');

const MORE = `
Signs:
  +  created, or more     -  deleted, or less     ~  changed, or other
  !  keeps some part of a policy from being as it asks     ?  is to be known

Exit codes:
  0  planned, and the policies will be as they ask; with --exit-code: nothing would change
  1  a policy is wrong, or something keeps it from being as it asks; with --exit-code: something would change
  2  the cluster or Keycloak cannot be asked, or the command is wrong; with --exit-code also: a policy is wrong

Examples:
  argo-access plan --config config.yaml policies/
  argo-access plan --config config.yaml --users policies/team-a.yaml
  kustomize build overlays/production | argo-access plan --config config.yaml --prune --exit-code -`;

interface Options {
  readonly config: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly output: LiveFormat;
  readonly prune?: boolean;
  readonly users?: boolean;
  readonly exitCode?: boolean;
}

/** `argo-access plan` */
export const planCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('plan')
    .summary('say what merging policies would change')
    .description(ABOUT)
    .argument('<file...>', 'files or folders; - for the standard input')
    .addOption(outputOption(LIVE_FORMATS))
    .addOption(namespaceOption("namespace of policies that name none; default: the context's"))
    .addOption(configOption("the operator's configuration, and the way to Keycloak").makeOptionMandatory())
    .option('--prune', "policies of the files' namespaces, and of -n, that are in no file are deleted")
    .option('--users', 'look up in Keycloak which users a change concerns')
    .option(
      '--exit-code',
      'end with 0 where nothing would change, with 1 where something would, as git diff',
    );
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (paths: readonly string[], options: Options) => {
    const { plan } = await import('./plan/run.ts');
    end(await plan(paths, options, terminal));
  });
};
