import { Counter, Gauge, Histogram, prometheusContentType, Registry } from 'prom-client';
import { parseTime } from './api/time.ts';
import type { KeycloakErrorKind } from './keycloak/errors.ts';
import type { Change } from './policy/change.ts';
import type { Reason } from './policy/reasons.ts';

/** How a reconcile ended: all is done, it is tried again soon, or it threw, which is a fault of the operator. */
export type ReconcileResult = 'ok' | 'retry' | 'fault';

/** How a request to Keycloak ended. */
export type KeycloakOutcome = 'Ok' | KeycloakErrorKind;

/** The part of a policy that is measured. */
export interface MeasuredPolicy {
  readonly status?: {
    readonly conditions?:
      | readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
      | undefined;
    readonly secret?: { readonly nextRotation?: string | undefined } | undefined;
  };
}

/** What is looked at whenever the metrics are asked for. */
export interface MetricSources {
  readonly policies: () => readonly MeasuredPolicy[];
  /** Policies that wait to be reconciled. */
  readonly queueDepth: () => number;
  /** The configured connections to Keycloak, and whether each answers. */
  readonly connections: () => readonly { readonly name: string; readonly up: boolean }[];
  /** Whether this operator holds the Lease, without which no secret is rotated. */
  readonly isLeader: () => boolean;
}

/** The operator's metrics. No label holds more than names of connections, and codes. */
export interface Metrics {
  readonly contentType: string;
  /** All metrics as Prometheus reads them; fails where a source does. */
  readonly text: () => Promise<string>;
  /** Counts a reconcile, and how many seconds it took. */
  readonly reconciled: (result: ReconcileResult, seconds: number) => void;
  /** Counts an error that a reconcile met. */
  readonly failed: (reason: Reason) => void;
  readonly keycloakAnswered: (connection: string, outcome: KeycloakOutcome) => void;
  /** Counts a change that was made; those that are no step of a rotation are not counted. */
  readonly changed: (kind: Change['kind']) => void;
}

/** Seconds: a reconcile without work takes milliseconds, one in which Keycloak hangs its deadline and more. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const STATUSES = ['True', 'False', 'Unknown'];

/** Policies by condition and status. One that has not been looked at yet is neither ready nor not. */
function countConditions(gauge: Gauge<'condition' | 'status'>, policies: readonly MeasuredPolicy[]): void {
  const unseen = { type: 'Ready', status: 'Unknown' };
  const conditions = policies.flatMap(({ status }) =>
    status?.conditions === undefined || status.conditions.length === 0 ? [unseen] : status.conditions,
  );
  gauge.reset();
  // A number that has gone to nothing is 0, not missing, or an alert on it would never end.
  for (const condition of new Set(['Ready', 'Stalled', ...conditions.map(({ type }) => type)]))
    for (const status of STATUSES) gauge.set({ condition, status }, 0);
  for (const { type, status } of conditions) gauge.inc({ condition: type, status });
}

/** Steps of a rotation that are counted. */
const STEPS = [
  'RegenerateSecret',
  'ProveSecret',
  'RollDeployment',
  'EndOverlap',
] as const satisfies readonly Change['kind'][];

/** What may be said of a rotation that is not at rest. */
const ROTATION_REASONS = [
  'AwaitingRollout',
  'Overlapping',
  'RotationPostponed',
  'RolloutPostponed',
  'RotationFailed',
  'RotationInvalid',
] as const satisfies readonly Reason[];

/** Policies by what their rotation waits for. */
function countRotations(gauge: Gauge<'reason'>, policies: readonly MeasuredPolicy[]): void {
  const reasons = policies.flatMap(({ status }) => [
    ...new Set((status?.conditions ?? []).map(({ reason }) => reason)),
  ]);
  for (const reason of ROTATION_REASONS) {
    gauge.set({ reason }, reasons.filter(each => each === reason).length);
  }
}

/** When the next secret of all is due, in seconds since the epoch; 0 where none is. */
function nextRotation(policies: readonly MeasuredPolicy[]): number {
  const times = policies.flatMap(({ status }) => {
    const time = parseTime(status?.secret?.nextRotation);
    return time === undefined ? [] : [time / 1000];
  });
  return times.length === 0 ? 0 : Math.min(...times);
}

/** Those of rotations. */
function addRotationGauges(registers: Registry[], sources: MetricSources): void {
  new Gauge({
    name: 'argo_access_rotations',
    help: 'Policies whose rotation is not at rest, by the reason that the status tells.',
    labelNames: ['reason'],
    registers,
    collect() {
      countRotations(this, sources.policies());
    },
  });
  new Gauge({
    name: 'argo_access_next_rotation_timestamp_seconds',
    help: 'When the next secret of all is due, in seconds since the epoch; 0 where none is. In the past: overdue.',
    registers,
    collect() {
      this.set(nextRotation(sources.policies()));
    },
  });
  new Gauge({
    name: 'argo_access_leader',
    help: 'Whether this operator holds the Lease (1), without which no secret is rotated; 0 also where none has to be.',
    registers,
    collect() {
      this.set(sources.isLeader() ? 1 : 0);
    },
  });
}

/** Those that are looked at when the metrics are asked for. */
function addGauges(registers: Registry[], sources: MetricSources): void {
  new Gauge({
    name: 'argo_access_policies',
    help: 'Policies by condition and its status.',
    labelNames: ['condition', 'status'],
    registers,
    collect() {
      countConditions(this, sources.policies());
    },
  });
  new Gauge({
    name: 'argo_access_queue_depth',
    help: 'Policies that wait to be reconciled.',
    registers,
    collect() {
      this.set(sources.queueDepth());
    },
  });
  new Gauge({
    name: 'argo_access_keycloak_connection_up',
    help: 'Whether a connection to Keycloak answers (1) or not (0).',
    labelNames: ['connection'],
    registers,
    collect() {
      this.reset();
      for (const { name, up } of sources.connections()) this.set({ connection: name }, up ? 1 : 0);
    },
  });
}

/** Makes the metrics, in a registry of their own. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const reconciles = new Counter({
    name: 'argo_access_reconciles_total',
    help: 'Reconciles by result: ok, retry (tried again soon), fault (of the operator itself).',
    labelNames: ['result'],
    registers,
  });
  const durations = new Histogram({
    name: 'argo_access_reconcile_duration_seconds',
    help: 'How long reconciles took.',
    buckets: DURATION_BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: 'argo_access_errors_total',
    help: 'Errors that reconciles met, by the reason that the status tells.',
    labelNames: ['reason'],
    registers,
  });
  const requests = new Counter({
    name: 'argo_access_keycloak_requests_total',
    help: 'Requests to Keycloak by connection and outcome: Ok, or the kind of error.',
    labelNames: ['connection', 'outcome'],
    registers,
  });
  const steps = new Counter({
    name: 'argo_access_rotation_steps_total',
    help: 'Steps of rotations that were done, by kind of change.',
    labelNames: ['step'],
    registers,
  });
  addGauges(registers, sources);
  addRotationGauges(registers, sources);
  // A rate needs a value from before the first event.
  for (const step of STEPS) steps.inc({ step }, 0);
  for (const result of ['ok', 'retry', 'fault'] satisfies ReconcileResult[]) reconciles.inc({ result }, 0);
  return {
    contentType: prometheusContentType,
    text: () => registry.metrics(),
    reconciled: (result, seconds) => {
      reconciles.inc({ result });
      durations.observe(seconds);
    },
    failed: reason => errors.inc({ reason }),
    keycloakAnswered: (connection, outcome) => requests.inc({ connection, outcome }),
    changed: kind => {
      const step = STEPS.find(each => each === kind);
      if (step !== undefined) steps.inc({ step });
    },
  };
}
