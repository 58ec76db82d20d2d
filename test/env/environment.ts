import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Keycloak, startKeycloak } from './keycloak.ts';
import { KeycloakAdmin } from './keycloak-admin.ts';
import { type Kubernetes, startKubernetes } from './kubernetes.ts';

/** The real servers, started for one run. */
export interface Environment {
  readonly folder: string;
  readonly kubernetes: Kubernetes;
  readonly keycloak: Keycloak;
  readonly stop: () => Promise<void>;
}

function existingKeycloak(): Keycloak | undefined {
  const url = process.env.ARGO_ACCESS_TEST_KEYCLOAK_URL;
  if (url === undefined) return undefined;
  const user = process.env.ARGO_ACCESS_TEST_KEYCLOAK_USER ?? 'admin';
  const password = process.env.ARGO_ACCESS_TEST_KEYCLOAK_PASSWORD ?? 'admin';
  const admin = new KeycloakAdmin(url.replace(/\/+$/, ''), user, password);
  return { url: admin.url, admin, logPath: '', stop: async () => {} };
}

/** Starts Kubernetes and Keycloak side by side; where one fails, nothing stays behind. */
export async function startEnvironment(say: (line: string) => void): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'argo-access-env-'));
  const [kubernetes, keycloak] = await Promise.allSettled([
    startKubernetes(folder, say),
    existingKeycloak() ?? startKeycloak(folder, say),
  ]);
  const stop = async () => {
    await Promise.all([kubernetes, keycloak].map(part => part.status === 'fulfilled' && part.value.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  if (kubernetes.status === 'fulfilled' && keycloak.status === 'fulfilled') {
    return { folder, kubernetes: kubernetes.value, keycloak: keycloak.value, stop };
  }
  await stop();
  throw kubernetes.status === 'rejected' ? kubernetes.reason : (keycloak as PromiseRejectedResult).reason;
}
