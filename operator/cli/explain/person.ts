import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Policy } from '../../api/objects.ts';
import type { IdToken } from '../../argo/id-token.ts';
import { withKeycloak } from '../live/keycloak.ts';
import { failure, type Terminal } from '../terminal.ts';

/** Options that say who somebody is. */
export interface PersonOptions {
  readonly user?: string;
  readonly groups?: string;
  readonly claims?: string;
  readonly token?: string;
  readonly config?: string;
}

/** Somebody, and how that is known. */
export interface Somebody {
  /** For people, such as `user jo of realm platform`. */
  readonly what: string;
  readonly token: IdToken;
  /** Whether only the groups are known. */
  readonly groupsOnly: boolean;
}

/** What finding out needs. */
export interface PersonSources {
  readonly terminal: Pick<Terminal, 'input'>;
  /** The policy of the login; undefined where there is none. */
  readonly login: Policy | undefined;
  /** Claim with the groups. */
  readonly groupsClaim: string;
}

async function textOf(path: string, { input }: PersonSources['terminal']): Promise<string> {
  if (path === '-') return input();
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? (error as NodeJS.ErrnoException).code : String(error);
    throw failure(`${path} cannot be read: ${why}`);
  }
}

/** Where a text comes from, for people. */
function nameOf(path: string): string {
  return path === '-' ? 'the standard input' : path;
}

const claimsSchema = z.record(z.string(), z.unknown());

/** The message quotes nothing of what was read. */
function claimsIn(json: string, what: string): IdToken {
  try {
    return claimsSchema.parse(JSON.parse(json));
  } catch {
    throw failure(`${what} is no JSON object of claims`);
  }
}

/** A signed token (RFC 7515, compact serialization); in the middle are the claims. */
const COMPACT = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

function ofToken(text: string, path: string): IdToken {
  const [, payload] = COMPACT.exec(text.trim()) ?? [];
  if (payload === undefined) {
    throw failure(`${path} holds no ID token: that is three parts with dots between them`);
  }
  return claimsIn(
    Buffer.from(payload, 'base64url').toString('utf8'),
    `the second part of the token in ${path}`,
  );
}

/** A user by the example that Keycloak makes of the ID token for the login's client. */
async function ofKeycloak(name: string, config: string, login: Policy): Promise<Somebody> {
  const { spec, status } = login;
  const { connection, realm: named } = spec.keycloak;
  const clientId = spec.client?.clientId ?? '';
  return withKeycloak(config, async ({ connections }) => {
    const realm = connections.realm(connection, status?.client?.realm ?? named);
    if (realm === undefined) {
      throw failure(`${config} has no connection ${connection}, which policy ${login.metadata.name} names`);
    }
    const client = await realm.clients.find(clientId);
    if (client === undefined) {
      throw failure(`realm ${realm.name} has no client ${clientId} yet, for which ${name} could sign in`);
    }
    const userId = await realm.examples.userId(name);
    if (userId === undefined) throw failure(`realm ${realm.name} has no user ${name}`);
    const token = await realm.examples.idToken(client.id, userId);
    return { what: `user ${name} of realm ${realm.name}`, token, groupsOnly: false };
  });
}

function splitGroups(list: string): readonly string[] {
  return list
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '');
}

/** Who it is that the options name. */
export async function personOf(options: PersonOptions, sources: PersonSources): Promise<Somebody> {
  const { user, groups, claims, token, config } = options;
  if (user !== undefined) {
    if (config === undefined) throw failure('--user needs --config, the way to Keycloak');
    if (sources.login === undefined) {
      throw failure(
        'no policy of the namespace has a client, for which Keycloak could say what a token holds; give --claims, --token or --groups',
      );
    }
    return ofKeycloak(user, config, sources.login);
  }
  if (claims !== undefined) {
    const text = await textOf(claims, sources.terminal);
    const where = nameOf(claims);
    return { what: `the claims in ${where}`, token: claimsIn(text, where), groupsOnly: false };
  }
  if (token !== undefined) {
    const text = await textOf(token, sources.terminal);
    const where = nameOf(token);
    return { what: `the ID token in ${where}`, token: ofToken(text, where), groupsOnly: false };
  }
  if (groups === undefined) throw failure('say who it is: by --user, --groups, --claims or --token');
  const list = splitGroups(groups);
  const what = list.length === 0 ? 'somebody in no group' : `somebody in ${list.join(', ')}`;
  return { what, token: { sub: 'somebody', [sources.groupsClaim]: list }, groupsOnly: true };
}
