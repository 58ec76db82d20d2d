import type { Policy } from './api/objects.ts';
import type { OperatorConfig } from './config.ts';
import type { Connections } from './keycloak/connections.ts';
import { KeycloakError } from './keycloak/errors.ts';
import type { KeycloakRealm } from './keycloak/realm.ts';
import { judgeKeycloakError } from './keycloak/reasons.ts';
import { mayHaveClient } from './policy/checks-permission.ts';
import { groupsOf } from './policy/desired.ts';
import type { KeycloakClient } from './policy/keycloak-types.ts';
import type { KeycloakObservation, Observation } from './policy/observation.ts';
import { asksForRotation } from './policy/rotation-observed.ts';

/** Where what Keycloak says comes from. */
export interface KeycloakSources {
  readonly config: OperatorConfig;
  readonly connections: Connections;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a reconcile has learned of its client by its own reads and writes. */
export interface ClientMemory {
  /** When the reconcile began, in milliseconds since the epoch. */
  readonly openedAt: number;
  client: { readonly value: KeycloakClient | undefined } | undefined;
  /** Whether that was read since the last look began, so that what is decided by it rests on nothing older. */
  isCurrent: boolean;
  /** Whether the realm's snapshot serves no longer. */
  wantsFresh: boolean;
  /** Whether the client was read during this reconcile. */
  lastWasFresh: boolean;
  /** Whether the discovery document has answered in this reconcile. */
  issuerAnswers: boolean | undefined;
  readonly createdRoles: Set<string>;
}

/** Share of the resync period for which a realm's snapshot serves; the rest is for policies that come late. */
const SNAPSHOT_SHARE = 0.8;

/** A policy without client asks only about the groups of its roles, and nothing once it goes. */
export function asksKeycloak(observation: Observation): boolean {
  const { policy, allowance, crdEnding } = observation;
  if (policy.metadata.deletionTimestamp === undefined) {
    return policy.spec.client !== undefined || groupNames(policy).length > 0;
  }
  return mayHaveClient(observation) && allowance !== undefined && !crdEnding;
}

function groupNames(policy: Policy): readonly string[] {
  const { spec, metadata } = policy;
  if (spec.keycloak.groups.source !== 'Groups' || metadata.deletionTimestamp !== undefined) return [];
  return groupsOf(policy);
}

/** Asks Keycloak for the policy's client and groups; what it does not answer is part of the observation. */
export async function observeRealm(
  options: KeycloakSources,
  policy: Policy,
  realm: KeycloakRealm,
  memory: ClientMemory,
): Promise<KeycloakObservation> {
  const { connection, groups } = policy.spec.keycloak;
  try {
    const issuer = await realm.issuer();
    const [client, lookups] = await Promise.all([
      observeClient(options, policy, realm, memory),
      realm.groups.lookup(groupNames(policy), { fullPath: groups.fullPath }).catch(hidden),
    ]);
    if (lookups instanceof KeycloakError) await insistAlone(lookups, policy, realm, memory);
    const issuerAnswers = await observeIssuer(policy, realm, memory);
    return {
      state: 'Observed',
      realm: realm.name,
      issuer,
      fresh: memory.lastWasFresh,
      client,
      ...(await observeCoverage(policy, realm, client, memory)),
      issuerAnswers,
      clientRoles: await observeRoles(policy, realm, client, memory),
      ...(lookups instanceof KeycloakError
        ? { groups: new Map(), groupsHidden: judgeKeycloakError(lookups) }
        : { groups: lookups }),
    };
  } catch (error) {
    if (!(error instanceof KeycloakError)) throw error;
    const since = options.connections.failingSince(connection) ?? options.now();
    return { state: 'Failed', since, ...judgeKeycloakError(error) };
  }
}

/** A refusal, or a failure of Keycloak's own; that nothing answers at all is thrown on. */
function hidden(error: unknown): KeycloakError {
  if (error instanceof KeycloakError && (error.kind === 'Forbidden' || error.kind === 'ServerError'))
    return error;
  throw error;
}

/**
 * Whether one question alone has failed, so that the Secret can go on following Keycloak: the client itself is asked
 * for, as the snapshot would hide an outage. Throws the failure where that has no answer either.
 */
async function insistAlone(
  failure: KeycloakError,
  { spec }: Policy,
  realm: KeycloakRealm,
  memory: ClientMemory,
): Promise<void> {
  if (spec.client === undefined) throw failure;
  if (failure.kind !== 'Forbidden') await readClient(spec.client.clientId, realm, memory);
}

async function observeClient(
  { config }: KeycloakSources,
  { spec }: Policy,
  realm: KeycloakRealm,
  memory: ClientMemory,
): Promise<KeycloakClient | undefined> {
  if (spec.client === undefined) return undefined;
  if (memory.client !== undefined) {
    memory.lastWasFresh = true;
    memory.isCurrent = false;
    return memory.client.value;
  }
  const { clientId } = spec.client;
  if (memory.wantsFresh) {
    memory.lastWasFresh = true;
    return readClient(clientId, realm, memory);
  }
  const connection = config.connections.find(({ name }) => name === spec.keycloak.connection);
  const maxAge = (connection?.resyncPeriodMs ?? 0) * SNAPSHOT_SHARE;
  const { client, readAt } = await realm.snapshot.get(clientId, maxAge);
  memory.lastWasFresh = readAt >= memory.openedAt;
  return client;
}

/** Reads the client itself, and remembers it. */
export async function readClient(
  clientId: string,
  realm: KeycloakRealm,
  memory: ClientMemory,
): Promise<KeycloakClient | undefined> {
  const value = await realm.clients.find(clientId);
  memory.client = { value };
  memory.isCurrent = true;
  if (value === undefined) realm.snapshot.drop(clientId);
  else realm.snapshot.put(value);
  return value;
}

/** What is known of the realm's secret-rotation policy. */
type Coverage = Pick<Extract<KeycloakObservation, { state: 'Observed' }>, 'coverage' | 'coverageHidden'>;

/** Many policies may be due in the same moment: what was read for one serves the others, in milliseconds. */
const FRESH_MS = 10_000;

const NOT_ASKED: Coverage = { coverage: undefined, coverageHidden: undefined };

/**
 * Asked where a secret rotates, or an old one is still valid. Without the role to ask, or where this alone fails, all
 * but the rotation goes on: whoever rotates nothing need not give it, and an old secret shows that some policy has
 * covered the client. What is planned rests on an answer of just now.
 */
async function observeCoverage(
  policy: Policy,
  realm: KeycloakRealm,
  client: KeycloakClient | undefined,
  memory: ClientMemory,
): Promise<Coverage> {
  const { spec } = policy;
  const rotates = spec.client?.secret.rotation !== undefined;
  const overlaps = client?.secretLife.rotated !== undefined;
  if (client === undefined || !(rotates || overlaps)) return NOT_ASKED;
  try {
    const coverage = await realm.coverage(client, memory.wantsFresh ? FRESH_MS : undefined);
    return { coverage, coverageHidden: undefined };
  } catch (error) {
    const failure = hidden(error);
    await insistAlone(failure, policy, realm, memory);
    const coverage = overlaps ? { rotatedPeriod: 0 } : undefined;
    return { coverage, coverageHidden: rotates ? failure.message : undefined };
  }
}

/** Argo Server is restarted only where it can start: asked once in a reconcile that may do so, and not before. */
async function observeIssuer(policy: Policy, realm: KeycloakRealm, memory: ClientMemory): Promise<boolean> {
  if (!asksForRotation(policy) && policy.spec.server?.deployment === undefined) return true;
  if (memory.wantsFresh) memory.issuerAnswers ??= await realm.issuerAnswers();
  memory.lastWasFresh &&= memory.issuerAnswers !== undefined;
  return memory.issuerAnswers ?? true;
}

async function observeRoles(
  { spec }: Policy,
  realm: KeycloakRealm,
  client: KeycloakClient | undefined,
  { createdRoles }: ClientMemory,
): Promise<readonly string[]> {
  if (spec.keycloak.groups.source !== 'ClientRoles' || client === undefined) return [];
  try {
    return [...new Set([...(await realm.clients.roles(client.id)), ...createdRoles])];
  } catch (error) {
    // That client is gone, and there may be another of its clientId: the next look asks, whatever the snapshot's age.
    if (error instanceof KeycloakError && error.kind === 'NotFound') realm.snapshot.drop(client.clientId);
    throw error;
  }
}
