import { describe, expect, it } from 'vitest';
import type { ObjectMeta } from '../../operator/api/objects.ts';
import { createStore, type StoreEvent } from '../../operator/kubernetes/store.ts';

interface Thing {
  readonly metadata: ObjectMeta;
}

function thing(name: string, version: string, uid = `uid-${name}`, namespace = 'n'): Thing {
  return { metadata: { name, namespace, uid, resourceVersion: version } };
}

function setUp() {
  const store = createStore<Thing>();
  const events: StoreEvent<Thing>[] = [];
  store.onChange(event => events.push(event));
  return { store, events };
}

describe('a store', () => {
  it('takes in an object and tells of it', () => {
    const { store, events } = setUp();
    const object = thing('a', '5');
    store.put(object);
    expect(store.get('n', 'a')).toBe(object);
    expect(events).toEqual([{ object, before: undefined, deleted: false }]);
  });

  it('prefers the later version, by number and not by text, and tells what was there before', () => {
    const { store, events } = setUp();
    const [older, later] = [thing('a', '9'), thing('a', '10')];
    store.put(older);
    store.put(later);
    store.put(older);
    expect(store.get('n', 'a')).toBe(later);
    expect(events).toEqual([
      { object: older, before: undefined, deleted: false },
      { object: later, before: older, deleted: false },
    ]);
  });

  it('tells a version once, whether it comes from a write or from the watch first', () => {
    const { store, events } = setUp();
    store.put(thing('a', '5'));
    store.put(thing('a', '5'));
    expect(events).toHaveLength(1);
  });

  it('compares versions that are larger than a JavaScript number holds', () => {
    const { store } = setUp();
    store.put(thing('a', '9007199254740993'));
    store.put(thing('a', '9007199254740992'));
    expect(store.get('n', 'a')?.metadata.resourceVersion).toBe('9007199254740993');
  });

  it('takes out an object, tells of it, and does not let a late event bring it back', () => {
    const { store, events } = setUp();
    const object = thing('a', '5');
    store.put(object);
    store.remove('n', 'a', 'uid-a');
    store.put(thing('a', '6'));
    store.remove('n', 'a', 'uid-a');
    expect(store.get('n', 'a')).toBeUndefined();
    expect(events.slice(1)).toEqual([{ object, before: object, deleted: true }]);
  });

  it('does not take in an object whose deletion came first', () => {
    const { store, events } = setUp();
    store.remove('n', 'a', 'uid-a');
    store.put(thing('a', '5'));
    expect(store.get('n', 'a')).toBeUndefined();
    expect(events).toEqual([]);
  });

  it('leaves a new object of the same name when the deletion of the old one comes late', () => {
    const { store, events } = setUp();
    const [old, fresh] = [thing('a', '5', 'old'), thing('a', '8', 'new')];
    store.put(old);
    store.put(fresh);
    store.remove('n', 'a', 'old');
    store.put(thing('a', '9', 'old'));
    expect(store.get('n', 'a')).toBe(fresh);
    expect(events.slice(1)).toEqual([{ object: fresh, before: old, deleted: false }]);
  });

  it('takes in a new object of the same name after the old one was deleted', () => {
    const { store } = setUp();
    store.put(thing('a', '5', 'old'));
    store.remove('n', 'a', 'old');
    store.put(thing('a', '8', 'new'));
    expect(store.get('n', 'a')?.metadata.uid).toBe('new');
  });

  it('remembers the last thousand deletions, not all of them', () => {
    const { store } = setUp();
    for (let count = 0; count <= 1000; count += 1) store.remove('n', 'a', `uid-${count}`);
    store.put(thing('first', '1', 'uid-0'));
    store.put(thing('last', '1', 'uid-1000'));
    expect(store.list('n').map(({ metadata }) => metadata.name)).toEqual(['first']);
  });

  it('keeps namespaces apart', () => {
    const { store } = setUp();
    store.put(thing('a', '1', 'u1', 'n'));
    store.put(thing('a', '2', 'u2', 'm'));
    store.remove('m', 'a', 'u2');
    expect(store.list('n')).toHaveLength(1);
    expect(store.list('m')).toEqual([]);
    expect(store.all()).toEqual(store.list('n'));
  });
});

describe('a list that replaces what a store holds', () => {
  it('takes out what has vanished, takes in what is new, and tells of nothing else', () => {
    const { store, events } = setUp();
    const [gone, same, changed] = [thing('gone', '1'), thing('same', '2'), thing('changed', '3')];
    for (const object of [gone, same, changed]) store.put(object);
    events.length = 0;
    const [now, fresh] = [thing('changed', '6'), thing('fresh', '7')];
    store.replace('n', [thing('same', '2'), now, fresh], '9');
    expect(store.list('n').map(({ metadata }) => metadata.name)).toEqual(['same', 'changed', 'fresh']);
    expect(events).toEqual([
      { object: gone, before: gone, deleted: true },
      { object: now, before: changed, deleted: false },
      { object: fresh, before: undefined, deleted: false },
    ]);
  });

  it('leaves what is newer than the list, such as what we have just created', () => {
    const { store } = setUp();
    store.put(thing('made', '12'));
    store.put(thing('changed', '15'));
    store.replace('n', [thing('changed', '4')], '10');
    expect(store.get('n', 'made')).toBeDefined();
    expect(store.get('n', 'changed')?.metadata.resourceVersion).toBe('15');
  });

  it('does not bring back what was deleted after the list was made', () => {
    const { store } = setUp();
    store.put(thing('a', '4'));
    store.remove('n', 'a', 'uid-a');
    store.replace('n', [thing('a', '4')], '10');
    expect(store.list('n')).toEqual([]);
  });

  it('puts a new object in the place of one of the same name', () => {
    const { store, events } = setUp();
    const [old, fresh] = [thing('a', '4', 'old'), thing('a', '8', 'new')];
    store.put(old);
    store.replace('n', [fresh], '10');
    expect(store.get('n', 'a')).toBe(fresh);
    expect(events.slice(1)).toEqual([
      { object: old, before: old, deleted: true },
      { object: fresh, before: undefined, deleted: false },
    ]);
  });

  it('touches the listed namespace only, or all where it lists them all', () => {
    const { store } = setUp();
    store.put(thing('a', '1', 'u1', 'n'));
    store.put(thing('a', '2', 'u2', 'm'));
    store.replace('n', [], '10');
    expect(store.all().map(({ metadata }) => metadata.namespace)).toEqual(['m']);
    store.replace(undefined, [thing('b', '11', 'u3', 'k')], '12');
    expect(store.all().map(({ metadata }) => metadata.namespace)).toEqual(['k']);
  });
});
