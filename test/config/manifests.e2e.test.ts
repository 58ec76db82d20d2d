import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '../../operator/config.ts';
import { type SharedEnvironment, sharedEnvironment } from '../env/shared.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
}

let environment: SharedEnvironment;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await environment.kubernetes.kubectl(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function build(name: string): Promise<readonly Manifest[]> {
  const text = await kubectl('kustomize', join(CONFIG, name));
  return parseAllDocuments(text).map(document => document.toJS());
}

beforeAll(async () => {
  environment = await sharedEnvironment();
  for (const name of ['argo-access-system', 'argo', 'team-a']) {
    // They may be there already, and another test file may use them: left as they are, and left behind.
    await environment.kubernetes.kubectl(['create', 'namespace', name]);
  }
});

describe('config/default', () => {
  it('installs the operator with a configuration that serves no namespace', async () => {
    const manifests = await build('default');
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'ClusterRole argo-access-admin',
      'ClusterRole argo-access-submitter',
      'ClusterRole argo-access-viewer',
      'ClusterRole argo-access:argo-access-system:argo-access-operator',
      'ClusterRoleBinding argo-access:argo-access-system:argo-access-operator',
      'ConfigMap argo-access-operator',
      'CustomResourceDefinition argoaccesspolicies.argo-access.io',
      'Deployment argo-access-operator',
      'Namespace argo-access-system',
      'Role argo-access:argo-access-system:argo-access-operator',
      'RoleBinding argo-access:argo-access-system:argo-access-operator',
      'ServiceAccount argo-access-operator',
    ]);
    const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['config.yaml'] ?? '';
    expect(parseConfig(text, 'config.yaml').namespaces).toEqual([]);
  });
});

describe('config/example', () => {
  it('adds its own configuration, and a Role in each of its namespaces and in its own', async () => {
    const manifests = await build('example');
    const roles = manifests.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['argo-access-system', 'argo', 'team-a']);
    const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['config.yaml'] ?? '';
    const { namespaces } = parseConfig(text, 'config.yaml');
    expect(namespaces.map(({ name }) => name)).toEqual(['argo', 'team-a']);
  });
});

describe('the API server', () => {
  it.each(['default', 'example'])('accepts config/%s to the last field', async name => {
    const manifests = await build(name);
    const applied = await kubectl(
      ...[
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--validate=strict',
        '-o',
        'name',
      ],
      ...['-k', join(CONFIG, name)],
    );
    expect(applied.trim().split('\n')).toHaveLength(manifests.length);
  });
});
