import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../api/names.ts';
import type { ConfigMap, Deployment, SharedObject } from '../api/objects.ts';
import type { SharedChange, SharedRef } from '../policy/change.ts';
import type { KubernetesClient } from './client.ts';
import type { RawObject } from './decode.ts';
import { decodeConfigMap, decodeDeployment } from './decode-server.ts';
import { KubernetesError } from './errors.ts';
import { objectPath, SHARED } from './paths.ts';

/**
 * Writes to one field of an object that is not ours: server-side apply of the object with the observed uid only, so
 * that nothing is ever created. Each answers with the object as it then is. Where another manager holds the field with
 * another value it throws `KubernetesError` of kind `FieldTaken`, with the remedy.
 */
export interface SharedWriter {
  /** Sets the key `sso` of the ConfigMap with Argo's settings. */
  readonly applySettings: (ref: SharedRef, sso: string, signal: AbortSignal) => Promise<ConfigMap>;
  /**
   * Sets the mark on the pod template of Argo Server's Deployment, which rolls it out where it is another one. With
   * `takenIn` it is taken from whoever holds it in that version; of another version it throws kind `Conflict`.
   */
  readonly rollDeployment: (
    roll: Pick<Roll, 'ref' | 'mark' | 'takenIn'>,
    signal: AbortSignal,
  ) => Promise<Deployment>;
}

type Roll = Extract<SharedChange, { readonly kind: 'RollDeployment' }>;

/** Takes the mark off, and with it everybody's claim to it. */
function markRemoval({ namespace, name }: SharedRef): string {
  const path = `/spec/template/metadata/annotations/${ANNOTATION_ROLLED.replace('/', '~1')}`;
  const patch = JSON.stringify([{ op: 'remove', path }]);
  return `kubectl --namespace ${namespace} patch deployment ${name} --type=json -p '${patch}'`;
}

const REMEDIES: Readonly<Record<SharedObject['kind'], (ref: SharedRef) => string>> = {
  ConfigMap: () =>
    'remove the key there and keep it out of what that one applies, and the operator writes it, or set spec.server.configMap.manage to false',
  Deployment: ref =>
    `take the annotation out of what that one applies, and then off the Deployment (${markRemoval(ref)}), or leave spec.server.deployment out and restart Argo Server yourself`,
};

/** What helps where the API server refuses the object itself. */
const REJECTED: Readonly<Record<SharedObject['kind'], { readonly [K in KubernetesError['kind']]?: string }>> =
  {
    ConfigMap: {
      Invalid:
        'one that is immutable cannot be changed: delete it and make it anew without immutable, or set spec.server.configMap.manage to false and see to the key sso yourself',
    },
    Deployment: {},
  };

/** Says what to do where another manager holds the field, or the object cannot be changed. */
function withRemedy(kind: SharedObject['kind'], ref: SharedRef, error: unknown): unknown {
  const { namespace, name } = ref;
  if (!(error instanceof KubernetesError)) return error;
  const remedy = error.kind === 'FieldTaken' ? REMEDIES[kind](ref) : REJECTED[kind][error.kind];
  if (remedy === undefined) return error;
  const said = error.message.replace(/^[A-Z]+ \S+: /, '');
  const message = `${kind} ${namespace}/${name}: ${said}; ${remedy}`;
  return new KubernetesError(error.kind, message, error.status, error.retryAfter);
}

/**
 * Makes the writer to objects of others.
 *
 * @param dryRun keeps the API server from writing
 */
export function createSharedWriter(client: KubernetesClient, dryRun?: 'All'): SharedWriter {
  const apply = async (
    kind: SharedObject['kind'],
    ref: SharedRef,
    fields: object,
    signal: AbortSignal,
    takenIn?: string,
  ) => {
    const { namespace, name, uid } = ref;
    const force = String(takenIn !== undefined);
    const metadata = { namespace, name, uid, ...(takenIn !== undefined && { resourceVersion: takenIn }) };
    const { apiVersion } = SHARED[kind];
    try {
      return (await client.request({
        method: 'PATCH',
        path: objectPath(SHARED[kind], namespace, name),
        query: { fieldManager: FIELD_MANAGER, force, ...(dryRun && { dryRun }) },
        body: { apiVersion, kind, metadata, ...fields },
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
    rollDeployment: async ({ ref, mark, takenIn }, signal) => {
      const template = { metadata: { annotations: { [ANNOTATION_ROLLED]: mark } } };
      return decodeDeployment(await apply('Deployment', ref, { spec: { template } }, signal, takenIn));
    },
  };
}
