import type { ObjectMeta, OwnedObject, Policy, SharedObject } from '../api/objects.ts';
import { argoRule } from './accounts.ts';
import type { ObjectRef } from './change.ts';
import type { KeycloakClient } from './keycloak-types.ts';
import type { Observation, ServerObservation, Sighting } from './observation.ts';
import type { Effect } from './simulate-effect.ts';

type Objects = Pick<Observation, 'accounts' | 'secrets' | 'bindings'>;

interface Named {
  readonly metadata: Pick<ObjectMeta, 'namespace' | 'name'>;
}

function isSame(a: Named, b: Named): boolean {
  return a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;
}

/** By namespace and name, as objects are observed. */
function put<T extends Named>(list: readonly T[], object: T): readonly T[] {
  const key = ({ metadata }: T) => `${metadata.namespace}/${metadata.name}`;
  const others = list.filter(each => !isSame(each, object));
  return [...others, object].toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function withObject({ accounts, secrets, bindings }: Observation, object: OwnedObject): Partial<Objects> {
  switch (object.kind) {
    case 'ServiceAccount':
      return { accounts: put(accounts, object) };
    case 'Secret':
      return { secrets: put(secrets, object) };
    case 'RoleBinding':
      return { bindings: put(bindings, object) };
  }
}

function withoutObject({ accounts, secrets, bindings }: Observation, { uid }: ObjectRef): Objects {
  const stays = ({ metadata }: OwnedObject) => metadata.uid !== uid;
  return {
    accounts: accounts.filter(stays),
    secrets: secrets.filter(stays),
    bindings: bindings.filter(stays),
  };
}

/** What the engine said of an account's rule is of that rule alone. */
function verdictsWith(
  { verdicts, accounts }: Observation,
  name: string,
  rule: string | undefined,
): Observation['verdicts'] {
  const before = accounts.find(({ metadata }) => metadata.name === name);
  if (!verdicts.has(name) || (before !== undefined && argoRule(before) === rule)) return verdicts;
  return new Map([...verdicts].filter(([each]) => each !== name));
}

function sighted<T extends SharedObject>(
  sighting: Sighting<T> | undefined,
  object: T,
): Sighting<T> | undefined {
  return sighting?.state === 'found' && isSame(sighting.object, object)
    ? { state: 'found', object }
    : sighting;
}

function serverWith(server: ServerObservation, object: SharedObject): ServerObservation {
  return object.kind === 'ConfigMap'
    ? { ...server, configMap: sighted(server.configMap, object) }
    : { ...server, deployment: sighted(server.deployment, object) };
}

function withClient(observation: Observation, client: KeycloakClient | undefined): Observation {
  const { keycloak } = observation;
  if (keycloak.state !== 'Observed') return observation;
  // Roles go with their client.
  const clientRoles = client === undefined ? [] : keycloak.clientRoles;
  return { ...observation, keycloak: { ...keycloak, client, clientRoles } };
}

function withClientRole(observation: Observation, role: string): Observation {
  const { keycloak } = observation;
  if (keycloak.state !== 'Observed') return observation;
  return { ...observation, keycloak: { ...keycloak, clientRoles: [...keycloak.clientRoles, role] } };
}

/** What the policy itself observes once a change of its own has had its effect. */
export function take(observation: Observation, effect: Effect): Observation {
  switch (effect.kind) {
    case 'Policy':
      return { ...observation, policy: effect.policy };
    case 'Object': {
      const { object } = effect;
      if (object.kind !== 'ServiceAccount') return { ...observation, ...withObject(observation, object) };
      const verdicts = verdictsWith(observation, object.metadata.name, argoRule(object));
      return { ...observation, ...withObject(observation, object), verdicts };
    }
    case 'ObjectGone': {
      const { kind, name } = effect.ref;
      const left = { ...observation, ...withoutObject(observation, effect.ref) };
      return kind === 'ServiceAccount'
        ? { ...left, verdicts: verdictsWith(observation, name, undefined) }
        : left;
    }
    case 'Shared':
      return { ...observation, server: serverWith(observation.server, effect.object) };
    case 'Client':
      return withClient(observation, effect.client);
    case 'ClientRole':
      return withClientRole(observation, effect.role);
    case 'Proof':
      return { ...observation, proof: effect.proof };
    case 'None':
      return observation;
  }
}

/** Whether two policies speak of the same client. */
function shareClient(a: Observation, b: Observation): boolean {
  const place = ({ policy: { spec }, keycloak }: Observation) =>
    keycloak.state === 'Observed' && spec.client !== undefined
      ? JSON.stringify([spec.keycloak.connection, keycloak.realm, spec.client.clientId])
      : undefined;
  return place(a) !== undefined && place(a) === place(b);
}

function withNeighbour(observation: Observation, policy: Policy, gone: boolean): Observation {
  const { uid } = policy.metadata;
  const others = observation.neighbours.filter(({ metadata }) => metadata.uid !== uid);
  // How a neighbour is seen may leave out its client: only what came of it is new.
  const seen = observation.neighbours.find(({ metadata }) => metadata.uid === uid);
  const live = new Set([...observation.livePolicyUids].filter(each => !gone || each !== uid));
  if (seen === undefined || gone) return { ...observation, neighbours: others, livePolicyUids: live };
  const now = { ...seen, metadata: policy.metadata };
  return { ...observation, neighbours: observation.neighbours.map(each => (each === seen ? now : each)) };
}

/** What another policy observes once a change of this one has had its effect. */
export function overhear(observation: Observation, from: Observation, effect: Effect): Observation {
  const { namespace } = observation.policy.metadata;
  switch (effect.kind) {
    case 'Policy':
      return withNeighbour(observation, effect.policy, effect.gone);
    case 'Object': {
      const { kind, metadata } = effect.object;
      // Accounts and Secrets are looked at in the policy's own namespace; bindings wherever they are.
      return kind === 'RoleBinding' || metadata.namespace === namespace
        ? take(observation, effect)
        : observation;
    }
    case 'ObjectGone':
      return effect.ref.kind === 'RoleBinding' || effect.ref.namespace === namespace
        ? take(observation, effect)
        : observation;
    case 'Shared':
      return take(observation, effect);
    case 'Client':
    case 'ClientRole':
      return shareClient(observation, from) ? take(observation, effect) : observation;
    case 'Proof':
    case 'None':
      return observation;
  }
}
