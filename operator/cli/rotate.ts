import { Command, Option } from 'commander';
import type { DefineCommand } from './command.ts';
import { clusterOptions, namespaceOption } from './options.ts';

const ABOUT = [
  "Ask for a new secret of a policy's client, besides its schedule.",
  'It sets the annotation argo-access.io/rotate-requested-at of the policy to the present time; all the rest the \
operator does: Keycloak makes the new secret, the Secret takes it over, it is tried at Keycloak, and Argo Server is \
restarted. Who is signed in notices nothing. Whether the old secret stays valid for logins under way is up to the \
realm: see docs/rotation.md.',
  'With --wait it tells each step until Argo Server has the new secret, or what holds it up.',
].join('\n\n');

const MORE = `
Exit codes:
  0  asked for; with --wait: done
  1  refused, for the policy has no client or is suspended; with --wait: held up, or not done in time. The request
     stands, and the operator follows it as soon as it can
  2  the policy is not there, or the cluster cannot be asked

Examples:
  argo-access rotate workflows --namespace argo
  argo-access rotate workflows -n argo --wait --timeout 10m`;

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** `argo-access rotate` */
export const rotateCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('rotate')
    .summary("ask for a new secret of a policy's client")
    .description(ABOUT)
    .argument('<name>', 'the policy')
    .addOption(namespaceOption("namespace of the policy; default: the context's"))
    .option('--wait', 'tell each step, until it is done')
    .addOption(new Option('--timeout <duration>', 'how long to wait').default('5m').implies({ wait: true }));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (name: string, options: Options) => {
    const { rotate } = await import('./rotate/run.ts');
    end(await rotate(name, options, terminal));
  });
};
