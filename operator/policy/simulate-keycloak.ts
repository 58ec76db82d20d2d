import { SecretValue } from '../api/secret-value.ts';
import type { ClientFields, DesiredMapper, KeycloakChange } from './change.ts';
import type { KeycloakClient, KeycloakMapper, SecretLife } from './keycloak-types.ts';
import type { Observation } from './observation.ts';
import type { Effect } from './simulate-effect.ts';
import { unknownText } from './simulate-unknown.ts';

function observedKeycloak({ keycloak }: Observation) {
  return keycloak.state === 'Observed' ? keycloak : undefined;
}

function mapperOf(clientId: string, mapper: DesiredMapper): KeycloakMapper {
  return { ...mapper, id: unknownText('mapper', clientId, mapper.name) };
}

/** When something is made that is yet to be made. Keycloak dates by the second: what it has made is told from this. */
function soon(time: number): number {
  return Math.floor(time / 1000) * 1000 + 1;
}

function filled(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
}

/** A client as Keycloak makes it: enabled, and with a secret that nobody knows yet. */
export function createdClient(
  fields: ClientFields,
  mappers: readonly DesiredMapper[],
  now: number,
): KeycloakClient {
  const { clientId } = fields;
  return {
    ...fields,
    id: unknownText('client', clientId),
    enabled: true,
    attributes: filled(fields.attributes),
    secret: new SecretValue(unknownText('secret', clientId)),
    secretLife: { createdAt: soon(now), expiresAt: undefined, rotated: undefined },
    mappers: mappers.map(mapper => mapperOf(clientId, mapper)),
  };
}

function updated(client: KeycloakClient, { attributes, ...plain }: Partial<ClientFields>): KeycloakClient {
  return { ...client, ...plain, attributes: filled({ ...client.attributes, ...attributes }) };
}

/** The next secret lives as long as the one before; the old one stays where the realm's policy says so. */
function nextLife({ now, keycloak }: Observation, before: SecretLife): SecretLife {
  const createdAt = soon(now);
  const { createdAt: from, expiresAt: to } = before;
  const period = keycloak.state === 'Observed' ? (keycloak.coverage?.rotatedPeriod ?? 0) : 0;
  return {
    createdAt,
    expiresAt: from === undefined || to === undefined ? undefined : createdAt + to - from,
    rotated: period > 0 ? { expiresAt: createdAt + period } : undefined,
  };
}

function regenerated(observation: Observation, client: KeycloakClient): KeycloakClient {
  const secretLife = nextLife(observation, client.secretLife);
  const secret = new SecretValue(unknownText('secret', client.clientId, String(secretLife.createdAt)));
  return { ...client, secret, secretLife };
}

function withMapper(client: KeycloakClient, mapper: KeycloakMapper): KeycloakClient {
  return { ...client, mappers: [...client.mappers.filter(({ id }) => id !== mapper.id), mapper] };
}

type ClientChange = Exclude<
  KeycloakChange,
  { readonly kind: 'CreateClient' | 'CreateClientRole' | 'DeleteClient' }
>;

function changed(observation: Observation, client: KeycloakClient, change: ClientChange): KeycloakClient {
  switch (change.kind) {
    case 'UpdateClient':
      return updated(client, change.fields);
    case 'CreateMapper':
      return withMapper(client, mapperOf(client.clientId, change.mapper));
    case 'UpdateMapper':
      return withMapper(client, { ...change.mapper, id: change.mapperId });
    case 'DeleteMapper':
      return { ...client, mappers: client.mappers.filter(({ id }) => id !== change.mapperId) };
    case 'RegenerateSecret':
      return regenerated(observation, client);
    case 'EndOverlap':
      return { ...client, secretLife: { ...client.secretLife, rotated: undefined } };
  }
}

/** What a write to Keycloak leads to. */
export function keycloakEffect(observation: Observation, change: KeycloakChange): Effect {
  const client = observedKeycloak(observation)?.client;
  switch (change.kind) {
    case 'CreateClient':
      return { kind: 'Client', client: createdClient(change.fields, change.mappers, observation.now) };
    case 'DeleteClient':
      return { kind: 'Client', client: undefined };
    case 'CreateClientRole':
      return { kind: 'ClientRole', role: change.role };
    default:
      return client === undefined
        ? { kind: 'None' }
        : { kind: 'Client', client: changed(observation, client, change) };
  }
}
