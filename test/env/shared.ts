import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inject } from 'vitest';
import { type Connection, runningConnection, type Started } from './connection.ts';
import { KeycloakAdmin } from './keycloak-admin.ts';
import { type KubectlResult, runKubectl } from './kubernetes.ts';
import { eventually } from './process.ts';

/** The servers that all test files of a run share. Each file makes namespaces and a realm of its own. */
export interface SharedEnvironment {
  readonly kubernetes: Connection['kubernetes'] & {
    /** Runs kubectl as administrator. */
    readonly kubectl: (args: readonly string[], input?: string) => Promise<KubectlResult>;
  };
  readonly keycloak: Connection['keycloak'] & { readonly admin: KeycloakAdmin };
}

/** A name that no other test file of this run uses, for a namespace or a realm. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** They are given this long to start, in milliseconds. */
const START_DEADLINE = 240_000;

/** The servers that this run starts, once they run. */
async function startedConnection(): Promise<Connection> {
  const file = inject('connectionFile');
  if (file === undefined) {
    throw new Error('no servers: vitest runs without the global setup, and ARGO_ACCESS_TEST_ENV is not set');
  }
  const text = await eventually('the servers have started', () => readFile(file, 'utf8'), START_DEADLINE);
  const started = JSON.parse(text) as Started;
  if ('connection' in started) return started.connection;
  throw new Error(`the servers have not started: ${started.failure}`);
}

/** The servers of this run, or those that variable `ARGO_ACCESS_TEST_ENV` points at. */
export async function sharedEnvironment(): Promise<SharedEnvironment> {
  const connection = (await runningConnection()) ?? (await startedConnection());
  const { kubernetes, keycloak } = connection;
  return {
    kubernetes: {
      ...kubernetes,
      kubectl: (args, input) => runKubectl(kubernetes.kubectlPath, kubernetes.kubeconfigPath, args, input),
    },
    keycloak: {
      ...keycloak,
      admin: new KeycloakAdmin(keycloak.url, keycloak.username, keycloak.password),
    },
  };
}
