import { GROUP, PLURAL } from '../api/schema.ts';
import type { KubernetesClient } from './client.ts';
import { KubernetesError } from './errors.ts';

/** The few objects that are read by name, each time anew. */
export interface ClusterReader {
  /** uid of the kube-system namespace, which stands for the cluster's. */
  readonly clusterUid: (signal: AbortSignal) => Promise<string>;
  /** Whether a namespace is there to stay, is going away, or is gone. */
  readonly namespacePhase: (name: string, signal: AbortSignal) => Promise<'active' | 'ending' | 'gone'>;
  /** Whether the CRD of the policies is being deleted. */
  readonly crdEnding: (signal: AbortSignal) => Promise<boolean>;
}

interface Meta {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
}

/** Reads from a cluster. Every function is one request and throws `KubernetesError`. */
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
  };
}
