import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { TestUser } from './keycloak-admin.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Where the examples lie. */
export const EXAMPLES = join(ROOT, 'examples');

/** Groups of a realm for which the examples are written; {@link PEOPLE} bring those that they are in. */
export const GROUPS: readonly string[] = ['/teams/team-a/leads'];

/** An administrator, a member of a team, and a user in no group. */
export const PEOPLE: readonly TestUser[] = [
  { username: 'ada', groups: ['/platform/admins'] },
  { username: 'tim', groups: ['/teams/team-a'] },
  { username: 'nora', groups: [] },
];

/** What of the example configuration depends on where it is used. */
export interface Site {
  /** Keycloak's base address. */
  readonly url: string;
  readonly realm: string;
  /** File with the secret of the operator's own client. */
  readonly clientSecretFile: string;
  readonly resyncPeriod?: string;
}

/** The operator's configuration as data, as far as a site changes it. */
export type ExampleConfig = Readonly<Record<string, unknown>> & {
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly namespaces: readonly (Readonly<Record<string, unknown>> & {
    readonly connections: readonly { readonly realms?: readonly string[] }[];
  })[];
};

/** The example configuration as committed, for other servers and another realm. */
export async function exampleConfig({ realm, ...site }: Site): Promise<ExampleConfig> {
  const text = await readFile(join(ROOT, 'config', 'example', 'config.yaml'), 'utf8');
  const config = parse(text) as ExampleConfig;
  const realms = (connection: { readonly realms?: readonly string[] }) => ({
    ...connection,
    ...(connection.realms !== undefined && { realms: [realm] }),
  });
  return {
    ...config,
    connections: config.connections.map(each => ({ ...each, ...site, realm, signInRealm: realm })),
    namespaces: config.namespaces.map(each => ({ ...each, connections: each.connections.map(realms) })),
  };
}
