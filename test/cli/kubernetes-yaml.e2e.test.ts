import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseKubernetesYaml } from '../../operator/cli/validate/kubernetes-yaml.ts';
import { type ApiServer, connectApiServer } from '../api/api-server.ts';
import { SCALARS } from './scalars.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await connectApiServer();
});
afterAll(() => server.close());

const CRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: scalars.test.argo-access.io
spec:
  group: test.argo-access.io
  scope: Namespaced
  names: { kind: Scalar, plural: scalars }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            values: { type: array, items: { x-kubernetes-preserve-unknown-fields: true, nullable: true } }
            keys: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;

it('what kubectl sends of a text is what is judged of it', async () => {
  await server.kubectl(['apply', '-f', '-'], CRD);
  await server.kubectl(['wait', '--for=condition=Established', 'crd/scalars.test.argo-access.io']);
  const text = [
    'apiVersion: test.argo-access.io/v1',
    'kind: Scalar',
    'metadata: { name: scalars }',
    'values:',
    ...SCALARS.map(([scalar]) => `  - ${scalar}`),
    'keys: { y: 1, 017: 2, a: 3, a: 4 }',
    '',
  ].join('\n');
  const namespace = ['--namespace', server.namespace];
  const sent = JSON.parse(
    await server.kubectl(['create', ...namespace, '--dry-run=server', '-o', 'json', '-f', '-'], text),
  );
  const [document] = parseKubernetesYaml(text).documents;
  const { values, keys } = document?.toJS() ?? {};
  expect({ values, keys }).toEqual({ values: sent.values, keys: sent.keys });
  expect(values).toEqual(SCALARS.map(([, value]) => value));
});
