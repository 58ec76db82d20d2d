import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateUpdate } from '../../operator/api/immutable.ts';
import { policySchema } from '../../operator/api/policy-schema.ts';
import { type ApiServer, connectApiServer, policyObject } from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await connectApiServer();
});
afterAll(() => server.close());

const everyone = { name: 'viewer', everyone: true };
const one = { roles: [everyone] };
const secret = { name: 'argo-server-sso' };
const client = { clientId: 'argo-workflows', url: 'https://workflows.example.com', secret };

function withRole(role: object) {
  return { roles: [{ ...everyone, ...role }] };
}

function withClient(fields: object) {
  return { ...one, client: { ...client, ...fields } };
}

function withSecret(fields: object) {
  return withClient({ secret: { ...secret, ...fields } });
}

function withGroups(groups: object) {
  return { ...one, keycloak: { groups } };
}

function withRotation(rotation: object) {
  return withSecret({ rotation: { schedule: '@daily', ...rotation } });
}

function withServer(server: object) {
  return { ...withClient({}), server };
}

/** What the API server adds where it could not come to the rules. */
const UNFINISHED =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

const LABEL_RULE =
  'must be lower-case letters, digits and dashes, with a letter or digit at both ends, such as team-a';
const URL_RULE =
  'must be the address at which people open Argo: http or https, a host name in lower case or an IPv4 address, a port from 1 to 65535 and a path where needed; no user, query, fragment, wildcard or %; such as https://workflows.example.com/argo';
const SUBDOMAIN_RULE =
  'must be lower-case letters, digits, dashes and dots, with a letter or digit at both ends of each part, such as argo-viewer';
const DURATION_RULE =
  'must be a duration in hours, minutes and seconds, in this order, such as 8h, 90s or 1h30m';
const configMap = { name: 'workflow-controller-configmap' };
const ANEW = 'delete the policy and create it anew';

/** What somebody wrote, and what they are told. */
const REFUSED: readonly (readonly [string, object, string])[] = [
  ['no roles', {}, 'spec.roles: Required value'],
  [
    'an empty list of roles',
    { roles: [] },
    'spec.roles: Invalid value: 0: spec.roles in body should have at least 1 items',
  ],
  [
    'a role in capitals',
    withRole({ name: 'Admin' }),
    `spec.roles[0].name: Invalid value: "Admin": ${LABEL_RULE}`,
  ],
  [
    'a role name that is too long',
    withRole({ name: 'a'.repeat(64) }),
    'spec.roles[0].name: Too long: may not be more than 63 bytes',
  ],
  [
    'two roles of one name',
    { roles: [everyone, { name: 'viewer', serviceAccount: 'other', groups: ['/a'] }] },
    'spec.roles: Forbidden: must have different names; rename one of the roles that share one',
  ],
  [
    "a ServiceAccount that is another role's default",
    { roles: [everyone, { name: 'admin', serviceAccount: 'workflows-viewer', groups: ['/a'] }] },
    'spec.roles: Forbidden: must have different ServiceAccounts (serviceAccount, by default <policy>-<role>); rename one of those that share one',
  ],
  [
    'a role for groups and for everyone',
    withRole({ groups: ['/a'] }),
    'spec.roles[0]: Forbidden: must say exactly one of groups (any of them), everyone: true, and when (an expression)',
  ],
  [
    'a role for nobody',
    { roles: [{ name: 'viewer' }] },
    'spec.roles[0]: Forbidden: must say exactly one of groups (any of them), everyone: true, and when (an expression)',
  ],
  [
    'a role for everyone and by an expression',
    withRole({ when: 'sub == "1"' }),
    'spec.roles[0]: Forbidden: must say exactly one of groups (any of them), everyone: true, and when (an expression)',
  ],
  [
    'an expression with a character that nobody sees',
    { roles: [{ name: 'viewer', when: 'sub == "a\u202e"' }] },
    'spec.roles[0].when: Invalid value: "sub == \\"a\\u202e\\"": must not contain control characters other than line breaks and tabs, nor invisible ones; in a text write an escape, such as "\\u200d"',
  ],
  [
    'everyone: false',
    withRole({ everyone: false }),
    'spec.roles[0].everyone: Unsupported value: false: supported values: "true"',
  ],
  [
    'a group twice',
    { roles: [{ name: 'viewer', groups: ['/a', '/a'] }] },
    'spec.roles[0].groups[1]: Duplicate value: "/a"',
  ],
  [
    'a group with the line break of a YAML block',
    { roles: [{ name: 'viewer', groups: ['/a\n'] }] },
    'spec.roles[0].groups[0]: Invalid value: "/a\\n": must not begin or end with white space, nor contain line breaks or other control characters; write it on one line, in quotes',
  ],
  ...[['admins'], ['/platform/'], ['/platform//admins'], ['/']].map(
    groups =>
      [
        `group ${groups[0]} where full paths are meant`,
        { roles: [{ name: 'viewer', groups }] },
        'spec.roles: Forbidden: must name groups by a full path, such as /platform/admins: a slash before each name and none at the end. For plain names set keycloak.groups.fullPath to false',
      ] as const,
  ),
  [
    'a full path where plain names are meant',
    { ...withGroups({ fullPath: false }), roles: [{ name: 'viewer', groups: ['/platform/admins'] }] },
    'spec.roles: Forbidden: must name groups by a plain name, such as admins, without a slash before it, for keycloak.groups.fullPath is false. For paths set it to true',
  ],
  [
    'a client role that is longer than Keycloak takes',
    { ...withGroups({ source: 'ClientRoles' }), roles: [{ name: 'viewer', groups: ['🚀'.repeat(128)] }] },
    'spec.roles: Forbidden: must name groups of at most 255 characters, where emoji and others beyond U+FFFF count twice: Keycloak has no longer names',
  ],
  [
    'a grant of nothing',
    withRole({ grants: [{}] }),
    'spec.roles[0].grants[0]: Forbidden: must name exactly one of clusterRole and role; for both, write two grants',
  ],
  [
    'a grant of a path',
    withRole({ grants: [{ role: 'a/b' }] }),
    'spec.roles[0].grants[0].role: Invalid value: "a/b": must not contain / or %, nor be . or ..; give the name as kubectl shows it, such as argo-access-viewer',
  ],
  [
    'a grant in a namespace that cannot be',
    withRole({ grants: [{ role: 'a', namespaces: ['team_a'] }] }),
    `spec.roles[0].grants[0].namespaces[0]: Invalid value: "team_a": ${LABEL_RULE}`,
  ],
  [
    'more grants than one policy may have',
    {
      roles: [1, 2, 3].map(index => ({
        name: `r${index}`,
        everyone: true,
        grants: Array.from({ length: 16 }, (_, at) => ({
          role: `r${at}`,
          namespaces: Array.from({ length: 21 }, (_, namespace) => `n${namespace}`),
        })),
      })),
    },
    'spec.roles: Forbidden: must make at most 1000 RoleBindings (grants times namespaces of all roles); grant less, or split the policy',
  ],
  [
    'a precedence that leaves the last role none',
    { precedence: 19, roles: [everyone, { name: 'admin', groups: ['/a'] }] },
    'spec.precedence: Forbidden: must be at least 10 times the number of roles, for each stands 10 below the one before it and the last must still stand above accounts without a precedence; raise it',
  ],
  [
    'a deletion policy that is none',
    { ...one, deletionPolicy: 'Keep' },
    'spec.deletionPolicy: Unsupported value: "Keep": supported values: "Delete", "Retain"',
  ],
  [
    'text for a truth value',
    { ...one, suspend: 'yes' },
    'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
  ],
  [
    'a realm as a path',
    { ...one, keycloak: { realm: 'a/b' } },
    'spec.keycloak.realm: Invalid value: "a/b": must be the name of a realm as in its addresses (…/realms/<name>): none of :/?#[]@!$&()*+,;=\\ and not only dots',
  ],
  [
    'a claim inside another',
    withGroups({ claim: 'realm_access.roles' }),
    'spec.keycloak.groups.claim: Invalid value: "realm_access.roles": must be letters, digits and any of _ - : / (a dot would put the claim inside another, where Argo does not look), such as groups',
  ],
  [
    'a claim that is taken',
    withGroups({ claim: 'sub' }),
    'spec.keycloak.groups.claim: Invalid value: "sub": has a meaning of its own in a token; choose another claim, such as groups',
  ],
  [
    'a client without anything',
    { ...one, client: {} },
    `spec.client.clientId: Required value, spec.client.url: Required value, spec.client.secret: Required value`,
  ],
  [
    'a clientId with a space before it',
    withClient({ clientId: ' argo' }),
    'spec.client.clientId: Invalid value: " argo": must not begin or end with white space, nor contain line breaks or other control characters; write it on one line, in quotes',
  ],
  ...[
    'https://*.example.com',
    'https://Workflows.example.com',
    'https://user@example.com',
    'https://example.com?a=b',
    'https://example.com/#a',
    'https://example.com:65536',
    'https://256.1.1.1',
    'https://[::1]',
    'https://example.com/a/../b',
    'https://example.com/%2e',
    'ftp://example.com',
    'javascript:alert(1)',
  ].map(
    url =>
      [
        `the address ${url}`,
        withClient({ url }),
        `spec.client.url: Invalid value: "${url}": ${URL_RULE}`,
      ] as const,
  ),
  [
    "Argo's own Secret",
    withSecret({ name: 'sso' }),
    `spec.client.secret.name: Invalid value: "sso": is taken: sso is Argo's own, argo-access-held must never exist, and names that end with .service-account-token are for tokens; choose another, such as argo-server-sso`,
  ],
  [
    'one key for two values',
    withSecret({ clientIdKey: 'a', clientSecretKey: 'a' }),
    'spec.client.secret.clientSecretKey: Forbidden: must differ from clientIdKey, for one key holds one value; choose another',
  ],
  [
    'a label that cannot be',
    withSecret({ labels: { 'my team': 'a' } }),
    'spec.client.secret.labels: Forbidden: must have keys of up to 63 letters, digits, dashes, underscores and dots, if need be after a domain and a slash, such as example.com/team',
  ],
  [
    "the operator's own label",
    withSecret({ labels: { 'argo-access.io/policy-uid': 'a' } }),
    'spec.client.secret.labels: Forbidden: must not have the keys argo-access.io/… and app.kubernetes.io/managed-by, which the operator sets itself; choose others',
  ],
  [
    'a rotation without a schedule',
    withSecret({ rotation: {} }),
    'spec.client.secret.rotation.schedule: Required value',
  ],
  [
    'an empty schedule',
    withRotation({ schedule: '' }),
    'spec.client.secret.rotation.schedule: Invalid value: "": spec.client.secret.rotation.schedule in body should be at least 1 chars long',
  ],
  ...['1 hour', '90', '1.5h', '1d', '30m1h', '-1h', '100000h'].map(
    overlap =>
      [
        `the overlap ${overlap}`,
        withRotation({ overlap }),
        `spec.client.secret.rotation.overlap: Invalid value: "${overlap}": ${DURATION_RULE}`,
      ] as const,
  ),
  [
    'an overlap of more than a month',
    withRotation({ overlap: '720h1s' }),
    'spec.client.secret.rotation.overlap: Invalid value: "720h1s": must be from 0s to 720h',
  ],
  [
    'a server without a client',
    { ...one, server: { configMap } },
    "spec.server: Forbidden: needs client, for Argo Server's settings are those of its client; leave it out in a policy of roles only",
  ],
  [
    'a server of nothing',
    withServer({}),
    'spec.server: Forbidden: must name configMap, deployment or both, for without them there is nothing to see to; name them, or leave server out',
  ],
  [
    'settings without the ConfigMap that they belong to',
    withServer({ deployment: 'argo-server', sessionExpiry: '8h' }),
    'spec.server: Forbidden: must name configMap where sessionExpiry, filterGroupsRegex or rootCA is given, for that is where they belong; name it, or leave them out',
  ],
  ['a ConfigMap without a name', withServer({ configMap: {} }), 'spec.server.configMap.name: Required value'],
  [
    'a ConfigMap of another namespace',
    withServer({ configMap: { name: 'argo/settings' } }),
    `spec.server.configMap.name: Invalid value: "argo/settings": ${SUBDOMAIN_RULE}`,
  ],
  [
    'a Deployment by its kind',
    withServer({ deployment: 'deployment/argo-server' }),
    `spec.server.deployment: Invalid value: "deployment/argo-server": ${SUBDOMAIN_RULE}`,
  ],
  [
    'a login that lasts for ever, as some write it',
    withServer({ configMap, sessionExpiry: '0s' }),
    'spec.server.sessionExpiry: Invalid value: "0s": must be from 1m to 8760h',
  ],
  [
    'a filter with the line break of a YAML block',
    withServer({ configMap, filterGroupsRegex: ['^/platform/\n'] }),
    'spec.server.filterGroupsRegex[0]: Invalid value: "^/platform/\\n": must not begin or end with white space, nor contain line breaks or other control characters; write it on one line, in quotes',
  ],
  [
    'a filter twice',
    withServer({ configMap, filterGroupsRegex: ['^/a', '^/a'] }),
    'spec.server.filterGroupsRegex[1]: Duplicate value: "^/a"',
  ],
  [
    'the path of a certificate instead of it',
    withServer({ configMap, rootCA: '/etc/ssl/ca.pem' }),
    'spec.server.rootCA: Forbidden: must hold a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----; write it as a block, after rootCA: |',
  ],
  [
    'a certificate with its private key',
    withServer({ configMap, rootCA: '-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n' }),
    'spec.server.rootCA: Forbidden: must not hold a private key, for everybody who can read the ConfigMap would have it; take it out',
  ],
  [
    "the image's tag for its version",
    withServer({ configMap, argoVersion: 'v4.1.0' }),
    'spec.server.argoVersion: Invalid value: "v4.1.0": must be major and minor version in quotes, such as "4.1"',
  ],
  [
    'a version that YAML takes for a number',
    withServer({ configMap, argoVersion: 4.1 }),
    'spec.server.argoVersion: Invalid value: "number": spec.server.argoVersion in body must be of type string: "number"',
  ],
];

/** The message without what comes before and after it always. */
function essence(message: string): string {
  return message
    .replace(/^.* is invalid: /, '')
    .replace(`, ${UNFINISHED}]`, ']')
    .replace(/^\[(.*)\]$/s, '$1');
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text === '' ? '' : '.'}${String(key)}`,
    '',
  );
}

describe('what is refused', () => {
  it.each(REFUSED)('%s', async (_, spec, message) => {
    const policy = policyObject('workflows', spec);
    const answer = await server.create(policy);
    expect(essence(answer.message)).toBe(message);
    const zod = policySchema.safeParse(policy);
    const fields = zod.error?.issues.map(({ path }) => fieldOf(path)) ?? [];
    expect(fields).toEqual(answer.fields.filter(field => field !== '<nil>'));
  });

  it('an unknown field, by its path', async () => {
    const policy = policyObject('workflows', { ...one, role: [] });
    const { message } = await server.create(policy);
    expect(message).toContain('strict decoding error: unknown field "spec.role"');
    expect(policySchema.safeParse(policy).error?.issues[0]?.message).toBe('Unrecognized key: "role"');
  });

  it('a policy whose name cannot be the value of a label', async () => {
    const policy = policyObject('n'.repeat(64), one);
    const { message } = await server.create(policy);
    expect(essence(message)).toBe('metadata.name: Too long: may not be more than 63 bytes');
    expect(policySchema.safeParse(policy).success).toBe(false);
  });
});

describe('what may come and go', () => {
  const bare = { ...one, client };
  const whole = { ...withRotation({ overlap: '1h' }), server: { configMap, deployment: 'argo-server' } };

  it.each([
    ['a server and a rotation that are added', bare, whole],
    ['a server and a rotation that are removed', whole, bare],
  ])('%s', async (title, old, next) => {
    const name = title.replaceAll(' ', '-');
    const { body } = await server.create(policyObject(name, old), false);
    const { resourceVersion } = body.metadata as { readonly resourceVersion: string };
    expect((await server.update(name, policyObject(name, next, { resourceVersion }))).message).toBe('');
    const specs = [old, next].map(spec => policySchema.parse(policyObject(name, spec)).spec);
    expect(validateUpdate(...(specs as [never, never]))).toEqual([]);
  });
});

describe('what cannot change', () => {
  const before = { ...one, keycloak: { connection: 'a', realm: 'r' }, client };
  const changes: readonly (readonly [string, object, object, string])[] = [
    [
      'the connection',
      before,
      { ...before, keycloak: { connection: 'b', realm: 'r' } },
      `spec.keycloak.connection: Forbidden: cannot be changed once set; ${ANEW}`,
    ],
    [
      'the connection by leaving it out',
      before,
      { ...before, keycloak: { realm: 'r' } },
      `spec.keycloak.connection: Forbidden: cannot be changed once set; ${ANEW}`,
    ],
    [
      'the realm',
      before,
      { ...before, keycloak: { connection: 'a', realm: 's' } },
      `spec.keycloak.realm: Forbidden: cannot be added, changed or removed once the policy exists; ${ANEW}`,
    ],
    [
      'the realm from default',
      one,
      { ...one, keycloak: { realm: 's' } },
      `spec.keycloak.realm: Forbidden: cannot be added, changed or removed once the policy exists; ${ANEW}`,
    ],
    [
      'the clientId',
      before,
      { ...before, client: { ...client, clientId: 'other' } },
      `spec.client.clientId: Forbidden: cannot be changed once set; ${ANEW}`,
    ],
    [
      'the client to none',
      before,
      { ...before, client: undefined },
      `spec.client: Forbidden: cannot be added or removed once the policy exists; ${ANEW}`,
    ],
    [
      'the client from none',
      one,
      { ...one, client },
      `spec.client: Forbidden: cannot be added or removed once the policy exists; ${ANEW}`,
    ],
  ];

  it.each(changes)('%s', async (title, old, next, message) => {
    const name = title.replaceAll(' ', '-').toLowerCase();
    const { body } = await server.create(policyObject(name, old), false);
    const { resourceVersion } = body.metadata as { readonly resourceVersion: string };
    const update = policyObject(name, next, { resourceVersion });
    const answer = await server.update(name, update);
    expect(essence(answer.message)).toBe(message);
    const specs = [policyObject(name, old), JSON.parse(JSON.stringify(update))].map(
      each => policySchema.parse(each).spec,
    );
    const problems = validateUpdate(...(specs as [never, never]));
    expect(problems.map(problem => `${problem.field}: Forbidden: ${problem.message}`)).toEqual([message]);
  });
});
