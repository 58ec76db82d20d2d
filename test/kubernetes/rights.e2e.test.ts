import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type OperatorConfig, parseConfig } from '../../operator/config.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { missingRights } from '../../operator/kubernetes/rights.ts';
import { type RightsObject, renderRights } from '../../operator/rbac.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';

const { signal } = new AbortController();
const home = uniqueName('rights-home');
const served = uniqueName('rights-served');
const target = uniqueName('rights-target');

const config: OperatorConfig = parseConfig(
  `
instanceId: a
namespaces:
  - name: ${served}
    clusterRoles: [{ name: view, namespaces: [${served}, ${target}] }]
    roles: [{ name: approver, namespaces: [${target}] }]
    configMaps: [argo-settings]
    deployments: [argo-server]
`,
  'config.yaml',
);

let environment: SharedEnvironment;
let folder: string;
const clients: KubernetesClient[] = [];

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await environment.kubernetes.kubectl(args, input);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function apply(objects: readonly object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], objects.map(object => stringify(object)).join('---\n'));
}

/** A client that acts as an account of its own, with what is left of the rights that are rendered for it. */
async function accountWith(name: string, keep: (object: RightsObject) => readonly RightsObject[]) {
  await kubectl(['create', 'serviceaccount', name, '--namespace', home]);
  const objects = renderRights(config, { operatorNamespace: home, serviceAccount: name }).flatMap(keep);
  if (objects.length > 0) await apply(objects);
  const token = (await kubectl(['create', 'token', name, '--namespace', home])).trim();
  const { url, ca } = environment.kubernetes;
  const kubeconfigPath = join(folder, name);
  await writeFile(kubeconfigPath, kubeconfig(url, ca, token), { mode: 0o600 });
  const client = createKubernetesClient({ kubeconfigPath });
  clients.push(client);
  return client;
}

/** Takes away the deletion of accounts and Secrets, and what may be bound or patched by name, in the served namespace. */
function withoutSome(object: RightsObject): readonly RightsObject[] {
  if (object.kind !== 'Role' || object.metadata.namespace !== served) return [object];
  const rules = object.rules.map(rule => ({
    ...rule,
    ...(rule.resources.includes('secrets') && { verbs: rule.verbs.filter(verb => verb !== 'delete') }),
    ...(rule.verbs.includes('bind') && { resourceNames: ['another'] }),
    ...(rule.resources.includes('deployments') && { resourceNames: ['another'] }),
  }));
  return [{ ...object, rules }];
}

beforeAll(async () => {
  environment = await sharedEnvironment();
  folder = await mkdtemp(join(tmpdir(), 'argo-access-rights-'));
  await apply(
    [home, served, target].map(name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
});

afterAll(async () => {
  await Promise.all(clients.map(client => client.close()));
  await rm(folder, { recursive: true });
  await kubectl(['delete', 'namespace', home, served, target, '--wait=false']);
  const names = ['whole', 'counted', 'nothing', 'homeless', 'partly', 'limits'].map(
    name => `argo-access:${home}:${name}`,
  );
  await kubectl(['delete', 'clusterrolebinding,clusterrole', ...names, '--ignore-not-found']);
});

describe('the rights that the operator misses', () => {
  it('are none with exactly the rendered rights', async () => {
    const client = await accountWith('whole', object => [object]);
    expect(await missingRights(client, config, signal, home)).toEqual([]);
  });

  it('are asked for once a namespace, and once for each right in the whole cluster', async () => {
    const client = await accountWith('counted', object => [object]);
    const paths: string[] = [];
    const request: KubernetesClient['request'] = wanted => {
      paths.push(wanted.path);
      return client.request(wanted);
    };
    await missingRights({ ...client, request }, config, signal, home);
    const reviews = '/apis/authorization.k8s.io/v1';
    expect(paths).toEqual([
      ...Array.from({ length: 6 }, () => `${reviews}/selfsubjectaccessreviews`),
      ...Array.from({ length: 3 }, () => `${reviews}/selfsubjectrulesreviews`),
    ]);
  });

  it('are all of them without any, each with what, where and the remedy', async () => {
    const client = await accountWith('nothing', () => []);
    const missing = await missingRights(client, config, signal, home);
    const argo = 3 + 3 + 1 + 1;
    expect(missing).toHaveLength(6 + 3 + (3 * 5 + 1 + argo + 1) + (5 + 2));
    const remedy = 'apply the output of `argo-access rbac --config FILE`';
    expect(missing.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        `the operator may not list argoaccesspolicies.argo-access.io in the whole cluster; ${remedy}`,
        `the operator may not update argoaccesspolicies.argo-access.io/status in the whole cluster; ${remedy}`,
        `the operator may not get customresourcedefinitions.apiextensions.k8s.io "argoaccesspolicies.argo-access.io" in the whole cluster; ${remedy}`,
        `the operator may not create secrets in namespace ${served}; ${remedy}`,
        `the operator may not update leases.coordination.k8s.io "argo-access-operator-a" in namespace ${home}; ${remedy}`,
        `the operator may not create leases.coordination.k8s.io in namespace ${home}; ${remedy}`,
        `the operator may not patch configmaps "argo-settings" in namespace ${served}; ${remedy}`,
        `the operator may not watch deployments.apps "argo-server" in namespace ${served}; ${remedy}`,
        `the operator may not list pods in namespace ${served}; ${remedy}`,
        `the operator may not create localsubjectaccessreviews.authorization.k8s.io in namespace ${served}; ${remedy}`,
        `the operator may not bind clusterroles.rbac.authorization.k8s.io "view" in namespace ${served}; ${remedy}`,
        `the operator may not bind roles.rbac.authorization.k8s.io "approver" in namespace ${target}; ${remedy}`,
      ]),
    );
  });

  it('are none of a Lease where nobody knows in which namespace the operator is', async () => {
    const client = await accountWith('homeless', () => []);
    const missing = await missingRights(client, config, signal, undefined);
    expect(missing.filter(({ namespace }) => namespace === home)).toEqual([]);
    expect(missing.length).toBeGreaterThan(0);
  });

  it('are exactly those that were left out', async () => {
    const client = await accountWith('partly', withoutSome);
    const missing = await missingRights(client, config, signal, home);
    const group = 'rbac.authorization.k8s.io';
    expect(missing.map(({ message, ...right }) => right)).toEqual([
      { verb: 'delete', group: '', resource: 'serviceaccounts', name: undefined, namespace: served },
      { verb: 'delete', group: '', resource: 'secrets', name: undefined, namespace: served },
      ...['list', 'watch', 'patch'].map(verb => ({
        ...{ verb, group: 'apps', resource: 'deployments', name: 'argo-server', namespace: served },
      })),
      { verb: 'bind', group, resource: 'clusterroles', name: 'view', namespace: served },
    ]);
  });
});

describe('the rendered rights', () => {
  const mayI = async (verb: string, resource: string, namespace: string) => {
    const account = `system:serviceaccount:${home}:limits`;
    const args = ['auth', 'can-i', verb, ...resource.split(' '), '--namespace', namespace, '--as', account];
    return (await environment.kubernetes.kubectl(args)).stdout.trim();
  };

  beforeAll(async () => {
    await accountWith('limits', object => [object]);
  });

  it('allow what was asked for', async () => {
    expect(await mayI('list', 'secrets', served)).toBe('yes');
    expect(await mayI('bind', 'clusterroles.rbac.authorization.k8s.io/view', target)).toBe('yes');
    expect(await mayI('create', 'leases.coordination.k8s.io', home)).toBe('yes');
    expect(await mayI('update', 'leases.coordination.k8s.io/argo-access-operator-a', home)).toBe('yes');
    expect(await mayI('patch', 'configmaps/argo-settings', served)).toBe('yes');
    expect(await mayI('patch', 'deployments.apps/argo-server', served)).toBe('yes');
  });

  it.each([
    ['configmaps', 'argo-settings'],
    ['deployments.apps', 'argo-server'],
  ])('let %s be listed by the one name, and no others', async (resource, name) => {
    const list = (...selector: readonly string[]) =>
      environment.kubernetes.kubectl([
        ...['get', resource, '--namespace', served, ...selector, '--output', 'name'],
        ...['--as', `system:serviceaccount:${home}:limits`],
      ]);
    expect((await list('--field-selector', `metadata.name=${name}`)).code).toBe(0);
    for (const refused of [await list(), await list('--field-selector', 'metadata.name=another')]) {
      expect(refused.stderr).toContain('forbidden');
    }
  });

  it.each([
    ['list', 'secrets', target],
    ['patch', 'configmaps', served],
    ['patch', 'configmaps/another', served],
    ['get', 'configmaps/argo-settings', target],
    ['create', 'configmaps', served],
    ['delete', 'configmaps/argo-settings', served],
    ['patch', 'deployments.apps/another', served],
    ['create', 'deployments.apps', served],
    ['list', 'pods', home],
    ['delete', 'pods', served],
    ['create', 'localsubjectaccessreviews.authorization.k8s.io', target],
    ['create', 'subjectaccessreviews.authorization.k8s.io', served],
    ['update', 'leases.coordination.k8s.io/argo-access-operator-b', home],
    ['create', 'leases.coordination.k8s.io', served],
    ['list', 'configmaps', home],
    ['list', 'secrets', home],
    ['get', 'secrets', served],
    ['create', 'serviceaccounts --subresource=token', served],
    ['create', 'pods', served],
    ['create', 'roles.rbac.authorization.k8s.io', served],
    ['update', 'rolebindings.rbac.authorization.k8s.io', served],
    ['bind', 'clusterroles.rbac.authorization.k8s.io/cluster-admin', served],
    ['bind', 'clusterroles.rbac.authorization.k8s.io/view', home],
    ['escalate', 'roles.rbac.authorization.k8s.io', served],
    ['update', 'argoaccesspolicies.argo-access.io', served],
    ['delete', 'argoaccesspolicies.argo-access.io', served],
  ])('do not allow to %s %s in %s', async (verb, resource, namespace) => {
    expect(await mayI(verb, resource, namespace)).toBe('no');
  });

  it('let a binding to a role that is not named be refused by the API server', async () => {
    const binding = (role: string) => [
      ...['create', 'rolebinding', role, `--clusterrole=${role}`, '--user=mallory', '--namespace', target],
      ...['--as', `system:serviceaccount:${home}:limits`, '--dry-run=server'],
    ];
    expect((await environment.kubernetes.kubectl(binding('view'))).code).toBe(0);
    const refused = await environment.kubernetes.kubectl(binding('cluster-admin'));
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('attempting to grant RBAC permissions not currently held');
  });
});
