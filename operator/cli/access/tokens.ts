import type { ServiceAccount } from '../../api/objects.ts';
import { decodeMeta, type RawObject } from '../../kubernetes/decode.ts';
import { objectPath, RESOURCES } from '../../kubernetes/paths.ts';
import { argoTokenName, HELD_TOKEN_NAME } from '../../policy/accounts.ts';
import { ANNOTATION_TOKEN_OF } from '../../policy/desired.ts';
import type { Cluster } from '../live/cluster.ts';
import { explainFailure, isKind } from '../live/failure.ts';

/** How it is with the token that Argo takes for an account. */
export interface TokenState {
  readonly secret: string;
  readonly state:
    | 'filled'
    /** Whoever gets the account is denied, or nobody. */
    | 'empty'
    | 'missing'
    /** The token is another account's, or the Secret no token at all. */
    | 'foreign'
    /** The operator keeps people from the account while it changes something. */
    | 'held'
    /** The user may not get Secrets. */
    | 'unread';
}

/** The API server leaves out all but the metadata: no token reaches this machine. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** Kubernetes puts it on a token Secret together with the token. */
const ANNOTATION_UID = 'kubernetes.io/service-account.uid';

function stateOf(account: ServiceAccount, raw: RawObject): TokenState['state'] {
  const { annotations = {} } = decodeMeta(raw);
  const { name, uid } = account.metadata;
  if (annotations[ANNOTATION_TOKEN_OF] !== name) return 'foreign';
  const filledFor = annotations[ANNOTATION_UID];
  if (filledFor === undefined) return 'empty';
  return filledFor === uid ? 'filled' : 'foreign';
}

/** Looks at the Secret with an account's token, without its values. */
export async function tokenStateOf(cluster: Cluster, account: ServiceAccount): Promise<TokenState> {
  const { namespace } = account.metadata;
  const secret = argoTokenName(account);
  if (secret === HELD_TOKEN_NAME) return { secret, state: 'held' };
  const path = objectPath(RESOURCES.Secret, namespace, secret);
  const { client, place, signal } = cluster;
  try {
    const found = await client.request({ method: 'GET', path, accept: METADATA_ONLY, signal });
    return { secret, state: stateOf(account, found as RawObject) };
  } catch (error) {
    if (isKind(error, 'NotFound')) return { secret, state: 'missing' };
    if (isKind(error, 'Forbidden')) return { secret, state: 'unread' };
    throw explainFailure(place, { verb: 'get', resource: RESOURCES.Secret, namespace, name: secret }, error);
  }
}
