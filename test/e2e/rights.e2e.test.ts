import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import { formatTime } from '../../operator/api/time.ts';
import { parseConfig } from '../../operator/config.ts';
import { type Rule, renderRights } from '../../operator/rbac.ts';
import { eventually } from '../env/process.ts';
import {
  createRotatingWorld,
  freeLease,
  installArgoServer,
  leasePath,
  rotatingSpec,
} from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  HOME,
  policyPath,
  TEAM,
  usualSpec,
  type World,
} from './world.ts';

const OPERATOR = 'system:serviceaccount:argo-access:argo-access-operator';

const { client: CLIENT } = usualSpec() as { readonly client: object };

/** Asks for a new secret, and waits until the Secret holds it. */
async function requestRotation(world: World): Promise<void> {
  const annotations = { [ANNOTATION_ROTATE_REQUESTED]: formatTime(Date.now()) };
  const body = { metadata: { annotations } };
  await world.send('PATCH', policyPath('workflows'), body, 'application/merge-patch+json');
  await awaitPolicy(world, 'has a new secret', ({ status }) => status?.secret?.provedRevision === 2);
}

/** What the API server has recorded of one request. */
interface AuditEntry {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

/** `verb group/resource/subresource in namespace`; cluster-wide requests have no namespace. */
function useOf(verb: string, group: string, resource: string, namespace: string | undefined): string {
  return `${verb} ${group}/${resource} in ${namespace ?? 'the cluster'}`;
}

function usesGranted(rule: Rule, namespace: string | undefined): readonly string[] {
  // `bind` is asked for when a binding is made; the API server records the creation, not the question.
  const verbs = rule.verbs.filter(verb => verb !== 'bind');
  return rule.apiGroups.flatMap(group =>
    rule.resources.flatMap(resource => verbs.map(verb => useOf(verb, group, resource, namespace))),
  );
}

describe("the operator's rights in Kubernetes", () => {
  let world: World;
  let used: ReadonlySet<string>;
  let granted: readonly string[];
  beforeAll(async () => {
    world = await createRotatingWorld({ groups: ['/platform/admins'] });
    await Promise.all([installArgoServer(world, { replicas: 0 }), letServerWork(world), freeLease(world)]);
    await world.startOperator();
    await applyPolicy(world, rotatingSpec());
    await awaitReady(world);
    // A new secret is made by whoever holds the Lease, which is made anew where somebody deletes it.
    await requestRotation(world);
    await world.send('DELETE', leasePath());
    await eventually('the Lease is there again', async () => (await world.get(leasePath())) !== undefined);
    // A binding with other subjects is corrected, in the policy's namespace and in the other.
    for (const namespace of [HOME, TEAM]) {
      const name = 'argo-access:argo:workflows-admin:clusterrole:argo-access-admin';
      const path = `${bindingsPath(namespace)}/${name}`;
      await world.send('PATCH', path, { subjects: [] }, 'application/merge-patch+json');
      await eventually('the binding is corrected', async () => {
        const binding = await world.get(path);
        return binding?.subjects?.length === 1;
      });
    }
    const secret = { name: 'argo-server-sso', labels: { 'example.com/team': 'a' } };
    await applyPolicy(world, rotatingSpec(undefined, { client: { ...CLIENT, secret } }));
    await awaitReady(world);
    await world.send('DELETE', policyPath('workflows'));
    await awaitGone(world);
    const lines = (await readFile(world.kubernetes.auditLogPath, 'utf8')).trim().split('\n');
    const entries = lines
      .map(line => JSON.parse(line) as AuditEntry)
      .filter(({ user, responseStatus }) => user.username === OPERATOR && (responseStatus?.code ?? 0) < 300);
    used = new Set(
      entries.map(({ verb, objectRef }) => {
        const { apiGroup = '', resource = '', subresource, namespace } = objectRef ?? {};
        const name = subresource === undefined ? resource : `${resource}/${subresource}`;
        return useOf(verb, apiGroup, name, namespace);
      }),
    );
    const config = parseConfig(await readFile(world.configPath, 'utf8'), world.configPath);
    const account = { operatorNamespace: 'argo-access', serviceAccount: 'argo-access-operator' };
    granted = renderRights(config, account).flatMap(object =>
      object.kind === 'Role' || object.kind === 'ClusterRole'
        ? object.rules.flatMap(rule => usesGranted(rule, object.metadata.namespace))
        : [],
    );
  }, 240_000);
  afterAll(() => world?.stop());

  it('are all used: each verb on each resource in each namespace stands in the audit log', () => {
    // Policies and namespaces are granted in the whole cluster, and used one at a time.
    const anywhere = new Set([...used].map(use => use.replace(/ in .*/, '')));
    const unused = granted.filter(use =>
      use.endsWith(' in the cluster') ? !anywhere.has(use.replace(/ in .*/, '')) : !used.has(use),
    );
    expect(granted.length).toBeGreaterThan(20);
    expect(unused).toEqual([]);
  });

  it('hold nothing cluster-wide on Secrets, ServiceAccounts, roles or bindings', () => {
    const wide = granted.filter(use => use.endsWith(' in the cluster'));
    expect(wide.map(use => use.split(' ')[1])).not.toContain('/secrets');
    expect(new Set(wide.map(use => use.split(' ')[1]))).toEqual(
      new Set([
        'argo-access.io/argoaccesspolicies',
        'argo-access.io/argoaccesspolicies/status',
        'apiextensions.k8s.io/customresourcedefinitions',
        '/namespaces',
      ]),
    );
  });
});
