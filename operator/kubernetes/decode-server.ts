import type { ConfigMap, Container, Deployment } from '../api/objects.ts';
import { decodeMeta, type RawObject } from './decode.ts';
import { markHeldIn, specChangedAt } from './decode-managers.ts';
import { decodeRollout, type RawRollout } from './decode-rollout.ts';
import { interruptsService, type RawStrategy } from './decode-strategy.ts';

interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly envFrom?: readonly unknown[];
}

interface RawDeployment extends RawObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly strategy?: RawStrategy;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
      readonly spec?: {
        readonly serviceAccountName?: string;
        readonly containers?: readonly RawContainer[];
      };
    };
  };
  readonly status?: RawRollout['status'];
}

/** A ConfigMap; binary values are left out. */
export function decodeConfigMap(raw: RawObject): ConfigMap {
  const { data = {} } = raw as RawObject & { readonly data?: Readonly<Record<string, string>> };
  return { kind: 'ConfigMap', metadata: decodeMeta(raw), data };
}

/** A Deployment, as far as it tells how Argo Server is run and how far its rollout is. */
export function decodeDeployment(raw: RawObject): Deployment {
  const { spec = {}, status } = raw as RawDeployment;
  const { template = {}, replicas = 1, selector, paused, strategy = {} } = spec;
  const metadata = decodeMeta(raw);
  const markHeld = markHeldIn(raw);
  const changedAt = specChangedAt(raw);
  return {
    kind: 'Deployment',
    metadata,
    selector: selector?.matchLabels ?? {},
    templateAnnotations: template.metadata?.annotations ?? {},
    ...(markHeld !== undefined && { markHeld }),
    paused: paused === true,
    ...(interruptsService(strategy, replicas) && { interrupts: true }),
    rollout: decodeRollout({ generation: metadata.generation, wanted: replicas, changedAt, status }),
    serviceAccountName: template.spec?.serviceAccountName || 'default',
    containers: (template.spec?.containers ?? []).map(decodeContainer),
  };
}

/** Of several variables of one name the last counts, as for the process. */
function decodeContainer(raw: RawContainer): Container {
  const { name, image = '', command = [], args = [], env = [], envFrom = [] } = raw;
  return {
    name,
    image,
    words: [...command, ...args],
    env: Object.fromEntries(
      env.map(({ name: variable, value = '', valueFrom }) => [
        variable,
        valueFrom === undefined ? value : `$(${variable})`,
      ]),
    ),
    ...(envFrom.length > 0 && { moreEnv: true }),
  };
}
