import type { Deployment } from '../api/objects.ts';
import { GROUP, PLURAL } from '../api/schema.ts';
import type { KubernetesClient } from './client.ts';
import { KubernetesError } from './errors.ts';
import { collectionPath, PODS } from './paths.ts';
import { newestPods, type RawPod, troublesOf } from './pod-troubles.ts';
import { missingServerAccess, type ServerNames } from './server-access.ts';

/** What is not followed but asked for, each time anew. */
export interface ClusterReader {
  /** uid of the kube-system namespace, which stands for the cluster's. */
  readonly clusterUid: (signal: AbortSignal) => Promise<string>;
  /** Whether a namespace is there to stay, is going away, or is gone. */
  readonly namespacePhase: (name: string, signal: AbortSignal) => Promise<'active' | 'ending' | 'gone'>;
  /** Whether the CRD of the policies is being deleted. */
  readonly crdEnding: (signal: AbortSignal) => Promise<boolean>;
  /** What keeps the newest pods of a Deployment from being ready, in words; empty where nothing does. */
  readonly podTroubles: (deployment: Deployment, signal: AbortSignal) => Promise<readonly string[]>;
  /**
   * What Argo Server's account may not do in a namespace and has to, such as `list serviceaccounts`; with names also
   * asked by name, as in `get secrets "sso"`. A few requests.
   */
  readonly missingServerAccess: (
    namespace: string,
    serviceAccount: string,
    signal: AbortSignal,
    names?: ServerNames,
  ) => Promise<readonly string[]>;
}

interface Meta {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
}

interface PodList {
  readonly items: readonly RawPod[];
}

/** Reads from a cluster. Every function throws `KubernetesError`, and is one request unless it says otherwise. */
export function createReader(client: KubernetesClient): ClusterReader {
  const get = async (path: string, signal: AbortSignal) => {
    try {
      return (await client.request({ method: 'GET', path, signal })) as Meta;
    } catch (error) {
      if (error instanceof KubernetesError && error.kind === 'NotFound') return undefined;
      throw error;
    }
  };
  const namespace = (name: string, signal: AbortSignal) => get(`/api/v1/namespaces/${name}`, signal);
  return {
    clusterUid: async signal => {
      const found = await namespace('kube-system', signal);
      if (found === undefined) throw new Error('the cluster has no namespace kube-system');
      return found.metadata.uid;
    },
    namespacePhase: async (name, signal) => {
      const found = await namespace(name, signal);
      if (found === undefined) return 'gone';
      return found.metadata.deletionTimestamp === undefined ? 'active' : 'ending';
    },
    crdEnding: async signal => {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PLURAL}.${GROUP}`;
      const found = await get(path, signal);
      return found === undefined || found.metadata.deletionTimestamp !== undefined;
    },
    podTroubles: async ({ metadata, selector }, signal) => {
      const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
      const path = collectionPath(PODS, metadata.namespace);
      const query = { labelSelector: labels.join(',') };
      const { items } = (await client.request({ method: 'GET', path, query, signal })) as PodList;
      return troublesOf(newestPods(metadata.name, items));
    },
    missingServerAccess: (...asked) => missingServerAccess(client, ...asked),
  };
}
