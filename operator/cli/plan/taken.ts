import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../../api/names.ts';
import type { SharedObject } from '../../api/objects.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import type { SharedChange } from '../../policy/change.ts';
import type { Observation } from '../../policy/observation.ts';
import { type Prospect, planUntilQuiet } from '../../policy/prospect.ts';
import { Reason } from '../../policy/reasons.ts';

type Kind = SharedObject['kind'];

/** By {@link sharedKey}, who else holds the one field of an object of others that a policy manages. */
export type Holders = ReadonlyMap<string, readonly string[]>;

/** Tells an object of others from all else. */
export function sharedKey(kind: Kind, { namespace, name }: SharedChange['ref'] | Named): string {
  return `${kind} ${namespace}/${name}`;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** The field in the form in which the API server notes who manages it. */
const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  ConfigMap: ['f:data', 'f:sso'],
  Deployment: ['f:spec', 'f:template', 'f:metadata', 'f:annotations', `f:${ANNOTATION_ROLLED}`],
};

function hasField(fields: unknown, path: readonly string[]): boolean {
  let at: unknown = fields;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return true;
}

/** The other managers of the field: the operator never takes it from them by force. */
export function holdersOf(kind: Kind, raw: RawObject): readonly string[] {
  const managers = (raw.metadata?.managedFields ?? []).flatMap(({ manager, fieldsV1 }) =>
    manager !== undefined && manager !== FIELD_MANAGER && hasField(fieldsV1, FIELDS[kind]) ? [manager] : [],
  );
  return [...new Set(managers)];
}

/** What is told of a field that stays as it is, for somebody else holds it. */
export interface Taken {
  readonly reason: typeof Reason.FieldTaken;
  readonly message: string;
  readonly kind: Kind;
}

const WHAT: Readonly<Record<Kind, string>> = {
  ConfigMap: 'key sso',
  Deployment: `annotation ${ANNOTATION_ROLLED} of the pod template`,
};

const REMEDIES: Readonly<Record<Kind, string>> = {
  ConfigMap: 'take the key out of what that one applies, or set spec.server.configMap.manage to false',
  Deployment:
    'take the annotation out of what that one applies, or leave spec.server.deployment out and restart Argo Server yourself',
};

function kindOf({ kind }: SharedChange): Kind {
  return kind === 'ApplySettings' ? 'ConfigMap' : 'Deployment';
}

/** The fields that a policy would have to take from others. */
function takenBy({ changes }: Prospect, holders: Holders): readonly Taken[] {
  return changes.flatMap(({ change }) => {
    if (change.kind !== 'ApplySettings' && change.kind !== 'RollDeployment') return [];
    // What others hold by updates alone stands against nothing.
    if (change.kind === 'RollDeployment' && change.takenIn !== undefined) return [];
    const kind = kindOf(change);
    const key = sharedKey(kind, change.ref);
    const managers = holders.get(key) ?? [];
    if (managers.length === 0) return [];
    const who = managers.map(each => JSON.stringify(each)).join(', ');
    const message = `${key}: ${WHAT[kind]} is managed by ${who} too, and the operator takes it from nobody by force; ${REMEDIES[kind]}`;
    return [{ reason: Reason.FieldTaken, message, kind }];
  });
}

function contest(observation: Observation, taken: readonly Taken[]): Observation {
  const contested = taken.map(({ kind, message }) => ({ part: 'server' as const, kind, what: message }));
  return { ...observation, contested: [...observation.contested, ...contested] };
}

/** What is said of a field that is changed back time and again; here it is not changed at all. */
const SAID_OF_CONTESTED: ReadonlySet<Reason> = new Set([Reason.FieldNotHeld, Reason.RolloutPostponed]);

function tell(prospect: Prospect, taken: readonly Taken[]): Prospect {
  if (taken.length === 0) return prospect;
  const others = prospect.violations.filter(({ reason }) => !SAID_OF_CONTESTED.has(reason));
  const told = taken.map(({ reason, message }) => ({
    reason,
    message,
    part: 'server' as const,
    blocks: ['server' as const],
  }));
  return { ...prospect, violations: [...told, ...others] };
}

/** Plans until quiet, with what others hold left as it is: what rests on it waits, as it does for the operator. */
export function planAround(observations: readonly Observation[], holders: Holders): readonly Prospect[] {
  const first = planUntilQuiet(observations);
  const taken = first.map(prospect => takenBy(prospect, holders));
  if (taken.every(list => list.length === 0)) return first;
  const again = planUntilQuiet(observations.map((each, index) => contest(each, taken[index] ?? [])));
  return again.map((prospect, index) => tell(prospect, taken[index] ?? []));
}
