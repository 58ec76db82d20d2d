import { FINALIZER } from '../api/names.ts';
import type { ObjectMeta, OwnedObject, Policy, Secret } from '../api/objects.ts';
import { isOlder } from './checks-order.ts';
import { clientSecret } from './client-secret-view.ts';
import {
  ANNOTATION_TOKEN_OF,
  serviceAccountName,
  TOKEN_TYPE,
  tokenSecretName,
  wantedRoles,
} from './desired.ts';
import type { Observation } from './observation.ts';
import { consentsToAdoption, isOurs } from './ownership.ts';
import type { Part, Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { remembered } from './remembered.ts';
import { takenOfServer } from './server-taken.ts';

function isTaken(observation: Observation, metadata: ObjectMeta): boolean {
  return !isOurs(observation, metadata) && !consentsToAdoption(observation, metadata);
}

function taken(observation: Observation, objects: readonly OwnedObject[], part: Part): Violation | undefined {
  if (objects.length === 0) return undefined;
  const list = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
  const { name } = observation.policy.metadata;
  return {
    reason: Reason.NameTaken,
    message:
      `${list.join(', ')} exists and does not belong to this policy. Choose another name, remove the object, or ` +
      `let this policy take it over: annotate it with argo-access.io/adopt-by=${name}`,
    part,
    blocks: [part],
  };
}

/** A Secret's type never changes, so that one of another type cannot serve, whoever consents. */
function wrongType(secret: Secret, wanted: string, part: Part, remedy: string): Violation {
  const { namespace, name } = secret.metadata;
  return {
    reason: Reason.NameTaken,
    message: `Secret ${namespace}/${name} exists with type ${secret.type}, and must be ${wanted}. ${remedy}, or remove the Secret`,
    part,
    blocks: [part],
  };
}

/** Credentials are never written into a Secret that is not ours, nor into one of another type. */
export function secretNameTaken(observation: Observation): Violation | undefined {
  const secret = clientSecret(observation);
  if (secret === undefined) return undefined;
  if (secret.type !== 'Opaque') {
    return wrongType(secret, 'Opaque', 'secret', 'Choose another spec.client.secret.name');
  }
  return isTaken(observation, secret.metadata) ? taken(observation, [secret], 'secret') : undefined;
}

/** A ServiceAccount, or its token Secret, that is not ours: all roles wait, for their order is security. */
export function accountNameTaken(observation: Observation): Violation | undefined {
  const roles = wantedRoles(observation.policy, observation.neighbours);
  const accounts = observation.accounts.filter(
    ({ metadata }) =>
      roles.some(role => role.serviceAccount === metadata.name) && isTaken(observation, metadata),
  );
  const tokens = observation.secrets.filter(
    secret =>
      roles.some(role => role.token.metadata.name === secret.metadata.name) &&
      !canHoldToken(observation, secret),
  );
  const other = tokens.find(({ type }) => type !== TOKEN_TYPE);
  if (other !== undefined) {
    return wrongType(other, TOKEN_TYPE, 'roles', "Choose another name for the role's ServiceAccount");
  }
  return taken(observation, [...accounts, ...tokens], 'roles');
}

/**
 * Whether a Secret may serve for an account's token. A hand-made one of an account that we may take over comes
 * along with it; one that names another account holds that one's token, whatever it is called.
 */
function canHoldToken(observation: Observation, { metadata, type }: Secret): boolean {
  if (type !== TOKEN_TYPE) return false;
  if (!isTaken(observation, metadata)) return true;
  const account = observation.accounts.find(each => tokenSecretName(each.metadata.name) === metadata.name);
  if (account === undefined || isTaken(observation, account.metadata)) return false;
  return metadata.annotations?.[ANNOTATION_TOKEN_OF] === account.metadata.name;
}

/** A RoleBinding under one of our names that is not ours. */
export function bindingNameTaken(observation: Observation): Violation | undefined {
  const wanted = wantedRoles(observation.policy, observation.neighbours).flatMap(role => role.bindings);
  const bindings = observation.bindings.filter(
    ({ metadata }) =>
      wanted.some(
        want => want.metadata.name === metadata.name && want.metadata.namespace === metadata.namespace,
      ) && isTaken(observation, metadata),
  );
  return taken(observation, bindings, 'roles');
}

function secretNames(policy: Policy): readonly string[] {
  const tokens = policy.spec.roles.map(role => tokenSecretName(serviceAccountName(policy, role)));
  return policy.spec.client === undefined ? tokens : [policy.spec.client.secret.name, ...tokens];
}

/** A policy that has made nothing yet makes nothing, not even a client, while a name that it wants is another's. */
export function nameTakenAtStart(observation: Observation): Violation | undefined {
  if (observation.policy.metadata.finalizers?.includes(FINALIZER)) return undefined;
  const violation =
    secretNameTaken(observation) ?? accountNameTaken(observation) ?? bindingNameTaken(observation);
  return violation && { ...violation, part: 'policy', blocks: ['client', 'secret', 'roles'] };
}

/** An object that two policies of a namespace name. */
export interface SharedName {
  /** Path of the field that names it. */
  readonly field: string;
  /** Kind and name. */
  readonly what: string;
}

/** The names that a policy gives; each is compared with those of all its neighbours. */
const namesOf = remembered((policy: Policy) => {
  const accounts = policy.spec.roles.map(role => serviceAccountName(policy, role));
  const secrets = secretNames(policy);
  const all = [...accounts, ...secrets];
  return { accounts, secrets, all, set: new Set(all) };
});

/** The first object that both of two policies of a namespace name, at its place in the first of them. */
export function sharedName(policy: Policy, other: Policy): SharedName | undefined {
  const [own, others] = [namesOf(policy), namesOf(other)];
  // Most share nothing.
  if (!own.all.some(name => others.set.has(name))) return undefined;
  const index = own.accounts.findIndex(name => others.accounts.includes(name));
  const account = own.accounts[index];
  if (account !== undefined) return { field: `spec.roles[${index}]`, what: `ServiceAccount ${account}` };
  const secret = own.secrets.find(name => others.secrets.includes(name));
  return secret === undefined ? undefined : { field: 'spec.client.secret.name', what: `Secret ${secret}` };
}

/** Two policies of a namespace that name the same object: the older has it. */
export function nameTakenByPolicy({ policy, neighbours }: Observation): Violation | undefined {
  for (const other of neighbours.filter(each => isOlder(each, policy))) {
    const shared = sharedName(policy, other);
    if (shared === undefined) continue;
    const where = shared.field.startsWith('spec.roles') ? 'spec.roles: ' : '';
    return {
      reason: Reason.NameTakenByPolicy,
      message: `${where}${shared.what} is used by the older policy ${other.metadata.name} of this namespace; choose another name`,
      part: 'policy',
      blocks: ['client', 'secret', 'roles'],
    };
  }
  return undefined;
}

/**
 * Two policies of a namespace that name the same object of an Argo Server: the older has it. What the younger has in
 * Keycloak and its roles are no concern of the other's.
 */
export function serverTakenByPolicy(observation: Observation): Violation | undefined {
  const taken = takenOfServer(observation);
  if (taken.length === 0) return undefined;
  const { namespace } = observation.policy.metadata;
  const list = taken.map(
    ({ field, kind, name, by }) =>
      `${field}: ${kind} ${namespace}/${name} is used by the older policy ${by} of this namespace`,
  );
  return {
    reason: Reason.ServerTakenByPolicy,
    message:
      `${list.join('; ')}. An Argo Server has one client: name another Argo Server's, or have a policy of roles only, ` +
      `without client, in place of this one`,
    part: 'server',
    blocks: ['server'],
  };
}
