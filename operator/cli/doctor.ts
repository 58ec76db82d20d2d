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
  'Say whether everything is in place that a login to Argo Server needs, and how to mend what is not.',
  "It looks at Argo Server's Deployment and settings, the Secrets that they name, the issuer, the ServiceAccounts with \
rules and their tokens, and what Argo Server's own account may do. It works with policies and without, and without the \
operator.",
  'With --config, the client is looked at in Keycloak too. With --prove, the client and its secret are tried there as \
Argo Server would, without any user. No secret is printed. The cluster is read with your own rights; docs/cli.md says \
which are enough, and what you may not look at is told as not known.',
].join('\n\n');

const MORE = `
Exit codes:
  0  nothing is found to be wrong
  1  something is wrong
  2  the cluster cannot be asked, you may look at nothing, or an option is not right

Examples:
  argo-access doctor --namespace argo
  argo-access doctor -n argo --prove
  argo-access doctor -n argo --config config.yaml --connection default
  argo-access doctor -n workflows --deployment argo-workflows-server -o json`;

interface Options {
  readonly deployment: string;
  readonly configMap?: string;
  readonly config?: string;
  readonly connection?: string;
  readonly prove?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly output: LiveFormat;
}

/** `argo-access doctor` */
export const doctorCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('doctor')
    .summary('say what keeps people from signing in, and how to mend it')
    .description(ABOUT)
    .addOption(namespaceOption("namespace of Argo Server; default: the context's"))
    .option('--deployment <name>', "Argo Server's Deployment", 'argo-server')
    .option(
      '--config-map <name>',
      "the ConfigMap with Argo's settings; default: the one that Argo Server reads",
    )
    .addOption(configOption("the operator's configuration, and the way to Keycloak"))
    .option(
      '--connection <name>',
      "the configuration's connection; default: the one that the issuer begins with",
    )
    .option('--prove', "try the client's id and secret at Keycloak, for which the Secret is read")
    .addOption(outputOption(LIVE_FORMATS));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (options: Options) => {
    const { doctor } = await import('./doctor/run.ts');
    end(await doctor(options, terminal));
  });
};
