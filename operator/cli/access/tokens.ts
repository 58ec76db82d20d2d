import type { ServiceAccount } from '../../api/objects.ts';
import { decodeMeta, type RawObject } from '../../kubernetes/decode.ts';
import { argoTokenName, HELD_TOKEN_NAME } from '../../policy/accounts.ts';
import { ANNOTATION_TOKEN_OF } from '../../policy/desired.ts';
import type { Cluster } from '../live/cluster.ts';
import { isKind } from '../live/failure.ts';
import { secretMetadata } from './secret-metadata.ts';

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
  try {
    const found = await secretMetadata(cluster, namespace, secret);
    return { secret, state: found === undefined ? 'missing' : stateOf(account, found) };
  } catch (error) {
    if (isKind(error, 'Forbidden')) return { secret, state: 'unread' };
    throw error;
  }
}
