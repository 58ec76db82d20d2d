import { FIELD_MANAGER } from '../api/names.ts';
import type { KubernetesClient, KubernetesRequest } from './client.ts';
import { KubernetesError } from './errors.ts';
import { LEASES, type Lease, type LeaseSpec } from './lease-record.ts';
import { collectionPath, objectPath } from './paths.ts';
import type { Clock } from './queue.ts';

/** Which Lease, in which cluster. */
export interface LeasePlace {
  readonly client: Pick<KubernetesClient, 'request'>;
  readonly namespace: string;
  readonly name: string;
}

/** Requests about one Lease, each with a deadline by our own clock. They throw as the client does. */
export interface LeaseRequests {
  /** undefined where there is none. */
  readonly read: (signal: AbortSignal) => Promise<Lease | undefined>;
  readonly create: (spec: LeaseSpec, signal: AbortSignal) => Promise<Lease>;
  /** Fails where the Lease is no longer as it was read, by its `resourceVersion`. */
  readonly replace: (lease: Lease, spec: LeaseSpec, signal: AbortSignal) => Promise<Lease>;
}

/** Deadline of each request; a second one fits before the time of a leader is up. */
const CALL_MS = 4_000;

function whenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

/** Makes the requests about one Lease. */
export function createLeaseRequests({ client, namespace, name }: LeasePlace, clock: Clock): LeaseRequests {
  const collection = collectionPath(LEASES, namespace);
  const path = objectPath(LEASES, namespace, name);
  const query = { fieldManager: FIELD_MANAGER };
  const send = async (request: Omit<KubernetesRequest, 'signal'>, stopping: AbortSignal): Promise<Lease> => {
    const late = new AbortController();
    const signal = AbortSignal.any([stopping, late.signal]);
    const stopTimer = clock.after(CALL_MS, () => {
      const what = `${request.method} ${request.path}`;
      late.abort(new KubernetesError('Unavailable', `${what}: no answer within ${CALL_MS / 1000} s`));
    });
    try {
      // Not left to the client alone: it may be reading credentials, which no signal ends.
      return (await Promise.race([client.request({ ...request, signal }), whenAborted(signal)])) as Lease;
    } finally {
      stopTimer();
    }
  };
  return {
    read: async signal => {
      try {
        return await send({ method: 'GET', path }, signal);
      } catch (error) {
        if (error instanceof KubernetesError && error.kind === 'NotFound') return undefined;
        throw error;
      }
    },
    create: (spec, signal) => {
      const { apiVersion, kind } = LEASES;
      const body = { apiVersion, kind, metadata: { namespace, name }, spec };
      return send({ method: 'POST', path: collection, query, body }, signal);
    },
    replace: (lease, spec, signal) => send({ method: 'PUT', path, query, body: { ...lease, spec } }, signal),
  };
}
