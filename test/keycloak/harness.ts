import { SecretValue } from '../../operator/api/secret-value.ts';
import type { SessionOptions } from '../../operator/keycloak/session.ts';
import { createSession, type Session } from '../../operator/keycloak/session.ts';
import type { ClientFields, DesiredMapper } from '../../operator/policy/change.ts';
import { type KeycloakAdmin, OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import { type FaultProxy, type Seen, startProxy } from '../env/proxy.ts';
import { realmKeys } from '../env/realm-keys.ts';
import { sharedEnvironment, uniqueName } from '../env/shared.ts';

/** A realm of its own for one test file, with an operator's service account and a proxy before Keycloak. */
export interface Bench {
  readonly admin: KeycloakAdmin;
  readonly realm: string;
  readonly proxy: FaultProxy;
  /** Address of Keycloak itself. */
  readonly url: string;
  /** What the operator signs in with. */
  readonly operator: { readonly clientId: string; readonly secret: string };
  /** A new session through the proxy; closed with the bench. */
  readonly open: (options?: Partial<SessionOptions>) => Session;
  /** Requests seen by the proxy since its last reset, those for tokens left out. */
  readonly requests: () => readonly Seen[];
  readonly tokenRequests: () => readonly Seen[];
  readonly close: () => Promise<void>;
}

const isForTokens = ({ path }: Seen) => path.includes('/protocol/openid-connect/token');

/** Sets up a bench on the shared servers; files that run at the same time give it different names. */
export async function startBench(
  name: string,
  roles: readonly string[] = OPERATOR_ROLES,
  groups: readonly object[] = [],
): Promise<Bench> {
  const { keycloak } = await sharedEnvironment();
  const { admin, url } = keycloak;
  const realm = uniqueName(name);
  await admin.request('POST', '', {
    realm,
    enabled: true,
    sslRequired: 'none',
    groups,
    ...realmKeys(),
  });
  const operator = await admin.createOperator(realm, roles);
  const proxy = await startProxy({ target: url });
  const sessions: Session[] = [];
  return {
    admin,
    realm,
    proxy,
    url,
    operator,
    open: options => {
      const session = createSession({
        name: 'default',
        url: proxy.url,
        signInRealm: realm,
        readCredentials: async () => credentials(operator),
        ...options,
      });
      sessions.push(session);
      return session;
    },
    requests: () => proxy.requests.filter(seen => !isForTokens(seen)),
    tokenRequests: () => proxy.requests.filter(isForTokens),
    close: async () => {
      await Promise.all(sessions.map(session => session.close()));
      await proxy.close();
      await admin.removeRealm(realm);
    },
  };
}

/** Credentials as a session reads them. */
export function credentials({ clientId, secret }: { readonly clientId: string; readonly secret: string }) {
  return { clientId, secret: new SecretValue(secret) };
}

/** What was thrown, for a look at all of it. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error,
  );
}

/** A client as the operator makes one. */
export function clientFields(clientId: string, changes: Partial<ClientFields> = {}): ClientFields {
  return {
    clientId,
    description: 'made by a test',
    protocol: 'openid-connect',
    publicClient: false,
    bearerOnly: false,
    standardFlowEnabled: true,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    serviceAccountsEnabled: false,
    fullScopeAllowed: false,
    clientAuthenticatorType: 'client-secret',
    baseUrl: 'https://argo.example.com',
    redirectUris: ['https://argo.example.com/oauth2/callback'],
    attributes: { 'argo-access.io/owner': 'test/argo/workflows' },
    ...changes,
  };
}

/** The mapper that fills the groups claim. */
export const GROUPS_MAPPER: DesiredMapper = {
  name: 'argo-access-groups',
  protocolMapper: 'oidc-group-membership-mapper',
  config: {
    'claim.name': 'groups',
    'id.token.claim': 'true',
    'access.token.claim': 'false',
    'userinfo.token.claim': 'true',
    'full.path': 'true',
  },
};
