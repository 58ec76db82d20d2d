import { Command, CommanderError } from 'commander';
import { rbac } from './cli/rbac.ts';
import { ConfigError } from './config.ts';

/** Where the command line writes to. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Exit codes of the command line. */
export const ExitCode = {
  Ok: 0,
  /** The configuration, or a file of it, is wrong. */
  ConfigWrong: 1,
  /** The command itself is wrong: an unknown option, a missing argument. */
  UsageWrong: 2,
} as const;

const ABOUT = `Tools around the argo-access operator, which gives Argo Workflows single sign-on through Keycloak.

Exit codes: 0 done, 1 the configuration is wrong, 2 the command is wrong.`;

const ABOUT_RBAC = [
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

function program({ out, err }: Output): Command {
  const command = new Command('argo-access')
    .description(ABOUT)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError('(--help says more)');
  command
    .command('rbac')
    .description(ABOUT_RBAC)
    .summary("print the operator's Kubernetes rights for a configuration")
    .requiredOption('--config <file>', "the operator's configuration")
    .option('--operator-namespace <name>', 'namespace that the operator runs in', 'argo-access-system')
    .option('--service-account <name>', 'ServiceAccount that it runs as', 'argo-access-operator')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { config: string; operatorNamespace: string; serviceAccount: string }) => {
      out(await rbac(options.config, options));
    });
  return command;
}

/** Runs one command line, without the program's name; gives the exit code. */
export async function run(args: readonly string[], output: Output): Promise<number> {
  try {
    await program(output).parseAsync(args, { from: 'user' });
    return ExitCode.Ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Ok : ExitCode.UsageWrong;
    if (!(error instanceof ConfigError)) throw error;
    output.err(`${error.message}\n`);
    return ExitCode.ConfigWrong;
  }
}

if (import.meta.main) {
  process.exitCode = await run(process.argv.slice(2), {
    out: text => process.stdout.write(text),
    err: text => process.stderr.write(text),
  });
}
