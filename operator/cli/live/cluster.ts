import { dnsLabel, rbacName } from '../../api/fields.ts';
import { createKubernetesClient, type KubernetesClient } from '../../kubernetes/client.ts';
import { collectionPath, objectPath, type Resource } from '../../kubernetes/paths.ts';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';
import { type Asked, explainFailure, isKind } from './failure.ts';
import { untilInterrupted } from './interrupt.ts';
import { type ClusterChoice, chooseCluster, type Place } from './kubeconfig.ts';

/** Options of a command that looks at a cluster. */
export interface LiveOptions extends ClusterChoice {
  /** Default: the context's. */
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** A change that is sent to an object. */
export interface Write extends Asked {
  readonly verb: 'create' | 'patch' | 'delete';
  readonly resource: Resource;
  readonly namespace: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  /** Of a patch; default a merge patch. */
  readonly contentType?: string;
}

/**
 * A cluster that a command looks at, with the rights of whoever runs it. What the API server does not do ends the
 * command with a message for people: these functions throw `CommandFailure`, whose cause is the `KubernetesError`.
 */
export interface Cluster {
  readonly place: Place;
  /** The namespace to look at; undefined for all. */
  readonly scope: string | undefined;
  /** The namespace that was named, or the context's. */
  readonly namespace: string;
  /** Aborted by Ctrl-C. To be given to whatever waits. */
  readonly signal: AbortSignal;
  /** For what the functions here do not do; throws `KubernetesError` as it comes. */
  readonly client: KubernetesClient;
  /** One object; undefined where it is not there. */
  readonly get: <T>(resource: Resource, namespace: string, name: string) => Promise<T | undefined>;
  /** All objects of a namespace, or of all. */
  readonly list: <T>(
    resource: Resource,
    namespace: string | undefined,
    query?: Readonly<Record<string, string>>,
  ) => Promise<readonly T[]>;
  /** Sends a change; gives the answer. */
  readonly write: <T>(write: Write) => Promise<T>;
}

/** Objects that one answer of a list holds. */
const PAGE = '500';
const DEADLINE_MS = 15_000;
const METHODS = { create: 'POST', patch: 'PATCH', delete: 'DELETE' } as const;

interface Page<T> {
  readonly items: readonly T[];
  readonly metadata?: { readonly continue?: string };
}

/** Runs the work of a command in the chosen cluster, until it is done or interrupted. */
export async function inCluster<T>(
  options: LiveOptions,
  terminal: Pick<Terminal, 'interrupt'>,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { config, place } = chooseCluster(options);
  const client = createKubernetesClient({ config, userAgent: 'argo-access', deadlineMs: DEADLINE_MS });
  const { namespace = place.namespace, allNamespaces = false } = options;
  try {
    return await untilInterrupted(terminal, signal =>
      work({
        place,
        namespace,
        scope: allNamespaces ? undefined : namespace,
        signal,
        client,
        ...requests(client, place, signal),
      }),
    );
  } finally {
    await client.close();
  }
}

/** Ends the command where a name is none: the path that it made would be of something else. */
export function assertNamed({ namespace, name }: Pick<Asked, 'namespace' | 'name'>): void {
  const judged = [
    ['namespace', namespace, dnsLabel],
    ['name', name, rbacName],
  ] as const;
  for (const [what, given, schema] of judged) {
    if (given === undefined || schema.safeParse(given).success) continue;
    throw new CommandFailure(`${JSON.stringify(given)} can be no ${what}; correct it`, ExitCode.Failed);
  }
}

function requests(client: KubernetesClient, place: Place, signal: AbortSignal) {
  const explained = async (asked: Asked, request: Promise<unknown>) => {
    try {
      return await request;
    } catch (error) {
      throw explainFailure(place, asked, error);
    }
  };
  const get: Cluster['get'] = async <T>(resource: Resource, namespace: string, name: string) => {
    assertNamed({ namespace, name });
    const path = objectPath(resource, namespace, name);
    try {
      const request = client.request({ method: 'GET', path, signal });
      return (await explained({ verb: 'get', resource, namespace, name }, request)) as T;
    } catch (error) {
      if (isKind(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const list: Cluster['list'] = async <T>(
    resource: Resource,
    namespace: string | undefined,
    query: Readonly<Record<string, string>> = {},
  ) => {
    assertNamed({ namespace });
    const path = collectionPath(resource, namespace);
    const items: T[] = [];
    let next = '';
    do {
      const paged = { ...query, limit: PAGE, ...(next !== '' && { continue: next }) };
      const request = client.request({ method: 'GET', path, query: paged, signal });
      const page = (await explained({ verb: 'list', resource, namespace }, request)) as Page<T>;
      items.push(...page.items);
      next = page.metadata?.continue ?? '';
    } while (next !== '');
    return items;
  };
  const write: Cluster['write'] = async <T>(asked: Write) => {
    const { verb, resource, namespace, name, body, query, contentType } = asked;
    assertNamed(asked);
    const path =
      name === undefined ? collectionPath(resource, namespace) : objectPath(resource, namespace, name);
    const type = contentType ?? (verb === 'patch' ? 'application/merge-patch+json' : 'application/json');
    const request = client.request({
      method: METHODS[verb],
      path,
      contentType: type,
      signal,
      ...(query !== undefined && { query }),
      ...(body !== undefined && { body }),
    });
    return (await explained(asked, request)) as T;
  };
  return { get, list, write };
}
