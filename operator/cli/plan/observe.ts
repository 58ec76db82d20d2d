import type { Policy } from '../../api/objects.ts';
import { GROUP, PLURAL } from '../../api/schema.ts';
import { createRuleEngine, type RuleEngine } from '../../argo/engine.ts';
import { createForeignRuleJudge, type ForeignRuleJudge } from '../../argo/foreign.ts';
import { createGroupFilter, type GroupFilter } from '../../argo/group-filter.ts';
import { createWhenJudge, type WhenJudge } from '../../argo/when.ts';
import { KeycloakError } from '../../keycloak/errors.ts';
import type { KeycloakRealm } from '../../keycloak/realm.ts';
import { type ClusterReader, createReader } from '../../kubernetes/reader.ts';
import { type ClusterSources, observeCluster } from '../../observe-cluster.ts';
import { asksKeycloak, type ClientMemory, observeRealm } from '../../observe-keycloak.ts';
import { createAccessReview } from '../../observe-server.ts';
import { blocksEverything, PERMISSION_CHECKS } from '../../policy/checks.ts';
import { planClient } from '../../policy/client.ts';
import { NOTHING_FILTERED } from '../../policy/nothing-seen.ts';
import type { KeycloakObservation, Observation } from '../../policy/observation.ts';
import { createdClient } from '../../policy/simulate-keycloak.ts';
import type { Cluster } from '../live/cluster.ts';
import { type Asked, explainFailure } from '../live/failure.ts';
import type { KeycloakAccess } from '../live/keycloak.ts';
import { type ClusterView, collectionKey } from './cluster-view.ts';
import type { MergedPolicy } from './policies.ts';
import { supposeHeld, supposeThere } from './secrets.ts';

/** What observing the policies to plan needs. */
export interface Sources {
  readonly cluster: Cluster;
  readonly keycloak: KeycloakAccess;
  readonly view: ClusterView;
  readonly engine: RuleEngine;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Told, each once, what could not be looked at. */
  readonly note: (text: string) => void;
}

const NAMESPACES = { group: '', plural: 'namespaces' };
const CRDS = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };

const NO_ENGINE = "Argo's rule engine cannot be started, so that no rule by an expression is tried";

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Without an engine the rest is planned all the same, as the operator goes on without. */
function judgeOrNote(judge: ForeignRuleJudge, note: Sources['note']): ForeignRuleJudge {
  return async (rules, signal) => {
    try {
      return await judge(rules, signal);
    } catch (error) {
      signal?.throwIfAborted();
      note(`${NO_ENGINE}: ${whyOf(error)}`);
      return new Map();
    }
  };
}

function tryOrNote(judge: WhenJudge, note: Sources['note']): WhenJudge {
  return async (namespace, expressions, signal) => {
    try {
      return await judge(namespace, expressions, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const message = whyOf(error);
      note(`${NO_ENGINE}: ${message}`);
      return new Map(expressions.map(expression => [expression, { kind: 'unjudged', message }]));
    }
  };
}

/** What is wrong with a group filter keeps Argo from starting; that it was not tried is told, and no more. */
function filterOrNote(filter: GroupFilter, note: Sources['note']): GroupFilter {
  return async (regexes, groups, signal) => {
    try {
      return await filter(regexes, groups, signal);
    } catch (error) {
      signal?.throwIfAborted();
      note(`${NO_ENGINE}: ${whyOf(error)}`);
      return NOTHING_FILTERED;
    }
  };
}

/** The reader, with failures for people. */
function explainingReader({ client, place, signal }: Cluster): ClusterReader {
  const reader = createReader(client);
  const explained = async <T>(asked: Asked, reading: Promise<T>): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      signal.throwIfAborted();
      throw explainFailure(place, asked, error);
    }
  };
  const crd = `${PLURAL}.${GROUP}`;
  return {
    ...reader,
    clusterUid: abort =>
      explained({ verb: 'get', resource: NAMESPACES, name: 'kube-system' }, reader.clusterUid(abort)),
    namespacePhase: (name, abort) =>
      explained({ verb: 'get', resource: NAMESPACES, name }, reader.namespacePhase(name, abort)),
    crdEnding: abort => explained({ verb: 'get', resource: CRDS, name: crd }, reader.crdEnding(abort)),
  };
}

/** What the operator itself would look with, but for what it remembers of its own doing. */
async function clusterSources({
  cluster,
  keycloak,
  view,
  engine,
  now,
  note,
}: Sources): Promise<ClusterSources> {
  const reader = explainingReader(cluster);
  return {
    config: keycloak.config,
    clusterUid: await reader.clusterUid(cluster.signal),
    cache: view.cache,
    reader,
    foreignRules: judgeOrNote(createForeignRuleJudge(engine), note),
    when: tryOrNote(createWhenJudge(engine, { patient: true }), note),
    groupFilter: filterOrNote(createGroupFilter(engine), note),
    accessReview: createAccessReview(reader, () => now),
    // The operator that leads is the one that will carry it out.
    leadership: {
      isLeader: () => true,
      isKnownLeader: () => true,
      standing: () => ({ state: 'Leads' }),
      claim: async () => undefined,
      stop: async () => {},
    },
    contest: { record: () => {}, contested: () => [] },
    now: () => now,
  };
}

function freshMemory(now: number): ClientMemory {
  return {
    openedAt: now,
    client: undefined,
    isCurrent: false,
    wantsFresh: true,
    lastWasFresh: true,
    issuerAnswers: undefined,
    createdRoles: new Set(),
  };
}

/** Nothing is asked of Keycloak in the name of a policy that may not ask for what it asks for. */
function mayAsk(observation: Observation): boolean {
  const { spec, metadata } = observation.policy;
  if (spec.suspend && metadata.deletionTimestamp === undefined) return false;
  const violations = PERMISSION_CHECKS.flatMap(check => check(observation) ?? []);
  return asksKeycloak(observation) && !blocksEverything(violations);
}

type Observed = Extract<KeycloakObservation, { readonly state: 'Observed' }>;

/** Whether the realm's rotation policy will apply to a client that is yet to be made. */
async function coverageToCome(
  observation: Observation,
  realm: KeycloakRealm,
  observed: Observed,
): Promise<Observed> {
  const rotates = observation.policy.spec.client?.secret.rotation !== undefined;
  const [create] = rotates ? planClient({ ...observation, keycloak: observed }) : [];
  if (create?.kind !== 'CreateClient') return observed;
  try {
    const client = createdClient(create.fields, create.mappers, observation.now);
    return { ...observed, coverage: await realm.coverage(client) };
  } catch (error) {
    if (!(error instanceof KeycloakError) || error.kind !== 'Forbidden') throw error;
    return { ...observed, coverageHidden: error.message };
  }
}

async function observeKeycloak(sources: Sources, observation: Observation): Promise<Observation> {
  const { keycloak, now } = sources;
  const { policy } = observation;
  const { connection, realm: named } = policy.spec.keycloak;
  const realm = mayAsk(observation) ? keycloak.connections.realm(connection, named) : undefined;
  if (realm === undefined) return observation;
  const options = { ...keycloak, now: () => now };
  const observed = await observeRealm(options, policy, realm, freshMemory(now));
  if (observed.state !== 'Observed') return { ...observation, keycloak: observed };
  return { ...observation, keycloak: await coverageToCome(observation, realm, observed) };
}

/** What the user may not read, and the plan cannot do without, ends the command. */
function assertRead({ view, cluster }: Sources, { unread, policy, allowance }: Observation): void {
  const [first] = allowance === undefined ? [] : unread;
  if (first === undefined) return;
  const refusal = view.refusals.get(collectionKey(first));
  cluster.signal.throwIfAborted();
  throw refusal ?? new Error(`${first.plural} of ${policy.metadata.namespace} have not been read`);
}

/** The policy by which Secrets were written last; of a stored spec that cannot be read, too little is known. */
function inForce({ policy, before }: MergedPolicy): Policy | undefined {
  return before?.invalid === undefined ? before : policy;
}

function withSecrets({ view }: Sources, observation: Observation, before: Policy | undefined): Observation {
  const hidden = view.secretsHidden.has(observation.policy.metadata.namespace);
  return supposeHeld(hidden ? supposeThere(observation, before) : observation, before);
}

/** What the operator would observe of each policy right after the merge. */
export async function observeMerged(
  sources: Sources,
  merged: readonly MergedPolicy[],
): Promise<readonly Observation[]> {
  const { signal } = sources.cluster;
  const options = await clusterSources(sources);
  return Promise.all(
    merged.map(async each => {
      const observation = await observeCluster(options, each.policy, undefined, new Set(), signal);
      assertRead(sources, observation);
      return withSecrets(sources, await observeKeycloak(sources, observation), inForce(each));
    }),
  );
}

/** Argo's rule engine for as long as the work takes. */
export async function withEngine<T>(
  wasmPath: string | undefined,
  work: (engine: RuleEngine) => Promise<T>,
): Promise<T> {
  const engine = createRuleEngine(wasmPath === undefined ? {} : { wasmPath });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
