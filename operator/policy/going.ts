import type { OwnedObject } from '../api/objects.ts';
import type { Change } from './change.ts';
import { wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import { isOurs } from './ownership.ts';

/** Objects that are being deleted and wait for somebody's finalizer: nothing can be done to them any more. */
function goingObjects({ accounts, secrets, bindings }: Observation): readonly OwnedObject[] {
  return [...accounts, ...secrets, ...bindings].filter(
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
}

function targetOf(change: Change): string | undefined {
  switch (change.kind) {
    case 'ApplyObject':
      return change.uid;
    case 'PatchObject':
    case 'DeleteObject':
      return change.ref.uid;
    default:
      return undefined;
  }
}

/** The changes without those to objects that are going already: they would be made over and over. */
export function withoutGoing(observation: Observation, changes: readonly Change[]): readonly Change[] {
  const going = new Set(goingObjects(observation).map(({ metadata }) => metadata.uid));
  return going.size === 0 ? changes : changes.filter(change => !going.has(targetOf(change) ?? ''));
}

/** Objects of the policy's roles that have to be gone before they can be made anew, for people. */
export function awaitedToGo(observation: Observation): readonly string[] {
  const { policy, neighbours } = observation;
  const wanted = new Set(
    wantedRoles(policy, neighbours).flatMap(role => [
      role.serviceAccount,
      role.token.metadata.name,
      ...role.bindings.map(({ metadata }) => metadata.name),
    ]),
  );
  return goingObjects(observation)
    .filter(({ metadata }) => wanted.has(metadata.name) && isOurs(observation, metadata))
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
}
