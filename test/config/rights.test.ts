import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../operator/config.ts';
import { neededRules, type RightsObject, type RightsRole, renderRights } from '../../operator/rbac.ts';

const ACCOUNT = { operatorNamespace: 'sso', serviceAccount: 'operator' };

const CONFIG = `
instanceId: production
namespaces:
  - name: team-b
    roles: [{ name: approver, namespaces: [team-b, shared] }]
  - name: argo
    clusterRoles:
      - { name: viewer, namespaces: [team-b, argo, shared] }
      - { name: admin, namespaces: [argo] }
  - name: team-c
    clusterRoles: [{ name: viewer, namespaces: [shared] }]
`;

const ARGO = `
instanceId: production
namespaces:
  - { name: argo, configMaps: [settings, a-settings, settings], deployments: [argo-server] }
  - { name: team-a, configMaps: [workflow-controller-configmap] }
  - { name: team-b, deployments: [argo-server] }
`;

/** Those of the operator's own namespace, whatever is served. */
const LEASE = ['sso: get,update leases argo-access-operator-a', 'sso: create leases'];

function rights(text: string, account = ACCOUNT): readonly RightsObject[] {
  return renderRights(parseConfig(text, 'config.yaml'), account);
}

function rolesOf(objects: readonly RightsObject[]): readonly RightsRole[] {
  return objects.filter((object): object is RightsRole => 'rules' in object);
}

/** Every right as one line, such as `argo: create secrets`. */
function lines(objects: readonly RightsObject[]): readonly string[] {
  return rolesOf(objects).flatMap(({ metadata: { namespace = '*' }, rules }) =>
    rules.flatMap(({ resources, resourceNames, verbs }) =>
      resources.map(
        resource => `${namespace}: ${verbs.join(',')} ${[resource, ...(resourceNames ?? [])].join(' ')}`,
      ),
    ),
  );
}

describe('the rights for a configuration', () => {
  it('are policies, one CRD and the reading of namespaces everywhere, and the Lease, where no namespace is served', () => {
    expect(lines(rights('instanceId: a'))).toEqual([
      '*: list,watch,patch argoaccesspolicies',
      '*: update argoaccesspolicies/status',
      '*: get customresourcedefinitions argoaccesspolicies.argo-access.io',
      '*: get namespaces',
      ...LEASE,
    ]);
  });

  it('are those for the Lease of its instance beside all others, where its own namespace is served', () => {
    const own = lines(rights('instanceId: a\nnamespaces: [{ name: sso }]')).slice(4);
    expect(own.slice(0, 3)).toEqual([...LEASE, 'sso: list,watch,create,patch,delete serviceaccounts']);
    expect(own).toContain('sso: list,watch,create,patch,delete rolebindings');
  });

  it('are none for a Lease where nobody knows in which namespace the operator is', () => {
    const needed = neededRules(parseConfig(CONFIG, 'config.yaml'), undefined);
    expect(needed.map(({ namespace }) => namespace)).toEqual([
      undefined,
      'argo',
      'shared',
      'team-b',
      'team-c',
    ]);
    expect(needed.flatMap(({ rules }) => rules.flatMap(({ resources }) => resources))).not.toContain(
      'leases',
    );
  });

  it("are Argo's ConfigMaps and Deployments by their names, and what tells why a rollout fails only with a Deployment", () => {
    const owned = /(serviceaccounts|secrets|events|rolebindings|leases)/;
    expect(
      lines(rights(ARGO))
        .slice(4)
        .filter(line => !owned.test(line)),
    ).toEqual([
      'argo: list,watch,patch configmaps a-settings settings',
      'argo: list,watch,patch deployments argo-server',
      'argo: list pods',
      'argo: create localsubjectaccessreviews',
      'team-a: list,watch,patch configmaps workflow-controller-configmap',
      'team-b: list,watch,patch deployments argo-server',
      'team-b: list pods',
      'team-b: create localsubjectaccessreviews',
    ]);
    const groups = rolesOf(rights(ARGO)).flatMap(({ rules }) =>
      rules.flatMap(({ apiGroups, resources }) => resources.map(resource => `${apiGroups} ${resource}`)),
    );
    for (const each of [
      ' configmaps',
      'apps deployments',
      ' pods',
      'authorization.k8s.io localsubjectaccessreviews',
      'coordination.k8s.io leases',
    ])
      expect(groups).toContain(each);
  });

  it('are a Role in each served namespace, and bindings alone where roles may only be granted', () => {
    const owned = 'list,watch,create,patch,delete';
    const served = (namespace: string) => [
      `${namespace}: ${owned} serviceaccounts`,
      `${namespace}: ${owned} secrets`,
      `${namespace}: create events`,
      `${namespace}: ${owned} rolebindings`,
    ];
    expect(lines(rights(CONFIG)).slice(4)).toEqual([
      ...served('argo'),
      'argo: bind clusterroles admin viewer',
      `shared: ${owned} rolebindings`,
      'shared: bind clusterroles viewer',
      'shared: bind roles approver',
      'sso: get,update leases argo-access-operator-production',
      'sso: create leases',
      ...served('team-b'),
      'team-b: bind clusterroles viewer',
      'team-b: bind roles approver',
      ...served('team-c'),
    ]);
  });

  it('have nothing in the whole cluster that reads Secrets, acts as an account or gives rights', () => {
    const everywhere = rolesOf(rights(CONFIG)).filter(({ kind }) => kind === 'ClusterRole');
    const said = everywhere.flatMap(({ rules }) => rules);
    expect(said.length).toBeGreaterThan(0);
    for (const { apiGroups, resources, verbs } of said) {
      const words = [...apiGroups, ...resources, ...verbs];
      for (const word of [
        'secrets',
        'serviceaccounts',
        'rbac.authorization.k8s.io',
        'bind',
        'delete',
        'create',
      ]) {
        expect(words).not.toContain(word);
      }
    }
  });

  it("have no wildcard, neither escalate nor impersonate; roles to bind, and what is Argo's, only by name", () => {
    const all = [...rolesOf(rights(CONFIG)), ...rolesOf(rights(ARGO))].flatMap(({ rules }) => rules);
    for (const rule of all) {
      const words = [...rule.apiGroups, ...rule.resources, ...rule.verbs];
      for (const word of ['*', 'escalate', 'impersonate']) expect(words).not.toContain(word);
      const byName = ['bind', 'configmaps', 'deployments'].some(word => words.includes(word));
      if (byName) expect(rule.resourceNames?.length).toBeGreaterThan(0);
      if (rule.resources.includes('pods')) expect(rule.verbs).toEqual(['list']);
    }
  });

  it("give each role to the operator's account, and to nobody else", () => {
    const objects = rights(CONFIG);
    const roles = rolesOf(objects);
    expect(objects).toHaveLength(2 * roles.length);
    for (const { kind, metadata } of roles) {
      expect(objects).toContainEqual({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', namespace: 'sso', name: 'operator' }],
      });
    }
  });

  it('are the same whatever the order of the configuration', () => {
    const { namespaces, ...rest } = parseConfig(CONFIG, 'config.yaml');
    const turned = namespaces.toReversed().map(namespace => ({
      ...namespace,
      clusterRoles: namespace.clusterRoles.toReversed(),
    }));
    expect(renderRights({ ...rest, namespaces: turned }, ACCOUNT)).toEqual(rights(CONFIG));
  });

  it('share no object with those of another account', () => {
    const names = (operatorNamespace: string, serviceAccount: string) =>
      rights(CONFIG, { operatorNamespace, serviceAccount }).map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`,
      );
    const all = [...names('sso', 'operator'), ...names('sso-operator', 'x'), ...names('sso', 'operator-x')];
    expect(new Set(all).size).toBe(all.length);
  });
});
