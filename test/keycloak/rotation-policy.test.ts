import { describe, expect, it } from 'vitest';
import { createRotationPolicies } from '../../operator/keycloak/rotation-policy.ts';
import type { Session } from '../../operator/keycloak/session.ts';
import { makeClient } from '../policy/fixtures.ts';

const HOUR = 3_600_000;

describe("a reading of a realm's client policies", () => {
  it('counts as none where it seems to come from the future, as somebody has set the clock back', async () => {
    let now = 10 * HOUR;
    let calls = 0;
    const session = {
      now: () => now,
      call: async () => {
        calls += 1;
        return [];
      },
    } as Partial<Session> as Session;
    const policies = createRotationPolicies(session, 'platform');
    const client = makeClient();
    await policies.coverage(client, 10_000);
    await policies.coverage(client, 10_000);
    expect(calls).toBe(2);
    now -= HOUR;
    await policies.coverage(client, 10_000);
    expect(calls).toBe(4);
    await policies.coverage(client, 10_000);
    expect(calls).toBe(4);
  });
});
