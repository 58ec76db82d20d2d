import type { PodEvent } from './kubelet.ts';
import type { TimelineStep } from './timeline.ts';

/** What happens in a rotation that Argo Server follows, in order and in words for a chart. */
export const STEP = {
  regenerated: 'Keycloak makes a new secret',
  takenOver: 'the Secret takes it over',
  proved: 'Keycloak accepts it',
  rolled: 'the Deployment is rolled out',
  ready: 'the new pod is ready',
  gone: 'the old pod is gone',
  ended: 'the old secret is ended',
} as const;

/** One of {@link STEP}. */
export type StepName = (typeof STEP)[keyof typeof STEP];

/** A step that has happened. */
export interface RotationStepDone extends TimelineStep {
  readonly name: StepName;
}

/** A line of the operator's log, as far as it tells of a step. */
export interface StepLine {
  /** ISO 8601; of a change, when it had been made. */
  readonly time?: string;
  readonly change?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** What tells of the steps of a rotation. */
export interface RotationTraces {
  readonly log: readonly StepLine[];
  /** What has become of Argo Server's pods. */
  readonly pods: readonly PodEvent[];
  /** Name of the Secret with the client's credentials. */
  readonly secret: string;
}

/** The steps of a rotation that have happened since a time in milliseconds since the epoch, each the first time. */
export function rotationSteps(
  { log, pods, secret }: RotationTraces,
  since: number,
): readonly RotationStepDone[] {
  const line = (wanted: (line: StepLine) => boolean) =>
    log
      .filter(wanted)
      .map(({ time = '' }) => Date.parse(time))
      .find(at => at >= since);
  const change = (kind: string) => line(each => each.change === kind);
  const pod = (what: PodEvent['what']) => pods.find(event => event.what === what && event.at >= since)?.at;
  const found: readonly (readonly [StepName, number | undefined])[] = [
    [STEP.regenerated, change('RegenerateSecret')],
    [
      STEP.takenOver,
      line(each => each.change !== undefined && each.kind === 'Secret' && each.name === secret),
    ],
    [STEP.proved, change('ProveSecret')],
    [STEP.rolled, change('RollDeployment')],
    [STEP.ready, pod('ready')],
    [STEP.gone, pod('gone')],
    [STEP.ended, change('EndOverlap')],
  ];
  return found.flatMap(([name, at]) => (at === undefined ? [] : [{ name, at }]));
}
