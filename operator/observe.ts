import type { Policy } from './api/objects.ts';
import type { Effects, Targets } from './apply.ts';
import type { KeycloakRealm } from './keycloak/realm.ts';
import type { KubernetesWriter } from './kubernetes/write.ts';
import { type ClusterSources, observeCluster } from './observe-cluster.ts';
import {
  asksKeycloak,
  type ClientMemory,
  type KeycloakSources,
  observeRealm,
  readClient,
} from './observe-keycloak.ts';
import type { Change } from './policy/change.ts';
import { partOf } from './policy/conclusions.ts';
import { objectOf } from './policy/describe-change.ts';
import type { Observation, Proof } from './policy/observation.ts';
import type { DueCause } from './policy/rotation-due.ts';

/** What observing needs of the world. */
export interface ObserverOptions extends ClusterSources, KeycloakSources {
  readonly kubernetes: KubernetesWriter;
}

/** Opens a look at one policy after another. */
export interface Observer {
  /** undefined where there is no such policy; the key is `namespace/name`. */
  readonly open: (key: string) => Sight | undefined;
}

/** What a reconcile has done. */
export interface Done {
  /** Kinds and names of the objects that were changed, each once. */
  readonly changed: readonly string[];
  /** Whether Keycloak has made a new secret, now or earlier where no status tells of it yet. */
  readonly regenerated: DueCause | undefined;
  /** Whether an earlier reconcile has told so. */
  readonly isTold?: boolean;
}

/** All that one reconcile knows of one policy, growing with what its own writes answer. */
export interface Sight {
  /** The policy as last seen; undefined once it is gone. */
  readonly policy: () => Policy | undefined;
  /** What Kubernetes says; Keycloak is not asked. */
  readonly observeCluster: (signal: AbortSignal) => Promise<Observation>;
  /** Adds what Keycloak says of the policy's client and groups. */
  readonly observeKeycloak: (cluster: Observation, signal: AbortSignal) => Promise<Observation>;
  /** Whether the client was not read for this reconcile; from now on it will be. */
  readonly needsFreshClient: () => boolean;
  /** Whether the policy has changed, or is to go, since this reconcile began: what it planned is not wanted any more. */
  readonly isOvertaken: () => boolean;
  /** A change was made. */
  readonly made: (change: Change) => void;
  /** What was done in this reconcile. */
  readonly done: () => Done;
  /** A write there was refused: look whether the namespace is going away. */
  readonly suspect: (namespace: string) => void;
  /** Where this reconcile's changes go. */
  readonly targets: () => Targets;
}

/** Makes the only place that reads. */
export function createObserver(options: ObserverOptions): Observer {
  // Kept from one reconcile to the next: a namespace that is going away refuses writes until it is gone.
  const suspects = new Set<string>();
  // Kept until a status tells of it: the next look would take what the operator did for somebody else's deed.
  const deeds = new Map<string, Deed>();
  return {
    open: key => {
      const deed = deeds.get(key);
      const [namespace = '', name = ''] = key.split('/');
      const policy = options.cache.policies.get(namespace, name);
      const { uid } = policy?.metadata ?? {};
      const revision = policy?.status?.secret?.revision;
      if (deed?.uid !== uid || deed?.revision !== revision) deeds.delete(key);
      if (policy === undefined) return undefined;
      const keep = ({ cause, isTold }: Pick<Deed, 'cause' | 'isTold'>) =>
        deeds.set(key, { cause, isTold, uid, revision });
      return openSight(options, policy, suspects, { known: deeds.get(key), keep });
    },
  };
}

/** What a reconcile has learned by its own reads and writes. */
interface Memory extends ClientMemory {
  policy: Policy | undefined;
  proof: Proof | undefined;
  readonly changed: Set<string>;
  regenerated: DueCause | undefined;
  /** Whether an earlier reconcile has told of the new secret. */
  isTold: boolean;
}

/** A new secret that the operator has had made, until the status tells of it. */
interface Deed {
  readonly cause: DueCause;
  readonly isTold: boolean;
  /** Of the policy. */
  readonly uid: string | undefined;
  /** The revision in the status when it was made. */
  readonly revision: number | undefined;
}

/** What is known of a new secret from an earlier reconcile, and where this one keeps what it knows. */
interface DeedMemory {
  readonly known: Deed | undefined;
  readonly keep: (deed: Pick<Deed, 'cause' | 'isTold'>) => void;
}

function openSight(options: ObserverOptions, policy: Policy, suspects: Set<string>, deed: DeedMemory): Sight {
  const { cache, kubernetes, leadership } = options;
  const memory: Memory = {
    openedAt: options.now(),
    policy,
    client: undefined,
    isCurrent: false,
    wantsFresh: false,
    lastWasFresh: true,
    proof: undefined,
    createdRoles: new Set(),
    changed: new Set(),
    issuerAnswers: undefined,
    regenerated: deed.known?.cause,
    isTold: deed.known?.isTold ?? false,
  };
  // Opened only when asked: a policy may name any realm, and opened ones are kept.
  const realm = () => realmOf(options, policy);
  const clientId = policy.spec.client?.clientId;
  const current = () => memory.policy ?? policy;
  const effects: Effects = {
    objectWritten: object => cache.put(object),
    objectDeleted: ref => cache.remove(ref),
    sharedWritten: object => cache.putShared(object),
    policyWritten: written => {
      memory.policy = written;
      const { namespace, name, uid } = policy.metadata;
      if (written === undefined) cache.policies.remove(namespace, name, uid);
      else cache.policies.put(written);
    },
    clientTouched: () => {
      if (clientId !== undefined) realm()?.snapshot.drop(clientId);
    },
    clientRead: client => {
      memory.client = { value: client };
      memory.isCurrent = true;
      if (client !== undefined) realm()?.snapshot.put(client);
    },
    roleCreated: role => memory.createdRoles.add(role),
    regenerated: cause => {
      memory.regenerated = cause;
      memory.isTold = false;
      deed.keep({ cause, isTold: false });
    },
    proved: proof => {
      memory.proof = proof;
    },
  };
  return {
    policy: () => memory.policy,
    observeCluster: signal => observeCluster(options, current(), memory.proof, suspects, signal),
    observeKeycloak: async (cluster, signal) => {
      signal.throwIfAborted();
      const asked = asksKeycloak(cluster) ? realm() : undefined;
      if (asked === undefined) return cluster;
      return { ...cluster, keycloak: await observeRealm(options, cluster.policy, asked, memory) };
    },
    needsFreshClient: () => {
      memory.wantsFresh = true;
      return !memory.lastWasFresh;
    },
    isOvertaken: () => {
      const { namespace, name, uid, generation, deletionTimestamp } = policy.metadata;
      const now = cache.policies.get(namespace, name)?.metadata;
      if (now === undefined || now.uid !== uid) return false;
      return now.generation !== generation || now.deletionTimestamp !== deletionTimestamp;
    },
    made: change => {
      options.contest.record(current(), change);
      if (partOf(change) !== undefined && !STEPS.has(change.kind)) {
        memory.changed.add(objectOf(change, current()));
      }
    },
    done: () => {
      const { regenerated, isTold } = memory;
      if (regenerated !== undefined) deed.keep({ cause: regenerated, isTold: true });
      return { changed: [...memory.changed], regenerated, isTold };
    },
    suspect: namespace => suspects.add(namespace),
    targets: () => ({
      policy: current(),
      kubernetes,
      keycloak: realm(),
      effects,
      currentClient: async () => {
        const asked = realm();
        if (memory.isCurrent || asked === undefined || clientId === undefined) return memory.client?.value;
        return readClient(clientId, asked, memory);
      },
      isLeader: leadership.isLeader,
      claim: () => leadership.claim(policy.metadata.uid),
    }),
  };
}

/** Changes that bring nothing back to what it was: a question, and the steps of a rotation. */
const STEPS: ReadonlySet<Change['kind']> = new Set([
  'ProveSecret',
  'RegenerateSecret',
  'EndOverlap',
  'RollDeployment',
]);

function realmOf({ connections }: ObserverOptions, { spec }: Policy): KeycloakRealm | undefined {
  return connections.realm(spec.keycloak.connection, spec.keycloak.realm);
}
