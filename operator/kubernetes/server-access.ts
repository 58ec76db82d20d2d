import { z } from 'zod';
import type { KubernetesClient } from './client.ts';

/** Objects by name that Argo Server reads; it needs no more than these where its rights go by name. */
export interface ServerNames {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

interface Access {
  readonly verb: string;
  readonly resource: string;
  readonly name?: string;
}

const accessSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

const ACCOUNTS: readonly Access[] = [
  { verb: 'get', resource: 'serviceaccounts' },
  { verb: 'list', resource: 'serviceaccounts' },
  { verb: 'watch', resource: 'serviceaccounts' },
];
const READ_SECRETS: Access = { verb: 'get', resource: 'secrets' };
const SETTINGS: readonly Access[] = [
  { verb: 'create', resource: 'secrets' },
  { verb: 'get', resource: 'configmaps' },
];

/** What Argo Server does with its own account for a login (argo-workflows, server/auth and docs/argo-server-sso.md). */
const NEEDED = {
  /** In a namespace that has all. */
  all: [...ACCOUNTS, READ_SECRETS, ...SETTINGS],
  /** Where Argo Server runs, if accounts with rules are elsewhere. */
  settings: [READ_SECRETS, ...SETTINGS],
  /** Where accounts with rules are. */
  accounts: [...ACCOUNTS, READ_SECRETS],
} as const satisfies Readonly<Record<string, readonly Access[]>>;

/** An account of another namespace than the one in which it is to be allowed something, and how much of it. */
export interface AccessFrom {
  /** Namespace of the account. */
  readonly home: string;
  readonly needed: keyof typeof NEEDED;
}

/**
 * What Argo Server's account may not do in a namespace and has to, such as `list serviceaccounts`. What it may not do
 * with every object is asked for those of the given names too. Throws `KubernetesError`.
 *
 * @param from default: the account is of the same namespace, and needs all
 */
export async function missingServerAccess(
  client: KubernetesClient,
  namespace: string,
  serviceAccount: string,
  signal: AbortSignal,
  names: ServerNames = { configMaps: [], secrets: [] },
  { home, needed }: AccessFrom = { home: namespace, needed: 'all' },
): Promise<readonly string[]> {
  const account = { namespace: home, name: serviceAccount };
  const refused = (wanted: readonly Access[]) => filterRefused(client, namespace, account, wanted, signal);
  const missing = await refused(NEEDED[needed]);
  const byName = missing.flatMap(access => namedOnes(access, names));
  const whole = missing.filter(access => namedOnes(access, names).length === 0);
  return [...whole, ...(await refused(byName))].map(
    ({ verb, resource, name }) => `${verb} ${resource}${name === undefined ? '' : ` "${name}"`}`,
  );
}

function namedOnes({ verb, resource }: Access, { configMaps, secrets }: ServerNames): readonly Access[] {
  const names: Readonly<Record<string, readonly string[]>> = { configmaps: configMaps, secrets };
  return verb === 'get' ? (names[resource] ?? []).map(name => ({ verb, resource, name })) : [];
}

interface Account {
  readonly namespace: string;
  readonly name: string;
}

async function filterRefused(
  client: KubernetesClient,
  namespace: string,
  account: Account,
  wanted: readonly Access[],
  signal: AbortSignal,
): Promise<readonly Access[]> {
  const verdicts = await Promise.all(
    wanted.map(access => isAllowed(client, namespace, account, access, signal)),
  );
  return wanted.filter((_, index) => verdicts[index] !== true);
}

async function isAllowed(
  client: KubernetesClient,
  namespace: string,
  account: Account,
  access: Access,
  signal: AbortSignal,
): Promise<boolean> {
  const spec = {
    user: `system:serviceaccount:${account.namespace}:${account.name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'],
    resourceAttributes: { namespace, group: '', ...access },
  };
  const answer = await client.request({
    method: 'POST',
    path: `/apis/authorization.k8s.io/v1/namespaces/${namespace}/localsubjectaccessreviews`,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'LocalSubjectAccessReview',
      metadata: { namespace },
      spec,
    },
    signal,
  });
  return accessSchema.parse(answer).status.allowed;
}
