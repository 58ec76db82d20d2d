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
