import type { Progress } from '../../api/objects.ts';
import { parseTime } from '../../api/time.ts';
import { keysBelow, type ManagedEntry, type RawObject } from '../../kubernetes/decode.ts';
import { decodeConfigMap, decodeDeployment } from '../../kubernetes/decode-server.ts';
import { PODS, SHARED } from '../../kubernetes/paths.ts';
import { newestPods, type RawPod, troublesOf, withoutStarting } from '../../kubernetes/pod-troubles.ts';
import {
  baseHref,
  DEFAULT_CONFIG_MAP,
  ignoresDelegation,
  serverContainer,
  serverFlags,
} from '../../policy/server-container.ts';
import { blockOf, readSettings } from '../../policy/server-read.ts';
import { versionOfImage } from '../../policy/server-version.ts';
import { ask, type Known } from '../access/ask.ts';
import type { Cluster } from '../live/cluster.ts';
import { type DoctorSnapshot, orUndefined, type ServerSight, type SettingsSight } from './snapshot.ts';

/** Who holds which values of a ConfigMap or a Secret, and since when. */
export function dataEntries({ metadata }: RawObject): readonly ManagedEntry[] {
  return (metadata?.managedFields ?? []).filter(({ subresource }) => subresource === undefined);
}

/** The keys that an entry holds; of a Secret that was applied with `stringData`, they are held as such. */
export function keysOf({ fieldsV1 }: ManagedEntry): readonly string[] {
  return [...keysBelow(fieldsV1, 'f:data'), ...keysBelow(fieldsV1, 'f:stringData')];
}

/** When one of the keys was last written, in milliseconds since the epoch; undefined where nobody tells. */
export function writtenAt(raw: RawObject, keys: ReadonlySet<string>): number | undefined {
  const times = dataEntries(raw)
    .filter(entry => keysOf(entry).some(key => keys.has(key)))
    .flatMap(({ time }) => parseTime(time) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The keys of the ConfigMap in which the settings may stand. */
const SETTINGS_KEYS = new Set(['sso', 'config']);

/** When the oldest container of the name was started; undefined where one of the pods does not tell. */
function startOf(pods: readonly RawPod[], container: string | undefined): number | undefined {
  const times = pods.map(({ status }) => {
    const found = status?.containerStatuses?.find(({ name }) => name === container);
    return parseTime(found?.state?.running?.startedAt);
  });
  const told = times.filter(time => time !== undefined);
  return told.length === 0 || told.length < times.length ? undefined : Math.min(...told);
}

async function podsOf({ list }: Cluster, namespace: string, selector: Readonly<Record<string, string>>) {
  const labelSelector = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return list<RawPod & RawObject>(PODS, namespace, { labelSelector });
}

function troublesIn(progress: Progress, newest: readonly RawPod[]): readonly string[] {
  if (progress === 'complete') return [];
  return troublesOf(progress === 'rolling' ? withoutStarting(newest) : newest);
}

/** What a Deployment and the pods that its selector picks tell of Argo Server. */
export function serverSight(raw: RawObject, pods: readonly RawPod[]): ServerSight {
  const deployment = decodeDeployment(raw);
  const { replicas = 1 } = (raw as { spec?: { replicas?: number } }).spec ?? {};
  const newest = newestPods(deployment.metadata.name, pods);
  return {
    ...deployment,
    replicas,
    troubles: troublesIn(deployment.rollout.progress, newest),
    startedAt: startOf(newest, serverContainer(deployment)?.name),
  };
}

async function readServer(cluster: Cluster, name: string): Promise<ServerSight | undefined> {
  const { namespace } = cluster;
  const raw = await cluster.get<RawObject>(SHARED.Deployment, namespace, name);
  if (raw === undefined) return undefined;
  const { selector } = decodeDeployment(raw);
  return serverSight(raw, orUndefined(await ask(podsOf(cluster, namespace, selector))) ?? []);
}

async function readConfigMap(cluster: Cluster, name: string): Promise<SettingsSight | undefined> {
  const raw = await cluster.get<RawObject>(SHARED.ConfigMap, cluster.namespace, name);
  return raw && { ...decodeConfigMap(raw), changedAt: writtenAt(raw, SETTINGS_KEYS) };
}

/** What of the installation is read first: the rest follows from it. */
export type Installation = Pick<
  DoctorSnapshot,
  | 'deploymentName'
  | 'deployment'
  | 'flags'
  | 'delegationIgnored'
  | 'baseHref'
  | 'version'
  | 'configMapName'
  | 'configMap'
  | 'reading'
  | 'block'
  | 'accountNamespace'
>;

/** What a Deployment and a ConfigMap, as they are known, tell of an installation. */
export function understand(
  namespace: string,
  deploymentName: string,
  deployment: Known<ServerSight | undefined>,
  configMapName: string,
  configMap: Known<SettingsSight | undefined>,
): Installation {
  const server = orUndefined(deployment);
  const container = server && serverContainer(server);
  const flags = container && serverFlags(container);
  const version = container && versionOfImage(container.image);
  const settings = orUndefined(configMap);
  const reading = settings && readSettings(settings, version);
  return {
    deploymentName,
    deployment,
    flags,
    delegationIgnored: container !== undefined && ignoresDelegation(container),
    baseHref: container && baseHref(container),
    version,
    configMapName,
    configMap,
    reading,
    block: blockOf(reading),
    accountNamespace: flags?.managedNamespace ?? namespace,
  };
}

/** Reads Argo Server's Deployment and settings. */
export async function readInstallation(
  cluster: Cluster,
  deploymentName: string,
  chosen: string | undefined,
): Promise<Installation> {
  const { namespace } = cluster;
  const deployment = await ask(readServer(cluster, deploymentName));
  const server = orUndefined(deployment);
  const container = server && serverContainer(server);
  const configMapName = chosen ?? (container && serverFlags(container).configMap) ?? DEFAULT_CONFIG_MAP;
  const configMap = await ask(readConfigMap(cluster, configMapName));
  return understand(namespace, deploymentName, deployment, configMapName, configMap);
}
