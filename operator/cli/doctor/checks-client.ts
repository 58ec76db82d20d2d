import { allowsRedirect } from '../../policy/client.ts';
import { GROUP_CHECKS } from './checks-groups.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown } from './finding.ts';
import { type DoctorSnapshot, orUndefined, seenClient } from './snapshot.ts';

/** Whether the client is known not to be there, or to be disabled: nothing that is said of it tells more. */
export function isClientOff({ keycloak }: DoctorSnapshot): boolean {
  const seen = orUndefined(keycloak);
  return seen !== undefined && seen.client?.client.enabled !== true;
}

/** Whether Keycloak has shown its login page, for the address and the scopes of the settings. */
export function isLoginShown({ loginPage }: DoctorSnapshot): boolean {
  return orUndefined(loginPage)?.kind === 'login';
}

/** The client is there, and not switched off. */
function client({ keycloak, block, namespace }: DoctorSnapshot): readonly Outcome[] {
  if ('unknown' in keycloak)
    return keycloak.unknown === '' ? [] : [unknown('Keycloak client', keycloak.unknown)];
  const { realm, client: seen } = keycloak.known;
  if (seen === undefined) {
    const { name, key } = block?.clientId ?? {};
    const place = `key ${key} of Secret ${namespace}/${name}`;
    return [
      fail(
        `realm ${realm}`,
        `realm ${realm} has no client of the id in ${place}`,
        `see that ${place} holds the client's id, and not its secret; or make the client, with client authentication and the standard flow`,
      ),
    ];
  }
  const object = `client ${seen.client.clientId} of realm ${realm}`;
  if (seen.client.enabled) return [pass(object, 'is there and enabled')];
  return [fail(object, `${object} is disabled, so nobody can sign in`, 'enable it in Keycloak')];
}

const PKCE = 'pkce.code.challenge.method';

/** Argo Server only does the authorization-code flow, with a secret and without PKCE (argo-workflows, server/auth/sso). */
function flow(snapshot: DoctorSnapshot): readonly Outcome[] {
  const found = seenClient(snapshot);
  if (found === undefined) return [];
  const { object, sight } = found;
  const { protocol, publicClient, standardFlowEnabled, clientAuthenticatorType, attributes } = sight.client;
  const pkce = attributes[PKCE] ?? '';
  const flaws: readonly (readonly [boolean, string, string])[] = [
    [protocol !== 'openid-connect', `speaks ${protocol}`, 'make a client of type OpenID Connect'],
    [
      publicClient,
      'is public, so that it has no secret',
      'switch its Client authentication on, and write its secret into the Secret, for it may be a new one',
    ],
    [
      !standardFlowEnabled,
      'has its standard flow switched off, which is the only one of Argo Server',
      'switch it on',
    ],
    [
      clientAuthenticatorType !== 'client-secret',
      `takes no secret, but ${clientAuthenticatorType}`,
      'choose the Client Authenticator "Client Id and Secret", and write its secret into the Secret',
    ],
    [
      pkce !== '',
      `asks for PKCE (${pkce}), which Argo Server does not do`,
      'clear its Proof Key for Code Exchange method',
    ],
  ];
  const outcomes = flaws
    .filter(([isSo]) => isSo)
    .map(([, what, remedy]) => fail(object, `${object} ${what}`, remedy));
  return orPass(outcomes, object, 'has a secret and the standard flow, and asks for no PKCE');
}

/** Keycloak sends nobody back to an address that the client does not have. */
function redirectUri(snapshot: DoctorSnapshot): readonly Outcome[] {
  const found = seenClient(snapshot);
  const url = snapshot.block?.redirectUrl ?? '';
  if (found === undefined || url === '') return [];
  const { object, sight } = found;
  const { redirectUris } = sight.client;
  if (isLoginShown(snapshot) || allowsRedirect(sight.client, url)) {
    return [pass(object, 'has sso.redirectUrl')];
  }
  if (redirectUris.some(each => each.startsWith('/'))) {
    return [
      unknown(
        object,
        `whether ${object} has sso.redirectUrl ${url} cannot be told: it has addresses without a host; --prove tells`,
      ),
    ];
  }
  return [
    fail(
      object,
      `${object} does not have sso.redirectUrl ${url}, so that Keycloak refuses each login (invalid redirect_uri)`,
      `add it to the client's Valid redirect URIs (it has ${redirectUris.join(', ') || 'none'}), or correct sso.redirectUrl`,
    ),
  ];
}

/** A scope that the realm has, but not the client, is refused as well. */
function clientScopes(snapshot: DoctorSnapshot): readonly Outcome[] {
  const found = seenClient(snapshot);
  if (found === undefined) return [];
  const { object, sight } = found;
  if ('unknown' in sight.scopes) return [unknown(object, sight.scopes.unknown)];
  const { byDefault, optional } = sight.scopes.known;
  const has = [...byDefault, ...optional].map(({ name }) => name);
  const missing = (snapshot.block?.scopes ?? []).filter(scope => scope !== 'openid' && !has.includes(scope));
  // One with a parameter has another name here.
  if (missing.length === 0 || isLoginShown(snapshot)) {
    return [pass(object, 'has the scopes that the settings ask for')];
  }
  return [
    fail(
      object,
      `${object} does not have the scope ${missing.join(', ')} of sso.scopes, so that each login ends with invalid_scope`,
      'take it out of sso.scopes, or give it to the client among its Client scopes',
    ),
  ];
}

/** What Keycloak's administration tells of the client. */
export const CLIENT_CHECKS: readonly Check[] = [
  { id: 'client', subject: 'client', judge: client },
  { id: 'client-flow', subject: 'client', judge: flow },
  { id: 'redirect-uri', subject: 'client', judge: redirectUri },
  { id: 'client-scopes', subject: 'client', judge: clientScopes },
  ...GROUP_CHECKS,
];
