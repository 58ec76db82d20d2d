import { describe, expect, it } from 'vitest';
import { newestPods, type RawPod, troublesOf } from '../../operator/kubernetes/pod-troubles.ts';

function made(hash: string, minute: number, metadata: object = {}): RawPod {
  return {
    metadata: {
      creationTimestamp: `2026-03-01T12:${String(minute).padStart(2, '0')}:00Z`,
      labels: { 'pod-template-hash': hash },
      ownerReferences: [{ kind: 'ReplicaSet', name: `argo-server-${hash}` }],
      ...metadata,
    },
  };
}

describe('the newest pods of a Deployment', () => {
  it('are those of the ReplicaSet that has made the last one', () => {
    const [a, old, b] = [made('new', 9), made('old', 1), made('new', 8)];
    expect(newestPods('argo-server', [a, old, b])).toEqual([a, b]);
  });

  it('are those of both ReplicaSets that were made in the same second, whatever their order', () => {
    const [a, b, older] = [made('a', 2), made('b', 2), made('c', 1)];
    expect(newestPods('argo-server', [older, a, b])).toEqual([a, b]);
    expect(newestPods('argo-server', [b, a, older])).toEqual([b, a]);
  });

  it('are none that go away already, and none of others, whatever their labels', () => {
    const mine = made('a', 1);
    const others = [
      made('b', 2, { ownerReferences: [{ kind: 'ReplicaSet', name: 'argo-server-next-b' }] }),
      made('b', 3, { ownerReferences: [{ kind: 'Job', name: 'argo-server-b' }] }),
      made('b', 4, { ownerReferences: undefined }),
      made('b', 5, { labels: undefined }),
      made('b', 6, { deletionTimestamp: '2026-03-01T12:10:00Z' }),
    ];
    expect(newestPods('argo-server', [...others, mine])).toEqual([mine]);
    expect(newestPods('argo-server', others)).toEqual([]);
  });
});

const SCHEDULED = { type: 'PodScheduled', status: 'True' };

/** A pod with one container in some state. */
function pod(state: object, more: object = {}, container: object = {}): RawPod {
  return {
    ...made('a', 1),
    spec: { containers: [{ name: 'argo-server', image: 'quay.io/argo:1', ...container }] },
    status: {
      phase: 'Pending',
      conditions: [SCHEDULED],
      containerStatuses: [{ name: 'argo-server', image: 'sha256:0', ready: false, state, ...more }],
    },
  };
}

const waiting = (reason: string, message?: string, more: object = {}) =>
  pod({ waiting: { reason, ...(message !== undefined && { message }) } }, more);

describe('the troubles of pods', () => {
  const NOT_FOUND = 'failed to resolve reference "quay.io/argo:1": not found';
  const cases: Readonly<Record<string, [pod: RawPod, troubles: readonly string[]]>> = {
    'are none while a container is created': [waiting('ContainerCreating'), []],
    'are none while it is initialized': [waiting('PodInitializing'), []],
    'are none before the kubelet tells': [{ ...made('a', 1), status: { phase: 'Pending' } }, []],
    'are none with a container that is ready': [pod({ running: {} }, { ready: true }), []],
    'name an image that cannot be pulled': [
      waiting('ErrImagePull', NOT_FOUND),
      [`container argo-server cannot pull image quay.io/argo:1: ${NOT_FOUND}`],
    ],
    'are the same while the kubelet waits to pull again': [
      waiting('ImagePullBackOff', `Back-off pulling image "quay.io/argo:1": ErrImagePull: ${NOT_FOUND}`),
      [`container argo-server cannot pull image quay.io/argo:1: ${NOT_FOUND}`],
    ],
    'name an image where no cause is told': [
      waiting('ImagePullBackOff', 'Back-off pulling image "quay.io/argo:1"'),
      ['container argo-server cannot pull image quay.io/argo:1'],
    ],
    'tell what a container lacks': [
      waiting('CreateContainerConfigError', 'secret "argo-server-sso" not found'),
      [
        'container argo-server does not start (CreateContainerConfigError): secret "argo-server-sso" not found',
      ],
    ],
    'tell how a container ends, not how long the kubelet waits': [
      waiting('CrashLoopBackOff', 'back-off 5m0s restarting failed container', {
        lastState: { terminated: { reason: 'Error', exitCode: 1 } },
      }),
      ['container argo-server ends again and again (CrashLoopBackOff), last with exit code 1 (Error)'],
    ],
    'tell how a container has ended': [
      pod({ terminated: { reason: 'OOMKilled', exitCode: 137 } }),
      ['container argo-server has ended with exit code 137 (OOMKilled)'],
    ],
    'tell of a readiness probe': [
      pod({ running: {} }, { started: true }, { readinessProbe: {} }),
      ['container argo-server runs, but its readiness probe does not succeed'],
    ],
    'tell of a startup probe, which comes first': [
      pod({ running: {} }, { started: false }, { readinessProbe: {}, startupProbe: {} }),
      ['container argo-server runs, but its startup probe does not succeed'],
    ],
    'tell why no node takes a pod': [
      {
        ...made('a', 1),
        status: {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/3 nodes are available: 3 Insufficient cpu.',
            },
          ],
        },
      },
      ['no node takes the pod: 0/3 nodes are available: 3 Insufficient cpu'],
    ],
    'tell why a pod has failed as a whole': [
      {
        ...made('a', 1),
        status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' },
      },
      ['the pod has failed (Evicted): The node was low on memory'],
    ],
    'are those of the first containers too': [
      {
        ...made('a', 1),
        spec: { initContainers: [{ name: 'init', image: 'quay.io/init:1' }] },
        status: {
          conditions: [SCHEDULED],
          initContainerStatuses: [
            { name: 'done', ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
            { name: 'init', ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'x' } } },
          ],
          containerStatuses: [
            { name: 'argo-server', ready: false, state: { waiting: { reason: 'PodInitializing' } } },
          ],
        },
      },
      ['container init cannot pull image quay.io/init:1: x'],
    ],
  };

  it.each(Object.entries(cases))('%s', (_, [pod, troubles]) => {
    expect(troublesOf([pod])).toEqual(troubles);
  });

  it('are told once, in one order, and without pods that others have replaced', () => {
    const crash = waiting('CrashLoopBackOff');
    const config = waiting('CreateContainerConfigError', 'x');
    const failed: RawPod = { ...made('a', 1), status: { phase: 'Failed', reason: 'Evicted' } };
    const expected = [
      'container argo-server does not start (CreateContainerConfigError): x',
      'container argo-server ends again and again (CrashLoopBackOff), last with exit code unknown',
    ];
    expect(troublesOf([crash, config, failed, crash])).toEqual(expected);
    expect(troublesOf([config, crash])).toEqual(expected);
  });
});
