import { ConfigError, loadConfig, type OperatorConfig } from '../config.ts';
import { CommandFailure, ExitCode } from './terminal.ts';

/** The operator's configuration from a file; ends the command where it cannot be used. */
export async function readConfig(file: string): Promise<OperatorConfig> {
  try {
    return await loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const unread = error.cause !== undefined;
    throw new CommandFailure(error.message, unread ? ExitCode.Failed : ExitCode.Wrong, error);
  }
}
