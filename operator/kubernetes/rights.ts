import { z } from 'zod';
import type { OperatorConfig } from '../config.ts';
import { type NeededRules, neededRules, type Rule } from '../rbac.ts';
import type { KubernetesClient } from './client.ts';

/** Something that the operator needs to be allowed. */
export interface Right {
  readonly verb: string;
  /** API group; '' for the core. */
  readonly group: string;
  /** With its subresource, as in `pods/log`. */
  readonly resource: string;
  /** Undefined for any object. */
  readonly name: string | undefined;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
}

/** A right that the operator does not have. */
export interface MissingRight extends Right {
  /** One sentence: what is missing, where, and the remedy. */
  readonly message: string;
}

const reviewSchema = z.object({
  status: z.object({
    resourceRules: z.array(
      z.object({
        verbs: z.array(z.string()),
        apiGroups: z.array(z.string()).default([]),
        resources: z.array(z.string()).default([]),
        resourceNames: z.array(z.string()).default([]),
      }),
    ),
  }),
});

const accessSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

const REVIEWS = '/apis/authorization.k8s.io/v1';

/**
 * What the operator needs for its configuration and may not do; of the Lease only where its own namespace is known.
 * Asks once for each namespace and once for each right in the whole cluster; writes nothing. Throws `KubernetesError`.
 */
export async function missingRights(
  client: KubernetesClient,
  config: OperatorConfig,
  signal: AbortSignal,
  operatorNamespace: string | undefined,
): Promise<readonly MissingRight[]> {
  const missing: MissingRight[] = [];
  for (const needed of neededRules(config, operatorNamespace)) {
    const rights = rightsOf(needed);
    const { namespace } = needed;
    const open = namespace === undefined ? rights : await notListed(client, rights, namespace, signal);
    for (const right of open) {
      if (!(await isAllowed(client, right, signal))) missing.push({ ...right, message: describe(right) });
    }
  }
  return missing;
}

function rightsOf({ namespace, rules }: NeededRules): readonly Right[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap(group =>
      resources.flatMap(resource =>
        (resourceNames ?? [undefined]).flatMap(name =>
          verbs.map(verb => ({ verb, group, resource, name, namespace })),
        ),
      ),
    ),
  );
}

/**
 * The rights that do not follow from the rules in force in a namespace. Not yet missing: where another authorizer
 * stands beside RBAC, as on most clusters, the server says that its list is incomplete.
 */
async function notListed(
  client: KubernetesClient,
  rights: readonly Right[],
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Right[]> {
  const answer = await client.request({
    method: 'POST',
    path: `${REVIEWS}/selfsubjectrulesreviews`,
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    signal,
  });
  const { resourceRules } = reviewSchema.parse(answer).status;
  return rights.filter(right => !resourceRules.some(rule => covers(rule, right)));
}

function covers({ verbs, apiGroups, resources, resourceNames = [] }: Rule, right: Right): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  const named = right.name !== undefined && resourceNames.includes(right.name);
  return (
    has(verbs, right.verb) &&
    has(apiGroups, right.group) &&
    has(resources, right.resource) &&
    (resourceNames.length === 0 || named)
  );
}

async function isAllowed(client: KubernetesClient, right: Right, signal: AbortSignal): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const { verb, group, name, namespace } = right;
  const answer = await client.request({
    method: 'POST',
    path: `${REVIEWS}/selfsubjectaccessreviews`,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource, subresource, name, namespace } },
    },
    signal,
  });
  return accessSchema.parse(answer).status.allowed;
}

function describe({ verb, group, resource, name, namespace }: Right): string {
  const [plural, ...subresource] = resource.split('/');
  const full = [group === '' ? plural : `${plural}.${group}`, ...subresource].join('/');
  const what = name === undefined ? full : `${full} "${name}"`;
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`;
  return `the operator may not ${verb} ${what} ${where}; apply the output of \`argo-access rbac --config FILE\``;
}
