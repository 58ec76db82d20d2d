import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { configOption } from './options.ts';

const ABOUT = [
  'Print the Kubernetes rights that the operator needs for a configuration, as YAML.',
  'The configuration says which namespaces the operator serves, and which roles may be granted where. The rights \
follow from it and go no further: nothing in the whole cluster but the policies themselves, and `bind` on no \
role that is not named. Print them again whenever the configuration changes, and commit both together.',
].join('\n\n');

const EXAMPLES = `
Examples:
  argo-access rbac --config config.yaml > rights.yaml
  argo-access rbac --config config.yaml | kubectl diff -f -
  argo-access rbac --config config.yaml --operator-namespace sso | kubectl apply -f -`;

interface Options {
  readonly config: string;
  readonly operatorNamespace: string;
  readonly serviceAccount: string;
}

/** `argo-access rbac` */
export const rbacCommand: DefineCommand = ({ terminal }) =>
  new Command('rbac')
    .summary("print the operator's Kubernetes rights for a configuration")
    .description(ABOUT)
    .addOption(configOption("the operator's configuration").makeOptionMandatory())
    .option('--operator-namespace <name>', 'namespace that the operator runs in', 'argo-access-system')
    .option('--service-account <name>', 'ServiceAccount that it runs as', 'argo-access-operator')
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => {
      const { rbac } = await import('./rbac/render.ts');
      terminal.out(await rbac(options.config, options));
    });
