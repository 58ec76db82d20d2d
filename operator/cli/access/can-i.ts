import type { ServiceAccount } from '../../api/objects.ts';
import { groupsOfAccount, userName } from '../../policy/grants.ts';
import { VERBS } from '../../policy/workflow-verbs.ts';
import type { Cluster } from '../live/cluster.ts';
import { isKind } from '../live/failure.ts';
import { ACCESS_REVIEWS } from './resources.ts';

/** What the API server would let an account do with workflows in a namespace. */
export interface Allowed {
  readonly namespace: string;
  /** Undefined where the user may not ask. */
  readonly verbs: readonly string[] | undefined;
}

interface Review {
  readonly status?: { readonly allowed?: boolean };
}

async function isAllowed(
  { write }: Cluster,
  { metadata }: ServiceAccount,
  namespace: string,
  verb: string,
): Promise<boolean> {
  const { apiVersion, kind } = ACCESS_REVIEWS;
  const body = {
    apiVersion,
    kind,
    metadata: { namespace },
    spec: {
      user: userName(metadata),
      groups: groupsOfAccount(metadata.namespace),
      resourceAttributes: { namespace, verb, group: 'argoproj.io', resource: 'workflows' },
    },
  };
  const review = await write<Review>({ verb: 'create', resource: ACCESS_REVIEWS, namespace, body });
  return review.status?.allowed === true;
}

/** Asks the API server what it would let an account do in a namespace; the question writes nothing. */
export async function allowedIn(
  cluster: Cluster,
  account: ServiceAccount,
  namespace: string,
): Promise<Allowed> {
  try {
    const answers = await Promise.all(VERBS.map(verb => isAllowed(cluster, account, namespace, verb)));
    return { namespace, verbs: VERBS.filter((_, index) => answers[index]) };
  } catch (error) {
    if (isKind(error, 'Forbidden')) return { namespace, verbs: undefined };
    throw error;
  }
}
