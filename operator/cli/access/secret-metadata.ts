import type { RawObject } from '../../kubernetes/decode.ts';
import { objectPath, RESOURCES } from '../../kubernetes/paths.ts';
import type { Cluster } from '../live/cluster.ts';
import { explainFailure, isKind } from '../live/failure.ts';

/** The API server leaves out all but the metadata: no value reaches this machine. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** A Secret without its values and its type; undefined where it is not there. */
export async function secretMetadata(
  { client, place, signal }: Pick<Cluster, 'client' | 'place' | 'signal'>,
  namespace: string,
  name: string,
): Promise<RawObject | undefined> {
  const path = objectPath(RESOURCES.Secret, namespace, name);
  try {
    return (await client.request({ method: 'GET', path, accept: METADATA_ONLY, signal })) as RawObject;
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw explainFailure(place, { verb: 'get', resource: RESOURCES.Secret, namespace, name }, error);
  }
}
