import { ANNOTATION_ROLLED, ARGO_TOKEN_NAME } from '../../api/names.ts';
import type { SharedObject } from '../../api/objects.ts';
import { HELD_TOKEN_NAME } from '../../policy/accounts.ts';
import type { Change } from '../../policy/change.ts';
import { clientSecret } from '../../policy/client-secret-view.ts';
import { describeChange } from '../../policy/describe-change.ts';
import type { Observation } from '../../policy/observation.ts';
import type { PlannedChange } from '../../policy/prospect.ts';
import { effectOf } from '../../policy/simulate.ts';
import type { Effect } from '../../policy/simulate-effect.ts';
import { objectAt } from '../../policy/simulate-objects.ts';
import { isUnknownText } from '../../policy/simulate-unknown.ts';
import {
  changedFields,
  type FieldChange,
  type Fields,
  fieldsOfClient,
  fieldsOfDeployment,
  fieldsOfObject,
  fieldsOfSettings,
} from './fields.ts';

/** One write to come. */
export interface ChangeView {
  readonly action: 'create' | 'update' | 'delete';
  /** The kind of write, as in the operator's log. */
  readonly change: Change['kind'];
  /** `ServiceAccount`, `KeycloakClient`, … */
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** What is done, where fields do not tell. */
  readonly note?: string;
  readonly fields: readonly FieldChange[];
}

/** What is asked, and writes nothing; and what the operator writes for its own book-keeping. */
const UNTOLD: ReadonlySet<Change['kind']> = new Set([
  'AddFinalizer',
  'RemoveFinalizer',
  'Rehearse',
  'ProveSecret',
]);

const NOTES: Partial<Readonly<Record<Change['kind'], string>>> = {
  RegenerateSecret: 'Keycloak makes a new secret',
  EndOverlap: 'Keycloak forgets the old secret',
  RollDeployment: 'Argo Server is restarted',
};

const HELD = 'whoever its rule matches is denied until the rest is done';

const NOTHING: Fields = new Map();

function actionOf({ kind }: Change): ChangeView['action'] {
  switch (kind) {
    case 'CreateObject':
    case 'CreateClient':
    case 'CreateMapper':
    case 'CreateClientRole':
      return 'create';
    case 'DeleteObject':
    case 'DeleteClient':
    case 'DeleteMapper':
      return 'delete';
    default:
      return 'update';
  }
}

function sharedBefore({ server }: Observation, object: SharedObject): Fields {
  const { configMap, deployment } = server;
  if (object.kind === 'ConfigMap') {
    return configMap?.state === 'found' ? fieldsOfSettings(configMap.object) : NOTHING;
  }
  return deployment?.state === 'found' ? fieldsOfDeployment(deployment.object) : NOTHING;
}

function clientBefore({ keycloak }: Observation): Fields {
  const client = keycloak.state === 'Observed' ? keycloak.client : undefined;
  return client === undefined ? NOTHING : fieldsOfClient(client);
}

function fieldsAround(before: Observation, effect: Effect): readonly [Fields, Fields] {
  switch (effect.kind) {
    case 'Object': {
      const { kind, metadata } = effect.object;
      const have = objectAt(before, { kind, ...metadata });
      return [have === undefined ? NOTHING : fieldsOfObject(have), fieldsOfObject(effect.object)];
    }
    case 'Shared': {
      const { object } = effect;
      const after = object.kind === 'ConfigMap' ? fieldsOfSettings(object) : fieldsOfDeployment(object);
      return [sharedBefore(before, object), after];
    }
    case 'Client':
      return [clientBefore(before), effect.client === undefined ? NOTHING : fieldsOfClient(effect.client)];
    default:
      return [NOTHING, NOTHING];
  }
}

const MARK = `spec.template.metadata.annotations[${ANNOTATION_ROLLED}]`;

/** The mark of a Secret that is yet to be made goes by a uid that nobody knows. */
function unknownFields(change: Change, before: Observation): ReadonlySet<string> {
  const uid = change.kind === 'RollDeployment' && clientSecret(before)?.metadata.uid;
  return typeof uid === 'string' && isUnknownText(uid) ? new Set([MARK]) : new Set();
}

/** The fields of a change; what is deleted goes as a whole. */
function fieldsOf({ change, before }: PlannedChange): readonly FieldChange[] {
  if (change.kind === 'DeleteObject' || change.kind === 'DeleteClient') return [];
  const [was, is] = fieldsAround(before, effectOf(before, change));
  return changedFields(was, is, before.now, unknownFields(change, before));
}

/** Whether an account is held during a change: its token is then said to be in a Secret that never exists. */
function holds(change: Change): boolean {
  if (change.kind !== 'ApplyObject' || change.object.kind !== 'ServiceAccount') return false;
  return change.object.metadata.annotations[ARGO_TOKEN_NAME] === HELD_TOKEN_NAME;
}

/** A change as it is shown; undefined for what is no write to the world. */
export function viewChange(planned: PlannedChange): ChangeView | undefined {
  const { change, before } = planned;
  if (UNTOLD.has(change.kind)) return undefined;
  const note = holds(change) ? HELD : NOTES[change.kind];
  return {
    action: actionOf(change),
    ...describeChange(change, before.policy),
    ...(note !== undefined && { note }),
    fields: fieldsOf(planned),
  };
}
