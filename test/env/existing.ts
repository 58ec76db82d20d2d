import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Keycloak } from './keycloak.ts';
import { KeycloakAdmin } from './keycloak-admin.ts';
import { clusterBinary, type Kubernetes, kubeconfig, runKubectl } from './kubernetes.ts';

interface Named {
  readonly name: string;
}

/** What of a kubeconfig is read here. */
interface KubeconfigFile {
  readonly 'current-context'?: string;
  readonly contexts: readonly (Named & {
    readonly context: { readonly cluster: string; readonly user: string };
  })[];
  readonly clusters: readonly (Named & {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string };
  })[];
  readonly users: readonly (Named & { readonly user: { readonly token?: string } })[];
}

const VARIABLE = 'ARGO_ACCESS_TEST_KUBECONFIG';

/** Whether {@link existingKubernetes} gives one. */
export function usesExistingKubernetes(): boolean {
  return (process.env[VARIABLE] ?? '') !== '';
}

function find<T extends Named>(list: readonly T[], name: string | undefined, what: string): T {
  const found = list.find(each => each.name === name);
  if (found === undefined) throw new Error(`${VARIABLE}: the file has no ${what} ${name ?? ''}`);
  return found;
}

/**
 * The cluster that variable `ARGO_ACCESS_TEST_KUBECONFIG` names the kubeconfig of: its current context, with a token
 * of an administrator and the server's CA in the file. It is used as it is found, and goes on running.
 */
export async function existingKubernetes(
  folder: string,
  say: (line: string) => void,
): Promise<Kubernetes | undefined> {
  if (!usesExistingKubernetes()) return undefined;
  const file = parse(await readFile(process.env[VARIABLE] ?? '', 'utf8')) as KubeconfigFile;
  const { context } = find(file.contexts, file['current-context'], 'context');
  const { cluster } = find(file.clusters, context.cluster, 'cluster');
  const { user } = find(file.users, context.user, 'user');
  const ca = Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64').toString('utf8');
  if (user.token === undefined || ca === '') {
    throw new Error(
      `${VARIABLE}: the current context needs a user with a token, and certificate-authority-data`,
    );
  }
  const kubectlPath = await clusterBinary(say);
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, kubeconfig(cluster.server, ca, user.token), { mode: 0o600 });
  const cannot = async () => {
    throw new Error('an API server that was not started here is not stopped here');
  };
  return {
    url: cluster.server,
    ca,
    adminToken: user.token,
    kubeconfigPath,
    kubectlPath,
    tls: { certPath: '', keyPath: '' },
    auditLogPath: '',
    kubectl: (args, input) => runKubectl(kubectlPath, kubeconfigPath, args, input),
    stopApiServer: cannot,
    startApiServer: cannot,
    stop: async () => {},
  };
}

/** The Keycloak that variable `ARGO_ACCESS_TEST_KEYCLOAK_URL` names. */
export function existingKeycloak(): Keycloak | undefined {
  const url = process.env.ARGO_ACCESS_TEST_KEYCLOAK_URL;
  if (url === undefined || url === '') return undefined;
  const username = process.env.ARGO_ACCESS_TEST_KEYCLOAK_USER ?? 'admin';
  const password = process.env.ARGO_ACCESS_TEST_KEYCLOAK_PASSWORD ?? 'admin';
  const admin = new KeycloakAdmin(url.replace(/\/+$/, ''), username, password);
  return { url: admin.url, username, password, admin, logPath: '', stop: async () => {} };
}
