import type { SharedEnvironment } from '../env/shared.ts';

/** Runs kubectl as administrator; fails with its words unless it exits with 0. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** kubectl for tests that do not look at its exit code. */
export function makeKubectl(env: SharedEnvironment['kubernetes']): Kubectl {
  return async (args, input) => {
    const { code, stdout, stderr } = await env.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
}

/** A Deployment such as argo-server's, with much in it that is not ours. */
export function argoServer(namespace: string, name: string, spec: object = {}, pod: object = {}) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { 'example.com/theirs': 'kept' } },
        spec: {
          serviceAccountName: 'argo-server',
          containers: [
            {
              name: 'argo-server',
              image: 'quay.io/argoproj/argocli:v4.1.2',
              args: ['server', '--auth-mode=sso'],
              env: [{ name: 'BASE_HREF', value: '/' }],
              ports: [{ name: 'web', containerPort: 2746 }],
              readinessProbe: { httpGet: { port: 2746, scheme: 'HTTPS', path: '/' } },
            },
          ],
          ...pod,
        },
      },
      ...spec,
    },
  };
}
