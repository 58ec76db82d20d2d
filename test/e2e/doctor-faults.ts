import { stringify } from 'yaml';
import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../../operator/api/names.ts';
import {
  ADMIN_RULE,
  bindViewer,
  CLIENT,
  goodSettings,
  groupsMapper,
  makeAccount,
  makeCookieKey,
  makeToken,
  REDIRECT,
  removeAccount,
  rollOut,
  SECRET,
  startPods,
  writeCredentials,
  writeSettings,
  writeSso,
} from './doctor-world.ts';
import { edit } from './quiet.ts';
import { ARGO_SERVER, DEPLOYMENT_PATH, SETTINGS } from './rotating-world.ts';
import { replaceSettings } from './server-looks.ts';
import { bindingsPath, corePath, HOME, TEAM, type World } from './world.ts';

const secretPath = corePath('secrets', SECRET);
const accountPath = (name: string) => corePath('serviceaccounts', name);

/** What faults are planted in. */
export interface Stand {
  readonly world: World;
  /** Keycloak's id of the client. */
  readonly id: string;
}

type Step = (stand: Stand) => Promise<unknown>;

const annotate =
  (name: string, annotations: Readonly<Record<string, string | null>>): Step =>
  ({ world }) =>
    edit(world, accountPath(name), { metadata: { annotations } });
const keycloak =
  (change: Readonly<Record<string, unknown>>): Step =>
  ({ world, id }) =>
    world.admin.updateClient(world.realm, id, change);

/** Changes how Argo Server is started, and lets that come into effect. */
async function deploy(world: World, container: Readonly<Record<string, unknown>>): Promise<void> {
  const containers = [{ name: 'argo-server', ...container }];
  const spec = { template: { spec: { containers } } };
  await world.send('PATCH', DEPLOYMENT_PATH, { spec }, 'application/strategic-merge-patch+json');
  await rollOut(world);
}
const args =
  (...given: readonly string[]): Step =>
  ({ world }) =>
    deploy(world, { args: ['server', ...given] });
const SSO_MODE = '--auth-mode=sso';

/** Something that is wrong in an installation, what is told of it, and its remedy as somebody carries it out. */
export interface Fault {
  readonly what: string;
  readonly plant: Step;
  /** All that is told, as `check: verdict`. */
  readonly told: readonly string[];
  /** Part of the remedy for the first of these. */
  readonly remedy: string;
  readonly mend: Step;
}

const good: Step = ({ world }) => writeSso(world);
const sso = (change: Readonly<Record<string, unknown>>) => ({
  plant: ({ world }: Stand) => writeSso(world, change),
  mend: good,
});
const rolesPath = bindingsPath(HOME).replace('rolebindings', 'roles');
const serverRules =
  (verbs: readonly string[]): Step =>
  ({ world }) =>
    edit(world, `${rolesPath}/argo-server`, {
      rules: [
        { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['secrets'], verbs },
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
      ],
    });

/** Each by itself in an installation that works; what was planted is gone once it is mended. */
export const FAULTS: readonly Fault[] = [
  {
    what: 'Argo Server without the mode sso',
    plant: args('--auth-mode=client'),
    told: ['auth-mode: fail'],
    remedy: 'add --auth-mode=sso to the args',
    mend: args(SSO_MODE),
  },
  {
    what: 'the mode server beside it',
    plant: args(SSO_MODE, '--auth-mode=server'),
    told: ['auth-mode: warn'],
    remedy: 'take --auth-mode=server out',
    mend: args(SSO_MODE),
  },
  {
    what: 'Argo Server scaled to nothing',
    plant: ({ world }) => edit(world, DEPLOYMENT_PATH, { spec: { replicas: 0 } }),
    told: ['pods: fail'],
    remedy: `scale deployment/${ARGO_SERVER} --replicas=1`,
    mend: async ({ world }) => {
      await edit(world, DEPLOYMENT_PATH, { spec: { replicas: 1 } });
      await rollOut(world);
    },
  },
  {
    what: 'settings changed, and Argo Server not restarted',
    plant: async ({ world }) => {
      await writeSso(world);
      await startPods(world, new Date(Date.now() - 10_000));
    },
    told: ['restarted: warn'],
    remedy: `rollout restart deployment/${ARGO_SERVER}`,
    mend: ({ world }) => startPods(world),
  },
  {
    what: 'no ConfigMap',
    plant: ({ world }) => world.send('DELETE', corePath('configmaps', SETTINGS)),
    told: ['config-map: fail'],
    remedy: '--config-map',
    mend: async ({ world }) => {
      await replaceSettings(world, { sso: stringify(goodSettings(world)) });
      await startPods(world);
    },
  },
  {
    what: 'config beside another key',
    plant: ({ world }) =>
      writeSettings(world, { config: `sso: ${JSON.stringify(goodSettings(world))}`, links: '[]' }),
    told: ['readable: fail'],
    remedy: 'move all of it into config',
    mend: ({ world }) => writeSettings(world, { config: `sso: ${JSON.stringify(goodSettings(world))}` }),
  },
  {
    what: 'a misspelled setting',
    ...sso({ rbca: { enabled: true } }),
    told: ['readable: fail'],
    remedy: 'correct its name',
  },
  {
    what: 'no settings sso',
    plant: ({ world }) => writeSettings(world, { links: '[]' }),
    told: ['sso: fail'],
    remedy: 'write the section sso',
    mend: good,
  },
  {
    what: 'rbac switched off',
    ...sso({ rbac: { enabled: false } }),
    told: ['rbac: fail'],
    remedy: 'set sso.rbac.enabled to true',
  },
  {
    what: 'a callback where Argo Server does not listen',
    ...sso({ redirectUrl: 'https://workflows.example.com/callback' }),
    told: ['redirect-url: fail', 'login-page: fail', 'redirect-uri: fail'],
    remedy: `set it to ${REDIRECT}`,
  },
  {
    what: 'a scope that the realm does not have',
    ...sso({ scopes: ['groups'] }),
    told: ['scopes: fail', 'login-page: fail', 'client-scopes: fail'],
    remedy: 'take it out of sso.scopes',
  },
  {
    what: 'a group filter that does not compile',
    ...sso({ filterGroupsRegex: ['('] }),
    told: ['group-filter: fail'],
    remedy: 'RE2',
  },
  {
    what: 'a group filter that drops what a rule is for',
    ...sso({ filterGroupsRegex: ['^/teams/'] }),
    told: ['group-filter: fail'],
    remedy: 'add an expression that matches it',
  },
  {
    what: 'certificates that nobody verifies',
    ...sso({ insecureSkipVerify: true }),
    told: ['tls: warn'],
    remedy: 'take it out',
  },
  {
    what: 'sessions of a month',
    ...sso({ sessionExpiry: '720h' }),
    told: ['session-expiry: warn'],
    remedy: '8h',
  },
  {
    what: 'an issuer with a slash too many',
    plant: ({ world }) => writeSso(world, { issuer: `${goodSettings(world).issuer}/` }),
    told: ['issuer: fail'],
    remedy: 'letter by letter',
    mend: good,
  },
  {
    what: 'an issuer that does not answer',
    plant: ({ world }) => world.keycloak.fail({ kind: 'refuse' }),
    told: ['issuer: fail', 'client: unknown'],
    remedy: 'bring Keycloak back',
    mend: ({ world }) => world.keycloak.heal(),
  },
  {
    what: 'no Secret',
    plant: ({ world }) => world.send('DELETE', secretPath),
    told: ['client-secret: fail'],
    remedy: `create secret generic ${SECRET} --from-file=client-id=FILE --from-file=client-secret=FILE`,
    mend: ({ world }) => writeCredentials(world),
  },
  {
    what: 'a Secret without a key',
    plant: async ({ world }) => {
      await edit(world, secretPath, { data: { 'client-secret': null } });
      await startPods(world);
    },
    told: ['client-secret: fail'],
    remedy: 'write it into the Secret, or correct sso.clientSecret.key: the Secret has client-id',
    mend: ({ world }) => writeCredentials(world),
  },
  {
    what: 'a line break behind the secret',
    plant: async ({ world }) => {
      const { current } = await world.admin.clientSecretState(world.realm, CLIENT);
      await writeCredentials(world, { 'client-secret': `${current}\n` });
    },
    told: ['client-secret-values: fail', 'client-secret-accepted: fail'],
    remedy: 'without anything behind it',
    mend: ({ world }) => writeCredentials(world),
  },
  {
    what: 'a secret that Keycloak has replaced',
    plant: ({ world }) => world.admin.regenerate(world.realm, CLIENT),
    told: ['client-secret-accepted: fail'],
    remedy: 'take the secret from the client',
    mend: ({ world }) => writeCredentials(world),
  },
  {
    what: "the client's id and its secret in each other's place",
    ...sso({
      clientId: { name: SECRET, key: 'client-secret' },
      clientSecret: { name: SECRET, key: 'client-id' },
    }),
    told: ['client: fail'],
    remedy: "holds the client's id, and not its secret",
  },
  {
    what: "an empty Secret in place of Argo's own",
    plant: async ({ world }) => {
      await world.send('DELETE', corePath('secrets', 'sso'));
      await world.send('POST', corePath('secrets', '').slice(0, -1), { metadata: { name: 'sso' } });
    },
    told: ['argo-secret: fail'],
    remedy: 'delete secret sso',
    mend: async ({ world }) => {
      await world.send('DELETE', corePath('secrets', 'sso'));
      await makeCookieKey(world);
    },
  },
  {
    what: 'a client that is disabled',
    plant: keycloak({ enabled: false }),
    told: ['client: fail'],
    remedy: 'enable it in Keycloak',
    mend: keycloak({ enabled: true }),
  },
  {
    what: 'a client without the standard flow',
    plant: keycloak({ standardFlowEnabled: false }),
    told: ['login-page: fail', 'client-flow: fail'],
    remedy: "switch the client's Standard flow on",
    mend: keycloak({ standardFlowEnabled: true }),
  },
  {
    what: 'a client that asks for PKCE',
    plant: keycloak({ attributes: { 'pkce.code.challenge.method': 'S256' } }),
    told: ['login-page: fail', 'client-flow: fail'],
    remedy: "clear the client's Proof Key for Code Exchange method",
    mend: keycloak({ attributes: { 'pkce.code.challenge.method': '' } }),
  },
  {
    what: 'a client for another address',
    plant: keycloak({ redirectUris: ['https://argo.example.com/*'] }),
    told: ['login-page: fail', 'redirect-uri: fail'],
    remedy: "add sso.redirectUrl to the client's Valid redirect URIs",
    mend: keycloak({ redirectUris: [REDIRECT] }),
  },
  {
    what: 'a client without a mapper for groups',
    plant: keycloak({ protocolMappers: [] }),
    told: ['groups-claim: fail'],
    remedy: 'add a mapper of type Group Membership',
    mend: keycloak({ protocolMappers: [groupsMapper()] }),
  },
  {
    what: 'a rule for the name of a group, where tokens have paths',
    plant: annotate('admin', { [ARGO_RULE]: '"admins" in ($env?.groups ?? [])' }),
    told: ['group-names: fail'],
    remedy: 'write /admins in the rule',
    mend: annotate('admin', { [ARGO_RULE]: ADMIN_RULE }),
  },
  {
    what: 'a rule for a group that nobody has made',
    plant: annotate('admin', { [ARGO_RULE]: '"/platform/Admins" in ($env?.groups ?? [])' }),
    told: ['group-names: warn'],
    remedy: 'upper and lower case matter',
    mend: annotate('admin', { [ARGO_RULE]: ADMIN_RULE }),
  },
  {
    what: 'a rule that fails for whoever is in no group',
    plant: annotate('admin', { [ARGO_RULE]: "'/platform/admins' in groups" }),
    told: ['rules: fail'],
    remedy: 'write ($env?.groups ?? []) in place of groups',
    mend: annotate('admin', { [ARGO_RULE]: ADMIN_RULE }),
  },
  {
    what: 'a precedence that is no number',
    plant: annotate('admin', { [ARGO_PRECEDENCE]: 'high' }),
    told: ['precedences: fail'],
    remedy: 'write an integer',
    mend: annotate('admin', { [ARGO_PRECEDENCE]: '100' }),
  },
  {
    what: 'an account for everybody above the others',
    plant: annotate('viewer', { [ARGO_PRECEDENCE]: '1000' }),
    told: ['precedences: warn'],
    remedy: 'give ServiceAccount argo/viewer a lower',
    mend: annotate('viewer', { [ARGO_PRECEDENCE]: '10' }),
  },
  {
    what: 'two accounts of one precedence',
    plant: annotate('admin', { [ARGO_PRECEDENCE]: '10' }),
    told: ['precedences: warn'],
    remedy: 'give each another one',
    mend: annotate('admin', { [ARGO_PRECEDENCE]: '100' }),
  },
  {
    what: 'an account without a token',
    plant: ({ world }) => world.send('DELETE', corePath('secrets', 'viewer.service-account-token')),
    told: ['tokens: fail'],
    remedy: 'a Secret viewer.service-account-token of type kubernetes.io/service-account-token',
    mend: ({ world }) => makeToken(world, 'viewer'),
  },
  {
    what: "an account with another one's token",
    plant: annotate('admin', { [ARGO_TOKEN_NAME]: 'viewer.service-account-token' }),
    told: ['tokens: fail'],
    remedy: `take the annotation ${ARGO_TOKEN_NAME} off`,
    mend: annotate('admin', { [ARGO_TOKEN_NAME]: null }),
  },
  {
    what: 'an account that may do nothing',
    plant: ({ world }) => world.send('DELETE', `${bindingsPath(HOME)}/viewer`),
    told: ['grants: warn'],
    remedy: 'bind it a role',
    mend: ({ world }) => bindViewer(world, 'viewer', HOME),
  },
  {
    what: 'no rule at all',
    plant: stand =>
      Promise.all(['admin', 'viewer'].map(name => annotate(name, { [ARGO_RULE]: null })(stand))),
    told: ['accounts: fail'],
    remedy: 'make one there with a rule',
    mend: async stand => {
      await annotate('admin', { [ARGO_RULE]: ADMIN_RULE })(stand);
      await annotate('viewer', { [ARGO_RULE]: 'true' })(stand);
    },
  },
  {
    what: 'an Argo Server that may not make its key',
    plant: serverRules(['get']),
    told: ['server-rights: fail'],
    remedy: `bind it a Role in namespace ${HOME}`,
    mend: serverRules(['get', 'create']),
  },
  {
    what: 'accounts where Argo Server does not look',
    plant: args(SSO_MODE, '--namespaced', `--managed-namespace=${TEAM}`),
    told: ['accounts: fail', 'server-rights: fail', 'managed-namespace: warn'],
    remedy: 'make one there',
    mend: args(SSO_MODE),
  },
  {
    what: 'a delegated account that stands too low',
    plant: async ({ world }) => {
      await deploy(world, { env: [{ name: 'SSO_DELEGATE_RBAC_TO_NAMESPACE', value: 'true' }] });
      await makeAccount(world, 'low', 'true', '10', TEAM);
    },
    told: ['server-rights: fail', 'delegation: warn'],
    remedy: `bind it a Role in namespace ${TEAM}`,
    mend: async ({ world }) => {
      await removeAccount(world, 'low', TEAM);
      await deploy(world, { env: [{ name: 'SSO_DELEGATE_RBAC_TO_NAMESPACE', $patch: 'delete' }] });
    },
  },
];
