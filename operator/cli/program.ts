import { Command } from 'commander';
import { adoptCommand } from './adopt.ts';
import type { CommandContext, DefineCommand } from './command.ts';
import { doctorCommand } from './doctor.ts';
import { explainCommand } from './explain.ts';
import { lockoutCommand } from './lockout.ts';
import { matrixCommand } from './matrix.ts';
import { planCommand } from './plan.ts';
import { rbacCommand } from './rbac.ts';
import { rotateCommand } from './rotate.ts';
import { statusCommand } from './status.ts';
import { resumeCommand, suspendCommand } from './suspend.ts';
import { validateCommand } from './validate.ts';
import { VERSION } from './version.ts';

const COMMANDS: readonly DefineCommand[] = [
  validateCommand,
  planCommand,
  adoptCommand,
  explainCommand,
  matrixCommand,
  doctorCommand,
  statusCommand,
  rotateCommand,
  suspendCommand,
  resumeCommand,
  lockoutCommand,
  rbacCommand,
];

const ABOUT =
  'For those who write ArgoAccessPolicies, which give Argo Workflows single sign-on through Keycloak, and for those \
who run their operator. `<command> --help` says what a command does, with examples.';

const EXIT_CODES = `
Exit codes:
  0  done, and nothing is wrong
  1  what was looked at is wrong: a policy, or the operator's configuration
  2  the command could not be carried out: an unknown option, a file or a cluster that cannot be read
  130  ended by Ctrl-C`;

/** The whole command line. */
export function program(name: string, context: CommandContext): Command {
  const { out, err } = context.terminal;
  const root = new Command(name)
    .description(ABOUT)
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', EXIT_CODES);
  for (const define of COMMANDS) root.addCommand(define(context).copyInheritedSettings(root));
  return root;
}
