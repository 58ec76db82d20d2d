import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type CommandFailure, failure } from '../terminal.ts';

/** How a command line names a cluster; see `clusterOptions`. */
export interface ClusterChoice {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Which cluster is looked at, for messages. */
export interface Place {
  /** File or files, or what takes their place. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly server: string;
  /** Namespace of the context. */
  readonly namespace: string;
  /** Flags by which kubectl looks at the same cluster; empty, or with a space before each. */
  readonly kubectlFlags: string;
}

/** A chosen cluster, with the credentials for it. */
export interface ChosenCluster {
  readonly config: KubeConfig;
  readonly place: Place;
}

const IN_POD = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Finds the cluster that kubectl would speak to. Ends the command where there is none. */
export function chooseCluster(choice: ClusterChoice): ChosenCluster {
  const { config, kubeconfig } = loadKubeconfig(choice);
  const context = choice.context ?? config.currentContext ?? '';
  config.setCurrentContext(context);
  const found = config.getContextObject(context);
  if (found === null) throw noContext(config, kubeconfig, context);
  const cluster = config.getCluster(found.cluster);
  if (cluster === null) {
    throw failure(`context ${context} of ${kubeconfig} names cluster ${found.cluster}, which is not there`);
  }
  if (!cluster.server.startsWith('https:') && cluster.skipTLSVerify !== true) {
    throw failure(
      `context ${context} of ${kubeconfig}: server ${cluster.server} is not reached by HTTPS, and so not spoken to`,
    );
  }
  const flags = [
    ...(choice.kubeconfig === undefined ? [] : [` --kubeconfig ${quoted(choice.kubeconfig)}`]),
    ...(choice.context === undefined ? [] : [` --context ${quoted(choice.context)}`]),
  ];
  const namespace = found.namespace || 'default';
  return {
    config,
    place: { kubeconfig, context, server: cluster.server, namespace, kubectlFlags: flags.join('') },
  };
}

/** As a shell takes it for one word. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

interface Loaded {
  readonly config: KubeConfig;
  readonly kubeconfig: string;
}

function loadKubeconfig({ kubeconfig }: ClusterChoice): Loaded {
  if (kubeconfig !== undefined) return loadFiles([kubeconfig]);
  const named = (process.env.KUBECONFIG ?? '').split(delimiter).filter(file => file !== '');
  const usual = join(homedir(), '.kube', 'config');
  const files = (named.length > 0 ? named : [usual]).filter(existsSync);
  if (files.length > 0) return loadFiles(files);
  if (named.length === 0 && existsSync(IN_POD)) {
    const config = new KubeConfig();
    config.loadFromCluster();
    return { config, kubeconfig: "the Pod's own account" };
  }
  const looked = named.length > 0 ? `KUBECONFIG names ${named.join(', ')}` : `it would be ${usual}`;
  throw failure(`there is no kubeconfig: ${looked}; name one by --kubeconfig`);
}

/** As kubectl merges files: of two entries of one name, and of two current contexts, the first counts. */
function loadFiles(files: readonly string[]): Loaded {
  const parts = files.map(loadFile);
  const merged = new KubeConfig();
  merged.clusters = firstOfEachName(parts.flatMap(({ clusters }) => clusters));
  merged.users = firstOfEachName(parts.flatMap(({ users }) => users));
  merged.contexts = firstOfEachName(parts.flatMap(({ contexts }) => contexts));
  merged.setCurrentContext(parts.find(({ currentContext }) => currentContext)?.currentContext ?? '');
  return { config: merged, kubeconfig: files.join(delimiter) };
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    // An entry that is none, of some other cluster, is no reason not to speak to this one.
    config.loadFromFile(file, { onInvalidEntry: 'filter' });
    return config;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it is no kubeconfig';
    throw failure(`kubeconfig ${file} cannot be read (${code}); correct it, or name another by --kubeconfig`);
  }
}

function firstOfEachName<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  const names = entries.map(({ name }) => name);
  return entries.filter(({ name }, index) => names.indexOf(name) === index);
}

function noContext(config: KubeConfig, kubeconfig: string, context: string): CommandFailure {
  const names = config.contexts.map(({ name }) => name);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  const what = context === '' ? 'no context is chosen' : `there is no context ${context}`;
  return failure(`${what} in ${kubeconfig}; choose one by --context (${known})`);
}
