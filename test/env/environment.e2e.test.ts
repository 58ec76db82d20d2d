import { expect, it } from 'vitest';
import { sharedEnvironment, uniqueName } from './shared.ts';

it('is a Kubernetes with its controllers: a namespace gets its default ServiceAccount, and ends', async () => {
  const { kubernetes } = await sharedEnvironment();
  const name = uniqueName('env');
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await kubernetes.kubectl(args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  await run('create', 'namespace', name);
  await run('wait', '--for=create', 'serviceaccount/default', '--namespace', name, '--timeout=30s');
  await run('delete', 'namespace', name, '--timeout=30s');
});

it("is a Keycloak with realms of the tests' own", async () => {
  const { keycloak } = await sharedEnvironment();
  const realm = uniqueName('env');
  await keycloak.admin.createRealm(realm, ['/a/b'], [{ username: 'eve', groups: ['/a/b'] }]);
  const found = await keycloak.admin.clients(realm);
  expect(found.map(({ clientId }) => clientId)).toContain('realm-management');
  await keycloak.admin.removeRealm(realm);
});
