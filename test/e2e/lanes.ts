import { type FaultProxy, isWrite, type Seen, startProxy } from '../env/proxy.ts';
import { sharedEnvironment } from '../env/shared.ts';
import type { World, WorldConfig } from './world.ts';

/**
 * What one policy has for itself alone: two namespaces, and a connection to Keycloak with a proxy of its own. So
 * its requests can be told from those of others, and stopped after a certain write: what the operator would do for
 * this policy from then on never reaches a server, exactly as if it had been killed at that moment; it keeps nothing
 * but in its memory, so that it makes no difference whether the last answer reached it. Once several lanes have come
 * to a stop, one kill serves them all.
 */
export interface Lane {
  readonly home: string;
  readonly team: string;
  readonly connection: string;
  readonly keycloak: FaultProxy;
  /** Lets everything through, and stops after so many writes from now on; without a number it never does. */
  readonly open: (stopAfter?: number) => void;
  /** Whether all that follows is held. */
  readonly closed: () => boolean;
  /** Whether it is closed, and the last write that was let through has been answered. */
  readonly stopped: () => boolean;
  /**
   * Writes since it was opened, without those of status and events: of these there is one more or less, as it
   * happens that Kubernetes fills a token before or after the operator looks.
   */
  readonly lastingWrites: () => number;
  /** Looks at a request; true where it is to be held. */
  readonly holds: (request: Seen) => boolean;
}

/** Starts lanes `1` to the given number. */
export async function startLanes(count: number): Promise<readonly Lane[]> {
  const { keycloak } = await sharedEnvironment();
  return Promise.all(Array.from({ length: count }, (_, index) => startLane(index + 1, keycloak.url)));
}

async function startLane(number: number, target: string): Promise<Lane> {
  const proxy = await startProxy({ target });
  let limit = Number.POSITIVE_INFINITY;
  let passed: Seen[] = [];
  const holds = (request: Seen) => {
    if (passed.length >= limit) return true;
    if (isWrite(request)) passed.push(request);
    return false;
  };
  await proxy.fail({ kind: 'hang', matches: holds });
  return {
    home: `home-${number}`,
    team: `crew-${number}`,
    connection: `lane-${number}`,
    keycloak: proxy,
    open: (stopAfter = Number.POSITIVE_INFINITY) => {
      limit = stopAfter;
      passed = [];
    },
    closed: () => passed.length >= limit,
    stopped: () => passed.length >= limit && passed.every(({ status }) => status !== undefined),
    lastingWrites: () => passed.filter(({ path }) => !/\/(status|events)(\?|$)/.test(path)).length,
    holds,
  };
}

/** Lets each lane hold its requests to the API server of a world too. */
export async function guardLanes({ api }: World, lanes: readonly Lane[]): Promise<void> {
  await api.fail({
    kind: 'hang',
    matches: request => {
      const [, namespace] = /\/namespaces\/([^/?]+)/.exec(request.path) ?? [];
      const lane = lanes.find(({ home, team }) => home === namespace || team === namespace);
      return lane?.holds(request) ?? false;
    },
  });
}

/** The operator's configuration with a connection and a served namespace for each lane, like those that are there. */
export function withLanes(config: WorldConfig, lanes: readonly Lane[]): WorldConfig {
  const [connection] = config.connections;
  const [namespace] = config.namespaces;
  return {
    ...config,
    connections: [
      ...config.connections,
      ...lanes.map(lane => ({ ...connection, name: lane.connection, url: lane.keycloak.url })),
    ],
    namespaces: [
      ...config.namespaces,
      ...lanes.map(({ home, team, ...lane }) => ({
        ...namespace,
        name: home,
        connections: [{ name: lane.connection }],
        clusterRoles: ['argo-access-admin', 'argo-access-submitter', 'argo-access-viewer'].map(name => ({
          name,
          namespaces: [home, team],
        })),
      })),
    ],
  };
}
