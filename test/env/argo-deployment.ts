/** How an Argo Server is deployed. */
export interface ArgoDeployment {
  readonly name: string;
  readonly namespace: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Default 0: a new pod before an old one goes. */
  readonly maxUnavailable?: number;
  /** Default 1. */
  readonly maxSurge?: number;
  readonly args?: readonly string[];
  readonly image?: string;
  /** Account of its pods, which must exist; default `default`. */
  readonly serviceAccountName?: string;
  /** Seconds after which a rollout without progress has failed; default 600, as Kubernetes' own. */
  readonly progressDeadlineSeconds?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The Deployment of an Argo Server, as far as matters here. */
export function argoServerDeployment(options: ArgoDeployment): Readonly<Record<string, unknown>> {
  const { name, namespace, replicas = 1, maxUnavailable = 0, maxSurge = 1 } = options;
  const { args = ['server', '--auth-mode=sso'], image = 'quay.io/argoproj/argocli:v4.1.2' } = options;
  const { serviceAccountName = 'default', progressDeadlineSeconds = 600, env = {} } = options;
  const labels = { app: name };
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas,
      progressDeadlineSeconds,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
      template: {
        metadata: { labels },
        spec: { serviceAccountName, containers: [{ name: 'argo-server', image, args, env: variables }] },
      },
    },
  };
}
