import { z } from 'zod';
import {
  accountName,
  annotations,
  claimName,
  clientId,
  dnsLabel,
  expression,
  humanName,
  labels,
  rbacName,
  realmName,
  secretKey,
  secretName,
  serverUrl,
} from './fields.ts';
import { groupNameRules } from './group-names.ts';
import { immutable } from './immutable.ts';
import { rotation } from './rotation-schema.ts';
import { object, repeatedAt, uniqueList, withRules, withTransitions } from './rules.ts';
import { server } from './server-schema.ts';

/** API group of the contract. */
export const GROUP = 'argo-access.io';
/** Version of the contract served by this operator. */
export const VERSION = 'v1alpha1';
/** Kind of the contract. */
export const KIND = 'ArgoAccessPolicy';
/** Plural resource name of the contract, as in API paths. */
export const PLURAL = 'argoaccesspolicies';

const groups = object({
  source: z
    .enum(['Groups', 'ClientRoles'])
    .default('Groups')
    .describe(
      'What a role is matched by. Groups: the groups of the realm that a user is in. ClientRoles: the roles of ' +
        "this policy's Keycloak client that a user has; those that spec.roles names are created on the client.",
    ),
  claim: claimName
    .default('groups')
    .describe(
      "Claim of the ID token that carries them. Argo reads `groups`; another name must also be Argo Server's " +
        '`sso.customGroupClaimName`, which spec.server.configMap sees to.',
    ),
  fullPath: z
    .boolean()
    .default(true)
    .describe(
      'Only for source Groups. true: a group is named by its whole path, such as /platform/admins. false: by its ' +
        'own name, such as admins, which then means every group of that name, wherever it is.',
    ),
}).describe("How a user's groups reach Argo.");

const keycloak = object({
  connection: dnsLabel
    .default('default')
    .describe(
      "Name of a connection in the operator's configuration, which says where Keycloak is. Cannot be changed.",
    ),
  realm: realmName
    .optional()
    .describe("Realm of the client and the groups. Default: the connection's realm. Cannot be changed."),
  groups: groups.prefault({}),
}).describe('Where users come from: the Keycloak realm, and how their groups reach Argo.');

const clientSecret = withRules(
  object({
    name: secretName.describe(
      "Name of the Secret, in the policy's namespace. The operator creates it; when the name changes, the new one " +
        'is there before the old one goes. Example: argo-server-sso.',
    ),
    clientIdKey: secretKey.default('client-id').describe("Key under which the Secret holds the client's id."),
    clientSecretKey: secretKey
      .default('client-secret')
      .describe("Key under which the Secret holds the client's secret."),
    labels: labels
      .prefault({})
      .describe('Further labels for the Secret, up to 32. Example: {team: platform}.'),
    annotations: annotations
      .prefault({})
      .describe('Further annotations for the Secret, up to 32, each of at most 1024 characters.'),
    rotation: rotation.optional(),
  }),
  {
    holds: secret => secret.clientIdKey !== secret.clientSecretKey,
    cel: 'self.clientIdKey != self.clientSecretKey',
    message: 'must differ from clientIdKey, for one key holds one value; choose another',
    at: '.clientSecretKey',
    reason: 'FieldValueForbidden',
  },
).describe("The Kubernetes Secret with the client's credentials, from which Argo Server reads them.");

const client = object({
  clientId: clientId.describe(
    "The client's id in Keycloak, as Argo Server presents it. Cannot be changed. Example: argo-workflows.",
  ),
  url: serverUrl.describe(
    'Address at which people open Argo, with its base path if it has one. The redirect URI follows from it: ' +
      '<url>/oauth2/callback. Example: https://workflows.example.com.',
  ),
  additionalUrls: z
    .array(serverUrl)
    .max(16)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Further addresses, up to 16, of the same Argo Server, from which people sign in.'),
  adopt: z
    .boolean()
    .default(false)
    .describe(
      'true: take over a client with this clientId that exists already and belongs to nobody. false: refuse it.',
    ),
  secret: clientSecret,
}).describe(
  "Argo Server's client in Keycloak. Leave it out where a policy only has roles, as in a team's namespace under " +
    'SSO delegation. It cannot be added or removed later.',
);

const grant = withRules(
  object({
    clusterRole: rbacName
      .optional()
      .describe('ClusterRole to bind. Give this or role. Example: argo-access-viewer.'),
    role: rbacName
      .optional()
      .describe('Role to bind; it must exist in each of the namespaces. Give this or clusterRole.'),
    namespaces: uniqueList(dnsLabel, 32)
      .min(1)
      .optional()
      .describe(
        "Namespaces, up to 32, in each of which a RoleBinding is made. Default: the policy's namespace.",
      ),
  }),
  {
    holds: value => (value.clusterRole === undefined) !== (value.role === undefined),
    cel: 'has(self.clusterRole) != has(self.role)',
    message: 'must name exactly one of clusterRole and role; for both, write two grants',
    reason: 'FieldValueForbidden',
  },
);

const role = withRules(
  object({
    name: dnsLabel.describe('Name of the role, unique in the policy. Example: viewer.'),
    serviceAccount: accountName
      .optional()
      .describe(
        "Name of the ServiceAccount that users of this role act as, in the policy's namespace. The operator creates " +
          'it. Default: <policy>-<role>.',
      ),
    groups: uniqueList(humanName(512), 64)
      .min(1)
      .optional()
      .describe(
        'Members of any of these, up to 64, have the role. Full paths such as /platform/admins; with keycloak.groups.fullPath ' +
          'false or source ClientRoles, plain names. Give this, everyone or when.',
      ),
    everyone: z
      .literal(true)
      .optional()
      .describe('true: whoever can sign in to the realm has the role. Give this, groups or when.'),
    when: expression
      .optional()
      .describe(
        "Expression in the language of Argo's rules, up to 2048 characters: for whom it is true has the role. It can use " +
          'sub, and what a user may lack with a default: ($env?.email ?? "") endsWith "@example.com", ' +
          'any($env?.groups ?? [], {# startsWith "/teams/"}). It must be true or false for every user, which is tried ' +
          'before it is written. Give this, groups or everyone.',
      ),
    grants: z
      .array(grant.describe('One role of Kubernetes, bound in some namespaces.'))
      .max(16)
      .prefault([])
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('What users of this role may do, up to 16. Without any, they can sign in and do nothing.'),
  }),
  {
    holds: ({ groups: some, everyone, when }) =>
      [some, everyone, when].filter(given => given !== undefined).length === 1,
    cel: '[has(self.groups), has(self.everyone), has(self.when)].exists_one(given, given)',
    message: 'must say exactly one of groups (any of them), everyone: true, and when (an expression)',
    reason: 'FieldValueForbidden',
  },
);

type Role = z.output<typeof role>;

const roles = withRules(
  z
    .array(role.describe('One role: who is in it (groups, everyone, or when) and what it may do (grants).'))
    .min(1)
    .max(64)
    .meta({ 'x-kubernetes-list-type': 'atomic' }),
  {
    holds: list => new Set(list.map(({ name }) => name)).size === list.length,
    cel: 'self.all(a, self.exists_one(b, a.name == b.name))',
    message: 'must have different names; rename one of the roles that share one',
    reason: 'FieldValueForbidden',
    culprit: list => [repeatedAt(list.map(({ name }) => name))],
  },
  {
    holds: list => list.flatMap(bindingsOf).length <= 1000,
    cel: 'self.map(r, r.grants.map(g, has(g.namespaces) ? g.namespaces.size() : 1).sum()).sum() <= 1000',
    message:
      'must make at most 1000 RoleBindings (grants times namespaces of all roles); grant less, or split the policy',
    reason: 'FieldValueForbidden',
  },
).describe('The roles, up to 64, in order: a user gets the first one that matches.');

function bindingsOf({ grants }: Role): readonly string[] {
  return grants.flatMap(({ namespaces }) => namespaces ?? ['']);
}

const plainSpec = object({
  keycloak: keycloak.prefault({}),
  client: client.optional(),
  server: server.optional(),
  precedence: z
    .int()
    .max(1_000_000_000)
    .optional()
    .describe(
      'Precedence of the first role among all ServiceAccounts with a rule in the namespace; each next role has 10 ' +
        'less. Argo tries the highest first. At least 10 times the number of roles. Default: 1000; 10000 where no ' +
        'policy of the namespace has a client.',
    ),
  roles,
  deletionPolicy: z
    .enum(['Delete', 'Retain'])
    .optional()
    .describe(
      'What becomes of the Keycloak client and its Secret when the policy is deleted. Default: Delete for a client ' +
        'that the operator has made, Retain for one that it has adopted. Accounts, tokens and bindings always go.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe('true: nothing is changed or checked until it is false again. A deletion still cleans up.'),
});

/** The spec of an ArgoAccessPolicy: the single source of types, defaults, CRD and reference. */
export const specSchema = withTransitions(
  withRules(
    plainSpec,
    ...groupNameRules,
    {
      holds: ({ precedence, roles: list }) => precedence === undefined || precedence >= 10 * list.length,
      cel: '!has(self.precedence) || self.precedence >= 10 * self.roles.size()',
      message:
        'must be at least 10 times the number of roles, for each stands 10 below the one before it and the last must ' +
        'still stand above accounts without a precedence; raise it',
      at: '.precedence',
      reason: 'FieldValueForbidden',
    },
    {
      holds: spec => spec.server === undefined || spec.client !== undefined,
      cel: '!has(self.server) || has(self.client)',
      message:
        "needs client, for Argo Server's settings are those of its client; leave it out in a policy of roles only",
      at: '.server',
      reason: 'FieldValueForbidden',
    },
  ).describe('What is wanted. Only roles is required; with a client, people can sign in.'),
  immutable,
);

/** Spec with its defaults filled in, as the API server stores it. */
export type PolicySpec = z.output<typeof specSchema>;
/** `spec.client` with its defaults. */
export type ClientSpec = NonNullable<PolicySpec['client']>;
/** `spec.client.secret.rotation` with its defaults. */
export type RotationSpec = NonNullable<ClientSpec['secret']['rotation']>;
/** `spec.server` with its defaults. */
export type ServerSpec = NonNullable<PolicySpec['server']>;
/** One entry of `spec.roles` with its defaults. */
export type RoleSpec = PolicySpec['roles'][number];
/** One entry of `spec.roles[].grants`. */
export type GrantSpec = RoleSpec['grants'][number];
