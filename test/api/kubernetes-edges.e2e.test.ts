import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenSecretName, wantedRoles } from '../../operator/policy/desired.ts';
import { makePolicy } from '../policy/fixtures.ts';
import { type ApiServer, connectApiServer, policyObject } from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await connectApiServer();
});
afterAll(() => server.close());

function markKeys(count: number): readonly string[] {
  const domain = Array.from({ length: 4 }, () => 'd'.repeat(60)).join('.');
  return Array.from({ length: count }, (_, index) => `${domain}/${`${index}`.padStart(63, 'n')}`);
}

function numbered(prefix: string, index: number, length: number): string {
  return `${prefix}${index}`.padEnd(length, 'x');
}

it('a policy at all its limits is accepted: the cost of its rules stays within the budget of the API server', async () => {
  const spec = {
    keycloak: { realm: 'r'.repeat(237), groups: { claim: 'c'.repeat(128) } },
    client: {
      clientId: 'ü'.repeat(255),
      url: `https://a.example/${'p'.repeat(221)}`,
      additionalUrls: Array.from({ length: 16 }, (_, index) => numbered('https://a.example/', index, 239)),
      secret: {
        name: 's'.repeat(253),
        clientIdKey: 'i'.repeat(253),
        clientSecretKey: 'k'.repeat(253),
        labels: Object.fromEntries(markKeys(32).map(key => [key, 'v'.repeat(63)])),
        annotations: Object.fromEntries(markKeys(32).map(key => [key, 'v'.repeat(1024)])),
      },
    },
    precedence: 1_000_000_000,
    roles: Array.from({ length: 64 }, (_, role) => ({
      name: numbered('r', role, 63),
      serviceAccount: numbered('s', role, 231),
      groups: Array.from({ length: 64 }, (__, group) => numbered('/g', group, 512)),
      grants: Array.from({ length: 15 }, (__, grant) => ({ clusterRole: numbered('c', grant, 253) })),
    })),
  };
  const answer = await server.create(policyObject('n'.repeat(63), spec));
  expect(answer.message).toBe('');
  expect(answer.status).toBe(201);
});

it('what follows from the longest names is accepted', async () => {
  const { namespace } = server;
  const longRole = { name: 'r'.repeat(63), everyone: true, grants: [{ role: 'R'.repeat(253) }] };
  const given = { ...longRole, name: 'other', serviceAccount: 's'.repeat(231), everyone: true };
  const policy = makePolicy(
    { roles: [longRole, given] },
    {
      name: 'p'.repeat(63),
      metadata: { namespace, uid: 'u'.repeat(36) },
    },
  );
  for (const { serviceAccount, token, bindings } of wantedRoles(policy, [])) {
    const { labels } = token.metadata;
    const account = { metadata: { name: serviceAccount, labels } };
    const binding = bindings[0];
    const core = `/api/v1/namespaces/${namespace}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
    const answers = [
      await server.send('POST', `${core}/serviceaccounts`, account),
      await server.send('POST', `${core}/secrets`, {
        metadata: { name: token.metadata.name, labels, annotations: token.metadata.annotations },
        type: token.type,
      }),
      await server.send('POST', rbac, {
        metadata: { name: binding?.metadata.name, labels },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...binding?.roleRef },
        subjects: binding?.subjects,
      }),
    ];
    expect(answers.map(({ status, message }) => `${status} ${message}`)).toEqual(['201 ', '201 ', '201 ']);
  }
  expect(tokenSecretName('s'.repeat(231))).toHaveLength(253);
});

it('a whole number with a fraction of nothing is what kubectl makes of it', async () => {
  const text = (precedence: string) =>
    JSON.stringify(policyObject('p', { precedence: 'X', roles: [{ name: 'a', everyone: true }] })).replace(
      '"X"',
      precedence,
    );
  // kubectl reads the number first and sends 1000, as every client does that keeps numbers as numbers.
  const { namespace, kubectl } = server;
  await kubectl(['create', '--dry-run=server', '-n', namespace, '-f', '-'], text('1000.0'));
  expect((await server.create(text('1000'))).status).toBe(201);
  expect((await server.create(text('1000.0'))).message).toContain('spec');
  for (const wrong of ['1000.5', '1e20', '"1000"'])
    expect((await server.create(text(wrong))).status).toBe(422);
});
