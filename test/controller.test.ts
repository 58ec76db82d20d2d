import { describe, expect, it } from 'vitest';
import type { Policy, Secret, ServiceAccount } from '../operator/api/objects.ts';
import { type Controller, startController } from '../operator/controller.ts';
import type { ClusterCache } from '../operator/kubernetes/cache.ts';
import { createStore } from '../operator/kubernetes/store.ts';
import { makePolicy } from './policy/fixtures.ts';

const ROLES = { roles: [{ name: 'viewer', everyone: true }] };

interface Rig {
  readonly cache: ClusterCache;
  readonly controller: Controller;
  /** Keys that were looked at since the last call. */
  readonly looked: () => Promise<readonly string[]>;
  readonly faults: unknown[];
  readonly results: string[];
  /** Waits that were begun, in milliseconds. */
  readonly waits: number[];
}

/** A controller over a cache that tests fill by hand; nothing of it waits for time. */
function rig(reconcile: (key: string) => Promise<boolean> = async () => false, lookAgainAt?: number): Rig {
  const cache: ClusterCache = {
    policies: createStore(),
    accounts: createStore(),
    secrets: createStore(),
    bindings: createStore(),
    unread: () => [],
    follows: () => true,
    hasSynced: () => true,
    whenSettled: async () => {},
    put: () => {},
    remove: () => {},
    onServerChange: () => {},
    putShared: () => {},
    configMap: () => ({ state: 'missing' }),
    deployment: () => ({ state: 'missing' }),
    stop: () => {},
  };
  let keys: string[] = [];
  const faults: unknown[] = [];
  const results: string[] = [];
  const waits: number[] = [];
  const controller = startController({
    cache,
    reconcile: async key => {
      keys.push(key);
      return { retry: await reconcile(key), lookAgainAt };
    },
    now: () => 1_000_000,
    resyncAfter: () => 60_000,
    onDone: (key, result) => results.push(`${key} ${result}`),
    onFault: (_, error) => faults.push(error),
    clock: {
      now: () => 0,
      after: ms => {
        waits.push(ms);
        return () => {};
      },
    },
  });
  const looked = async () => {
    await new Promise(resolve => setImmediate(resolve));
    const seen = keys.toSorted();
    keys = [];
    return seen;
  };
  return { cache, controller, looked, faults, results, waits };
}

function policy(name: string, version: string, metadata: object = {}): Policy {
  return makePolicy(ROLES, { name, metadata: { resourceVersion: version, ...metadata } });
}

function secret(name: string, labels: Record<string, string> = {}): Secret {
  const metadata = { name, namespace: 'argo', uid: name, resourceVersion: '1', labels };
  return { kind: 'Secret', metadata, type: 'Opaque', data: {}, tokenFilled: false };
}

describe('the controller', () => {
  it.each([
    [1_020_000, 20_000],
    // What is due already is not done in a hurry.
    [1_000_000, 1000],
    [5, 1000],
  ])('looks again at a time that a reconcile gives: %d', async (lookAgainAt, wait) => {
    const { cache, looked, waits } = rig(undefined, lookAgainAt);
    cache.policies.put(policy('a', '1'));
    await looked();
    expect(waits).toEqual([wait]);
  });

  it('looks again at the resync where that comes first', async () => {
    const { cache, looked, waits } = rig(undefined, 9_000_000);
    cache.policies.put(policy('a', '1'));
    await looked();
    expect(waits.at(-1)).toBeLessThanOrEqual(60_000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(54_000);
  });

  it('looks at all policies of a namespace when one of them comes, changes its spec, or goes', async () => {
    const { cache, looked } = rig();
    cache.policies.put(policy('a', '1'));
    expect(await looked()).toEqual(['argo/a']);
    cache.policies.put(policy('b', '2'));
    expect(await looked()).toEqual(['argo/a', 'argo/b']);
    cache.policies.put(policy('b', '3', { generation: 2 }));
    expect(await looked()).toEqual(['argo/a', 'argo/b']);
    cache.policies.remove('argo', 'b', 'uid-b');
    expect(await looked()).toEqual(['argo/a']);
  });

  it('looks at a policy alone when only its status or annotations change', async () => {
    const { cache, looked } = rig();
    cache.policies.put(policy('a', '1'));
    cache.policies.put(policy('b', '2'));
    await looked();
    cache.policies.put(policy('b', '3'));
    expect(await looked()).toEqual(['argo/b']);
  });

  it('looks at the policies of a namespace when a ServiceAccount in it changes, and at no others', async () => {
    const { cache, looked } = rig();
    cache.policies.put(policy('a', '1'));
    cache.policies.put(policy('c', '2', { namespace: 'other' }));
    await looked();
    const metadata = { name: 'by-hand', namespace: 'argo', uid: 'u', resourceVersion: '1' };
    const account: ServiceAccount = { kind: 'ServiceAccount', metadata, secrets: [] };
    cache.accounts.put(account);
    expect(await looked()).toEqual(['argo/a']);
  });

  it('does not look at anything for a Secret that no policy has to do with', async () => {
    const { cache, looked } = rig();
    cache.policies.put(policy('a', '1'));
    await looked();
    cache.secrets.put(secret('sh.helm.release.v1.x.v1'));
    expect(await looked()).toEqual([]);
    cache.secrets.put(secret('sso', { 'argo-access.io/policy-uid': 'uid-a' }));
    expect(await looked()).toEqual(['argo/a']);
  });

  it('finds the policies of a binding in another namespace by its name', async () => {
    const { cache, looked } = rig();
    cache.policies.put(policy('a', '1'));
    await looked();
    const binding = (name: string) => ({
      kind: 'RoleBinding' as const,
      metadata: { name, namespace: 'team-a', uid: name, resourceVersion: '1' },
      roleRef: { kind: 'ClusterRole' as const, name: 'x' },
      subjects: [],
    });
    cache.bindings.put(binding('somebody-elses'));
    expect(await looked()).toEqual([]);
    cache.bindings.put(binding('argo-access:argo:a-viewer:clusterrole:x'));
    expect(await looked()).toEqual(['argo/a']);
  });

  it('tells of what a reconcile throws, and goes on', async () => {
    const { cache, looked, faults, results } = rig(async key => {
      if (key === 'argo/a') throw new Error('broken');
      return false;
    });
    cache.policies.put(policy('a', '1'));
    await looked();
    cache.policies.put(policy('b', '2', { namespace: 'other' }));
    expect(await looked()).toEqual(['other/b']);
    expect(faults).toEqual([new Error('broken')]);
    expect(results).toEqual(['argo/a fault', 'other/b ok']);
  });

  it('looks at the policies that it is woken for', async () => {
    const { cache, controller, looked } = rig();
    cache.policies.put(policy('a', '1'));
    cache.policies.put(policy('b', '2'));
    await looked();
    controller.wake(({ metadata }) => metadata.name === 'b');
    expect(await looked()).toEqual(['argo/b']);
  });
});
