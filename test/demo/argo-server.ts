import { stringify } from 'yaml';
import { argoServerDeployment } from '../env/argo-deployment.ts';
import { settingsOfConfigMap } from '../env/argo-settings.ts';
import { type Pods, startPods } from '../env/pods.ts';
import { eventually } from '../env/process.ts';
import type { Stage } from './stage.ts';

const NAME = 'argo-server';
const NAMESPACE = 'argo';
/** How long a pod takes to start, in milliseconds. */
const START_TAKES = 1_000;
const RBAC = 'rbac.authorization.k8s.io';

/** An Argo Server as browsers and the API server see it. */
export interface ArgoServer {
  readonly pods: Pods;
  /** Waits until exactly one pod serves. */
  readonly settled: () => Promise<void>;
  /** Takes it out of the cluster. */
  readonly remove: () => Promise<void>;
}

/** What of Argo's own manifests matters here, without any settings yet. */
function manifest(): string {
  const metadata = { name: NAME, namespace: NAMESPACE };
  const rules = [
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create'] },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
  ];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: NAME },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name: 'workflow-controller-configmap' } },
    argoServerDeployment({
      ...metadata,
      serviceAccountName: NAME,
      env: { SSO_DELEGATE_RBAC_TO_NAMESPACE: 'true' },
    }),
  ]
    .map(object => stringify(object))
    .join('---\n');
}

/** Installs an Argo Server without settings, and runs its pods; they are stopped with all else. */
export async function installArgoServer({
  api,
  kubectl,
  cleanup,
}: Stage): Promise<{ readonly said: string; readonly server: ArgoServer }> {
  const text = manifest();
  const said = await kubectl.feed(text, 'apply', '-f', '-');
  const pods = await startPods({
    client: api,
    namespace: NAMESPACE,
    deployment: NAME,
    readSettings: () => settingsOfConfigMap(api, NAMESPACE),
    fate: () => ({ kind: 'starts', afterMs: START_TAKES }),
  });
  cleanup.defer(pods.stop);
  const server = {
    pods,
    settled: async () => {
      await eventually('one pod of Argo Server serves', async () => pods.ready().length === 1);
    },
    remove: async () => {
      await kubectl.feed(text, 'delete', '-f', '-');
    },
  };
  return { said, server };
}
