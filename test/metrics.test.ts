import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Policy } from '../operator/api/objects.ts';
import { createMetrics, type MeasuredPolicy, type MetricSources } from '../operator/metrics.ts';

const QUIET: MetricSources = {
  policies: () => [],
  isLeader: () => false,
  queueDepth: () => 0,
  connections: () => [],
};

/** The samples of a text by name and labels, as Prometheus tells them apart. */
function samples(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

function policy(status?: MeasuredPolicy['status']): MeasuredPolicy {
  return status === undefined ? {} : { status };
}

const ready = (status: string) => ({ conditions: [{ type: 'Ready', status }] });

describe('the metrics', () => {
  it('count what they are told', async () => {
    const metrics = createMetrics(QUIET);
    metrics.reconciled('ok', 0.02);
    metrics.reconciled('ok', 0.3);
    metrics.reconciled('fault', 7);
    metrics.failed('KeycloakUnavailable');
    metrics.keycloakAnswered('default', 'Ok');
    metrics.keycloakAnswered('default', 'Timeout');
    metrics.keycloakAnswered('default', 'Timeout');
    expect(Object.fromEntries(samples(await metrics.text()))).toMatchObject({
      'argo_access_reconciles_total{result="ok"}': 2,
      'argo_access_reconciles_total{result="retry"}': 0,
      'argo_access_reconciles_total{result="fault"}': 1,
      'argo_access_reconcile_duration_seconds_bucket{le="0.025"}': 1,
      'argo_access_reconcile_duration_seconds_bucket{le="0.5"}': 2,
      'argo_access_reconcile_duration_seconds_bucket{le="+Inf"}': 3,
      argo_access_reconcile_duration_seconds_sum: 7.32,
      argo_access_reconcile_duration_seconds_count: 3,
      'argo_access_errors_total{reason="KeycloakUnavailable"}': 1,
      'argo_access_keycloak_requests_total{connection="default",outcome="Ok"}': 1,
      'argo_access_keycloak_requests_total{connection="default",outcome="Timeout"}': 2,
    });
  });

  it('show the queue and the connections as they are when asked', async () => {
    let depth = 3;
    let up = false;
    const metrics = createMetrics({
      ...QUIET,
      queueDepth: () => depth,
      connections: () => [
        { name: 'default', up },
        { name: 'other', up: true },
      ],
    });
    const before = samples(await metrics.text());
    depth = 0;
    up = true;
    const after = samples(await metrics.text());
    const values = [
      'argo_access_queue_depth',
      'argo_access_keycloak_connection_up{connection="default"}',
      'argo_access_keycloak_connection_up{connection="other"}',
    ].map(name => [before.get(name), after.get(name)]);
    expect(values).toEqual([
      [3, 0],
      [0, 1],
      [1, 1],
    ]);
  });

  it('count policies by condition and status, those not looked at yet as unknown, and none as 0', async () => {
    let policies = [policy(ready('True')), policy(ready('False')), policy(), policy({})];
    const metrics = createMetrics({ ...QUIET, policies: () => policies });
    const readiness = async () => {
      const all = samples(await metrics.text());
      return ['True', 'False', 'Unknown'].map(status =>
        all.get(`argo_access_policies{condition="Ready",status="${status}"}`),
      );
    };
    expect(await readiness()).toEqual([1, 1, 2]);
    policies = [policy(ready('True')), policy(ready('True'))];
    expect(await readiness()).toEqual([2, 0, 0]);
    policies = [];
    expect(await readiness()).toEqual([0, 0, 0]);
  });

  it('count the steps of rotations, and no other change', async () => {
    const metrics = createMetrics(QUIET);
    metrics.changed('RegenerateSecret');
    metrics.changed('RollDeployment');
    metrics.changed('RollDeployment');
    metrics.changed('UpdateClient');
    const steps = [...samples(await metrics.text())].filter(([name]) => name.includes('rotation_steps'));
    expect(Object.fromEntries(steps)).toEqual({
      'argo_access_rotation_steps_total{step="RegenerateSecret"}': 1,
      'argo_access_rotation_steps_total{step="ProveSecret"}': 0,
      'argo_access_rotation_steps_total{step="RollDeployment"}': 2,
      'argo_access_rotation_steps_total{step="EndOverlap"}': 0,
    });
  });

  it('show who leads, what rotations wait for, and when the next one is due', async () => {
    const waiting = (reason: string) => ({
      conditions: ['Ready', 'SecretReady'].map(type => ({ type, status: 'True', reason })),
    });
    const due = (nextRotation: string) => ({ secret: { nextRotation } });
    let policies = [
      policy(waiting('Overlapping')),
      policy(waiting('Overlapping')),
      policy({ ...waiting('RotationPostponed'), ...due('2026-03-02T00:00:00Z') }),
      policy(due('2026-03-01T00:00:00Z')),
    ];
    const metrics = createMetrics({ ...QUIET, policies: () => policies, isLeader: () => true });
    const shown = samples(await metrics.text());
    expect(shown.get('argo_access_leader')).toBe(1);
    expect(shown.get('argo_access_rotations{reason="Overlapping"}')).toBe(2);
    expect(shown.get('argo_access_rotations{reason="RotationPostponed"}')).toBe(1);
    expect(shown.get('argo_access_rotations{reason="RotationFailed"}')).toBe(0);
    expect(shown.get('argo_access_next_rotation_timestamp_seconds')).toBe(
      Date.parse('2026-03-01T00:00:00Z') / 1000,
    );
    policies = [];
    const none = samples(await metrics.text());
    expect(none.get('argo_access_rotations{reason="Overlapping"}')).toBe(0);
    expect(none.get('argo_access_next_rotation_timestamp_seconds')).toBe(0);
  });

  it('take policies as the cache holds them', async () => {
    const cached: readonly Policy[] = [];
    expect(await createMetrics({ ...QUIET, policies: () => cached }).text()).toContain(
      'argo_access_policies',
    );
  });

  it('of two operators in one process, and those of others, are kept apart', async () => {
    const [one, other] = [createMetrics(QUIET), createMetrics(QUIET)];
    one.reconciled('retry', 1);
    const name = 'argo_access_reconciles_total{result="retry"}';
    expect([samples(await one.text()).get(name), samples(await other.text()).get(name)]).toEqual([1, 0]);
    expect(await register.metrics()).not.toContain('argo_access');
  });

  it('are described, in the names and units of Prometheus', async () => {
    const metrics = createMetrics(QUIET);
    const text = await metrics.text();
    const described = [...text.matchAll(/^# HELP (\S+) \S.*\n# TYPE \1 (\S+)$/gm)].map(
      ([, name, type]) => [name, type] as const,
    );
    const named = [...text.matchAll(/^# TYPE (\S+)/gm)];
    expect(described).toHaveLength(named.length);
    for (const [name, type] of described) {
      expect(name).toMatch(/^argo_access_[a-z_]+$/);
      expect(name?.endsWith('_total'), name).toBe(type === 'counter');
    }
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('fail where what they look at does', async () => {
    const broken = () => {
      throw new Error('no queue');
    };
    await expect(createMetrics({ ...QUIET, queueDepth: broken }).text()).rejects.toThrow('no queue');
  });
});
