import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { SecretValue } from './api/secret-value.ts';
import { describeIssues, problemAt } from './config/problems.ts';
import { configSchema, type WrittenConfig } from './config/schema.ts';
import type { Credentials } from './keycloak/tokens.ts';
import type { NamespaceAllowance } from './policy/allow.ts';

/** Where the secret of the operator's own Keycloak client is. */
export type SecretSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly variable: string };

/** A Keycloak that the operator works with. */
export interface ConnectionConfig {
  readonly name: string;
  /** Base address without a slash at the end. */
  readonly url: string;
  /** Realm of policies that name none. */
  readonly realm: string;
  /** Realm in which the operator's own client is. */
  readonly signInRealm: string;
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  /** File with certificates in PEM that are trusted besides the well-known ones. */
  readonly caFile?: string;
  readonly resyncPeriodMs: number;
}

/** The operator's configuration: what is not named in it is refused. */
export interface OperatorConfig {
  /** Tells the Keycloak clients of this operator from those of others. */
  readonly instanceId: string;
  /** uids of clusters whose Keycloak clients are this one's too. */
  readonly formerClusters: readonly string[];
  readonly connections: readonly ConnectionConfig[];
  /** The namespaces that are served, and what policies there may ask for. */
  readonly namespaces: readonly NamespaceAllowance[];
}

/**
 * A configuration that cannot be used. The message is for people: a line for each problem, with its place. It has a
 * `cause` where a file cannot be read.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads a configuration file. Throws {@link ConfigError}. */
export async function loadConfig(file: string): Promise<OperatorConfig> {
  return parseConfig(await readText(file, 'configuration'), file);
}

/**
 * Reads a configuration from its text. Relative paths in it start from the folder of `file`, which need not
 * exist. Throws {@link ConfigError}.
 */
export function parseConfig(text: string, file: string): OperatorConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const flaws = [...document.errors, ...document.warnings].map(({ code, pos, message }) => {
    const what = code === 'MULTIPLE_DOCS' ? 'it has several documents; make them one' : unquoted(message);
    return problemAt({ file, lines }, pos[0], `is not right as YAML: ${what}`);
  });
  if (flaws.length > 0) fail(flaws);
  if (document.contents === null) fail([`${file}: is empty; it needs at least instanceId`]);
  const result = configSchema.safeParse(document.toJS());
  if (!result.success) fail(describeIssues({ file, document, lines }, result.error.issues));
  return complete(result.data, dirname(file));
}

function fail(problems: readonly string[]): never {
  throw new ConfigError(problems.join('\n'));
}

/** Parts of the file that the parser quotes might be secrets that do not belong there. */
function unquoted(message: string): string {
  return message.replace(/: ".*"$/s, '');
}

function complete(written: WrittenConfig, folder: string): OperatorConfig {
  const connections = written.connections.map(connection => completeConnection(connection, folder));
  const realmOf = new Map(connections.map(({ name, realm }) => [name, realm]));
  const namespaces = written.namespaces.map(namespace => ({
    ...namespace,
    connections: namespace.connections.map(({ name, realms }) => ({
      name,
      realms: realms ?? [realmOf.get(name) ?? ''],
    })),
  }));
  return { ...written, connections, namespaces };
}

function completeConnection(written: WrittenConfig['connections'][number], folder: string): ConnectionConfig {
  const { name, url, realm, signInRealm = realm, clientId, caFile, resyncPeriod } = written;
  const { clientSecretFile, clientSecretEnv = '' } = written;
  return {
    name,
    url,
    realm,
    signInRealm,
    clientId,
    clientSecret:
      clientSecretFile === undefined
        ? { kind: 'env', variable: clientSecretEnv }
        : { kind: 'file', path: resolve(folder, clientSecretFile) },
    ...(caFile !== undefined && { caFile: resolve(folder, caFile) }),
    resyncPeriodMs: resyncPeriod,
  };
}

/**
 * What the operator signs in with, read anew at each call: files change when Kubernetes or a vault renews them.
 * Throws {@link ConfigError}, which names the file or variable and never its content.
 */
export async function readCredentials({ clientId, clientSecret }: ConnectionConfig): Promise<Credentials> {
  const text = await readSecret(clientSecret);
  const secret = new SecretValue(text.replace(/\r?\n$/, ''));
  if (!secret.isEmpty) return { clientId, secret };
  throw new ConfigError(`${describe(clientSecret)} is empty; put the secret of client ${clientId} there`);
}

/** Certificates to trust besides the well-known ones, as PEM; undefined where none are configured. */
export async function readCa({ caFile }: ConnectionConfig): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const text = await readText(caFile, 'certificates');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new ConfigError(
    `file ${caFile} holds no certificate in PEM; put that of the authority which signed Keycloak's there`,
  );
}

async function readSecret(source: SecretSource): Promise<string> {
  if (source.kind === 'file') return readText(source.path, 'secret');
  const text = process.env[source.variable];
  if (text !== undefined) return text;
  throw new ConfigError(`${describe(source)} is not set; set it, or name another by clientSecretEnv`);
}

function describe(source: SecretSource): string {
  return source.kind === 'file' ? `file ${source.path}` : `environment variable ${source.variable}`;
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new ConfigError(
      `file ${path} with the ${what} cannot be read (${code}); write it, or correct the path`,
      { cause: error },
    );
  }
}
