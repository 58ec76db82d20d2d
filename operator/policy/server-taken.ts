import type { Policy } from '../api/objects.ts';
import { isOlder } from './checks-order.ts';
import type { Observation } from './observation.ts';
import type { Violation } from './reasons.ts';
import { remembered } from './remembered.ts';

/** An object of an Argo Server, by the field of the policy that names it. */
interface NamedObject {
  readonly field: string;
  readonly kind: 'ConfigMap' | 'Deployment';
  readonly name: string;
}

/** One that an older policy of the namespace names too. */
export interface TakenObject extends NamedObject {
  /** Name of the oldest policy that does. */
  readonly by: string;
}

/** What a policy names of an Argo Server. One that others see without a client has nothing to bring there. */
function namedBy({ spec: { client, server } }: Policy): readonly NamedObject[] {
  if (client === undefined) return [];
  const { configMap, deployment } = server ?? {};
  const named = [
    { field: 'spec.server.configMap.name', kind: 'ConfigMap', name: configMap?.name },
    { field: 'spec.server.deployment', kind: 'Deployment', name: deployment },
  ] as const;
  return named.flatMap(({ name, ...rest }) => (name === undefined ? [] : [{ ...rest, name }]));
}

/**
 * What of its Argo Server a policy may not write, as an older one of the namespace does: both write under one field
 * manager, so that the API server sees no conflict between them.
 */
export const takenOfServer = remembered(({ policy, neighbours }: Observation): readonly TakenObject[] => {
  const older = neighbours
    .filter(other => isOlder(other, policy))
    .toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
    .map(other => ({ by: other.metadata.name, named: namedBy(other) }));
  return namedBy(policy).flatMap(own => {
    const holder = older.find(({ named }) =>
      named.some(({ kind, name }) => kind === own.kind && name === own.name),
    );
    return holder === undefined ? [] : [{ ...own, by: holder.by }];
  });
});

/** Whether the policy leaves its Argo Server to an older one. */
export function isServerTaken(observation: Observation): boolean {
  return takenOfServer(observation).length > 0;
}

type Check = (observation: Observation) => Violation | undefined;

/** A check that says nothing of an Argo Server that is left to an older policy: that one is told. */
export function unlessTaken(check: Check): Check {
  return observation => (isServerTaken(observation) ? undefined : check(observation));
}
