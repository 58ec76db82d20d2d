import { describe, expect, it } from 'vitest';
import { createLog, createPolicyLog } from '../operator/log.ts';
import type { Observer, Sight } from '../operator/observe.ts';
import { reconcile } from '../operator/reconcile.ts';
import { makePolicy, observe } from './policy/fixtures.ts';

const policy = makePolicy({ roles: [{ name: 'viewer', everyone: true }] });
const log = createPolicyLog(createLog({ write: () => {} }));

/** A sight of a policy that wants everything and has nothing; whoever asks where to write counts as a write. */
function rig(isOvertaken: () => boolean) {
  const seen = { writes: 0, statuses: 0 };
  const sight: Sight = {
    policy: () => policy,
    observeCluster: async () => observe(policy),
    observeKeycloak: async cluster => cluster,
    needsFreshClient: () => false,
    isOvertaken,
    made: () => {},
    done: () => ({ changed: [], regenerated: undefined }),
    suspect: () => {},
    targets: () => {
      seen.writes += 1;
      throw new TypeError('nothing is written here');
    },
  };
  const observer: Observer = { open: () => sight };
  const status = {
    write: async () => {
      seen.statuses += 1;
      return true;
    },
  };
  const run = () => reconcile('argo/workflows', { observer, status, log }, new AbortController().signal);
  return { run, seen };
}

describe('a reconcile', () => {
  it('makes nothing more, and says nothing, once its policy has changed or is to go', async () => {
    const { run, seen } = rig(() => true);
    expect(await run()).toEqual({ retry: true, lookAgainAt: undefined });
    expect(seen).toEqual({ writes: 0, statuses: 0 });
  });

  it('goes on otherwise', async () => {
    const { run, seen } = rig(() => false);
    await expect(run()).rejects.toThrow('nothing is written here');
    expect(seen.writes).toBe(1);
  });
});
