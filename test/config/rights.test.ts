import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../operator/config.ts';
import { type RightsObject, type RightsRole, renderRights } from '../../operator/rbac.ts';

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
  it('are policies, one CRD and the reading of namespaces everywhere, and nothing else where none is served', () => {
    expect(lines(rights('instanceId: a'))).toEqual([
      '*: list,watch,patch argoaccesspolicies',
      '*: update argoaccesspolicies/status',
      '*: get customresourcedefinitions argoaccesspolicies.argo-access.io',
      '*: get namespaces',
    ]);
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

  it('have no wildcard, neither escalate nor impersonate, and bind only on roles by name', () => {
    for (const rule of rolesOf(rights(CONFIG)).flatMap(({ rules }) => rules)) {
      const words = [...rule.apiGroups, ...rule.resources, ...rule.verbs];
      for (const word of ['*', 'escalate', 'impersonate']) expect(words).not.toContain(word);
      if (rule.verbs.includes('bind')) expect(rule.resourceNames?.length).toBeGreaterThan(0);
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
