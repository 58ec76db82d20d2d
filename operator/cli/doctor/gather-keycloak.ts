import type { SecretValue } from '../../api/secret-value.ts';
import type { OperatorConfig } from '../../config.ts';
import type { AssignedScopes } from '../../keycloak/client-scopes.ts';
import { KeycloakError } from '../../keycloak/errors.ts';
import { type ProofAnswer, proveSecret } from '../../keycloak/prove.ts';
import type { KeycloakRealm } from '../../keycloak/realm.ts';
import { createSession } from '../../keycloak/session.ts';
import { createTransport } from '../../keycloak/transport.ts';
import { GROUPS_MAPPER, writesPaths } from '../../policy/client.ts';
import type { GroupLookup } from '../../policy/keycloak-types.ts';
import type { SsoBlock } from '../../policy/server-sso.ts';
import type { Known } from '../access/ask.ts';
import { withKeycloak } from '../live/keycloak.ts';
import { CommandFailure, ExitCode } from '../terminal.ts';
import { claimOf, mappersInEffect, writersOf } from './groups-mapper.ts';
import { askLoginPage, type LoginAnswer } from './login-page.ts';
import { type ClientSight, type KeycloakSight, orUndefined } from './snapshot.ts';

/** A realm of Keycloak, by the issuer that it names. */
export interface IssuerParts {
  /** Base address of Keycloak. */
  readonly url: string;
  readonly realm: string;
}

/** The parts of an issuer as Keycloak makes it; undefined for another's. */
export function partsOf(issuer: string): IssuerParts | undefined {
  const [, url, realm] = /^(https?:\/\/.+?)\/realms\/([^/?#]+)$/.exec(issuer) ?? [];
  if (url === undefined || realm === undefined) return undefined;
  try {
    return { url, realm: decodeURIComponent(realm) };
  } catch {
    return undefined;
  }
}

/** The answer; where Keycloak does not give one, why. */
async function askKeycloak<T>(asking: Promise<T>): Promise<Known<T>> {
  try {
    return { known: await asking };
  } catch (error) {
    if (!(error instanceof KeycloakError)) throw error;
    return { unknown: error.message };
  }
}

/** The connection to the Keycloak of an issuer; undefined where none can be told to be. Ends the command where the named one is not there. */
function connectionFor(
  { connections }: OperatorConfig,
  named: string | undefined,
  issuer: string,
  file: string,
): string | undefined {
  if (named !== undefined) {
    if (connections.some(({ name }) => name === named)) return named;
    const names = connections.map(({ name }) => name).join(', ');
    throw new CommandFailure(
      `${file} has no connection ${named}; ${names === '' ? 'it has none' : `it has ${names}`}`,
      ExitCode.Failed,
    );
  }
  const [only, ...others] = connections;
  const same = connections.find(({ url }) => issuer.startsWith(`${url}/realms/`));
  return same?.name ?? (others.length === 0 ? only?.name : undefined);
}

/** What the client is looked for by. */
export interface ClientQuestion {
  readonly configFile: string;
  readonly connection: string | undefined;
  readonly block: SsoBlock;
  /** As the discovery document names it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Groups that rules name. */
  readonly groups: readonly string[];
}

async function groupsOf(
  realm: KeycloakRealm,
  { block, groups }: ClientQuestion,
  mappers: ClientSight['client']['mappers'],
  scopes: Known<AssignedScopes>,
): Promise<Known<ReadonlyMap<string, GroupLookup>>> {
  const assigned = orUndefined(scopes) ?? { byDefault: [], optional: [] };
  const effective = mappersInEffect(mappers, assigned, block.scopes ?? []);
  const mapper = writersOf(effective, claimOf(block)).find(
    ({ protocolMapper }) => protocolMapper === GROUPS_MAPPER,
  );
  if (mapper === undefined) return { known: new Map() };
  const fullPath = writesPaths(mapper);
  // One that is written in the other way is told by itself.
  const wanted = groups.filter(group => group.startsWith('/') === fullPath);
  return askKeycloak(realm.groups.lookup(wanted, { fullPath }));
}

async function readClient(realm: KeycloakRealm, question: ClientQuestion): Promise<ClientSight | undefined> {
  const found = await realm.clients.find(question.clientId);
  if (found === undefined) return undefined;
  const { secret: _, ...client } = found;
  const scopes = await askKeycloak(realm.scopes.of(client.id));
  return { client, scopes, groups: await groupsOf(realm, question, client.mappers, scopes) };
}

async function readRealm(
  realm: KeycloakRealm,
  connection: string,
  question: ClientQuestion,
): Promise<Known<KeycloakSight>> {
  const issuer = await askKeycloak(realm.issuer());
  if ('unknown' in issuer) return issuer;
  if (issuer.known !== question.issuer) {
    return {
      unknown: `connection ${connection} leads to another Keycloak, or to another realm: its issuer is ${issuer.known}; choose by --connection`,
    };
  }
  const client = await askKeycloak(readClient(realm, question));
  if ('unknown' in client) return client;
  return { known: { realm: realm.name, client: client.known } };
}

/** Asks Keycloak's administration about the client of a login, by the operator's configuration. */
export async function readKeycloak(question: ClientQuestion): Promise<Known<KeycloakSight>> {
  const { configFile, connection: named, issuer } = question;
  return withKeycloak(configFile, async ({ config, connections }) => {
    const connection = connectionFor(config, named, issuer, configFile);
    const realm =
      connection === undefined ? undefined : connections.realm(connection, partsOf(issuer)?.realm);
    if (connection === undefined || realm === undefined) {
      return {
        unknown: `which connection of ${configFile} leads to ${issuer} cannot be told; choose by --connection`,
      };
    }
    return readRealm(realm, connection, question);
  });
}

/** What Argo Server would sign in with. */
export interface Credentials {
  readonly clientId: string;
  readonly secret: SecretValue;
}

/** What the token endpoint and the login page say. */
export interface Trial {
  readonly proof: Known<ProofAnswer>;
  readonly loginPage: Known<LoginAnswer>;
}

const DEADLINE_MS = 10_000;

async function proofOf(
  { url, realm }: IssuerParts,
  { rootCA, redirectUrl = '' }: SsoBlock,
  credentials: Credentials,
): Promise<ProofAnswer> {
  const session = createSession({
    name: 'sso.issuer',
    url,
    signInRealm: realm,
    readCredentials: () => Promise.reject(new Error('nobody signs in')),
    timeoutMs: DEADLINE_MS,
    ...(rootCA !== undefined && { ca: rootCA }),
  });
  try {
    const proof = await proveSecret(session, { realm, redirectUri: redirectUrl, ...credentials });
    // What stands in the place of the id may be the secret.
    const message = proof.message.replaceAll(`client ${credentials.clientId}`, 'the client');
    return { ...proof, message };
  } finally {
    await session.close();
  }
}

async function loginPageOf(
  issuer: string,
  { rootCA, redirectUrl, scopes = [] }: SsoBlock,
  clientId: string,
): Promise<Known<LoginAnswer>> {
  if (redirectUrl === undefined || redirectUrl === '') {
    return { unknown: 'the login page was not asked for: sso.redirectUrl is not set' };
  }
  const transport = createTransport({ ca: rootCA, timeoutMs: DEADLINE_MS, connections: 1 });
  try {
    const request = { realmUrl: issuer, clientId, redirectUri: redirectUrl, scopes };
    return { known: await askLoginPage(transport, request) };
  } finally {
    await transport.close();
  }
}

/**
 * Tries what Argo Server reads as it would be used, without any user.
 *
 * @param issuer as the discovery document names it
 */
export async function tryCredentials(
  issuer: string,
  block: SsoBlock,
  credentials: Credentials,
): Promise<Trial> {
  const parts = partsOf(issuer);
  if (parts === undefined) {
    const unknown = `${issuer} is not the issuer of a realm of Keycloak`;
    return { proof: { unknown }, loginPage: { unknown } };
  }
  const [proof, loginPage] = await Promise.all([
    proofOf(parts, block, credentials),
    loginPageOf(issuer, block, credentials.clientId),
  ]);
  return { proof: { known: proof }, loginPage };
}
