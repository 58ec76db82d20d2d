import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clients } from '../../operator/keycloak/clients.ts';
import { createClients } from '../../operator/keycloak/clients.ts';
import type { ClientFields } from '../../operator/policy/change.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import { uniqueName } from '../env/shared.ts';
import { type Bench, clientFields, credentials, GROUPS_MAPPER, startBench } from './harness.ts';

let bench: Bench;
let clients: Clients;

beforeAll(async () => {
  bench = await startBench('clients');
  clients = createClients(bench.open(), bench.realm);
});

afterAll(() => bench.close());

beforeEach(() => bench.proxy.reset());

async function made(changes: Partial<ClientFields> = {}): Promise<KeycloakClient> {
  const id = await clients.create(clientFields(uniqueName('client'), changes), [GROUPS_MAPPER]);
  const client = await clients.read(id);
  if (client === undefined) throw new Error('not there');
  bench.proxy.reset();
  return client;
}

async function secretOf(clientId: string): Promise<unknown> {
  return (await bench.admin.client(bench.realm, clientId))?.secret;
}

describe('a new client', () => {
  it('takes one write with all its fields and mappers, and Keycloak makes its secret', async () => {
    const fields = clientFields(uniqueName('client'));
    const id = await clients.create(fields, [GROUPS_MAPPER]);
    expect(bench.requests()).toEqual([
      { method: 'POST', path: `/admin/realms/${bench.realm}/clients/`, status: 201 },
    ]);
    const client = await clients.read(id);
    expect(client).toMatchObject({ ...fields, id, enabled: true, mappers: [GROUPS_MAPPER] });
    expect(client?.secret?.reveal()).toBe(await secretOf(fields.clientId));
    expect(client?.secret?.isEmpty).toBe(false);
    expect(client?.attributes['client.secret.creation.time']).toMatch(/^[0-9]+$/);
  });

  it('is found by its clientId, whatever characters that has', async () => {
    const clientId = `${uniqueName('client')} "ä" a/b?c=d&e%20#+`;
    const id = await clients.create(clientFields(clientId), []);
    expect(await clients.find(clientId)).toMatchObject({ id, clientId });
    expect(await clients.find(clientId.slice(0, -1))).toBeUndefined();
  });

  it('is a conflict where the clientId is taken, and the client there stays as it is', async () => {
    const { clientId } = await made();
    const before = await bench.admin.client(bench.realm, clientId);
    const again = clients.create(clientFields(clientId, { description: 'another' }), []);
    await expect(again).rejects.toMatchObject({ kind: 'Conflict', status: 409 });
    expect(await bench.admin.client(bench.realm, clientId)).toEqual(before);
  });

  it('is refused as invalid in the words of Keycloak', async () => {
    const wrong = clients.create(clientFields(uniqueName('client'), { baseUrl: 'javascript:alert(1)' }), []);
    await expect(wrong).rejects.toMatchObject({ kind: 'Invalid', message: expect.stringContaining('URL') });
  });
});

describe('a change of a client', () => {
  it('keeps its secret, and all fields, attributes and mappers that it does not name', async () => {
    const client = await made();
    await bench.admin.updateClient(bench.realm, client.id, {
      name: 'set by hand',
      attributes: { 'set.by.hand': 'yes' },
    });
    const before = await bench.admin.client(bench.realm, client.clientId);
    await clients.update(client.id, { redirectUris: ['https://other.example.com/cb'] });
    expect(await bench.admin.client(bench.realm, client.clientId)).toEqual({
      ...before,
      redirectUris: ['https://other.example.com/cb'],
    });
    expect(before).toMatchObject({ name: 'set by hand', attributes: { 'set.by.hand': 'yes' } });
  });

  it('sets the attributes that it names and removes those that it names as empty', async () => {
    const client = await made({ attributes: { one: '1', two: '2', three: '3' } });
    await clients.update(client.id, { attributes: { one: '', two: 'two' } });
    const { attributes } = (await clients.read(client.id)) ?? {};
    expect(attributes).toMatchObject({ two: 'two', three: '3' });
    expect(attributes).not.toHaveProperty('one');
  });

  it.each([
    ['secret', { secret: 'x' }],
    ['protocolMappers', { protocolMappers: [] }],
    ['toString', { toString: 'x' }],
    ['client.secret.rotated', { attributes: { 'client.secret.rotated': 'x' } }],
  ])('never sends %s', async (name, fields) => {
    const client = await made();
    await expect(clients.update(client.id, fields as Partial<ClientFields>)).rejects.toThrow(
      `never sent to Keycloak: ${name}`,
    );
    await expect(clients.create({ ...clientFields('x'), ...fields } as ClientFields, [])).rejects.toThrow(
      `never sent to Keycloak: ${name}`,
    );
    expect(bench.proxy.requests).toEqual([]);
  });

  it('says so where the client is gone', async () => {
    const gone = clients.update('00000000-0000-0000-0000-000000000000', { description: '' });
    await expect(gone).rejects.toMatchObject({ kind: 'NotFound' });
  });
});

describe('mappers', () => {
  it('are added, changed and deleted one by one, with the others left alone', async () => {
    const client = await made();
    const second = {
      ...GROUPS_MAPPER,
      name: 'second',
      config: { ...GROUPS_MAPPER.config, 'claim.name': 'x' },
    };
    await clients.createMapper(client.id, second);
    const [first, added] = (await clients.read(client.id))?.mappers.toSorted(byName) ?? [];
    expect(first).toEqual(client.mappers[0]);
    expect(added).toMatchObject(second);

    const changed = { ...second, config: { 'claim.name': 'y', 'full.path': 'false' } };
    await clients.updateMapper(client.id, added?.id ?? '', changed);
    expect((await clients.read(client.id))?.mappers.toSorted(byName)).toEqual([
      first,
      { ...changed, id: added?.id },
    ]);

    await clients.deleteMapper(client.id, added?.id ?? '');
    await clients.deleteMapper(client.id, added?.id ?? '');
    expect((await clients.read(client.id))?.mappers).toEqual([first]);
    expect(await secretOf(client.clientId)).toBe(client.secret?.reveal());
  });

  it('are a conflict where the name is taken', async () => {
    const client = await made();
    await expect(clients.createMapper(client.id, GROUPS_MAPPER)).rejects.toMatchObject({ kind: 'Conflict' });
  });
});

describe('roles of a client', () => {
  it('are listed and added; one that is there already is fine', async () => {
    const client = await made();
    expect(await clients.roles(client.id)).toEqual([]);
    const names = ['admins', 'Büro "a/b" %2F'];
    for (const name of [...names, ...names]) await clients.createRole(client.id, name);
    expect((await clients.roles(client.id)).toSorted()).toEqual(names.toSorted());
  });
});

describe('deletion', () => {
  it('may be asked for again', async () => {
    const client = await made();
    await clients.delete(client.id);
    await clients.delete(client.id);
    expect(await clients.read(client.id)).toBeUndefined();
    expect(await clients.find(client.clientId)).toBeUndefined();
    expect(bench.requests().map(({ status }) => status)).toEqual([204, 404, 404, 200]);
  });
});

describe('the listing', () => {
  it('has whole clients, page by page, each once', async () => {
    const client = await made();
    const all = await clients.page(0, 1000);
    const first = await clients.page(0, 4);
    const second = await clients.page(4, 4);
    expect(first).toHaveLength(4);
    expect([...first, ...second].map(({ id }) => id)).toEqual(all.slice(0, 8).map(({ id }) => id));
    const listed = all.find(({ id }) => id === client.id);
    expect(listed).toEqual(client);
    expect(listed?.secret?.equals(client.secret)).toBe(true);
  });
});

describe("the operator's service account", () => {
  it.each([
    ['without manage-clients', ['view-users']],
    ['with view-clients only', ['view-clients', 'query-groups']],
  ])('%s is told which role it lacks', async (_, roles) => {
    const operator = await bench.admin.createOperator(bench.realm, roles, uniqueName('operator'));
    const session = bench.open({ readCredentials: async () => credentials(operator) });
    const created = createClients(session, bench.realm).create(clientFields(uniqueName('client')), []);
    await expect(created).rejects.toMatchObject({
      kind: 'Forbidden',
      message: expect.stringContaining(
        `the role manage-clients of client realm-management in realm ${bench.realm}`,
      ),
    });
  });
});

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
