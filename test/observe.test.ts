import { describe, expect, it } from 'vitest';
import type { Policy } from '../operator/api/objects.ts';
import { createObserver, type Observer, type ObserverOptions } from '../operator/observe.ts';
import { makePolicy } from './policy/fixtures.ts';
import { SPEC } from './policy/objects.ts';

const KEY = 'argo/workflows';

/** A policy whose status tells of a revision of its Secret. */
function telling(revision?: number, uid = 'uid-workflows'): Policy {
  const secret = revision === undefined ? undefined : { name: 'argo-server-sso', revision };
  return makePolicy(SPEC, { metadata: { uid }, ...(secret && { status: { secret } }) });
}

/** An observer of one policy, which can become another. */
function observing(first: Policy) {
  let policy: Policy | undefined = first;
  const observer = createObserver({
    cache: { policies: { get: () => policy } },
    connections: { realm: () => undefined },
    leadership: {},
    now: () => 0,
  } as unknown as ObserverOptions);
  return {
    observer,
    become: (next: Policy | undefined) => {
      policy = next;
    },
  };
}

/** One reconcile, which comes to its conclusion, and may have had a new secret made. */
function reconcile(observer: Observer, cause?: 'Schedule' | 'Request') {
  const sight = observer.open(KEY);
  if (cause !== undefined) sight?.targets().effects.regenerated(cause);
  const { regenerated, isTold } = sight?.done() ?? {};
  return { regenerated, isTold };
}

const NOTHING = { regenerated: undefined, isTold: false };

describe('a new secret that the operator has had made', () => {
  it('is told once, and known as its deed until a status tells of another revision', () => {
    const { observer, become } = observing(telling(3));
    expect(reconcile(observer)).toEqual(NOTHING);
    expect(reconcile(observer, 'Schedule')).toEqual({ regenerated: 'Schedule', isTold: false });
    expect(reconcile(observer)).toEqual({ regenerated: 'Schedule', isTold: true });
    become(telling(4));
    expect(reconcile(observer)).toEqual(NOTHING);
    expect(reconcile(observer, 'Request')).toEqual({ regenerated: 'Request', isTold: false });
  });

  it('is told by the next reconcile where the one that made it came to no conclusion', () => {
    const { observer } = observing(telling(3));
    observer.open(KEY)?.targets().effects.regenerated('Schedule');
    expect(reconcile(observer)).toEqual({ regenerated: 'Schedule', isTold: false });
  });

  it('is told though an earlier one was told of before any status could', () => {
    const { observer } = observing(telling(3));
    reconcile(observer, 'Schedule');
    expect(reconcile(observer, 'Request')).toEqual({ regenerated: 'Request', isTold: false });
  });

  it.each([
    ['was gone meanwhile', [undefined, telling()]],
    ['has come in its place', [telling(undefined, 'uid-another')]],
  ])('is not the deed of another policy of that name that %s', (_, next) => {
    const { observer, become } = observing(telling());
    reconcile(observer, 'Schedule');
    for (const each of next) {
      become(each);
      expect(reconcile(observer).regenerated).toBeUndefined();
    }
  });
});
