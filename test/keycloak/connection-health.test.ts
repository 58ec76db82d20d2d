import { beforeEach, describe, expect, it } from 'vitest';
import { type ConnectionHealth, createConnectionHealth } from '../../operator/keycloak/connection-health.ts';
import { KeycloakError, type KeycloakErrorKind } from '../../operator/keycloak/errors.ts';

const TIMEOUT = 10_000;

let clock: number;
let told: (string | undefined)[];
let health: ConnectionHealth;

function error(kind: KeycloakErrorKind): KeycloakError {
  return new KeycloakError({ kind, connection: 'default', realm: 'platform', action: 'ask', detail: 'no' });
}

/** A request that was sent at a time and fails now. */
function failing(kind: KeycloakErrorKind, sentAt: number): void {
  health.failed(error(kind), sentAt);
}

beforeEach(() => {
  clock = 100_000;
  told = [];
  health = createConnectionHealth({
    now: () => clock,
    timeoutMs: TIMEOUT,
    tell: failure => told.push(failure?.kind),
  });
});

describe('a connection on which nothing is answered in time', () => {
  beforeEach(() => {
    expect(health.admits()).toBe(true);
    failing('Timeout', clock - TIMEOUT);
  });

  it('is left alone for a moment, then asked by one request at a time', () => {
    expect(health.admits()).toBe(false);
    clock += 2_000;
    expect(health.admits()).toBe(true);
    expect(health.admits()).toBe(false);
    clock += TIMEOUT;
    failing('Timeout', clock - TIMEOUT);
    expect(health.admits()).toBe(false);
    clock += 2_000;
    expect(health.admits()).toBe(true);
  });

  it('is asked again where its rest would last for long, as somebody has set the clock back', () => {
    clock -= 3_600_000;
    expect(health.admits()).toBe(true);
    expect(health.admits()).toBe(false);
  });

  it('asks again where the one that was sent never came to an end', () => {
    clock += 2_000;
    expect(health.admits()).toBe(true);
    clock += TIMEOUT + 2_000;
    expect(health.admits()).toBe(true);
  });

  it.each([
    ['an answer', () => health.succeeded()],
    ['a refusal', () => failing('Forbidden', clock)],
    ['a failure that takes no time', () => failing('Unreachable', clock)],
  ])('is asked by all again after %s', (_, happens) => {
    clock += 2_000;
    expect(health.admits()).toBe(true);
    happens();
    expect([health.admits(), health.admits()]).toEqual([true, true]);
  });
});

describe('a request that is not answered in time', () => {
  it('keeps no other back where others were answered meanwhile', () => {
    health.succeeded();
    failing('Timeout', clock - TIMEOUT);
    expect(health.admits()).toBe(true);
  });
});

describe('an outage', () => {
  it('is told once, with its beginning, and so is its end', () => {
    failing('Unreachable', clock);
    const began = clock;
    clock += 5_000;
    failing('Timeout', clock);
    expect([told, health.since()]).toEqual([['Unreachable'], began]);
    health.succeeded();
    health.succeeded();
    expect([told, health.since()]).toEqual([['Unreachable', undefined], undefined]);
  });

  it('is none where Keycloak refuses', () => {
    failing('Forbidden', clock);
    failing('NotFound', clock);
    expect([told, health.since()]).toEqual([[], undefined]);
  });
});
