import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { clusterOptions, configOption, namespaceOption } from './options.ts';

const ABOUT = [
  'Write the ArgoAccessPolicy that describes what somebody has made by hand: Argo Server with its client in Keycloak, \
ServiceAccounts with rules, and their bindings.',
  "The policy comes with the consent that taking over needs, and is made so that applying it changes nobody's account or \
rights. That is tried by Argo's own rule engine; what is written anew, stays, or cannot be said is told in comments.",
  'Nothing is written, and no value of a Secret is read. The cluster need not know ArgoAccessPolicies yet. docs/cli.md \
says which rights are enough.',
].join('\n\n');

const MORE = `
Exit codes:
  0  the policy says all that there is, and nothing changes for anybody
  1  something cannot be said, or would not be the same, or stands against the policy
  2  the cluster or Keycloak cannot be asked, or there is nothing to describe

Examples:
  argo-access adopt --config config.yaml --namespace argo > workflows.yaml
  argo-access adopt --config config.yaml --namespace argo --annotate | sh
  argo-access adopt --namespace argo --client-id argo-workflows --url https://workflows.example.com`;

interface Options {
  readonly config?: string;
  readonly clientId?: string;
  readonly url?: string;
  readonly name: string;
  readonly deployment: string;
  readonly annotate?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

/** `argo-access adopt` */
export const adoptCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('adopt')
    .summary('write the policy that describes a hand-made installation')
    .description(ABOUT)
    .addOption(namespaceOption("namespace of Argo Server, or of a team's accounts; default: the context's"))
    .addOption(configOption("the operator's configuration, and the way to Keycloak"))
    .option('--name <policy>', 'name of the policy', 'workflows')
    .option('--deployment <name>', "name of Argo Server's Deployment", 'argo-server')
    .option(
      '--client-id <id>',
      "Argo Server's client; default: the one whose redirect URI Argo's settings name",
    )
    .option('--url <url>', "Argo Server's address; default: as Argo's settings say")
    .option('--annotate', 'print the commands alone that give the consent');
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (options: Options) => {
    const { adopt } = await import('./adopt/run.ts');
    end(await adopt(options, terminal));
  });
};
