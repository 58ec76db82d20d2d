import { expect } from 'vitest';
import { awaitReady, HOME, touch, type World, writesOf } from './world.ts';

/** How many changes the operator has made for a policy so far. */
export async function changesMade(world: World, name = 'workflows', namespace = HOME): Promise<number> {
  const lines = await world.operator().log();
  return lines.filter(line => line.change !== undefined && line.policy === `${namespace}/${name}`).length;
}

/**
 * Waits until a policy is Ready, lets the operator look once more, so that all is written that it still had to
 * write, and shows that yet another look writes nothing.
 */
export async function expectQuiet(world: World, name = 'workflows', namespace = HOME): Promise<void> {
  await awaitReady(world, name, namespace);
  await touch(world, name, namespace);
  await touch(world, name, namespace);
  expect(writesOf(world.api)).toEqual([]);
  expect(writesOf(world.keycloak)).toEqual([]);
}

/** Changes an object as somebody else does, by a merge patch: null removes. */
export function edit(world: World, path: string, change: object): Promise<unknown> {
  return world.send('PATCH', `${path}?fieldManager=somebody`, change, 'application/merge-patch+json');
}
