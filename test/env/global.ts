import type { TestProject } from 'vitest/node';
import { type Connection, connectionOf, runningConnection } from './connection.ts';
import { startEnvironment } from './environment.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    connection: Connection;
  }
}

/** Starts the servers before the first test, unless running ones are pointed at; gives what stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = await runningConnection();
  if (running !== undefined) {
    project.provide('connection', running);
    return async () => {};
  }
  const environment = await startEnvironment(line => console.log(line));
  project.provide('connection', connectionOf(environment));
  return environment.stop;
}
