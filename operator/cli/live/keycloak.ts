import { ConfigError, type OperatorConfig, readCa, readCredentials } from '../../config.ts';
import { type Connections, createConnections } from '../../keycloak/connections.ts';
import { KeycloakError } from '../../keycloak/errors.ts';
import { readConfig } from '../config-file.ts';
import { CommandFailure, ExitCode } from '../terminal.ts';

/** Keycloak as the operator's configuration says to reach it. */
export interface KeycloakAccess {
  readonly config: OperatorConfig;
  readonly connections: Connections;
}

/**
 * Runs the work of a command with the connections of the operator's configuration. It signs in as the client that the
 * configuration names, with the secret from the file or variable named there, at the first request. What Keycloak does
 * not do ends the command, as does a certificate or a secret that cannot be read.
 *
 * @param wanted clientIds that will be looked at in a realm; see `createConnections`
 */
export async function withKeycloak<T>(
  configFile: string,
  work: (keycloak: KeycloakAccess) => Promise<T>,
  wanted: (connection: string, realm: string) => Iterable<string> = () => [],
): Promise<T> {
  const config = await readConfig(configFile);
  try {
    const connections = await open(config, wanted);
    try {
      return await work({ config, connections });
    } finally {
      await connections.close();
    }
  } catch (error) {
    throw explainKeycloak(error);
  }
}

/** The end of a command for which Keycloak, or the way to it, did not do what was asked; `cause` is its error. */
export function explainKeycloak(error: unknown): unknown {
  if (!(error instanceof KeycloakError) && !(error instanceof ConfigError)) return error;
  return new CommandFailure(error.message, ExitCode.Failed, error);
}

async function open(
  { connections }: OperatorConfig,
  wanted: (connection: string, realm: string) => Iterable<string>,
): Promise<Connections> {
  const options = connections.map(async connection => {
    const ca = await readCa(connection);
    return {
      ...connection,
      readCredentials: () => readCredentials(connection),
      ...(ca !== undefined && { ca }),
    };
  });
  return createConnections(await Promise.all(options), wanted);
}
