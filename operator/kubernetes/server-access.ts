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

/** What Argo Server does with its own account for a login (argo-workflows, server/auth and docs/argo-server-sso.md). */
const NEEDED: readonly Access[] = [
  { verb: 'get', resource: 'serviceaccounts' },
  { verb: 'list', resource: 'serviceaccounts' },
  { verb: 'watch', resource: 'serviceaccounts' },
  { verb: 'get', resource: 'secrets' },
  { verb: 'create', resource: 'secrets' },
  { verb: 'get', resource: 'configmaps' },
];

/**
 * What Argo Server's account may not do in a namespace and has to, such as `list serviceaccounts`. What it may not do
 * with every object is asked for those of the given names too. Throws `KubernetesError`.
 */
export async function missingServerAccess(
  client: KubernetesClient,
  namespace: string,
  serviceAccount: string,
  signal: AbortSignal,
  names: ServerNames = { configMaps: [], secrets: [] },
): Promise<readonly string[]> {
  const refused = (wanted: readonly Access[]) =>
    filterRefused(client, namespace, serviceAccount, wanted, signal);
  const missing = await refused(NEEDED);
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

async function filterRefused(
  client: KubernetesClient,
  namespace: string,
  serviceAccount: string,
  wanted: readonly Access[],
  signal: AbortSignal,
): Promise<readonly Access[]> {
  const verdicts = await Promise.all(
    wanted.map(access => isAllowed(client, namespace, serviceAccount, access, signal)),
  );
  return wanted.filter((_, index) => verdicts[index] !== true);
}

async function isAllowed(
  client: KubernetesClient,
  namespace: string,
  serviceAccount: string,
  access: Access,
  signal: AbortSignal,
): Promise<boolean> {
  const spec = {
    user: `system:serviceaccount:${namespace}:${serviceAccount}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
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
