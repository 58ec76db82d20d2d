import { describe, expect, it } from 'vitest';
import { apply, type Targets } from '../operator/apply.ts';
import { KeycloakError, type KeycloakErrorKind } from '../operator/keycloak/errors.ts';
import type { Change } from '../operator/policy/change.ts';

const CHANGE: Change = { kind: 'RegenerateSecret', id: '1', clientId: 'argo', cause: 'Request' };

/** Asks for a new secret, where Keycloak answers so; tells what came of it. */
async function regenerate(answer: () => Promise<boolean>) {
  const seen = { held: 0, regenerated: 0, made: 0 };
  const targets = {
    keycloak: { clients: { regenerate: answer, read: async () => undefined } },
    effects: {
      clientTouched: () => {},
      clientRead: () => {},
      regenerated: () => {
        seen.regenerated += 1;
      },
    },
    mayRegenerate: () => true,
    regenerationFailed: () => {
      seen.held += 1;
    },
  } as unknown as Targets;
  const stopped = await apply(
    [CHANGE],
    () => targets,
    new AbortController().signal,
    () => {
      seen.made += 1;
    },
  );
  return { ...seen, failed: stopped !== undefined };
}

function failing(kind: KeycloakErrorKind) {
  const failure = { kind, connection: 'default', realm: 'platform', action: 'ask', detail: 'no' };
  return () => Promise.reject(new KeycloakError(failure));
}

describe('a new secret', () => {
  it('that was made is told of', async () => {
    const done = { held: 0, regenerated: 1, made: 1, failed: false };
    expect(await regenerate(async () => true)).toEqual(done);
  });

  it('that nobody may make any more is left out without a failure', async () => {
    const nothing = { held: 0, regenerated: 0, made: 0, failed: false };
    expect(await regenerate(async () => false)).toEqual(nothing);
  });

  it.each([
    ['Timeout', 1],
    ['Unreachable', 1],
    ['ServerError', 1],
    ['Forbidden', 0],
    ['NotFound', 0],
    ['Invalid', 0],
  ] as const)('is tried again soon only where it surely was not made: %s', async (kind, held) => {
    const failed = { held, regenerated: 0, made: 0, failed: true };
    expect(await regenerate(failing(kind))).toEqual(failed);
  });
});
