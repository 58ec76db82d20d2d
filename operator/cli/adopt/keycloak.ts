import type { KeycloakRealm } from '../../keycloak/realm.ts';
import { allowsRedirect, redirectUri } from '../../policy/client.ts';
import type { KeycloakClient, KeycloakMapper } from '../../policy/keycloak-types.ts';
import type { ConnectionView } from '../../policy/observation.ts';
import type { SsoBlock } from '../../policy/server-sso.ts';
import type { KeycloakAccess } from '../live/keycloak.ts';
import { failure } from '../terminal.ts';
import type { ClaimWriter } from './claim.ts';
import { type Remark, remarks } from './remark.ts';
import { CLAIMS, type Claim } from './rule.ts';

/** The client of an installation, as Keycloak has it. */
export interface FoundClient {
  readonly connection: Pick<ConnectionView, 'name' | 'realm'>;
  readonly realm: string;
  readonly client: KeycloakClient;
  /** Mappers that fill the claim with the groups. */
  readonly writers: readonly ClaimWriter[];
  /** Claims that nobody lacks who signs in. */
  readonly always: ReadonlySet<Claim>;
  /** Client scopes that are in effect only because Argo asks for them, and the claims that they fill. */
  readonly asked: readonly { readonly name: string; readonly claims: readonly string[] }[];
}

/** The realm of an issuer, as its last part names it. */
export function realmOf(issuer: string | undefined): string | undefined {
  const [, name] = /\/realms\/([^/]+)\/?$/.exec(issuer ?? '') ?? [];
  return name === undefined ? undefined : decodeURIComponent(name);
}

interface Place {
  readonly connection: Pick<ConnectionView, 'name' | 'realm'>;
  readonly realm: KeycloakRealm;
}

/** The connection by which the issuer of Argo's settings is reached. */
async function placeOf({ config, connections }: KeycloakAccess, issuer: string | undefined): Promise<Place> {
  const name = realmOf(issuer);
  if (issuer === undefined || name === undefined) {
    throw failure(
      `Argo's settings name no issuer of Keycloak (${issuer ?? 'none'}), so that no realm is known`,
    );
  }
  const seen: string[] = [];
  for (const connection of config.connections) {
    const realm = connections.realm(connection.name, name);
    const said = realm === undefined ? undefined : await realm.issuer();
    if (realm !== undefined && said === issuer) return { connection, realm };
    seen.push(`${connection.name} is ${said}`);
  }
  throw failure(
    `no connection of the configuration is for the issuer ${issuer} of Argo's settings (${seen.join(', ') || 'there is none'})`,
  );
}

const PAGE = 500;

async function clientsFor({ clients }: KeycloakRealm, uri: string): Promise<readonly KeycloakClient[]> {
  const found: KeycloakClient[] = [];
  for (let first = 0; ; first += PAGE) {
    const page = await clients.page(first, PAGE);
    found.push(...page.filter(client => allowsRedirect(client, uri)));
    if (page.length < PAGE) return found;
  }
}

/** Where clientId and address are said by whoever runs the command. */
export interface Said {
  readonly clientId?: string;
  readonly url?: string;
}

async function clientIn(
  realm: KeycloakRealm,
  { clientId, url }: Said,
  block: SsoBlock,
): Promise<KeycloakClient> {
  if (clientId !== undefined) {
    const client = await realm.clients.find(clientId);
    if (client === undefined) throw failure(`realm ${realm.name} has no client ${clientId}`);
    return client;
  }
  const uri = block.redirectUrl ?? (url === undefined ? undefined : redirectUri(url));
  if (uri === undefined) {
    throw failure("Argo's settings name no redirectUrl by which its client could be found; say --client-id");
  }
  const found = await clientsFor(realm, uri);
  const [client] = found;
  if (client !== undefined && found.length === 1) return client;
  const names = found.map(each => each.clientId).join(', ');
  throw failure(
    found.length === 0
      ? `no client of realm ${realm.name} allows the redirect URI ${uri}; say which it is by --client-id`
      : `several clients of realm ${realm.name} allow the redirect URI ${uri}: ${names}; choose one by --client-id`,
  );
}

interface Scopes {
  readonly writers: readonly ClaimWriter[];
  readonly asked: FoundClient['asked'];
  readonly always: FoundClient['always'];
}

/** Every user has a name to sign in with, and so whoever signs in has the claim that it fills. */
function alwaysIn(mappers: KeycloakClient['mappers']): ReadonlySet<Claim> {
  const fills = mappers.some(
    ({ config }) =>
      config['claim.name'] === 'preferred_username' &&
      config['user.attribute'] === 'username' &&
      config['id.token.claim'] === 'true',
  );
  return new Set(fills ? ['preferred_username'] : []);
}

/** Argo reads the claim from the ID token, and from the userinfo endpoint where its settings name one. */
function reachesArgo({ config }: KeycloakMapper, claim: string, { userInfoPath }: SsoBlock): boolean {
  const byUserInfo = userInfoPath !== undefined && config['userinfo.token.claim'] === 'true';
  return config['claim.name'] === claim && (config['id.token.claim'] === 'true' || byUserInfo);
}

/** What the client's own mappers, and those of its client scopes, put into tokens. */
async function scopesOf(
  realm: KeycloakRealm,
  client: KeycloakClient,
  claim: string,
  block: SsoBlock,
): Promise<Scopes> {
  const { scopes = [] } = block;
  const { byDefault, optional } = await realm.scopes.of(client.id);
  const asked = optional.filter(({ name }) => scopes.includes(name));
  const all = [
    ...client.mappers.map(mapper => ({ mapper, scope: undefined })),
    ...[...byDefault, ...asked].flatMap(({ name, mappers }) =>
      mappers.map(mapper => ({ mapper, scope: name })),
    ),
  ];
  const claimsIn = (mappers: KeycloakClient['mappers']) =>
    mappers.flatMap(({ config }) => config['claim.name'] ?? []).filter(each => each !== claim);
  return {
    writers: all.filter(({ mapper }) => reachesArgo(mapper, claim, block)),
    always: alwaysIn([...client.mappers, ...byDefault.flatMap(({ mappers }) => mappers)]),
    asked: asked.map(({ name, mappers }) => ({ name, claims: claimsIn(mappers) })),
  };
}

/** Finds Argo Server's client by Argo's settings. */
export async function findClient(
  keycloak: KeycloakAccess,
  said: Said,
  block: SsoBlock,
  claim: string,
): Promise<FoundClient> {
  const { connection, realm } = await placeOf(keycloak, block.issuer);
  const client = await clientIn(realm, said, block);
  const scopes = await scopesOf(realm, client, claim, block);
  return { connection, realm: realm.name, client, ...scopes };
}

/** What goes with client scopes that a login asks for by name, and with the policy does not. */
export function scopeRemarks({ asked, client }: FoundClient): readonly Remark[] {
  const lost = asked.filter(({ claims }) => claims.some(claim => CLAIMS.some(each => each === claim)));
  return remarks(
    'change',
    lost.map(
      ({ name, claims }) =>
        `Argo no longer asks for client scope ${name}, which fills ${claims.join(', ')}: make it a default scope of client ${client.clientId} before`,
    ),
  );
}
