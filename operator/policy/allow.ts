import { serverUrl } from '../api/fields.ts';
import type { Policy } from '../api/objects.ts';
import type { GrantSpec } from '../api/schema.ts';
import { grantNamespaces, roleRefOf } from './desired.ts';
import { matchesGlob } from './glob.ts';
import { cutShort } from './short.ts';

/** A role that policies of a namespace may grant, and where. */
export interface GrantAllowance {
  readonly name: string;
  readonly namespaces: readonly string[];
}

/** What policies of one namespace may ask for; what is not named is refused. */
export interface NamespaceAllowance {
  readonly name: string;
  readonly connections: readonly { readonly name: string; readonly realms: readonly string[] }[];
  readonly clientIds: readonly string[];
  readonly urls: readonly string[];
  readonly groups: readonly string[];
  readonly clusterRoles: readonly GrantAllowance[];
  readonly roles: readonly GrantAllowance[];
  /** ConfigMaps with Argo's settings, by exact name. */
  readonly configMaps: readonly string[];
  /** Argo Server's Deployments, by exact name. */
  readonly deployments: readonly string[];
  readonly adopt: boolean;
  readonly everyone: boolean;
  /** Expressions, by which a role can be for anyone, whatever `groups` and `everyone` say. */
  readonly when: boolean;
  readonly shortGroupNames: boolean;
}

/** How much is shown of an expression, in characters. */
const MAX_SHOWN = 60;

/** One thing that a policy asks for and may not have. */
export interface Refusal {
  /** Path of the field in the policy. */
  readonly field: string;
  /** What it asks for. */
  readonly value: string;
  /** Path below the namespace's entry in the operator's configuration that would have to allow it. */
  readonly setting: string;
}

/** Everything in a policy that its namespace may not ask for, in the order of the spec. */
export function refusals(
  policy: Policy,
  allowance: NamespaceAllowance,
  realm: string | undefined,
): readonly Refusal[] {
  return [
    ...refusedKeycloak(policy, allowance, realm),
    ...refusedClient(policy, allowance),
    ...refusedServer(policy, allowance),
    ...policy.spec.roles.flatMap((_, index) => refusedRole(policy, index, allowance)),
  ];
}

function refuse(allowed: boolean, refusal: Refusal): readonly Refusal[] {
  return allowed ? [] : [refusal];
}

function refusedKeycloak(
  { spec }: Policy,
  allowance: NamespaceAllowance,
  realm: string | undefined,
): readonly Refusal[] {
  const { connection, groups } = spec.keycloak;
  const entry = allowance.connections.find(({ name }) => name === connection);
  const field = 'spec.keycloak';
  if (entry === undefined) {
    return [{ field: `${field}.connection`, value: connection, setting: 'connections' }];
  }
  const setting = `connections[${connection}].realms`;
  return [
    ...refuse(realm === undefined || entry.realms.includes(realm), {
      field: `${field}.realm`,
      value: realm ?? '',
      setting,
    }),
    ...refuse(groups.source !== 'Groups' || groups.fullPath || allowance.shortGroupNames, {
      field: `${field}.groups.fullPath`,
      value: 'false',
      setting: 'shortGroupNames',
    }),
  ];
}

function refusedClient({ spec }: Policy, allowance: NamespaceAllowance): readonly Refusal[] {
  const { client } = spec;
  if (client === undefined) return [];
  const urls = [
    { field: 'spec.client.url', value: client.url },
    ...client.additionalUrls.map((value, index) => ({
      field: `spec.client.additionalUrls[${index}]`,
      value,
    })),
  ];
  return [
    ...refuse(matchesAny(allowance.clientIds, client.clientId, '/'), {
      field: 'spec.client.clientId',
      value: client.clientId,
      setting: 'clientIds',
    }),
    ...urls.flatMap(({ field, value }) =>
      refuse(
        allowance.urls.some(glob => matchesUrl(glob, value)),
        { field, value, setting: 'urls' },
      ),
    ),
    ...refuse(!client.adopt || allowance.adopt, {
      field: 'spec.client.adopt',
      value: 'true',
      setting: 'adopt',
    }),
  ];
}

function refusedServer({ spec }: Policy, allowance: NamespaceAllowance): readonly Refusal[] {
  const { configMap, deployment } = spec.server ?? {};
  return [
    ...refuse(configMap === undefined || allowance.configMaps.includes(configMap.name), {
      field: 'spec.server.configMap.name',
      value: configMap?.name ?? '',
      setting: 'configMaps',
    }),
    ...refuse(deployment === undefined || allowance.deployments.includes(deployment), {
      field: 'spec.server.deployment',
      value: deployment ?? '',
      setting: 'deployments',
    }),
  ];
}

function matchesAny(globs: readonly string[], text: string, barriers: string): boolean {
  return globs.some(glob => matchesGlob(glob, text, barriers));
}

function refusedRole(policy: Policy, index: number, allowance: NamespaceAllowance): readonly Refusal[] {
  const role = policy.spec.roles[index];
  if (role === undefined) return [];
  const field = `spec.roles[${index}]`;
  return [
    ...refuse(role.everyone !== true || allowance.everyone, {
      field: `${field}.everyone`,
      value: 'true',
      setting: 'everyone',
    }),
    ...refuse(role.when === undefined || allowance.when, {
      field: `${field}.when`,
      value: cutShort(role.when ?? '', MAX_SHOWN),
      setting: 'when',
    }),
    ...(role.groups ?? []).flatMap((group, at) =>
      refuse(matchesAny(allowance.groups, group, '/'), {
        field: `${field}.groups[${at}]`,
        value: group,
        setting: 'groups',
      }),
    ),
    ...role.grants.flatMap((grant, at) => refusedGrant(policy, grant, `${field}.grants[${at}]`, allowance)),
  ];
}

function refusedGrant(
  policy: Policy,
  grant: GrantSpec,
  field: string,
  allowance: NamespaceAllowance,
): readonly Refusal[] {
  const { kind, name } = roleRefOf(grant);
  const [list, setting] =
    kind === 'ClusterRole'
      ? ([allowance.clusterRoles, 'clusterRoles'] as const)
      : ([allowance.roles, 'roles'] as const);
  const entry = list.find(allowed => allowed.name === name);
  if (entry === undefined) {
    const key = kind === 'ClusterRole' ? 'clusterRole' : 'role';
    return [{ field: `${field}.${key}`, value: name, setting }];
  }
  return grantNamespaces(policy, grant)
    .filter(namespace => !entry.namespaces.includes(namespace))
    .map(value => ({ field: `${field}.namespaces`, value, setting: `${setting}[${name}].namespaces` }));
}

/**
 * Whether a URL matches a glob, part by part after parsing: scheme and port are equal, `*` in the host stays
 * between two dots, `*` in the path between two slashes. What the contract would not let through matches nothing:
 * user info, queries, escapes and all else that one reader takes for something other than the next.
 */
export function matchesUrl(glob: string, text: string): boolean {
  const url = serverUrl.safeParse(text).success ? URL.parse(text) : null;
  const pattern = parseUrlGlob(glob);
  if (url === null || pattern === undefined) return false;
  return (
    url.protocol === pattern.protocol &&
    url.port === pattern.port &&
    matchesGlob(pattern.host, url.hostname, '.') &&
    matchesGlob(trimSlash(pattern.path), trimSlash(url.pathname), '/')
  );
}

function trimSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

interface UrlGlob {
  readonly protocol: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
}

/** Parses a URL glob; undefined where it is none. A port that is the scheme's default is as if not written. */
export function parseUrlGlob(glob: string): UrlGlob | undefined {
  const parts = /^(https?:)\/\/([^/:?#@\s]+)(?::([0-9]{1,5}))?(\/[^?#\s]*)?$/.exec(glob);
  if (parts === null) return undefined;
  const [, protocol = '', host = '', port = '', path = '/'] = parts;
  const isDefault = port === (protocol === 'https:' ? '443' : '80');
  return { protocol, host: host.toLowerCase(), port: isDefault ? '' : port, path };
}
