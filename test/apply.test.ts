import { describe, expect, it } from 'vitest';
import { apply, type Targets } from '../operator/apply.ts';
import { KeycloakError, type KeycloakErrorKind } from '../operator/keycloak/errors.ts';
import type { Claim } from '../operator/leadership.ts';
import type { Change } from '../operator/policy/change.ts';
import type { KeycloakClient, SecretLife } from '../operator/policy/keycloak-types.ts';
import { makeClient } from './policy/fixtures.ts';

const LIFE: SecretLife = { createdAt: 1000, expiresAt: undefined, rotated: undefined };
const OVERLAPS: SecretLife = { createdAt: 2000, expiresAt: 9000, rotated: { expiresAt: 5000 } };
const CHANGES = {
  regenerate: { kind: 'RegenerateSecret', id: '1', clientId: 'argo', cause: 'Request', life: LIFE },
  end: { kind: 'EndOverlap', id: '1', clientId: 'argo', life: OVERLAPS },
} as const satisfies Readonly<Record<string, Change>>;

interface Given {
  readonly change?: Change;
  /** Keycloak's answer to a request for a new secret. */
  readonly answer?: () => Promise<boolean>;
  /** What the client's secrets are right before. */
  readonly life?: SecretLife;
  readonly id?: string;
  readonly leads?: boolean;
  readonly read?: () => Promise<KeycloakClient | undefined>;
}

/** Makes a change of the client's secrets; tells what came of it, in order. */
async function make(given: Given) {
  const { change = CHANGES.regenerate, answer = async () => true, leads = true } = given;
  const { life = change.kind === 'EndOverlap' ? OVERLAPS : LIFE, id = '1' } = given;
  const { read = async () => makeClient({ id, secretLife: life }) } = given;
  const story: string[] = [];
  const say =
    <T>(what: string, value: T) =>
    () => {
      story.push(what);
      return value;
    };
  const claim: Claim = { mayStill: () => leads, end: outcome => story.push(outcome) };
  const targets = {
    keycloak: {
      clients: {
        regenerate: (_: string, mayStill: () => boolean) => {
          story.push('asked');
          return mayStill() ? answer() : Promise.resolve(false);
        },
        endOverlap: say('ended', Promise.resolve()),
        read: async () => undefined,
      },
    },
    effects: {
      // What was known before it was read is told of as well, which does not matter here.
      clientTouched: () => story.includes('read') && story.push('forgotten'),
      clientRead: () => {},
      regenerated: say('told', undefined),
    },
    isLeader: () => leads,
    claim: say('claimed', Promise.resolve(leads ? claim : undefined)),
    currentClient: () => {
      story.push('read');
      return read();
    },
  } as unknown as Targets;
  const { signal } = new AbortController();
  const stopped = await apply([change], () => targets, signal, say('made', undefined));
  return stopped === undefined ? story : [...story, 'failed'];
}

function failing(kind: KeycloakErrorKind) {
  const failure = { kind, connection: 'default', realm: 'platform', action: 'ask', detail: 'no' };
  return () => Promise.reject(new KeycloakError(failure));
}

describe('a new secret', () => {
  it('that was made is told of, and others may lead', async () => {
    expect(await make({})).toEqual(['claimed', 'read', 'forgotten', 'asked', 'Known', 'told', 'made']);
  });

  it('that nobody may make any more is left out without a failure', async () => {
    expect(await make({ leads: false })).toEqual(['claimed']);
    expect(await make({ answer: async () => false })).toEqual([
      ...['claimed', 'read', 'forgotten', 'asked', 'Known'],
    ]);
  });

  it('is not asked for where somebody has got one since it was decided on', async () => {
    const others: readonly Given[] = [
      { life: { ...LIFE, createdAt: 2000 } },
      { life: { ...LIFE, expiresAt: 2000 } },
      { life: { ...LIFE, rotated: { expiresAt: undefined } } },
      { id: '2' },
      { read: async () => undefined },
    ];
    for (const given of others) expect(await make(given)).toEqual(['claimed', 'read', 'Known']);
  });

  it('is not asked for where Keycloak does not tell, and holds up nobody then', async () => {
    expect(await make({ read: failing('Timeout') })).toEqual([
      ...['claimed', 'read', 'Known', 'forgotten', 'failed'],
    ]);
  });

  it.each([
    ['Timeout', 'Unknown'],
    ['Unreachable', 'Unknown'],
    ['ServerError', 'Unknown'],
    ['Forbidden', 'Known'],
    ['NotFound', 'Known'],
    ['Invalid', 'Known'],
  ] as const)('is tried again soon only where it surely was not made: %s', async (kind, outcome) => {
    // What others have read meanwhile may be from before, and is forgotten too.
    const failed = ['claimed', 'read', 'forgotten', 'asked', outcome, 'forgotten', 'failed'];
    expect(await make({ answer: failing(kind) })).toEqual(failed);
  });
});

describe('the end of an old secret', () => {
  it('comes where all is as it was decided on', async () => {
    expect(await make({ change: CHANGES.end })).toEqual(['read', 'forgotten', 'ended', 'made']);
  });

  it('is left out where another one is the old secret since, or there is none any more', async () => {
    const others: readonly SecretLife[] = [
      { ...OVERLAPS, createdAt: 3000 },
      { ...OVERLAPS, rotated: { expiresAt: 6000 } },
      { ...OVERLAPS, rotated: undefined },
    ];
    for (const life of others) expect(await make({ change: CHANGES.end, life })).toEqual(['read']);
  });

  it('is left to whoever leads', async () => {
    expect(await make({ change: CHANGES.end, leads: false })).toEqual(['read', 'forgotten']);
  });
});
