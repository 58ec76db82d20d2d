import type { Command } from 'commander';
import type { ExitCode, Terminal } from './terminal.ts';

/** What a command is given besides its options. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Sets the exit code; without it, 0. */
  readonly end: (code: ExitCode) => void;
}

/**
 * Makes a command: its name, help and options. The file imports nothing but commander and its like, and the action
 * imports what it needs when it runs, so that neither help nor another command waits for it.
 */
export type DefineCommand = (context: CommandContext) => Command;
