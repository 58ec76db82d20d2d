import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyStatus } from '../../operator/api/status-schema.ts';
import { createKubernetesClient } from '../../operator/kubernetes/client.ts';
import { type ListedAccount, type Mapping, mapUser } from '../env/argo.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { type Claims, login } from '../env/login.ts';
import { table } from './print.ts';
import type { Stage } from './stage.ts';

const NAMESPACES = ['argo', 'team-a'] as const;
const VERBS = ['list', 'create', 'delete'] as const;
const CLAIMS = ['email', 'groups'] as const;

/** What an account may do with workflows: `argo: list`. */
type Right = `${(typeof NAMESPACES)[number]}: ${(typeof VERBS)[number]}`;

/** What became of somebody who signed in. */
export interface Arrival {
  readonly username: string;
  /** Claims of the ID token. */
  readonly claims: Claims;
  /** Where Argo Server takes them. */
  readonly mapping: Mapping;
  /** Who the API server takes the account's token for. */
  readonly actsAs: string;
  readonly rights: readonly Right[];
}

/** The values of a Secret in namespace `argo`; they are for use, and never shown. */
async function secretValues({ api, signal }: Stage, name: string): Promise<(key: string) => string> {
  const path = `/api/v1/namespaces/argo/secrets/${name}`;
  const { data } = (await api.request({ method: 'GET', path, signal })) as {
    readonly data?: Readonly<Record<string, string>>;
  };
  return key => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
}

/** Signs a user in as Argo Server does, with the credentials and the issuer that the policy gave. */
async function claimsOf(stage: Stage, username: string): Promise<Claims> {
  const path = '/apis/argo-access.io/v1alpha1/namespaces/argo/argoaccesspolicies/workflows';
  const { status } = (await stage.api.request({ method: 'GET', path, signal: stage.signal })) as {
    readonly status: PolicyStatus;
  };
  const value = await secretValues(stage, 'argo-server-sso');
  const { claims } = await login(
    {
      issuer: status.issuer ?? '',
      clientId: value('client-id'),
      clientSecret: value('client-secret'),
      redirectUri: 'https://workflows.example.com/oauth2/callback',
    },
    username,
  );
  return claims;
}

/** What the API server lets an account do, asked with its token. */
async function rightsOf(stage: Stage, account: string): Promise<Pick<Arrival, 'actsAs' | 'rights'>> {
  const { url, ca } = stage.environment.kubernetes;
  const token = (await secretValues(stage, `${account}.service-account-token`))('token');
  const kubeconfigPath = join(stage.environment.folder, `kubeconfig-${account}`);
  await writeFile(kubeconfigPath, kubeconfig(url, ca, token), { mode: 0o600 });
  const client = createKubernetesClient({ kubeconfigPath });
  const ask = async <T>(group: string, kind: string, body: object = {}) => {
    const apiVersion = `${group}.k8s.io/v1`;
    const path = `/apis/${apiVersion}/${kind.toLowerCase()}s`;
    const review = { apiVersion, kind, ...body };
    const answer = await client.request({ method: 'POST', path, body: review, signal: stage.signal });
    return (answer as { readonly status: T }).status;
  };
  try {
    const who = await ask<{ userInfo: { username: string } }>('authentication', 'SelfSubjectReview');
    const rights: Right[] = [];
    for (const namespace of NAMESPACES) {
      for (const verb of VERBS) {
        const resourceAttributes = { group: 'argoproj.io', resource: 'workflows', namespace, verb };
        const spec = { resourceAttributes };
        const may = await ask<{ allowed: boolean }>('authorization', 'SelfSubjectAccessReview', { spec });
        if (may.allowed) rights.push(`${namespace}: ${verb}`);
      }
    }
    return { actsAs: who.userInfo.username, rights };
  } finally {
    await client.close();
  }
}

/** Signs a user in, lets Argo's rule engine choose the account, and asks what its token is good for. */
export async function arrive(stage: Stage, username: string): Promise<Arrival> {
  const { api, engine, signal } = stage;
  const claims = await claimsOf(stage, username);
  const path = '/api/v1/namespaces/argo/serviceaccounts';
  const { items } = (await api.request({ method: 'GET', path, signal })) as {
    readonly items: readonly ListedAccount[];
  };
  const mapping = await mapUser(engine, items, claims);
  const rights =
    mapping.kind === 'denied'
      ? { actsAs: 'nobody', rights: [] }
      : await rightsOf(stage, mapping.serviceAccount);
  return { username, claims, mapping, ...rights };
}

function describeClaim(value: unknown): string {
  if (value === undefined) return 'no such claim';
  return Array.isArray(value) ? value.join(' ') : String(value);
}

/** Shows people side by side: who they are, who they act as, and what that account may do with workflows. */
export function showArrivals(arrivals: readonly Arrival[]): void {
  const row = (name: string, cell: (arrival: Arrival) => string) => [name, ...arrivals.map(cell)];
  const rights = NAMESPACES.flatMap(namespace =>
    VERBS.map(verb =>
      row(`${verb} workflows in ${namespace}`, each =>
        each.rights.includes(`${namespace}: ${verb}`) ? 'yes' : '-',
      ),
    ),
  );
  table([
    row('', ({ username }) => username),
    ...CLAIMS.map(claim => row(`claim ${claim}`, ({ claims }) => describeClaim(claims[claim]))),
    row('ServiceAccount', ({ mapping }) =>
      mapping.kind === 'mapped' ? mapping.serviceAccount : `denied: ${mapping.why}`,
    ),
    ...rights,
  ]);
}
