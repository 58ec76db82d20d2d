import { describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../../operator/api/names.ts';
import type { Rollout } from '../../operator/api/objects.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { decodeRollout, type RawRollout } from '../../operator/kubernetes/decode-rollout.ts';
import { decodeConfigMap, decodeDeployment } from '../../operator/kubernetes/decode-server.ts';
import { interruptsService } from '../../operator/kubernetes/decode-strategy.ts';

const metadata = { name: 'o', namespace: 'n', uid: 'u', resourceVersion: '7', generation: 3 };
const meta = metadata;

describe('a ConfigMap', () => {
  it('keeps its texts, and which of them are ours in place of managedFields', () => {
    const managedFields = [
      { manager: FIELD_MANAGER, operation: 'Apply', fieldsV1: { 'f:data': { 'f:sso': {} } } },
      { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:artifacts': {} } } },
    ];
    const raw = {
      metadata: { ...metadata, managedFields },
      data: { sso: 'a', artifacts: 'b' },
      binaryData: { x: 'AA==' },
    } as RawObject;
    expect(decodeConfigMap(raw)).toEqual({
      kind: 'ConfigMap',
      metadata: { ...meta, managed: { labels: [], annotations: [], data: ['sso'] } },
      data: { sso: 'a', artifacts: 'b' },
    });
  });

  it('without data is empty, and kubectl’s copy of it is not kept', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' };
    expect(decodeConfigMap({ metadata: { ...metadata, annotations } })).toEqual({
      kind: 'ConfigMap',
      metadata: { ...meta, annotations: { note: 'kept' } },
      data: {},
    });
  });
});

describe('a Deployment', () => {
  it('tells how Argo Server is run', () => {
    const spec = {
      replicas: 2,
      paused: true,
      selector: {
        matchLabels: { app: 'argo-server' },
        matchExpressions: [{ key: 'app', operator: 'Exists' }],
      },
      template: {
        metadata: { annotations: { 'example.com/x': 'y' }, labels: { app: 'argo-server' } },
        spec: {
          serviceAccountName: 'argo-server',
          initContainers: [{ name: 'init', image: 'other' }],
          containers: [
            {
              name: 'argo-server',
              image: 'quay.io/argoproj/argocli:v4.1.2',
              command: ['argo'],
              args: ['server', '--auth-mode=sso'],
              env: [
                { name: 'BASE_HREF', value: '/a/' },
                { name: 'EMPTY' },
                { name: 'TWICE', value: 'first' },
                { name: 'TWICE', value: 'last' },
                { name: 'FROM', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
                { name: 'HIDDEN', value: 'first' },
                { name: 'HIDDEN', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
            },
            { name: 'sidecar', image: 'proxy', envFrom: [{ secretRef: { name: 'x' } }] },
          ],
        },
      },
    };
    expect(decodeDeployment({ metadata, spec } as RawObject)).toEqual({
      kind: 'Deployment',
      metadata: meta,
      selector: { app: 'argo-server' },
      templateAnnotations: { 'example.com/x': 'y' },
      paused: true,
      rollout: { progress: 'rolling', startedAt: undefined, completedAt: undefined, why: undefined },
      serviceAccountName: 'argo-server',
      containers: [
        {
          name: 'argo-server',
          image: 'quay.io/argoproj/argocli:v4.1.2',
          words: ['argo', 'server', '--auth-mode=sso'],
          env: { BASE_HREF: '/a/', EMPTY: '', TWICE: 'last', FROM: '$(FROM)', HIDDEN: '$(HIDDEN)' },
        },
        { name: 'sidecar', image: 'proxy', words: [], env: {}, moreEnv: true },
      ],
    });
  });

  it('that says little has the defaults of Kubernetes', () => {
    expect(decodeDeployment({ metadata, spec: { template: {} } } as RawObject)).toMatchObject({
      selector: {},
      templateAnnotations: {},
      paused: false,
      serviceAccountName: 'default',
      containers: [],
    });
  });
});

describe('a Deployment’s strategy', () => {
  const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0) => ({
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable, maxSurge },
  });

  it.each([
    [{ type: 'Recreate' }, 3, true],
    [{ type: 'Recreate' }, 0, false],
    [{}, 1, false],
    [rolling('25%', '25%'), 3, false],
    [rolling(1, 1), 1, true],
    [rolling(1, 1), 2, false],
    [rolling('100%', 1), 4, true],
    [rolling('99%', 1), 4, false],
    // Neither fewer nor more cannot be: Kubernetes takes one away.
    [rolling(0, 0), 1, true],
    [rolling('25%', 0), 1, true],
    [rolling('25%', 0), 2, false],
  ])('%j with %i replicas interrupts: %s', (strategy, replicas, expected) => {
    expect(interruptsService(strategy, replicas)).toBe(expected);
  });
});

describe('who holds the mark of a Deployment', () => {
  const marked = {
    'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { [`f:${ANNOTATION_ROLLED}`]: {} } } } },
  };
  const other = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:x': {} } } } } };
  const by = (manager: string, operation: string, fieldsV1: object = marked, rest: object = {}) => ({
    manager,
    operation,
    fieldsV1,
    ...rest,
  });
  const deployment = (...managedFields: object[]) =>
    decodeDeployment({ metadata: { ...metadata, managedFields } } as RawObject);

  it.each([
    ['nobody', [], undefined],
    ['we', [by(FIELD_MANAGER, 'Apply')], undefined],
    ['others hold something else', [by('kubectl', 'Update', other), by('argocd', 'Apply', other)], undefined],
    ['somebody who has edited it', [by(FIELD_MANAGER, 'Apply'), by('kubectl-edit', 'Update')], 'Update'],
    ['an update of our own name', [by(FIELD_MANAGER, 'Update')], 'Update'],
    ['somebody who applies it', [by('kubectl', 'Update'), by('argocd', 'Apply')], 'Apply'],
    ['a subresource', [by('x', 'Apply', marked, { subresource: 'scale' })], undefined],
  ])('%s', (_, fields, expected) => {
    expect(deployment(...fields).markHeld).toBe(expected);
  });

  it('and when its spec was changed last, by whomever', () => {
    const at = (time: string) => ({ time });
    const { rollout } = deployment(
      by('kubectl', 'Update', other, at('2026-03-01T12:00:00Z')),
      by('argocd', 'Apply', other, at('2026-03-01T11:00:00Z')),
      by('labels', 'Update', { 'f:metadata': { 'f:labels': {} } }, at('2026-03-01T14:00:00Z')),
      by('hpa', 'Update', other, { ...at('2026-03-01T15:00:00Z'), subresource: 'scale' }),
    );
    expect(rollout.startedAt).toBe(Date.parse('2026-03-01T12:00:00Z'));
  });
});

const STARTED = '2026-03-01T12:00:00Z';
const LATER = '2026-03-01T13:00:00Z';
const ms = (text: string) => Date.parse(text);

function condition(type: string, status: string, reason: string, message = 'It is so.', at = STARTED) {
  return { type, status, reason, message, lastUpdateTime: at, lastTransitionTime: '2020-01-01T00:00:00Z' };
}

const AVAILABLE = condition('Available', 'True', 'MinimumReplicasAvailable');
const UNAVAILABLE = condition(
  'Available',
  'False',
  'MinimumReplicasUnavailable',
  'Deployment does not have minimum availability.',
  LATER,
);
const UPDATED = condition('Progressing', 'True', 'ReplicaSetUpdated');
const DONE = condition('Progressing', 'True', 'NewReplicaSetAvailable');
const LATE = condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'ReplicaSet "r" has timed out.');
const PAUSED = condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', LATER);
const RESUMED = condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', LATER);
const QUOTA = condition(
  'ReplicaFailure',
  'True',
  'FailedCreate',
  'pods "r-x" is forbidden:\n exceeded quota: q',
);

function status(
  counts: readonly [replicas: number, updated: number, available: number],
  conditions: readonly object[],
  observedGeneration = 3,
): RawRollout['status'] {
  const [replicas, updatedReplicas, availableReplicas] = counts;
  return {
    observedGeneration,
    replicas,
    updatedReplicas,
    availableReplicas,
    conditions,
  } as RawRollout['status'];
}

const ROLLING: Rollout = {
  progress: 'rolling',
  startedAt: ms(STARTED),
  completedAt: undefined,
  why: undefined,
};

describe('a rollout', () => {
  const cases: Readonly<Record<string, [wanted: number, RawRollout['status'], Partial<Rollout>]>> = {
    'is rolling, since nobody knows when, while there is no status': [1, undefined, { startedAt: undefined }],
    'is rolling while its generation is not observed, whatever is told of the one before': [
      1,
      status([1, 1, 1], [LATE, UNAVAILABLE, QUOTA], 2),
      { startedAt: undefined },
    ],
    'is rolling until all pods are new': [2, status([2, 1, 2], [UPDATED, AVAILABLE]), {}],
    'is rolling until the old pods are gone': [2, status([3, 2, 3], [UPDATED, AVAILABLE]), {}],
    'is rolling until the new pods are available': [
      2,
      status([2, 2, 1], [UPDATED, UNAVAILABLE]),
      { why: 'Deployment does not have minimum availability' },
    ],
    'is complete with the new pods alone, all available': [
      2,
      status([2, 2, 2], [DONE, AVAILABLE]),
      { progress: 'complete', startedAt: undefined, completedAt: ms(STARTED) },
    ],
    'is complete with no pods where none are wanted': [
      0,
      status([0, 0, 0], [DONE, AVAILABLE]),
      { progress: 'complete', startedAt: undefined, completedAt: ms(STARTED) },
    ],
    'is complete without its time where it has no deadline, for then there is no condition': [
      1,
      status([1, 1, 1], [AVAILABLE]),
      { progress: 'complete', startedAt: undefined },
    ],
    'is rolling without its start where it has no deadline': [
      1,
      status([1, 0, 1], [AVAILABLE]),
      { startedAt: undefined },
    ],
    'has failed once its deadline has passed': [
      1,
      status([2, 1, 1], [LATE, AVAILABLE]),
      { progress: 'failed', startedAt: undefined, why: 'ReplicaSet "r" has timed out' },
    ],
    'tells of a refusal rather than of the time that it has cost': [
      1,
      status([1, 0, 1], [UNAVAILABLE, LATE, QUOTA]),
      { progress: 'failed', startedAt: undefined, why: 'pods "r-x" is forbidden: exceeded quota: q' },
    ],
    'tells of a refusal although it goes on': [
      2,
      status([2, 1, 2], [UPDATED, QUOTA]),
      { why: 'pods "r-x" is forbidden: exceeded quota: q' },
    ],
    'says that it is paused, whatever was before': [
      1,
      status([1, 0, 1], [PAUSED, AVAILABLE, QUOTA]),
      { startedAt: ms(LATER), why: 'Deployment is paused' },
    ],
    'has nothing against it once resumed': [
      1,
      status([1, 0, 1], [RESUMED, AVAILABLE]),
      { startedAt: ms(LATER) },
    ],
    'that was complete is down where none of its pods is available any more': [
      1,
      status([1, 1, 0], [DONE, UNAVAILABLE]),
      {
        progress: 'down',
        startedAt: undefined,
        completedAt: ms(STARTED),
        why: 'Deployment does not have minimum availability',
      },
    ],
    'that was complete is degraded where some of its pods are missing': [
      4,
      status([4, 4, 3], [DONE, AVAILABLE]),
      { progress: 'degraded', startedAt: undefined, completedAt: ms(STARTED) },
    ],
    'that was complete is degraded while more pods come': [
      4,
      status([2, 2, 2], [DONE, UNAVAILABLE]),
      {
        progress: 'degraded',
        startedAt: undefined,
        completedAt: ms(STARTED),
        why: 'Deployment does not have minimum availability',
      },
    ],
    'that was complete is rolling while there are other pods': [
      2,
      status([3, 2, 3], [DONE, AVAILABLE]),
      { startedAt: ms(STARTED), completedAt: ms(STARTED) },
    ],
    'without a deadline is degraded where all are new and enough of them serve': [
      4,
      status([4, 4, 3], [AVAILABLE]),
      { progress: 'degraded', startedAt: undefined },
    ],
    'without a deadline is rolling while too few serve': [
      1,
      status([1, 1, 0], [UNAVAILABLE]),
      { startedAt: undefined, why: 'Deployment does not have minimum availability' },
    ],
  };

  it.each(Object.entries(cases))('%s', (_, [wanted, status, expected]) => {
    expect(decodeRollout({ generation: 3, wanted, status })).toEqual({ ...ROLLING, ...expected });
  });

  it('began when the spec was changed, where nothing else tells', () => {
    const changedAt = ms(LATER);
    const started = (status: RawRollout['status']) =>
      decodeRollout({ generation: 3, wanted: 1, changedAt, status }).startedAt;
    expect(started(status([1, 1, 1], [LATE], 2))).toBe(changedAt);
    expect(started(status([1, 0, 1], [AVAILABLE]))).toBe(changedAt);
    expect(started(status([1, 0, 1], [UPDATED, AVAILABLE]))).toBe(ms(STARTED));
  });

  it('shortens what it is told, to one line', () => {
    const long = condition('ReplicaFailure', 'True', 'FailedCreate', `a\n\t${'b'.repeat(500)}.`);
    const { why } = decodeRollout({ generation: 3, wanted: 1, status: status([1, 0, 1], [long]) });
    expect(why).toBe(`a ${'b'.repeat(197)}…`);
  });
});
