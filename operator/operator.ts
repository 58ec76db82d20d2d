import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Policy } from './api/objects.ts';
import { createRuleEngine } from './argo/engine.ts';
import { createForeignRuleJudge, type ForeignRuleJudge } from './argo/foreign.ts';
import { createGroupFilter } from './argo/group-filter.ts';
import { createWhenJudge, orUnjudged } from './argo/when.ts';
import { type OperatorConfig, readCa, readCredentials } from './config.ts';
import { createContest } from './contest.ts';
import { type Controller, startController } from './controller.ts';
import { type Connections, createConnections } from './keycloak/connections.ts';
import type { KeycloakError } from './keycloak/errors.ts';
import { type ClusterCache, startCache } from './kubernetes/cache.ts';
import { createKubernetesClient, type KubernetesClient } from './kubernetes/client.ts';
import { KubernetesError } from './kubernetes/errors.ts';
import { startElection } from './kubernetes/lease.ts';
import { type ClusterReader, createReader } from './kubernetes/reader.ts';
import { missingRights } from './kubernetes/rights.ts';
import { createWriter } from './kubernetes/write.ts';
import { createLeadership } from './leadership.ts';
import { createPolicyLog } from './log.ts';
import type { KeycloakOutcome, MetricSources, Metrics } from './metrics.ts';
import { createObserver } from './observe.ts';
import { createAccessReview } from './observe-server.ts';
import { asksForRotation } from './policy/rotation-observed.ts';
import { leaseName } from './rbac.ts';
import { type Outcome, type Reconciler, reconcile } from './reconcile.ts';
import { createStatusWriter } from './status.ts';

/** A running operator. */
export interface Operator {
  /** Whether it knows the policies of the cluster. */
  readonly isReady: () => boolean;
  /** What its metrics show of it at the moment. */
  readonly measured: MetricSources;
  /** Ends what is under way, and closes every connection. */
  readonly stop: () => Promise<void>;
}

/** What an operator runs with. */
export interface OperatorOptions {
  readonly config: OperatorConfig;
  /** Path of a kubeconfig; the Pod's own account, or the user's default, where it is left out. */
  readonly kubeconfigPath?: string;
  /** Path of the rule engine's WebAssembly module. */
  readonly ruleEnginePath?: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, by which is decided; the machine's clock by default. */
  readonly now?: () => number;
}

const COMPONENT = 'argo-access-operator';
const DEFAULT_NAMESPACE = 'argo-access';
const FIRST_TRY_MS = 500;
const LAST_TRY_MS = 15_000;
/** For policies of a connection that is not configured. */
const DEFAULT_RESYNC_MS = 300_000;

async function sayMissingRights(client: KubernetesClient, options: OperatorOptions): Promise<void> {
  const { config, log, signal } = options;
  try {
    for (const { message } of await missingRights(client, config, signal, operatorNamespace(client)))
      log.warn(message);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    log.warn({ reason: error.kind }, `cannot tell which rights are missing: ${error.message}`);
  }
}

async function clusterUid(reader: ClusterReader, signal: AbortSignal): Promise<string | KubernetesError> {
  try {
    return await reader.clusterUid(signal);
  } catch (error) {
    if (error instanceof KubernetesError) return error;
    throw error;
  }
}

/**
 * The cluster's uid, however long the API server takes to answer, or to allow the question. Which rights are missing
 * is told at its first answer.
 */
async function awaitCluster(
  client: KubernetesClient,
  reader: ClusterReader,
  options: OperatorOptions,
): Promise<string> {
  const { log, signal } = options;
  let told = false;
  for (let wait = FIRST_TRY_MS; ; wait = Math.min(wait * 2, LAST_TRY_MS)) {
    const answer = await clusterUid(reader, signal);
    const answered = typeof answer === 'string' || answer.kind === 'Forbidden';
    if (answered && !told) await sayMissingRights(client, options);
    told ||= answered;
    if (typeof answer === 'string') return answer;
    log.warn({ reason: answer.kind }, `cannot start yet: ${answer.message}`);
    await pause(wait, undefined, { signal });
  }
}

function startCaches(client: KubernetesClient, { config, log }: OperatorOptions): ClusterCache {
  const targets = config.namespaces.flatMap(({ clusterRoles, roles }) =>
    [...clusterRoles, ...roles].flatMap(({ namespaces }) => namespaces),
  );
  return startCache({
    client,
    served: config.namespaces.map(({ name }) => name),
    named: config.namespaces.map(({ name, configMaps, deployments }) => ({
      namespace: name,
      configMaps,
      deployments,
    })),
    targets,
    onState: (collection, state, message) => {
      if (state === 'synced') log.info({ collection }, 'read');
      else if (message !== '') log.warn({ collection, state }, message);
    },
  });
}

/** Opens the connections; nothing is sent yet. Throws where a certificate cannot be read. */
async function connect(
  { config, log, metrics, now }: OperatorOptions,
  policies: () => readonly Policy[],
  onRecovery: (connection: string) => void,
): Promise<Connections> {
  const options = await Promise.all(
    config.connections.map(async connection => {
      const ca = await readCa(connection);
      return {
        ...connection,
        readCredentials: () => readCredentials(connection),
        onHealth: (error: KeycloakError | undefined) => {
          if (error !== undefined) return log.warn({ connection: connection.name }, error.message);
          log.info({ connection: connection.name }, 'Keycloak answers again');
          onRecovery(connection.name);
        },
        onOutcome: (outcome: KeycloakOutcome) => metrics.keycloakAnswered(connection.name, outcome),
        ...(ca !== undefined && { ca }),
      };
    }),
  );
  const realmOf = (name: string) => config.connections.find(each => each.name === name)?.realm;
  const wanted = (connection: string, realm: string) =>
    policies().flatMap(({ spec: { client, keycloak } }) => {
      const same = keycloak.connection === connection && (keycloak.realm ?? realmOf(connection)) === realm;
      return same && client !== undefined ? [client.clientId] : [];
    });
  return createConnections(options, wanted, now);
}

/** Waits until the cluster has been read; throws the signal's reason where the process is to end before that. */
async function settle(cache: ClusterCache, signal: AbortSignal): Promise<void> {
  const { promise: ending, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  await Promise.race([cache.whenSettled(), ending]);
}

/** A judge without which the operator goes on: what it says of others' rules is a warning, and blocks nothing. */
function judgeOrSay(judge: ForeignRuleJudge, log: Logger): ForeignRuleJudge {
  return async (rules, signal) => {
    try {
      return await judge(rules, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      log.warn(`rules that others have written are not judged: ${why}`);
      return new Map();
    }
  };
}

/** What the API server does not answer is looked at again later; it is no fault of the operator. */
async function reconcileOrSay(
  key: string,
  reconciler: Reconciler,
  log: Logger,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await reconcile(key, reconciler, signal);
  } catch (error) {
    if (!(error instanceof KubernetesError) || signal.aborted) throw error;
    log.warn({ policy: key }, `cannot be looked at: ${error.message}`);
    return { retry: true, lookAgainAt: undefined };
  }
}

/** Where the operator's own Lease is: the namespace that its kubeconfig, or its Pod, works in. */
function operatorNamespace({ config }: KubernetesClient): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? DEFAULT_NAMESPACE;
}

/** Starts the operator; resolves once it has begun to reconcile. Throws where its own files cannot be read. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { config, log, metrics, signal, kubeconfigPath, ruleEnginePath, now = Date.now } = options;
  let controller: Controller | undefined;
  // First of all what can fail for good: what has been started by then would keep the process from ending.
  const connections = await connect(
    options,
    () => cache.policies.all(),
    connection => controller?.wake(({ spec }) => spec.keycloak.connection === connection),
  );
  const client = createKubernetesClient({ ...(kubeconfigPath !== undefined && { kubeconfigPath }) });
  const reader = createReader(client);
  const uid = await awaitCluster(client, reader, options);
  const cache = startCaches(client, options);
  const kubernetes = createWriter(client, COMPONENT, now);
  const engine = createRuleEngine({ ...(ruleEnginePath !== undefined && { wasmPath: ruleEnginePath }) });
  const policyLog = createPolicyLog(log, metrics.failed, metrics.changed);
  const leadership = createLeadership({
    now,
    startElection: outlastMs =>
      startElection({
        client,
        namespace: operatorNamespace(client),
        name: leaseName(config.instanceId),
        identity: `${hostname()}-${randomUUID()}`,
        onLead: () => controller?.wake(asksForRotation),
        onLost: () => {},
        outlastMs,
        log,
      }),
  });
  const served = new Set(config.namespaces.map(({ name }) => name));
  const periods = new Map(config.connections.map(({ name, resyncPeriodMs }) => [name, resyncPeriodMs]));
  const reconciler = {
    observer: createObserver({
      config,
      clusterUid: uid,
      cache,
      reader,
      kubernetes,
      connections,
      foreignRules: judgeOrSay(createForeignRuleJudge(engine), log),
      groupFilter: createGroupFilter(engine),
      when: orUnjudged(createWhenJudge(engine)),
      accessReview: createAccessReview(reader, now),
      leadership,
      contest: createContest(now),
      now,
    }),
    status: createStatusWriter({
      kubernetes,
      put: cache.policies.put,
      mayTell: namespace => served.has(namespace),
      log: policyLog,
    }),
    log: policyLog,
  };
  const release = async () => {
    cache.stop();
    await Promise.all([connections.close(), engine.close(), client.close()]);
  };
  await settle(cache, signal).catch(async error => {
    await release();
    throw error;
  });
  controller = startController({
    cache,
    now,
    reconcile: (key, abort) => reconcileOrSay(key, reconciler, log, abort),
    resyncAfter: ({ spec }) => periods.get(spec.keycloak.connection) ?? DEFAULT_RESYNC_MS,
    onDone: (key, result, seconds) => {
      metrics.reconciled(result, seconds);
      log.debug({ policy: key, result }, 'reconciled');
    },
    onFault: (key, error) => log.error({ policy: key, err: error }, 'a fault of the operator itself'),
  });
  const { depth } = controller;
  return {
    isReady: cache.hasSynced,
    measured: {
      policies: cache.policies.all,
      queueDepth: depth,
      isLeader: leadership.isKnownLeader,
      connections: () =>
        config.connections.map(({ name }) => ({ name, up: connections.failingSince(name) === undefined })),
    },
    stop: async () => {
      // A reconcile may be waiting for a Keycloak that hangs, longer than the process is given to end.
      await Promise.all([controller?.stop(), connections.close()]);
      // Only now is nothing led any more, so that another may begin; also one with another configuration, in here.
      await leadership.stop();
      await release();
    },
  };
}
