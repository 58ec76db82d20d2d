import type { ObjectMeta, Policy, ServiceAccount } from './api/objects.ts';
import type { ForeignRuleJudge } from './argo/foreign.ts';
import type { WhenJudge } from './argo/when.ts';
import type { OperatorConfig } from './config.ts';
import type { Contest } from './contest.ts';
import { observeRotation, observeServer, type ServerSources } from './observe-server.ts';
import { argoRule } from './policy/accounts.ts';
import type { NamespaceAllowance } from './policy/allow.ts';
import { mayHaveClient } from './policy/checks-permission.ts';
import { needsVerdicts } from './policy/checks-when.ts';
import { bindingHome, expressionsOf, wantedRoles } from './policy/desired.ts';
import type { ObjectName, Observation, Proof } from './policy/observation.ts';
import { bearsMark } from './policy/ownership.ts';
import { parseRule } from './policy/rules.ts';

const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Where what Kubernetes says comes from. */
export interface ClusterSources extends ServerSources {
  readonly config: OperatorConfig;
  readonly clusterUid: string;
  readonly foreignRules: ForeignRuleJudge;
  readonly when: WhenJudge;
  readonly contest: Contest;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Bindings that the policy has made elsewhere, by its inventory; what others have written into that is left out. */
function bindingsElsewhere({ metadata, status }: Policy): readonly ObjectName[] {
  return (status?.inventory ?? []).flatMap(({ kind, name, namespace = metadata.namespace }) => {
    const isOurs = kind === 'RoleBinding' && bindingHome({ name }) === metadata.namespace;
    const elsewhere = namespace !== metadata.namespace && NAMESPACE.test(namespace);
    return isOurs && elsewhere ? [{ kind, namespace, name }] : [];
  });
}

/** Namespaces in which the policy has objects, or wants some. */
function concernedNamespaces(policy: Policy): ReadonlySet<string> {
  const { metadata, spec } = policy;
  return new Set([
    metadata.namespace,
    ...bindingsElsewhere(policy).map(({ namespace }) => namespace),
    ...spec.roles.flatMap(role => role.grants.flatMap(grant => grant.namespaces ?? [])),
  ]);
}

async function findEnding(
  { cache, reader }: ClusterSources,
  policy: Policy,
  suspects: Set<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const concerned = concernedNamespaces(policy);
  const going = policy.metadata.deletionTimestamp !== undefined;
  const unread = new Set(cache.unread(concerned).flatMap(each => (each.forbidden ? [each.namespace] : [])));
  const doubtful = [...concerned].filter(
    name => going || suspects.has(name) || unread.has(name) || !cache.follows(name),
  );
  const phases = await Promise.all(
    doubtful.map(async name => ({ name, phase: await reader.namespacePhase(name, signal) })),
  );
  for (const { name, phase } of phases) if (phase === 'active') suspects.delete(name);
  return new Set(phases.flatMap(({ name, phase }) => (phase === 'active' ? [] : [name])));
}

/**
 * Gathers what Kubernetes says of a policy, almost all of it from the cache; Keycloak is not asked.
 *
 * @param proof what the token endpoint has said in this reconcile
 * @param suspects namespaces that have refused writes, to be forgotten once they turn out to be there
 */
export async function observeCluster(
  options: ClusterSources,
  policy: Policy,
  proof: Proof | undefined,
  suspects: Set<string>,
  signal: AbortSignal,
): Promise<Observation> {
  const { config, cache, reader } = options;
  const { namespace, uid, deletionTimestamp } = policy.metadata;
  const allowance = config.namespaces.find(({ name }) => name === namespace);
  const connectionOf = ({ spec }: Policy) =>
    config.connections.find(({ name }) => name === spec.keycloak.connection);
  const connection = connectionOf(policy);
  const served = allowance !== undefined;
  const endingNamespaces = served ? await findEnding(options, policy, suspects, signal) : new Set<string>();
  const concerned = [...concernedNamespaces(policy)].filter(name => !endingNamespaces.has(name));
  // What is in a namespace that goes away goes with it, and may no longer be ours to read or delete.
  const stays = ({ metadata }: { readonly metadata: ObjectMeta }) =>
    !endingNamespaces.has(metadata.namespace);
  const neighbours = inOrder(cache.policies.list(namespace))
    .filter(({ metadata, invalid }) => metadata.uid !== uid && invalid === undefined)
    .map(each =>
      mayHaveClient({ policy: each, allowance, connection: connectionOf(each) }) ? each : withoutClient(each),
    );
  const accounts = inOrder(cache.accounts.list(namespace)).filter(stays);
  const wanted = wantedNames(policy, neighbours);
  const kept = ({ metadata }: { readonly metadata: ObjectMeta }) =>
    stays({ metadata }) && (bearsMark(metadata) || wanted.has(metadata.name));
  return {
    now: options.now(),
    operator: {
      instanceId: config.instanceId,
      clusterUid: options.clusterUid,
      formerClusters: config.formerClusters,
      ownClientId: connection?.clientId,
    },
    policy,
    allowance,
    connection,
    endingNamespaces,
    unread: served ? cache.unread(concerned) : [],
    outOfSight: bindingsElsewhere(policy).filter(
      ({ namespace: home }) => !cache.follows(home) && !endingNamespaces.has(home),
    ),
    contested: options.contest.contested(policy),
    crdEnding: deletionTimestamp !== undefined && (await reader.crdEnding(signal)),
    neighbours,
    livePolicyUids: new Set(cache.policies.all().map(each => each.metadata.uid)),
    accounts: accounts.filter(account => kept(account) || argoRule(account) !== undefined),
    secrets: inOrder(cache.secrets.list(namespace).filter(kept)),
    bindings: inOrder(cache.bindings.all().filter(kept)),
    verdicts: await options.foreignRules(foreignRules(accounts), signal),
    expressions: await tryExpressions(options, policy, allowance, signal),
    keycloak: { state: 'NotAsked' },
    server: await observeServer(options, policy, signal),
    rotation: observeRotation(options, policy),
    proof,
  };
}

/** Only what is allowed reaches the engine; what is to go, or to be left alone, needs no verdict. */
async function tryExpressions(
  { when }: ClusterSources,
  policy: Policy,
  allowance: NamespaceAllowance | undefined,
  signal: AbortSignal,
): Promise<Observation['expressions']> {
  if (allowance?.when !== true || !needsVerdicts(policy)) return new Map();
  return when(policy.metadata.namespace, expressionsOf(policy), signal);
}

/** How the others see a policy that has no client: whether there is a login decides about everyone's precedences. */
function withoutClient(policy: Policy): Policy {
  const { client: _, ...spec } = policy.spec;
  return { ...policy, spec };
}

/** By namespace and name: in what order they came must not show in what is said of them. */
function inOrder<T extends { readonly metadata: ObjectMeta }>(objects: readonly T[]): readonly T[] {
  const key = ({ metadata }: T) => `${metadata.namespace}/${metadata.name}`;
  return objects.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function wantedNames(policy: Policy, neighbours: readonly Policy[]): ReadonlySet<string> {
  const { client } = policy.spec;
  return new Set([
    ...(client === undefined ? [] : [client.secret.name]),
    ...wantedRoles(policy, neighbours).flatMap(role => [
      role.serviceAccount,
      role.token.metadata.name,
      ...role.bindings.map(({ metadata }) => metadata.name),
    ]),
  ]);
}

/** Rules that this project did not write; its own never fail. */
function foreignRules(accounts: readonly ServiceAccount[]): ReadonlyMap<string, string> {
  return new Map(
    accounts.flatMap(account => {
      const rule = argoRule(account);
      return rule === undefined || parseRule(rule) !== undefined
        ? []
        : [[account.metadata.name, rule] as const];
    }),
  );
}
