import { afterAll, beforeAll, expect, it } from 'vitest';
import { GROUP, PLURAL, VERSION } from '../../operator/api/schema.ts';
import { statusSchema } from '../../operator/api/status-schema.ts';
import { type ApiServer, connectApiServer, policyObject } from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await connectApiServer();
});
afterAll(() => server.close());

const spec = {
  client: {
    clientId: 'argo-workflows',
    url: 'https://workflows.example.com',
    secret: { name: 'argo-server-sso' },
  },
  roles: [{ name: 'viewer', everyone: true }],
};

const condition = {
  type: 'Ready',
  status: 'False',
  reason: 'GroupMissing',
  message: 'realm platform has no group /platform/admins',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
};

async function createWithStatus(name: string, status: unknown) {
  const created = await server.create(policyObject(name, spec), false);
  const { resourceVersion } = created.body.metadata as { readonly resourceVersion: string };
  const path = `/apis/${GROUP}/${VERSION}/namespaces/${server.namespace}/${PLURAL}/${name}/status`;
  const answer = await server.send('PUT', `${path}?fieldValidation=Strict`, {
    ...policyObject(name, spec, { resourceVersion }),
    status,
  });
  expect(answer.message).toBe('');
  return answer.body.status;
}

function cells(line: string | undefined): readonly string[] {
  return (line ?? '').split(/ {2,}/).map(cell => cell.trim());
}

it('kubectl get shows readiness with its reason, client, roles and rotations, and in wide form realm and message', async () => {
  const nextRotation = '2999-01-06T03:04:05Z';
  const status = {
    observedGeneration: 1,
    conditions: [condition],
    secret: {
      name: 's',
      revision: 2,
      lastRotated: new Date(Date.now() - 49 * 3_600_000).toISOString(),
      nextRotation,
    },
    summary: { roles: '2/3', realm: 'platform' },
  };
  await createWithStatus('shown', status);
  const text = await server.kubectl(['get', 'aap', 'shown', '-o', 'wide', '-n', server.namespace]);
  const [head, row] = text.trimEnd().split('\n');
  expect(cells(head)).toEqual([
    ...['NAME', 'READY', 'REASON', 'CLIENT', 'ROLES', 'ROTATED', 'NEXT-ROTATION', 'AGE'],
    ...['REALM', 'MESSAGE'],
  ]);
  const [name, ready, reason, client, roles, rotated, next, , realm, message] = cells(row);
  expect([name, ready, reason]).toEqual(['shown', 'False', condition.reason]);
  expect([client, roles]).toEqual(['argo-workflows', '2/3']);
  expect([rotated, next]).toEqual(['2d1h', nextRotation]);
  expect([realm, message]).toEqual(['platform', condition.message]);
});

it('a status with every field and 2,000 objects is stored as it is', async () => {
  const status = {
    observedGeneration: 7,
    conditions: ['Ready', 'ClientReady', 'SecretReady', 'ServerReady', 'RolesReady'].map(type => ({
      ...condition,
      type,
    })),
    issuer: 'https://sso.example.com/realms/platform',
    client: { id: 'i', clientId: 'c', realm: 'platform', adopted: false },
    secret: {
      name: 's',
      revision: 2,
      provedRevision: 2,
      lastRotated: '2026-01-04T03:04:05Z',
      nextRotation: '2026-01-11T03:04:05Z',
      overlapUntil: '2026-01-04T04:04:05.250Z',
    },
    roles: Array.from({ length: 64 }, (_, index) => ({
      name: `r${index}`,
      serviceAccount: `s${index}`,
      precedence: 1000 - 10 * index,
      missingGroups: Array.from({ length: 4 }, (__, group) => `/g${group}`.padEnd(512, 'g')),
    })),
    summary: { roles: '64/64', realm: 'platform' },
    inventory: Array.from({ length: 2000 }, (_, index) => ({
      kind: 'RoleBinding',
      namespace: 'team-a',
      name: `argo-access:argo:s:role:${index}`.padEnd(300, 'x'),
      uid: 'u'.repeat(36),
    })),
  };
  expect(statusSchema.parse(status)).toEqual(status);
  expect(await createWithStatus('large', status)).toEqual(status);
});

it('kubectl explain describes a field with its default and an example', async () => {
  const text = await server.kubectl(['explain', 'aap.spec.roles']);
  expect(text).toContain('in order: a user gets the first one that matches');
  expect(text.replaceAll(/\s+/g, ' ')).toContain('Default: <policy>-<role>.');
});
