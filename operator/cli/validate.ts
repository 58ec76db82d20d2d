import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { configOption, namespaceOption, outputOption } from './options.ts';

/** How findings are written. */
export const FORMATS = ['text', 'json', 'yaml', 'sarif', 'github'] as const;

/** One of the {@link FORMATS}. */
export type Format = (typeof FORMATS)[number];

const ABOUT = [
  'Judge ArgoAccessPolicies in files, as the API server and the operator would, without either.',
  'Files are YAML or JSON, with any number of documents; other kinds of objects in them are left alone. Of a folder, \
all *.yaml, *.yml and *.json in it and below are read. What is given together is judged together, as what one \
cluster has: that no two policies want the same client, account or precedence can only be seen then.',
  'With --config, what a policy asks for is compared with what its namespace is allowed.',
  'An error is what the API server would refuse, or what would keep the operator from doing all that the policy asks \
for. A warning is probably not meant. A note says what could not be judged.',
].join('\n\n');

const MORE = `
Formats:
  text    a line for each finding: file:line:column: severity: field: what is wrong, and what to do [rule]
  json    the same as an object with findings; yaml likewise
  sarif   for code scanning (SARIF 2.1.0)
  github  workflow commands that GitHub Actions shows beside the lines of a pull request

Exit codes:
  0  no errors; there may be warnings
  1  at least one error, or the configuration is wrong
  2  a file cannot be read, a folder has no YAML or JSON, or the command is wrong

Examples:
  argo-access validate policies/
  argo-access validate --config config.yaml policies/ -o github
  kustomize build overlays/production | argo-access validate --namespace argo -`;

interface Options {
  readonly config?: string;
  readonly namespace?: string;
  readonly output: Format;
}

/** `argo-access validate` */
export const validateCommand: DefineCommand = ({ terminal, end }) =>
  new Command('validate')
    .summary('judge policies in files, without a cluster')
    .description(ABOUT)
    .argument('<file...>', 'files or folders; - for the standard input')
    .addOption(outputOption(FORMATS))
    .addOption(namespaceOption('namespace of policies that name none'))
    .addOption(configOption("the operator's configuration, for what policies may ask for"))
    .addHelpText('after', MORE)
    .action(async (paths: readonly string[], options: Options) => {
      const { validate } = await import('./validate/run.ts');
      end(await validate(paths, options, terminal));
    });
