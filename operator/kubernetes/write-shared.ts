import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../api/names.ts';
import type { ConfigMap, Deployment, SharedObject } from '../api/objects.ts';
import type { SharedRef } from '../policy/change.ts';
import type { KubernetesClient } from './client.ts';
import type { RawObject } from './decode.ts';
import { decodeConfigMap, decodeDeployment } from './decode-server.ts';
import { KubernetesError } from './errors.ts';
import { objectPath, SHARED } from './paths.ts';

/**
 * Writes to one field of an object that is not ours: server-side apply without force, of the object with the
 * observed uid only, so that nothing is ever created. Each answers with the object as it then is. Where another
 * manager holds the field with another value it throws `KubernetesError` of kind `FieldTaken`, with the remedy.
 */
export interface SharedWriter {
  /** Sets the key `sso` of the ConfigMap with Argo's settings. */
  readonly applySettings: (ref: SharedRef, sso: string, signal: AbortSignal) => Promise<ConfigMap>;
  /** Sets the mark on the pod template of Argo Server's Deployment, which rolls it out where it is another one. */
  readonly rollDeployment: (ref: SharedRef, mark: string, signal: AbortSignal) => Promise<Deployment>;
}

const REMEDIES: Readonly<Record<SharedObject['kind'], string>> = {
  ConfigMap:
    'remove the key there and keep it out of what that one applies, and the operator writes it, or set spec.server.configMap.manage to false',
  Deployment:
    'take the annotation out of what that one applies, or leave spec.server.deployment out and restart Argo Server yourself',
};

/** Says what to do where another manager holds the field. */
function withRemedy(kind: SharedObject['kind'], { namespace, name }: SharedRef, error: unknown): unknown {
  if (!(error instanceof KubernetesError) || error.kind !== 'FieldTaken') return error;
  const said = error.message.replace(/^[A-Z]+ \S+: /, '');
  const message = `${kind} ${namespace}/${name}: ${said}; ${REMEDIES[kind]}`;
  return new KubernetesError(error.kind, message, error.status, error.retryAfter);
}

/**
 * Makes the writer to objects of others.
 *
 * @param dryRun keeps the API server from writing
 */
export function createSharedWriter(client: KubernetesClient, dryRun?: 'All'): SharedWriter {
  const apply = async (kind: SharedObject['kind'], ref: SharedRef, fields: object, signal: AbortSignal) => {
    const { namespace, name, uid } = ref;
    const { apiVersion } = SHARED[kind];
    try {
      return (await client.request({
        method: 'PATCH',
        path: objectPath(SHARED[kind], namespace, name),
        query: { fieldManager: FIELD_MANAGER, force: 'false', ...(dryRun && { dryRun }) },
        body: { apiVersion, kind, metadata: { namespace, name, uid }, ...fields },
        contentType: 'application/apply-patch+yaml',
        signal,
      })) as RawObject;
    } catch (error) {
      throw withRemedy(kind, ref, error);
    }
  };
  return {
    applySettings: async (ref, sso, signal) =>
      decodeConfigMap(await apply('ConfigMap', ref, { data: { sso } }, signal)),
    rollDeployment: async (ref, mark, signal) => {
      const template = { metadata: { annotations: { [ANNOTATION_ROLLED]: mark } } };
      return decodeDeployment(await apply('Deployment', ref, { spec: { template } }, signal));
    },
  };
}
