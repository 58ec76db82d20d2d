import { parseDuration } from '../../api/duration.ts';
import { duration, secretName, serverUrl } from '../../api/fields.ts';
import { redirectUri } from '../../policy/client.ts';
import type { KeycloakClient } from '../../policy/keycloak-types.ts';
import type { SsoBlock } from '../../policy/server-sso.ts';
import { type Remark, remarks } from './remark.ts';

/** Path of Argo's callback below its address. */
const CALLBACK = redirectUri('');

/** Argo Server's address, as far as it is known. */
export interface Address {
  readonly url: string;
  readonly more: readonly string[];
}

function urlOf(uri: string): string | undefined {
  if (!uri.endsWith(CALLBACK)) return undefined;
  const url = uri.slice(0, -CALLBACK.length);
  return serverUrl.safeParse(url).success ? url : undefined;
}

/** The addresses at which people open Argo; undefined where nothing tells. */
export function addressOf(
  said: string | undefined,
  { redirectUrl }: SsoBlock,
  client: KeycloakClient | undefined,
): Address | undefined {
  const known = (client?.redirectUris ?? []).flatMap(uri => urlOf(uri) ?? []);
  const url = said ?? (redirectUrl === undefined ? known[0] : urlOf(redirectUrl));
  if (url === undefined) return undefined;
  const more = [...new Set(known)].filter(each => redirectUri(each) !== redirectUri(url)).slice(0, 16);
  return { url, more };
}

/** Redirect URIs that the policy does not keep. */
function dropped(
  { url, more }: Address,
  { redirectUrl }: SsoBlock,
  client: KeycloakClient,
): readonly Remark[] {
  const kept = new Set([url, ...more].map(redirectUri));
  const gone = client.redirectUris.filter(uri => !kept.has(uri));
  if (gone.length === 0) return [];
  const list = gone.join(', ');
  // Without a fixed one, Argo takes the address by which each of its users has come.
  return redirectUrl === undefined
    ? remarks('change', [
        `people who sign in from another address than ${[url, ...more].join(', ')} are sent back no more: redirect URI ${list} goes. Name their addresses in additionalUrls`,
      ])
    : remarks('rewritten', [
        `client ${client.clientId}: redirect URI ${list} goes; Argo uses ${redirectUrl}`,
      ]);
}

const SECRET_KEYS = { clientIdKey: 'client-id', clientSecretKey: 'client-secret' };

/** `spec.client.secret` by what Argo's settings refer to. */
export function secretSpec({ clientId, clientSecret }: SsoBlock): {
  readonly spec: Readonly<Record<string, string>> & { readonly name: string };
  readonly remarks: readonly Remark[];
} {
  const given = clientSecret?.name ?? clientId?.name ?? '';
  const name = secretName.safeParse(given).success ? given : 'argo-server-sso';
  const own = clientId?.name === name ? clientId.key : undefined;
  const clientSecretKey =
    name === given ? (clientSecret?.key ?? SECRET_KEYS.clientSecretKey) : SECRET_KEYS.clientSecretKey;
  const clientIdKey = own ?? SECRET_KEYS.clientIdKey;
  const texts = [
    ...(name === given
      ? []
      : [
          `Argo's settings point to Secret ${given || '(none)'}, which a policy cannot have: the credentials go into Secret ${name}, and the settings follow`,
        ]),
    ...(clientId?.name === undefined || clientId.name === name || name !== given
      ? []
      : [
          `Argo's settings read the client's id from Secret ${clientId.name}: it goes into Secret ${name} too, and the settings follow`,
        ]),
  ];
  const keys = {
    ...(clientIdKey !== SECRET_KEYS.clientIdKey && { clientIdKey }),
    ...(clientSecretKey !== SECRET_KEYS.clientSecretKey && { clientSecretKey }),
  };
  return { spec: { name, ...keys }, remarks: remarks('rewritten', texts) };
}

/** `spec.client`, and what changes with it. */
export function clientSpec(
  clientId: string,
  address: Address,
  block: SsoBlock,
  client: KeycloakClient | undefined,
): { readonly spec: Readonly<Record<string, unknown>>; readonly remarks: readonly Remark[] } {
  const secret = secretSpec(block);
  const { url, more } = address;
  const spec = {
    clientId,
    url,
    ...(more.length > 0 && { additionalUrls: more }),
    adopt: true,
    secret: secret.spec,
  };
  return {
    spec,
    remarks: [...secret.remarks, ...(client === undefined ? [] : dropped(address, block, client))],
  };
}

const session = duration({ min: '1m', max: '8760h' });

/** A duration as the contract writes it: Argo takes fractions too, and each unit in any order. */
function expiryOf(text: string | undefined): string | undefined {
  const ms = text === undefined ? undefined : parseDuration(text.replace(/^\+/, ''));
  if (text === undefined || ms === undefined) return undefined;
  const said = session.safeParse(text).success ? text : `${Math.floor(ms / 1000)}s`;
  return session.safeParse(said).success ? said : undefined;
}

/** `spec.server` by Argo's settings. */
export function serverSpec(
  names: { readonly configMap: string | undefined; readonly deployment: string | undefined },
  { sessionExpiry, filterGroupsRegex = [], rootCA }: SsoBlock,
): Readonly<Record<string, unknown>> | undefined {
  const { configMap, deployment } = names;
  if (configMap === undefined && deployment === undefined) return undefined;
  const expiry = expiryOf(sessionExpiry);
  return {
    ...(configMap !== undefined && { configMap: { name: configMap } }),
    ...(deployment !== undefined && { deployment }),
    ...(configMap !== undefined && {
      ...(expiry !== undefined && { sessionExpiry: expiry }),
      ...(filterGroupsRegex.length > 0 && { filterGroupsRegex: [...filterGroupsRegex] }),
      ...(rootCA !== undefined && { rootCA }),
    }),
  };
}
