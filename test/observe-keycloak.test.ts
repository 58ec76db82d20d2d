import { expect, it } from 'vitest';
import { KeycloakError } from '../operator/keycloak/errors.ts';
import type { KeycloakRealm } from '../operator/keycloak/realm.ts';
import { createSnapshot } from '../operator/keycloak/snapshot.ts';
import { type ClientMemory, type KeycloakSources, observeRealm } from '../operator/observe-keycloak.ts';
import type { KeycloakClient } from '../operator/policy/keycloak-types.ts';
import { makeClient, makePolicy, NOW } from './policy/fixtures.ts';
import { SPEC } from './policy/objects.ts';

const POLICY = makePolicy({ ...SPEC, keycloak: { groups: { source: 'ClientRoles' } } });

/** A realm with one client, which can become another, and its roles by its id. */
function realmOf(first: KeycloakClient) {
  let client = first;
  const now = () => NOW;
  const clients = {
    find: async () => client,
    page: async () => [client],
    roles: async (id: string) => {
      if (id === client.id) return [`role of ${id}`];
      const action = `list the roles of client ${id}`;
      throw new KeycloakError({ kind: 'NotFound', connection: 'default', realm: 'x', action, detail: 'no' });
    },
  };
  const realm = {
    name: 'x',
    clients,
    snapshot: createSnapshot({ clients, wanted: () => [client.clientId], now }),
    groups: { lookup: async () => new Map() },
    issuer: async () => 'https://sso.example.com/realms/x',
  } as unknown as KeycloakRealm;
  const sources = {
    config: { connections: [{ name: 'default', resyncPeriodMs: 300_000 }] },
    connections: { failingSince: () => undefined },
    now,
  } as unknown as KeycloakSources;
  return {
    become: (next: KeycloakClient) => {
      client = next;
    },
    /** What a reconcile sees at its first look. */
    look: () => observeRealm(sources, POLICY, realm, memory()),
  };
}

function memory(): ClientMemory {
  return {
    openedAt: NOW,
    client: undefined,
    isCurrent: false,
    wantsFresh: false,
    lastWasFresh: true,
    issuerAnswers: undefined,
    createdRoles: new Set(),
  };
}

it('finds the client that was made in place of the one that it knew, long before it would be compared', async () => {
  const { become, look } = realmOf(makeClient({ id: 'old' }));
  expect(await look()).toMatchObject({ state: 'Observed', clientRoles: ['role of old'] });
  become(makeClient({ id: 'new' }));
  // What it knew of the client was wrong, and is tried again soon.
  expect(await look()).toMatchObject({ state: 'Failed', transient: true });
  expect(await look()).toMatchObject({ state: 'Observed', clientRoles: ['role of new'] });
});
