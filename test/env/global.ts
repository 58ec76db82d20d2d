import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { TestProject } from 'vitest/node';
import { connectionOf, runningConnection, type Started } from './connection.ts';
import { startEnvironment } from './environment.ts';
import { keycloakHome } from './keycloak.ts';
import { clusterBinary } from './kubernetes.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A file that comes about once the servers run, or have failed to: see `Started`. */
    connectionFile: string;
  }
}

const say = (line: string) => console.log(line);

/**
 * Starts the servers, unless running ones are pointed at; gives what stops them. Only what has to be built is waited
 * for: tests that need no servers run while these start.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if ((await runningConnection()) !== undefined) return async () => {};
  await clusterBinary(say);
  await keycloakHome(say);
  const folder = await mkdtemp(join(tmpdir(), 'argo-access-connection-'));
  const file = join(folder, 'connection.json');
  project.provide('connectionFile', file);
  const tell = async (started: Started) => {
    await writeFile(`${file}.new`, JSON.stringify(started), { mode: 0o600 });
    await rename(`${file}.new`, file);
  };
  const environment = startEnvironment(say);
  const told = environment.then(
    running => tell({ connection: connectionOf(running) }),
    error => tell({ failure: inspect(error) }),
  );
  return async () => {
    await told;
    await rm(folder, { recursive: true, force: true });
    await (await environment).stop();
  };
}
