import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { argoAccess } from './command-line.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'config', 'example', 'config.yaml');
const WRONG = join(import.meta.dirname, '..', '..', 'package.json');
const CLI = join(import.meta.dirname, '..', '..', 'operator', 'cli.ts');

describe('argo-access rbac', () => {
  it('prints objects for kubectl, after a comment that says where they come from', async () => {
    const { code, out, err } = await argoAccess(['rbac', '--config', EXAMPLE]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^# Kubernetes rights .* generated from its configuration by `argo-access rbac`/);
    const kinds = parseAllDocuments(out).map(document => document.get('kind'));
    expect(kinds).toEqual([
      ...['ClusterRole', 'ClusterRoleBinding'],
      ...['Role', 'RoleBinding', 'Role', 'RoleBinding', 'Role', 'RoleBinding'],
    ]);
  });

  it("names the operator's account as it is told", async () => {
    const { out } = await argoAccess([
      ...['rbac', '--config', EXAMPLE, '--operator-namespace', 'sso', '--service-account', 'robot'],
    ]);
    const subjects = parseAllDocuments(out).map(document => document.toJS().subjects);
    expect(subjects[1]).toEqual([{ kind: 'ServiceAccount', namespace: 'sso', name: 'robot' }]);
    const namespaces = parseAllDocuments(out).map(document => document.getIn(['metadata', 'namespace']));
    expect([...new Set(namespaces)]).toEqual([undefined, 'argo', 'sso', 'team-a']);
  });

  it('ends with 1 where the configuration is wrong, and prints nothing that could be applied', async () => {
    const { code, out, err } = await argoAccess(['rbac', '--config', WRONG]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('instanceId: is missing');
  });

  it('ends with 2 where it cannot be read', async () => {
    const { code, out, err } = await argoAccess(['rbac', '--config', '/nowhere/config.yaml']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      'file /nowhere/config.yaml with the configuration cannot be read (ENOENT); write it, or correct the path\n',
    );
  });

  it.each([
    ['without a configuration', ['rbac'], "required option '--config <file>' not specified"],
    ['with an unknown option', ['rbac', '--config', 'a', '--colour'], "unknown option '--colour'"],
    ['with an unknown command', ['rbca'], "unknown command 'rbca'"],
    ['without a command', [], 'Commands:'],
  ])('ends with 2 %s, and says what to write', async (_, args, message) => {
    const { code, out, err } = await argoAccess(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('explains itself', async () => {
    const { code, out } = await argoAccess(['rbac', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('argo-access rbac --config config.yaml > rights.yaml');
    expect((await argoAccess(['--help'])).out).toContain("print the operator's Kubernetes rights");
  });

  it('runs as a program', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'rbac', '--config', EXAMPLE]);
    expect(stdout).toBe((await argoAccess(['rbac', '--config', EXAMPLE])).out);
  });
});
