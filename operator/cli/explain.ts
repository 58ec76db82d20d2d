import { Command, Option } from 'commander';
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
  'Say as which ServiceAccount somebody who signs in to Argo acts, and why.',
  "Every ServiceAccount with a rule is shown in the order in which Argo Server tries it, with what its rule gives by \
Argo's own engine, where it comes from, how it is with its token, and what it may do. Where no rule matches, the \
nearest are named, with what is missing.",
  "The cluster is read with your own rights; no token is read. With --user, Keycloak is asked what it would put into \
that user's ID token, as the client that the configuration names. docs/cli.md says which rights are enough.",
].join('\n\n');

const MORE = `
Exit codes:
  0  it is one ServiceAccount, and nothing is known to be wrong with its token
  1  it is none, or one of several, or a rule fails, or the token is not there
  2  the cluster or Keycloak cannot be asked, there is no such user, or a file cannot be read

Examples:
  argo-access explain --user jo --config config.yaml --namespace argo
  argo-access explain --groups /platform/admins,/teams/a -n argo
  argo-access explain --token id-token.txt -n argo --resource-namespace team-a
  argo-access explain --claims claims.json -n argo --can-i -o json`;

interface Options {
  readonly user?: string;
  readonly groups?: string;
  readonly claims?: string;
  readonly token?: string;
  readonly config?: string;
  readonly policy?: string;
  readonly resourceNamespace?: string;
  readonly canI?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly output: LiveFormat;
}

/** Who somebody is, in ways of which one is given. */
function whoOptions(): readonly Option[] {
  const ways = ['user', 'groups', 'claims', 'token'];
  const except = (way: string) => ways.filter(each => each !== way);
  return [
    new Option('--user <name>', 'a user of Keycloak; needs --config').conflicts(except('user')),
    new Option('--groups <list>', 'somebody in these groups, parted by commas; empty for none').conflicts(
      except('groups'),
    ),
    new Option('--claims <file>', 'claims of an ID token as JSON; - for the standard input').conflicts(
      except('claims'),
    ),
    new Option(
      '--token <file>',
      'an ID token; - for the standard input. Its signature is not checked',
    ).conflicts(except('token')),
  ];
}

/** `argo-access explain` */
export const explainCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('explain')
    .summary('say as which ServiceAccount somebody acts, and why')
    .description(ABOUT);
  for (const option of whoOptions()) command.addOption(option);
  command
    .addOption(namespaceOption("namespace of Argo Server, where people sign in; default: the context's"))
    .option(
      '--resource-namespace <name>',
      'namespace of what is asked for, where Argo Server looks too if it delegates',
    )
    .option('--policy <name>', 'the policy of the login, where the namespace has several with a client')
    .option('--can-i', 'ask the API server what the ServiceAccount may do with workflows')
    .addOption(configOption("the operator's configuration, and the way to Keycloak"))
    .addOption(outputOption(LIVE_FORMATS));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (options: Options) => {
    const { explain } = await import('./explain/run.ts');
    end(await explain(options, terminal));
  });
};
