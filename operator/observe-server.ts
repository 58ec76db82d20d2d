import { ANNOTATION_ROTATE_REQUESTED } from './api/names.ts';
import type { Deployment, Policy } from './api/objects.ts';
import { parseTime } from './api/time.ts';
import type { GroupFilter } from './argo/group-filter.ts';
import type { OperatorConfig } from './config.ts';
import type { ClusterCache } from './kubernetes/cache.ts';
import { KubernetesError } from './kubernetes/errors.ts';
import type { ClusterReader } from './kubernetes/reader.ts';
import type { ServerNames } from './kubernetes/server-access.ts';
import type { Leadership } from './leadership.ts';
import { groupsOf, serviceAccountName, tokenSecretName } from './policy/desired.ts';
import { NO_SERVER, NOTHING_FILTERED } from './policy/nothing-seen.ts';
import type {
  GroupFilterVerdict,
  RotationObservation,
  ServerObservation,
  Sighting,
} from './policy/observation.ts';
import { asksForRotation } from './policy/rotation-observed.ts';
import { parseSchedule } from './schedule.ts';

/** Where what is known of Argo Server comes from. */
export interface ServerSources {
  readonly config: OperatorConfig;
  readonly cache: ClusterCache;
  readonly reader: ClusterReader;
  readonly groupFilter: GroupFilter;
  readonly accessReview: AccessReview;
  readonly leadership: Leadership;
}

/** What an account lacks, asked anew now and then; undefined where it cannot be told. */
export type AccessReview = (
  namespace: string,
  serviceAccount: string,
  names: ServerNames,
  signal: AbortSignal,
) => Promise<readonly string[] | undefined>;

/** How long an answer about somebody's rights serves, in milliseconds. */
const REVIEW_MS = 10 * 60_000;

/** Asks what Argo Server's account lacks, each account once in ten minutes; where something lacks, each time. */
export function createAccessReview(
  reader: Pick<ClusterReader, 'missingServerAccess'>,
  now: () => number,
): AccessReview {
  const answers = new Map<string, { readonly missing: readonly string[]; readonly at: number }>();
  return async (namespace, serviceAccount, names, signal) => {
    const key = JSON.stringify([namespace, serviceAccount, names]);
    const known = answers.get(key);
    // One of the future was given before somebody set the clock back: nobody can tell how old it is.
    const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.at;
    if (known?.missing.length === 0 && age >= 0 && age < REVIEW_MS) return known.missing;
    try {
      const missing = await reader.missingServerAccess(namespace, serviceAccount, signal, names);
      answers.set(key, { missing, at: now() });
      return missing;
    } catch (error) {
      // It is a warning more or less; without the right to ask, the operator's own missing right is told.
      if (!(error instanceof KubernetesError)) throw error;
      return undefined;
    }
  };
}

async function filterGroups(
  { groupFilter }: ServerSources,
  policy: Policy,
  signal: AbortSignal,
): Promise<GroupFilterVerdict> {
  const regexes = policy.spec.server?.filterGroupsRegex ?? [];
  if (regexes.length === 0) return NOTHING_FILTERED;
  return groupFilter(regexes, groupsOf(policy), signal);
}

/** The Deployment, and what keeps its pods from being ready where they are not. */
async function observeDeployment(
  { cache, reader }: ServerSources,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Sighting<Deployment>> {
  const seen = cache.deployment(namespace, name);
  if (seen.state !== 'found' || seen.object.rollout.progress === 'complete') return seen;
  const troubles = await reader.podTroubles(seen.object, signal).catch((error: unknown) => {
    if (!(error instanceof KubernetesError)) throw error;
    return [];
  });
  const { rollout } = seen.object;
  const why = [...(rollout.why === undefined ? [] : [rollout.why]), ...troubles].join('; ');
  return { state: 'found', object: { ...seen.object, rollout: { ...rollout, why: why || undefined } } };
}

/** Where there are several logins, nobody can tell which of them a namespace of roles belongs to. */
function delegating({ cache, config }: ServerSources, { metadata }: Policy): readonly string[] {
  const served = new Set(config.namespaces.map(({ name }) => name));
  const policies = cache.policies
    .all()
    .filter(each => served.has(each.metadata.namespace) && each.metadata.deletionTimestamp === undefined);
  const logins = policies.filter(({ spec }) => spec.client !== undefined);
  if (logins.some(each => each.metadata.uid !== metadata.uid)) return [];
  const others = policies.map(each => each.metadata.namespace).filter(name => name !== metadata.namespace);
  return [...new Set(others)].toSorted();
}

function cookieKey({ cache }: ServerSources, namespace: string): ServerObservation['cookieKey'] {
  if (cache.unread([namespace]).some(({ plural }) => plural === 'secrets')) return undefined;
  const filled = cache.secrets.get(namespace, 'sso')?.cookieKeyFilled;
  if (filled === undefined) return 'missing';
  return filled ? 'filled' : 'empty';
}

/** What Argo Server reads by name, for an account that may not read everything: its settings, its own Secret, ours. */
function namesReadByServer(policy: Policy): ServerNames {
  const { client, server, roles } = policy.spec;
  const tokens = roles.map(role => tokenSecretName(serviceAccountName(policy, role)));
  return {
    configMaps: server?.configMap === undefined ? [] : [server.configMap.name],
    secrets: ['sso', ...(client === undefined ? [] : [client.secret.name]), ...tokens],
  };
}

/** Gathers what is known of the Argo Server that a policy names. */
export async function observeServer(
  sources: ServerSources,
  policy: Policy,
  signal: AbortSignal,
): Promise<ServerObservation> {
  const { server } = policy.spec;
  const { namespace, deletionTimestamp } = policy.metadata;
  if (server === undefined || deletionTimestamp !== undefined) return NO_SERVER;
  const { configMap, deployment } = server;
  const seen =
    deployment === undefined ? undefined : await observeDeployment(sources, namespace, deployment, signal);
  return {
    configMap: configMap && sources.cache.configMap(namespace, configMap.name),
    deployment: seen,
    missingAccess:
      seen?.state === 'found'
        ? await sources.accessReview(
            namespace,
            seen.object.serviceAccountName,
            namesReadByServer(policy),
            signal,
          )
        : undefined,
    groupFilter: await filterGroups(sources, policy, signal),
    delegating: delegating(sources, policy),
    cookieKey: cookieKey(sources, namespace),
  };
}

/** What decides about the rotation of a policy's secret besides cluster and Keycloak. */
export function observeRotation({ leadership }: ServerSources, policy: Policy): RotationObservation {
  const spec = policy.spec.client?.secret.rotation;
  const value = policy.metadata.annotations?.[ANNOTATION_ROTATE_REQUESTED];
  return {
    schedule: spec && parseSchedule(spec.schedule, spec.timeZone),
    request: value === undefined ? undefined : { value, at: parseTime(value) },
    standing: asksForRotation(policy) ? leadership.standing(policy.metadata.uid) : { state: 'Undecided' },
  };
}
