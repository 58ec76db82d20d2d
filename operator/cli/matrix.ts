import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { allNamespacesOption, clusterOptions, namespaceOption, outputOption } from './options.ts';

/** How a matrix is written; the first is for people. */
export const MATRIX_FORMATS = ['text', 'markdown', 'html', 'json', 'yaml'] as const;

/** One of the {@link MATRIX_FORMATS}. */
export type MatrixFormat = (typeof MATRIX_FORMATS)[number];

const ABOUT = [
  'Show who may do what with workflows, and where: groups, their ServiceAccounts and roles, namespaces, verbs.',
  'What is shown is what the cluster grants just now, to accounts that policies made and to those made by hand alike: \
each group with the ServiceAccount that Argo Server gives to somebody who is in that group and in no other that a rule \
names.',
  'The cluster is read with your own rights; docs/cli.md says which are enough. Keycloak is not asked: who is in a group \
is not shown.',
].join('\n\n');

const MORE = `
Exit codes:
  0  shown
  2  the cluster cannot be asked

Examples:
  argo-access matrix --namespace argo
  argo-access matrix --all-namespaces --output html > access.html
  argo-access matrix -A -o markdown >> "$GITHUB_STEP_SUMMARY"`;

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output: MatrixFormat;
}

/** `argo-access matrix` */
export const matrixCommand: DefineCommand = ({ terminal, end }) => {
  const command = new Command('matrix')
    .summary('show who may do what with workflows, and where')
    .description(ABOUT)
    .addOption(namespaceOption("namespace of the ServiceAccounts with rules; default: the context's"))
    .addOption(allNamespacesOption('the ServiceAccounts of all namespaces'))
    .addOption(outputOption(MATRIX_FORMATS));
  for (const option of clusterOptions()) command.addOption(option);
  return command.addHelpText('after', MORE).action(async (options: Options) => {
    const { matrix } = await import('./matrix/run.ts');
    end(await matrix(options, terminal));
  });
};
