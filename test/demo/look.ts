import type { Condition, PolicyStatus } from '../../operator/api/status-schema.ts';
import type { Stage } from './stage.ts';

/** What the demo could leave behind, by name. */
export interface Leftovers {
  readonly kubernetes: readonly string[];
  readonly keycloak: readonly string[];
}

const COLLECTIONS = [
  '/api/v1/serviceaccounts',
  '/api/v1/secrets',
  '/apis/rbac.authorization.k8s.io/v1/rolebindings',
];

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

async function namesIn({ api, signal }: Stage, path: string): Promise<readonly string[]> {
  const { items } = (await api.request({ method: 'GET', path, signal })) as {
    readonly items: readonly Named[];
  };
  // Kubernetes makes the account `default` of each namespace when it comes to it.
  return items
    .filter(({ metadata }) => metadata.name !== 'default')
    .map(({ metadata }) => `${path.split('/').at(-1)} ${metadata.namespace}/${metadata.name}`);
}

/** Everything of the kinds that the operator makes, whoever made it. */
export async function leftovers(stage: Stage): Promise<Leftovers> {
  const { environment, realm } = stage;
  const names = await Promise.all(COLLECTIONS.map(path => namesIn(stage, path)));
  const clients = await environment.keycloak.admin.clients(realm);
  return {
    kubernetes: names.flat().toSorted(),
    keycloak: clients.map(({ clientId }) => String(clientId)).toSorted(),
  };
}

/** The condition Ready of a namespace's policy `workflows`. */
export async function readyOf({ api, signal }: Stage, namespace: string): Promise<Partial<Condition>> {
  const path = `/apis/argo-access.io/v1alpha1/namespaces/${namespace}/argoaccesspolicies/workflows`;
  const { status } = (await api.request({ method: 'GET', path, signal })) as {
    readonly status?: PolicyStatus;
  };
  return status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
}
