/** What stands before pods, as a Kubernetes Service does. */
export interface PodService {
  /**
   * Lets something use the next pod's address, one after the other; the pod does not end before that is done.
   *
   * @throws NoReadyPod
   */
  readonly through: <T>(use: (url: string) => Promise<T>) => Promise<T>;
}

/** A Service and the way into it. */
export interface PodServiceOwner {
  readonly service: PodService;
  /** Takes an address in; gives what takes it out, which is done once nobody uses it any more. */
  readonly join: (url: string) => () => Promise<void>;
}

/** Nobody is there to be asked. */
export class NoReadyPod extends Error {
  override readonly name = 'NoReadyPod';

  constructor() {
    super('no pod is ready');
  }
}

interface Endpoint {
  readonly url: string;
  users: number;
  readonly unused: PromiseWithResolvers<void>;
}

/** A Service without pods. */
export function createPodService(): PodServiceOwner {
  let endpoints: readonly Endpoint[] = [];
  let turn = 0;
  const release = (endpoint: Endpoint) => {
    endpoint.users -= 1;
    if (endpoint.users === 0 && !endpoints.includes(endpoint)) endpoint.unused.resolve();
  };
  return {
    service: {
      through: async use => {
        turn += 1;
        const endpoint = endpoints[turn % endpoints.length];
        if (endpoint === undefined) throw new NoReadyPod();
        endpoint.users += 1;
        try {
          return await use(endpoint.url);
        } finally {
          release(endpoint);
        }
      },
    },
    join: url => {
      const endpoint: Endpoint = { url, users: 0, unused: Promise.withResolvers<void>() };
      endpoints = [...endpoints, endpoint];
      return () => {
        endpoints = endpoints.filter(each => each !== endpoint);
        if (endpoint.users === 0) endpoint.unused.resolve();
        return endpoint.unused.promise;
      };
    },
  };
}
