import { Command, Option } from 'commander';
import type { DefineCommand } from './command.ts';
import { clusterOptions, namespaceOption } from './options.ts';

const ABOUT = [
  'End every open Argo session, at once and for everybody: the emergency exit.',
  'Sessions are cookies that Argo Server encrypts with a key of its own, in its Secret sso. It asks nobody about them \
until they end, so that somebody who was taken out of a group at Keycloak goes on for up to spec.server.sessionExpiry. \
This deletes that Secret and restarts Argo Server, which then makes a new key.',
  'It says what will happen and asks before. It does nothing unless Argo Server would come back: Keycloak has to answer, \
the ServiceAccount of Argo Server to be allowed what it needs, and the Deployment to be available and not paused.',
].join('\n\n');

const MORE = `
To take from somebody what a role gives, without this: take the role or its groups out of the policy. A ServiceAccount
without its rule is no longer used from the next request on, whatever sessions there are.

Exit codes:
  0  done: Argo Server is restarted
  1  refused, or the restart was not over in time
  2  nobody agreed, the policy is not there, or the cluster cannot be asked

Examples:
  argo-access lockout --namespace argo
  argo-access lockout --namespace argo workflows --yes`;

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly yes?: boolean;
  readonly timeout: string;
}

/** `argo-access lockout` */
export const lockoutCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('lockout')
    .summary('end every open Argo session')
    .description(ABOUT)
    .argument('[policy]', 'the policy that names the Argo Server; it may be left out where there is one only')
    .addOption(namespaceOption("namespace of the policy; default: the context's"))
    .option('--yes', 'do not ask')
    .addOption(new Option('--timeout <duration>', 'how long to wait for the restart').default('5m'));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (policy: string | undefined, options: Options) => {
    const { lockout } = await import('./lockout/run.ts');
    end(await lockout(policy, options, terminal));
  });
};
