import type { Policy } from '../../api/objects.ts';
import type { OperatorConfig } from '../../config.ts';
import { NO_SERVER, NOTHING_SEEN } from '../../policy/nothing-seen.ts';
import type { GroupFilterVerdict, Observation, WhenVerdict } from '../../policy/observation.ts';
import { parseSchedule } from '../../schedule.ts';

/** What is known of a policy besides itself where nobody is asked. */
export interface OfflineKnowledge {
  readonly policy: Policy;
  /** The other policies of its namespace. */
  readonly neighbours: readonly Policy[];
  readonly config: OperatorConfig | undefined;
  readonly groupFilter: GroupFilterVerdict;
  /** By expression; none for those that could not be tried. */
  readonly expressions: ReadonlyMap<string, WhenVerdict>;
}

/** A policy as the operator would observe it in a cluster that has policies, and nothing else yet. */
export function offlineObservation(known: OfflineKnowledge): Observation {
  const { policy, neighbours, config, groupFilter, expressions } = known;
  const rotation = policy.spec.client?.secret.rotation;
  const { namespace } = policy.metadata;
  return {
    ...NOTHING_SEEN,
    now: 0,
    operator: {
      instanceId: config?.instanceId ?? '',
      clusterUid: '',
      formerClusters: [],
      ownClientId: undefined,
    },
    policy,
    allowance: config?.namespaces.find(({ name }) => name === namespace),
    connection: config?.connections.find(({ name }) => name === policy.spec.keycloak.connection),
    neighbours,
    livePolicyUids: new Set([policy, ...neighbours].map(({ metadata }) => metadata.uid)),
    expressions,
    server: { ...NO_SERVER, groupFilter },
    rotation: {
      schedule: rotation && parseSchedule(rotation.schedule, rotation.timeZone),
      request: undefined,
      standing: { state: 'Undecided' },
    },
  };
}
