import type KeycloakAdminClient from '@keycloak/keycloak-admin-client';
import { z } from 'zod';
import type { ClientFields, DesiredMapper } from '../policy/change.ts';
import type { KeycloakClient } from '../policy/keycloak-types.ts';
import { regenerateSecret } from './client-secrets.ts';
import { KeycloakError } from './errors.ts';
import type { Purpose } from './failures.ts';
import { readClientRepresentation, readClientRepresentations } from './representation.ts';
import type { Session } from './session.ts';

/** The clients of one realm. Every function is one request and throws `KeycloakError`. */
export interface Clients {
  /** The client of exactly this clientId, secret and mappers included; undefined where there is none. */
  find(clientId: string): Promise<KeycloakClient | undefined>;
  /** The client of this internal id; undefined where there is none. */
  read(id: string): Promise<KeycloakClient | undefined>;
  /** A page of all clients, ordered by clientId. */
  page(first: number, max: number): Promise<readonly KeycloakClient[]>;
  /** Creates a client with its mappers, and never changes one: `Conflict` where the clientId is taken. Gives the id. */
  create(fields: ClientFields, mappers: readonly DesiredMapper[]): Promise<string>;
  /** Changes the given fields; all others, the secret and the mappers stay. An attribute set to '' is removed. */
  update(id: string, fields: Partial<ClientFields>): Promise<void>;
  /** Deletes a client; one that is gone already is fine. */
  delete(id: string): Promise<void>;
  /** Adds a mapper. */
  createMapper(id: string, mapper: DesiredMapper): Promise<void>;
  /** Replaces one mapper, its whole config included. */
  updateMapper(id: string, mapperId: string, mapper: DesiredMapper): Promise<void>;
  /** Deletes one mapper; one that is gone already is fine. */
  deleteMapper(id: string, mapperId: string): Promise<void>;
  /**
   * Has Keycloak make a new secret. `mayStill` is asked right before each sending; where it says false, nothing is
   * sent and the answer is false. Where it throws, the secret may have been made all the same.
   */
  regenerate(id: string, mayStill: () => boolean): Promise<boolean>;
  /** Has Keycloak refuse the old secret from now on; one that is gone already is fine. */
  endOverlap(id: string): Promise<void>;
  /** Names of the client's own roles. */
  roles(id: string): Promise<readonly string[]>;
  /** Adds a role to the client; one that is there already is fine. */
  createRole(id: string, name: string): Promise<void>;
}

const PROTOCOL = 'openid-connect';

const createdSchema = z.object({ id: z.string().min(1) });
const rolesSchema = z.array(z.object({ name: z.string() }));

const FIELDS: Readonly<Record<keyof ClientFields, true>> = {
  clientId: true,
  description: true,
  protocol: true,
  publicClient: true,
  bearerOnly: true,
  standardFlowEnabled: true,
  implicitFlowEnabled: true,
  directAccessGrantsEnabled: true,
  serviceAccountsEnabled: true,
  fullScopeAllowed: true,
  clientAuthenticatorType: true,
  baseUrl: true,
  redirectUris: true,
  attributes: true,
};

/**
 * The body of a write: exactly the fields that we manage. A secret sent back would undo a rotation made in
 * between, and a list of mappers replaces them all; neither may slip in through a wider object.
 */
function bodyOf(fields: Partial<ClientFields>): Partial<ClientFields> {
  const strange = Object.keys(fields).filter(key => !Object.hasOwn(FIELDS, key));
  const secrets = Object.keys(fields.attributes ?? {}).filter(key => key.startsWith('client.secret.'));
  const wrong = [...strange, ...secrets];
  if (wrong.length > 0) throw new TypeError(`never sent to Keycloak: ${wrong.join(', ')}`);
  return fields;
}

function mutable(fields: Partial<ClientFields>) {
  const { redirectUris, attributes, ...plain } = bodyOf(fields);
  return {
    ...plain,
    ...(redirectUris === undefined ? {} : { redirectUris: [...redirectUris] }),
    ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
  };
}

function mapperBody(mapper: DesiredMapper) {
  return { ...mapper, config: { ...mapper.config }, protocol: PROTOCOL };
}

function needs(action: string, missing: Purpose['missing'] = 'object'): Purpose {
  return { action, role: 'manage-clients', missing };
}

/** For `catch`: takes a failure of this kind as an answer, namely none. */
function undefinedFor(kind: KeycloakError['kind']): (error: unknown) => undefined {
  return error => {
    if (!(error instanceof KeycloakError) || error.kind !== kind) throw error;
  };
}

/** The clients of a realm, spoken to as the session's service account (role `manage-clients`). */
export function createClients(session: Session, realm: string): Clients {
  /** A write that Keycloak answers with a success and no words. */
  async function write(
    action: string,
    send: (client: KeycloakAdminClient) => Promise<unknown>,
  ): Promise<void> {
    await session.call(realm, needs(action), send, answer => answer === '' || undefined);
  }

  function list(action: string, query: { clientId?: string; first?: number; max?: number }) {
    const purpose = needs(action, 'realm');
    return session.call(realm, purpose, ({ clients }) => clients.find(query), readClientRepresentations);
  }

  return {
    async find(clientId) {
      const found = await list(`read client ${clientId}`, { clientId });
      return found.find(client => client.clientId === clientId);
    },
    async read(id) {
      // Left to itself, the admin client takes anyone's 404 for Keycloak's.
      const strict = { catchNotFound: false };
      const reading = session.call(
        realm,
        needs(`read client ${id}`),
        ({ clients }) => clients.findOne({ id }, strict),
        readClientRepresentation,
      );
      return reading.catch(undefinedFor('NotFound'));
    },
    page: (first, max) => list('list clients', { first, max }),
    async create(fields, mappers) {
      const body = { ...mutable(fields), enabled: true, protocolMappers: mappers.map(mapperBody) };
      return session.call(
        realm,
        needs(`create client ${fields.clientId}`, 'realm'),
        ({ clients }) => clients.create(body),
        answer => createdSchema.safeParse(answer).data?.id,
      );
    },
    async update(id, fields) {
      // Keycloak 26.7 fails over a representation without attributes where a rotation policy sets some of its own.
      const body = { attributes: {}, ...mutable(fields) };
      await write(`change client ${id}`, ({ clients }) => clients.update({ id }, body));
    },
    async delete(id) {
      const removal = write(`delete client ${id}`, ({ clients }) => clients.del({ id }));
      await removal.catch(undefinedFor('NotFound'));
    },
    createMapper: (id, mapper) =>
      write(`add mapper ${mapper.name} to client ${id}`, ({ clients }) =>
        clients.addProtocolMapper({ id }, mapperBody(mapper)),
      ),
    updateMapper: (id, mapperId, mapper) =>
      write(`change mapper ${mapper.name} of client ${id}`, ({ clients }) =>
        clients.updateProtocolMapper({ id, mapperId }, { ...mapperBody(mapper), id: mapperId }),
      ),
    async deleteMapper(id, mapperId) {
      const removal = write(`delete mapper ${mapperId} of client ${id}`, ({ clients }) =>
        clients.delProtocolMapper({ id, mapperId }),
      );
      await removal.catch(undefinedFor('NotFound'));
    },
    regenerate: (id, mayStill) => regenerateSecret(session, realm, id, mayStill),
    async endOverlap(id) {
      const ending = write(`end the old secret of client ${id}`, ({ clients }) =>
        clients.invalidateSecret({ id }),
      );
      await ending.catch(undefinedFor('NotFound'));
    },
    roles: id =>
      session.call(
        realm,
        needs(`list the roles of client ${id}`),
        ({ clients }) => clients.listRoles({ id }),
        answer => rolesSchema.safeParse(answer).data?.map(({ name }) => name),
      ),
    async createRole(id, name) {
      const adding = session.call(
        realm,
        needs(`add role ${name} to client ${id}`),
        ({ clients }) => clients.createRole({ id, name }),
        answer => answer ?? undefined,
      );
      await adding.catch(undefinedFor('Conflict'));
    },
  };
}
