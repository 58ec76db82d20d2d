import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existingKeycloak, existingKubernetes } from './existing.ts';
import { type Keycloak, startKeycloak } from './keycloak.ts';
import { type Kubernetes, startKubernetes } from './kubernetes.ts';

/** The real servers, started for one run. */
export interface Environment {
  readonly folder: string;
  readonly kubernetes: Kubernetes;
  readonly keycloak: Keycloak;
  readonly stop: () => Promise<void>;
}

/**
 * Starts Kubernetes and Keycloak side by side; where one fails, nothing stays behind.
 *
 * @param mayExist whether servers that run already may be used, as environment variables name them
 */
export async function startEnvironment(
  say: (line: string) => void,
  { mayExist = false }: { readonly mayExist?: boolean } = {},
): Promise<Environment> {
  // At once, so that there is no moment at which the folder is there and nobody would remove it.
  const folder = mkdtempSync(join(tmpdir(), 'argo-access-env-'));
  process.once('exit', () => removeNow(folder));
  const [kubernetes, keycloak] = await Promise.allSettled([
    kubernetesIn(folder, say, mayExist),
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

/**
 * For an end before the start is complete. The programs have been killed by then, for their handler came first, but
 * what one of them was just writing may come after the first removal.
 */
function removeNow(folder: string): void {
  const moment = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < 20; round += 1) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    Atomics.wait(moment, 0, 0, 50);
    if (!existsSync(folder)) return;
  }
}

async function kubernetesIn(
  folder: string,
  say: (line: string) => void,
  mayExist: boolean,
): Promise<Kubernetes> {
  return (mayExist ? await existingKubernetes(folder, say) : undefined) ?? startKubernetes(folder, say);
}
