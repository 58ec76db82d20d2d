import { Command } from 'commander';
import type { CommandContext, DefineCommand } from './command.ts';
import { clusterOptions, namespaceOption } from './options.ts';

interface Words {
  readonly name: string;
  readonly summary: string;
  readonly about: readonly string[];
}

const SUSPEND: Words = {
  name: 'suspend',
  summary: 'let a policy stand as it is, and change nothing of it',
  about: [
    'Suspend a policy: the operator leaves everything as it is until it is resumed.',
    'It sets spec.suspend to true. People sign in as before; the secret does not rotate, what is changed by hand stays \
changed, and what is changed in the policy has no effect. Deleting the policy still removes what it has made.',
  ],
};

const RESUME: Words = {
  name: 'resume',
  summary: 'let the operator see to a suspended policy again',
  about: [
    'Resume a suspended policy: the operator brings everything back in line at once.',
    'It sets spec.suspend to false. What was changed by hand meanwhile is undone, and a rotation that was missed comes \
now.',
  ],
};

const MORE = (name: string) => `
A tool that applies the policy from git may set it back; where one is seen to, that is told. Change it in git as well.

Exit codes:
  0  done, or it was so already
  2  the policy is not there, or you may not change it

Examples:
  argo-access ${name} workflows
  argo-access ${name} workflows --namespace argo`;

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

function define({ terminal, end }: CommandContext, words: Words, suspend: boolean): Command {
  const command = new Command(words.name)
    .summary(words.summary)
    .description(words.about.join('\n\n'))
    .argument('<name>', 'the policy')
    .addOption(namespaceOption("namespace of the policy; default: the context's"));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE(words.name)).action(async (name: string, options: Options) => {
    const { setSuspended } = await import('./suspend/run.ts');
    end(await setSuspended(name, suspend, options, terminal));
  });
}

/** `argo-access suspend` */
export const suspendCommand: DefineCommand = context => define(context, SUSPEND, true);

/** `argo-access resume` */
export const resumeCommand: DefineCommand = context => define(context, RESUME, false);
