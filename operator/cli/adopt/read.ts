import type {
  ConfigMap,
  Deployment,
  Policy,
  RoleBinding,
  Secret,
  ServiceAccount,
} from '../../api/objects.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import { decodeConfigMap, decodeDeployment } from '../../kubernetes/decode-server.ts';
import { SHARED } from '../../kubernetes/paths.ts';
import {
  DEFAULT_CONFIG_MAP,
  type ServerFlags,
  serverContainer,
  serverFlags,
} from '../../policy/server-container.ts';
import { blockOf, readSettings, type SettingsReading } from '../../policy/server-read.ts';
import { type ArgoVersion, versionOfImage } from '../../policy/server-version.ts';
import { type Note, orNote } from '../access/notes.ts';
import { bindingsOf, clusterBindingsOf, policiesOf, ruledAccounts } from '../access/read.ts';
import type { Cluster } from '../live/cluster.ts';
import { readSecrets } from '../plan/secrets.ts';
import { holdersOf } from '../plan/taken.ts';

/** Argo Server as it is found. */
export interface FoundServer {
  readonly deployment: Deployment | undefined;
  readonly flags: ServerFlags | undefined;
  readonly version: ArgoVersion | undefined;
  /** Name of the ConfigMap that it reads; undefined where that cannot be seen. */
  readonly settingsName: string | undefined;
  readonly settings: ConfigMap | undefined;
  /** Who holds their key `sso`: the operator takes it from nobody by force. */
  readonly settingsHolders: readonly string[];
  readonly reading: SettingsReading | undefined;
}

/** What somebody has made by hand in a namespace, and what is there already. */
export interface Installation {
  readonly namespace: string;
  /** Policies of the namespace. */
  readonly policies: readonly Policy[];
  /** With a rule. */
  readonly accounts: readonly ServiceAccount[];
  /**
   * Accounts of other namespaces with a rule, where Argo Server looks into these too, or that of another may look into
   * this one.
   */
  readonly delegated: readonly ServiceAccount[];
  readonly bindings: readonly RoleBinding[];
  /** Without their values; undefined where the user may not list them. */
  readonly secrets: readonly Secret[] | undefined;
  readonly server: FoundServer;
}

async function readServer(cluster: Cluster, name: string, note: Note): Promise<FoundServer> {
  const { namespace } = cluster;
  const raw = await orNote(
    note,
    'how Argo Server is started',
    cluster.get<RawObject>(SHARED.Deployment, namespace, name),
  );
  const deployment = raw === undefined ? undefined : decodeDeployment(raw);
  const container = deployment && serverContainer(deployment);
  const flags = container && serverFlags(container);
  const version = container && versionOfImage(container.image);
  const settingsName = flags === undefined ? DEFAULT_CONFIG_MAP : flags.configMap;
  const found =
    settingsName === undefined
      ? undefined
      : await orNote(
          note,
          "Argo's settings",
          cluster.get<RawObject>(SHARED.ConfigMap, namespace, settingsName),
        );
  const settings = found === undefined ? undefined : decodeConfigMap(found);
  const reading = settings && readSettings(settings, version);
  const settingsHolders = holdersOf('ConfigMap', found ?? {});
  return { deployment, flags, version, settingsName, settings, settingsHolders, reading };
}

/** Kubernetes' own, which every cluster has (kubernetes, rbac bootstrap policy). */
function isBuiltIn({ metadata }: RoleBinding): boolean {
  return metadata.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults';
}

async function readDelegated(cluster: Cluster, note: Note): Promise<readonly ServiceAccount[]> {
  const what = 'accounts with rules in other namespaces, which count too where Argo Server delegates';
  const all = (await orNote(note, what, ruledAccounts(cluster, undefined))) ?? [];
  return all.filter(({ metadata }) => metadata.namespace !== cluster.namespace);
}

/**
 * Reads, once and with the user's own rights, what there is in a namespace; of Secrets the metadata alone.
 *
 * @param deployment name of Argo Server's Deployment
 * @param note told what may not be read
 */
export async function readInstallation(
  cluster: Cluster,
  deployment: string,
  note: Note,
): Promise<Installation> {
  const { namespace } = cluster;
  const [policies, accounts, secrets, server] = await Promise.all([
    policiesOf(cluster, namespace, note),
    ruledAccounts(cluster, namespace),
    readSecrets(cluster, namespace),
    readServer(cluster, deployment, note),
  ]);
  if (secrets === undefined) {
    note(
      `Secrets of namespace ${namespace}: you may not list them, and so those that have to be annotated are guessed`,
    );
  }
  const [own, everywhere, delegated] = await Promise.all([
    bindingsOf(cluster, new Set([namespace]), note),
    clusterBindingsOf(cluster, note),
    server.flags?.delegates === true || blockOf(server.reading) === undefined
      ? readDelegated(cluster, note)
      : [],
  ]);
  return {
    namespace,
    policies,
    accounts,
    delegated,
    bindings: [...everywhere, ...own].filter(each => !isBuiltIn(each)),
    secrets,
    server,
  };
}
