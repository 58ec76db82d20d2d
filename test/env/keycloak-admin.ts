import { CHEAP_PASSWORDS, realmKeys } from './realm-keys.ts';
import {
  type ClientSecretState,
  type RotationPolicy,
  rotationClientPolicy,
  rotationProfile,
  secretStateOf,
} from './rotation-policy.ts';

type Json = Record<string, unknown>;

/** A user of a test realm. */
export interface TestUser {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Of the administrator's tokens, in seconds: their session would end in half an hour. */
const LIFESPAN_S = 1500;

/** Password of every test user. */
export const USER_PASSWORD = 'correct-horse';

/** Roles of realm-management that the operator's documentation asks for. */
export const OPERATOR_ROLES = ['manage-clients', 'view-users'] as const;

/** Roles of realm-management for an operator that rotates secrets with an overlap. */
export const ROTATING_OPERATOR_ROLES = [...OPERATOR_ROLES, 'view-realm'] as const;

/** Keycloak's administrator, for setting up what a test needs; the operator never signs in as this one. */
export class KeycloakAdmin {
  readonly url: string;
  readonly #username: string;
  readonly #password: string;
  #token: { readonly value: string; readonly until: number } | undefined;

  constructor(url: string, username: string, password: string) {
    this.url = url;
    this.#username = username;
    this.#password = password;
  }

  async #accessToken(): Promise<string> {
    if (this.#token !== undefined && this.#token.until > Date.now()) return this.#token.value;
    const response = await fetch(`${this.url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: this.#username,
        password: this.#password,
      }),
    });
    if (!response.ok) throw new Error(`administrator refused: ${response.status} ${await response.text()}`);
    const { access_token, expires_in } = (await response.json()) as {
      access_token: string;
      expires_in: number;
    };
    this.#token = { value: access_token, until: Date.now() + (expires_in - 15) * 1000 };
    return access_token;
  }

  /** One request to the Admin REST API; fails unless it is answered with success. */
  async request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.url}/admin/realms${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.#accessToken()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  async #get<T>(path: string): Promise<T> {
    return (await (await this.request('GET', path)).json()) as T;
  }

  /** Makes a realm with nested groups (by path) and users in them. */
  async createRealm(
    realm: string,
    groups: readonly string[] = [],
    users: readonly TestUser[] = [],
  ): Promise<void> {
    const cheap = { passwordPolicy: CHEAP_PASSWORDS, ...realmKeys() };
    await this.request('POST', '', { realm, enabled: true, sslRequired: 'none', ...cheap });
    for (const group of groups) await this.createGroup(realm, group);
    for (const user of users) await this.createUser(realm, user);
  }

  /** Lets the administrator's own tokens last, and cost less to get. */
  async sparePasswords(): Promise<void> {
    await this.request('PUT', '/master', {
      passwordPolicy: CHEAP_PASSWORDS,
      accessTokenLifespan: LIFESPAN_S,
    });
    this.#token = undefined;
  }

  async removeRealm(realm: string): Promise<void> {
    await this.request('DELETE', `/${realm}`);
  }

  /** Makes a group by its path, with the groups above it where they are missing; returns its id. */
  async createGroup(realm: string, path: string): Promise<string> {
    const names = path.split('/').slice(1);
    let parent: string | undefined;
    for (const name of names) parent = await this.#child(realm, parent, name);
    if (parent === undefined) throw new Error(`${path} is not a group's path`);
    return parent;
  }

  async #child(realm: string, parent: string | undefined, name: string): Promise<string> {
    const base = parent === undefined ? `/${realm}/groups` : `/${realm}/groups/${parent}/children`;
    const present = await this.#get<{ id: string; name: string }[]>(`${base}?max=1000`);
    const found = present.find(group => group.name === name);
    return found?.id ?? this.createNamedGroup(realm, name, parent);
  }

  /** Makes one group under exactly this name, slashes in it included. */
  async createNamedGroup(realm: string, name: string, parent?: string): Promise<string> {
    const base = parent === undefined ? `/${realm}/groups` : `/${realm}/groups/${parent}/children`;
    const response = await this.request('POST', base, { name });
    const location = response.headers.get('location');
    if (location !== null) return location.split('/').at(-1) ?? '';
    return ((await response.json()) as { id: string }).id;
  }

  async removeGroup(realm: string, id: string): Promise<void> {
    await this.request('DELETE', `/${realm}/groups/${id}`);
  }

  async createUser(realm: string, { username, groups }: TestUser): Promise<string> {
    const response = await this.request('POST', `/${realm}/users`, {
      username,
      enabled: true,
      email: `${username}@example.com`,
      emailVerified: true,
      firstName: username,
      lastName: 'Test',
      credentials: [{ type: 'password', value: USER_PASSWORD, temporary: false }],
    });
    const id = response.headers.get('location')?.split('/').at(-1) ?? '';
    for (const group of groups) await this.joinGroup(realm, id, await this.createGroup(realm, group));
    return id;
  }

  async userId(realm: string, username: string): Promise<string> {
    const users = await this.#get<{ id: string }[]>(`/${realm}/users?exact=true&username=${username}`);
    const id = users[0]?.id;
    if (id === undefined) throw new Error(`no user ${username}`);
    return id;
  }

  async joinGroup(realm: string, user: string, group: string): Promise<void> {
    await this.request('PUT', `/${realm}/users/${user}/groups/${group}`, {});
  }

  async leaveGroup(realm: string, user: string, group: string): Promise<void> {
    await this.request('DELETE', `/${realm}/users/${user}/groups/${group}`);
  }

  /** Makes the client with which an operator signs in: a service account with exactly these roles. */
  async createOperator(
    realm: string,
    roles: readonly string[] = OPERATOR_ROLES,
    clientId = 'argo-access-operator',
  ): Promise<{ readonly clientId: string; readonly secret: string }> {
    const made = await this.request('POST', `/${realm}/clients`, {
      clientId,
      publicClient: false,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
    });
    const id = made.headers.get('location')?.split('/').at(-1) ?? '';
    const account = await this.#get<{ id: string }>(`/${realm}/clients/${id}/service-account-user`);
    const management = await this.client(realm, 'realm-management');
    const all = await this.#get<{ name: string }[]>(`/${realm}/clients/${String(management?.id)}/roles`);
    const chosen = all.filter(({ name }) => roles.includes(name));
    await this.request(
      'POST',
      `/${realm}/users/${account.id}/role-mappings/clients/${String(management?.id)}`,
      chosen,
    );
    const { value } = await this.#get<{ value: string }>(`/${realm}/clients/${id}/client-secret`);
    return { clientId, secret: value };
  }

  /**
   * Lets a client's service account view the realm's groups, and nothing else of its users, by Keycloak's
   * fine-grained admin permissions; without it, or role `view-users`, role `query-groups` finds no group at all.
   */
  async letViewGroups(realm: string, clientId: string): Promise<void> {
    await this.request('PUT', `/${realm}`, { adminPermissionsEnabled: true });
    const permissions = await this.client(realm, 'admin-permissions');
    const client = await this.client(realm, clientId);
    const account = await this.#get<{ id: string }>(
      `/${realm}/clients/${String(client?.id)}/service-account-user`,
    );
    const base = `/${realm}/clients/${String(permissions?.id)}/authz/resource-server`;
    const made = await this.request('POST', `${base}/policy/user`, { name: clientId, users: [account.id] });
    const policy = (await made.json()) as { id: string };
    await this.request('POST', `${base}/permission/scope`, {
      name: `${clientId} views groups`,
      resourceType: 'Groups',
      scopes: ['view'],
      policies: [policy.id],
    });
  }

  /** A client's whole representation. */
  async client(realm: string, clientId: string): Promise<Json | undefined> {
    const found = await this.#get<Json[]>(`/${realm}/clients?clientId=${encodeURIComponent(clientId)}`);
    return found[0];
  }

  async clients(realm: string): Promise<Json[]> {
    return this.#get<Json[]>(`/${realm}/clients?max=1000`);
  }

  async createClient(realm: string, representation: Json): Promise<string> {
    const response = await this.request('POST', `/${realm}/clients`, representation);
    return response.headers.get('location')?.split('/').at(-1) ?? '';
  }

  async updateClient(realm: string, id: string, representation: Json): Promise<void> {
    await this.request('PUT', `/${realm}/clients/${id}`, representation);
  }

  async removeClient(realm: string, id: string): Promise<void> {
    await this.request('DELETE', `/${realm}/clients/${id}`);
  }

  /** Makes the realm's one profile and policy for the rotation of secrets, in place of all that it has. */
  async coverByRotationPolicy(realm: string, policy: RotationPolicy): Promise<void> {
    await this.setClientPolicies(realm, [rotationProfile(policy)], [rotationClientPolicy(policy)]);
  }

  async removeRotationPolicy(realm: string): Promise<void> {
    await this.setClientPolicies(realm, [], []);
  }

  /** Replaces all client profiles and policies of a realm. */
  async setClientPolicies(
    realm: string,
    profiles: readonly object[],
    policies: readonly object[],
  ): Promise<void> {
    // In between there is neither: a policy needs its profiles, and a profile may not go while it is used.
    await this.request('PUT', `/${realm}/client-policies/policies`, { policies: [] });
    await this.request('PUT', `/${realm}/client-policies/profiles`, { profiles });
    await this.request('PUT', `/${realm}/client-policies/policies`, { policies });
  }

  /** What Keycloak holds of a client's secrets just now. */
  async clientSecretState(realm: string, clientId: string): Promise<ClientSecretState> {
    return secretStateOf(await this.client(realm, clientId));
  }

  /** Sets a client's secret by hand. Without attributes, Keycloak 26.7 fails where its rotation policy has a say. */
  async setSecret(realm: string, clientId: string, value: string): Promise<void> {
    await this.updateClient(realm, await this.#clientKey(realm, clientId), { secret: value, attributes: {} });
  }

  /** Makes a new secret as a person does by the administration console; gives it. */
  async regenerate(realm: string, clientId: string): Promise<string> {
    const id = await this.#clientKey(realm, clientId);
    const answer = await this.request('POST', `/${realm}/clients/${id}/client-secret`);
    return ((await answer.json()) as { value: string }).value;
  }

  async #clientKey(realm: string, clientId: string): Promise<string> {
    return String((await this.client(realm, clientId))?.id);
  }
}
