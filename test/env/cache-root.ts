import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for what is kept from one run to the next, below the user's cache directory. */
export const CACHE_ROOT = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'argo-access-operator',
);
