import { Option } from 'commander';

/** How a result is written; the first of the formats is the one for people, and the default. */
export function outputOption<F extends string>(formats: readonly [F, ...F[]]): Option {
  const [first] = formats;
  return new Option('-o, --output <format>', 'how the result is written').choices(formats).default(first);
}

/** The namespace to look at, as in kubectl. */
export function namespaceOption(meaning: string): Option {
  return new Option('-n, --namespace <name>', meaning);
}

/** The operator's configuration file. */
export function configOption(meaning: string): Option {
  return new Option('--config <file>', meaning);
}

/** Which cluster a command speaks to, as in kubectl; for commands that speak to one. */
export function clusterOptions(): readonly Option[] {
  return [
    new Option('--kubeconfig <file>', 'kubeconfig to use (default: $KUBECONFIG, then ~/.kube/config)'),
    new Option('--context <name>', "context of the kubeconfig (default: the kubeconfig's own)"),
  ];
}
