import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the files of a test, such as kubeconfigs. */
export interface Folder {
  readonly path: (name: string) => string;
  /** Writes a file that only we can read; gives its path. */
  readonly write: (name: string, text: string) => Promise<string>;
  /** Writes a kubeconfig of one cluster and one user, with their fields as kubectl has them. */
  readonly kubeconfig: (cluster: { readonly server: string }, user: object) => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** Makes a temporary folder. */
export async function makeFolder(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), 'argo-access-kubernetes-'));
  let count = 0;
  const path = (name: string) => join(folder, name);
  const write = async (name: string, text: string) => {
    await writeFile(path(name), text, { mode: 0o600 });
    return path(name);
  };
  return {
    path,
    write,
    kubeconfig: (cluster, user) => {
      count += 1;
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      };
      return write(`kubeconfig-${count}`, JSON.stringify(config));
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
