import { ARGO_PRECEDENCE, ARGO_RULE } from '../../operator/api/names.ts';
import type { ServiceAccount } from '../../operator/api/objects.ts';
import type { Known } from '../../operator/cli/access/ask.ts';
import { diagnose } from '../../operator/cli/doctor/checks.ts';
import type { Finding } from '../../operator/cli/doctor/finding.ts';
import { understand } from '../../operator/cli/doctor/gather-server.ts';
import type {
  AccountSight,
  ClientSight,
  DoctorSnapshot,
  KeyState,
  SecretSight,
  ServerSight,
  SettingsSight,
} from '../../operator/cli/doctor/snapshot.ts';
import { decodeConfigMap, decodeDeployment } from '../../operator/kubernetes/decode-server.ts';
import { type ArgoDeployment, argoServerDeployment } from '../env/argo-deployment.ts';

/** When everything was started, in milliseconds since the epoch. */
export const STARTED = Date.parse('2026-03-01T12:00:00Z');
const HOUR = 3_600_000;

/** A ConfigMap with settings that are as they should be. */
export const SSO = `
issuer: https://sso.example.com/realms/platform
clientId: { name: argo-sso, key: client-id }
clientSecret: { name: argo-sso, key: client-secret }
redirectUrl: https://workflows.example.com/oauth2/callback
rbac: { enabled: true }
`;

/** What a Deployment, as it was left by a complete rollout, is seen as. */
export function serverOf(
  options: Partial<ArgoDeployment> = {},
  change: Partial<ServerSight> = {},
): ServerSight {
  const raw = argoServerDeployment({ name: 'argo-server', namespace: 'argo', ...options });
  const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const deployment = decodeDeployment({ ...raw, status } as object);
  return { ...deployment, replicas: 1, troubles: [], startedAt: STARTED, ...change };
}

/** What a ConfigMap of these keys is seen as. */
export function settingsOf(
  data: Readonly<Record<string, string>>,
  changedAt = STARTED - HOUR,
): SettingsSight {
  const metadata = { name: 'workflow-controller-configmap', namespace: 'argo' };
  return { ...decodeConfigMap({ metadata, data } as object), changedAt };
}

/** What a Secret of these keys is seen as. */
export function secretOf(keys: Readonly<Record<string, KeyState>>, changedAt = STARTED - HOUR): SecretSight {
  return { keys: new Map(Object.entries(keys)), changedAt };
}

/** An account with a rule, its token, and a right on workflows. */
export function accountOf(
  name: string,
  rule: string,
  precedence: string,
  change: Partial<AccountSight> = {},
  namespace = 'argo',
): AccountSight {
  const account: ServiceAccount = {
    kind: 'ServiceAccount',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '1',
      annotations: { [ARGO_RULE]: rule, [ARGO_PRECEDENCE]: precedence },
    },
    secrets: [],
  };
  const fine = { kind: 'false' } as const;
  return {
    account,
    token: { secret: `${name}.service-account-token`, state: 'filled' },
    grants: [
      {
        role: { kind: 'ClusterRole', name: 'argo-access-viewer' },
        namespace: 'argo',
        binding: 'viewer',
        shared: false,
        workflows: { verbs: ['get'], named: [] },
      },
    ],
    verdicts: { known: { withGroups: fine, emptyGroups: fine, noGroups: fine } },
    ...change,
  };
}

/** A mapper of groups as people make it. */
export const MAPPER = {
  id: '1',
  name: 'groups',
  protocolMapper: 'oidc-group-membership-mapper',
  config: { 'claim.name': 'groups', 'full.path': 'true', 'id.token.claim': 'true' },
};

/** The client as it should be. */
export function clientOf(
  change: Partial<ClientSight['client']> = {},
  sight: Partial<ClientSight> = {},
): ClientSight {
  return {
    client: {
      id: 'id',
      clientId: 'argo',
      description: '',
      enabled: true,
      protocol: 'openid-connect',
      publicClient: false,
      bearerOnly: false,
      standardFlowEnabled: true,
      implicitFlowEnabled: false,
      directAccessGrantsEnabled: false,
      serviceAccountsEnabled: false,
      fullScopeAllowed: false,
      clientAuthenticatorType: 'client-secret',
      baseUrl: '',
      redirectUris: ['https://workflows.example.com/*'],
      attributes: {},
      secretLife: { createdAt: undefined, expiresAt: undefined, rotated: undefined },
      mappers: [MAPPER],
      ...change,
    },
    scopes: { known: { byDefault: [{ name: 'basic', mappers: [] }], optional: [] } },
    groups: { known: new Map([['/platform/admins', { kind: 'found' }]]) },
    ...sight,
  };
}

/** What an installation is made of that differs from the working one. */
export interface Parts {
  readonly server?: Known<ServerSight | undefined>;
  readonly settings?: Known<SettingsSight | undefined>;
  readonly configMapName?: string;
  readonly rest?: Partial<DoctorSnapshot>;
}

/** Two accounts in order. */
export const ACCOUNTS = [
  accountOf('admin', '"/platform/admins" in ($env?.groups ?? [])', '100'),
  accountOf('viewer', 'true', '10'),
];

/** A working installation, but for what is given. */
export function snapshotOf(parts: Parts = {}): DoctorSnapshot {
  const {
    server = { known: serverOf() },
    settings = { known: settingsOf({ sso: SSO }) },
    configMapName = 'workflow-controller-configmap',
    rest = {},
  } = parts;
  return {
    namespace: 'argo',
    kubectlFlags: '',
    ...understand('argo', 'argo-server', server, configMapName, settings),
    secrets: new Map<string, Known<SecretSight | undefined>>([
      ['argo-sso', { known: secretOf({ 'client-id': 'filled', 'client-secret': 'filled' }) }],
      ['sso', { known: secretOf({ cookieEncryptionPrivateKey: 'there' }) }],
    ]),
    issuer: {
      known: {
        problem: undefined,
        named: 'https://sso.example.com/realms/platform',
        scopes: ['openid', 'email'],
        userInfo: 'https://sso.example.com/realms/platform/protocol/openid-connect/userinfo',
      },
    },
    groupFilter: { known: { invalid: [], dropped: [] } },
    accounts: { known: ACCOUNTS },
    strays: [],
    elsewhere: [],
    delegated: { known: [] },
    grantsHidden: [],
    access: { known: [{ namespace: 'argo', missing: [] }] },
    keycloak: { known: { realm: 'platform', client: clientOf() } },
    proof: { known: { result: 'proved', message: '' } },
    loginPage: { known: { kind: 'login' } },
    policies: { known: [] },
    ...rest,
  };
}

/** What is not as it should be, or not known. */
export function troubles(snapshot: DoctorSnapshot): readonly Finding[] {
  return diagnose(snapshot).findings.filter(({ verdict }) => verdict !== 'pass');
}
