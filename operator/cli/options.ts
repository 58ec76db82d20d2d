import { Option } from 'commander';

/** How commands write that look at a cluster; the first is for people. */
export const LIVE_FORMATS = ['text', 'json', 'yaml'] as const;

/** One of the {@link LIVE_FORMATS}. */
export type LiveFormat = (typeof LIVE_FORMATS)[number];

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

/** Kubeconfig and context, as in kubectl: how the cluster is reached, with the rights of whoever runs the command. */
export function clusterOptions(): readonly Option[] {
  return [
    new Option('--kubeconfig <file>', 'default: what KUBECONFIG names, else ~/.kube/config'),
    new Option('--context <name>', "default: the kubeconfig's current context"),
  ];
}

/** Looks into all namespaces instead of one. */
export function allNamespacesOption(meaning: string): Option {
  return new Option('-A, --all-namespaces', meaning).conflicts('namespace');
}
