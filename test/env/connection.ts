import { readFile } from 'node:fs/promises';
import type { Environment } from './environment.ts';

/** How to reach servers that run: plain data, for a file or for another thread. */
export interface Connection {
  readonly kubernetes: {
    readonly url: string;
    /** Certificate authority, PEM. */
    readonly ca: string;
    /** Token of a member of `system:masters`. */
    readonly adminToken: string;
    readonly kubeconfigPath: string;
    readonly kubectlPath: string;
    readonly auditLogPath: string;
    readonly tls: { readonly certPath: string; readonly keyPath: string };
  };
  readonly keycloak: {
    readonly url: string;
    readonly username: string;
    readonly password: string;
    readonly logPath: string;
  };
}

/** What became of the start of servers. */
export type Started = { readonly connection: Connection } | { readonly failure: string };

/** The plain data of an environment. */
export function connectionOf({ kubernetes, keycloak }: Environment): Connection {
  const { url, ca, adminToken, kubeconfigPath, kubectlPath, auditLogPath, tls } = kubernetes;
  return {
    kubernetes: { url, ca, adminToken, kubeconfigPath, kubectlPath, auditLogPath, tls },
    keycloak: {
      url: keycloak.url,
      username: keycloak.username,
      password: keycloak.password,
      logPath: keycloak.logPath,
    },
  };
}

/** The environment that variable `ARGO_ACCESS_TEST_ENV` names the file of, as `npm run env -- --write` made it. */
export async function runningConnection(): Promise<Connection | undefined> {
  const file = process.env.ARGO_ACCESS_TEST_ENV;
  if (file === undefined || file === '') return undefined;
  return JSON.parse(await readFile(file, 'utf8')) as Connection;
}
