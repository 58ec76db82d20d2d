import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import {
  allNamespacesOption,
  clusterOptions,
  LIVE_FORMATS,
  type LiveFormat,
  namespaceOption,
  outputOption,
} from './options.ts';

const ABOUT = [
  'Show how policies are doing.',
  'With a name, all of one policy on one screen: its parts with what is wrong and what to do about it, the client, the \
secret and its rotations, the roles with their accounts and the groups that Keycloak does not have, and what was told \
of it in the last hour. Without, a line for each policy of the namespace.',
  'What is shown is what the operator has written into the policies; Keycloak is not asked.',
].join('\n\n');

const MORE = `
Exit codes:
  0  all of what was looked at is ready
  1  a policy is not: something is wrong with it, it is suspended, or the operator has not looked at it yet
  2  the policy is not there, or the cluster cannot be asked

Examples:
  argo-access status
  argo-access status --all-namespaces
  argo-access status workflows --namespace argo
  argo-access status workflows -n argo -o json | jq .secret.nextRotation`;

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output: LiveFormat;
}

/** `argo-access status` */
export const statusCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('status')
    .summary('show how policies are doing')
    .description(ABOUT)
    .argument('[name]', 'a policy; all of the namespace where it is left out')
    .addOption(namespaceOption("namespace of the policies; default: the context's"))
    .addOption(allNamespacesOption('the policies of all namespaces'))
    .addOption(outputOption(LIVE_FORMATS));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (name: string | undefined, options: Options) => {
    const { status } = await import('./status/run.ts');
    end(await status(name, options, terminal));
  });
};
