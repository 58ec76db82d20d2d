import { ANNOTATION_ROLLED, FINALIZER } from '../api/names.ts';
import type { Policy, SharedObject } from '../api/objects.ts';
import type { Change, SharedChange } from './change.ts';
import type { Observation } from './observation.ts';
import type { Effect } from './simulate-effect.ts';
import { keycloakEffect } from './simulate-keycloak.ts';
import { deletedObject, patchedObject, writtenObject } from './simulate-objects.ts';
import { take } from './simulate-take.ts';

const NONE: Effect = { kind: 'None' };

function withFinalizers({ policy }: Observation, change: (names: readonly string[]) => readonly string[]) {
  const finalizers = change(policy.metadata.finalizers ?? []);
  return { ...policy, metadata: { ...policy.metadata, finalizers } };
}

function policyEffect(policy: Policy): Effect {
  const { deletionTimestamp, finalizers = [] } = policy.metadata;
  return { kind: 'Policy', policy, gone: deletionTimestamp !== undefined && finalizers.length === 0 };
}

function found<T extends SharedObject>(
  sighting: { readonly state: string; readonly object?: T } | undefined,
  change: (object: T) => T,
): Effect {
  return sighting?.object === undefined ? NONE : { kind: 'Shared', object: change(sighting.object) };
}

/** A rollout is taken to come to its end: what is decided after it is part of what is to come. */
function sharedEffect({ server, now }: Observation, change: SharedChange): Effect {
  switch (change.kind) {
    case 'ApplySettings':
      return found(server.configMap, object => ({ ...object, data: { ...object.data, sso: change.sso } }));
    case 'RollDeployment':
      return found(server.deployment, object => ({
        ...object,
        templateAnnotations: { ...object.templateAnnotations, [ANNOTATION_ROLLED]: change.mark },
        rollout: { progress: 'complete', startedAt: undefined, completedAt: now, why: undefined },
      }));
  }
}

/** What a change leads to, as the servers would answer it; the same kinds as in `operator/apply.ts`. */
export function effectOf(observation: Observation, change: Change): Effect {
  switch (change.kind) {
    case 'AddFinalizer':
      return policyEffect(withFinalizers(observation, names => [...names, FINALIZER]));
    case 'RemoveFinalizer':
      return policyEffect(withFinalizers(observation, names => names.filter(name => name !== FINALIZER)));
    case 'CreateObject':
    case 'ApplyObject':
      return { kind: 'Object', object: writtenObject(observation, change.object) };
    case 'PatchObject': {
      const object = patchedObject(observation, change);
      return object === undefined ? NONE : { kind: 'Object', object };
    }
    case 'DeleteObject':
      return deletedObject(observation, change.ref);
    case 'ApplySettings':
    case 'RollDeployment':
      return sharedEffect(observation, change);
    case 'Rehearse':
      return NONE;
    case 'ProveSecret':
      return { kind: 'Proof', proof: { revision: change.revision, result: 'proved', message: '' } };
    default:
      return keycloakEffect(observation, change);
  }
}

/** What would be observed after a change of the observed policy. */
export function applyInMemory(observation: Observation, change: Change): Observation {
  return take(observation, effectOf(observation, change));
}
