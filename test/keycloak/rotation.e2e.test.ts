import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Clients } from '../../operator/keycloak/clients.ts';
import { createRealm } from '../../operator/keycloak/realm.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import { eventually } from '../env/process.ts';
import { failureOf } from './harness.ts';
import { type RotationBench, startRotationBench } from './rotation-bench.ts';

const HOUR = 3_600_000;
const always = () => true;
const isRegeneration = ({ path }: { readonly path: string }) => path.endsWith('/client-secret');
const isDiscovery = ({ path }: { readonly path: string }) => path.endsWith('/openid-configuration');

let bench: RotationBench;
let clients: Clients;

beforeAll(async () => {
  bench = await startRotationBench('rotation');
  clients = bench.keycloak.clients;
});
afterEach(async () => {
  await bench.proxy.heal();
  await bench.admin.removeRotationPolicy(bench.realm);
});
afterAll(() => bench?.close());

/** What the token endpoint says of the secret that a client had when it was read. */
async function verdict({
  clientId,
  redirectUris,
  secret = new SecretValue(''),
}: KeycloakClient): Promise<string> {
  const [redirectUri = ''] = redirectUris;
  return (await bench.keycloak.prove({ clientId, secret, redirectUri, revision: 1 })).result;
}

/** How many requests for a new secret have come to the proxy. */
function regenerations(): number {
  return bench.requests().filter(isRegeneration).length;
}

describe('a new secret', () => {
  it('ends the old one at once where no policy covers the client', async () => {
    const before = await bench.makeClient();
    expect(await verdict(before)).toBe('proved');
    expect(await clients.regenerate(before.id, always)).toBe(true);
    const after = await bench.readClient(before.id);
    expect(after.secretLife).toEqual({
      createdAt: expect.any(Number),
      expiresAt: undefined,
      rotated: undefined,
    });
    expect([await verdict(after), await verdict(before)]).toEqual(['proved', 'refused']);
  });

  it('leaves the old one valid where a policy covers the client', async () => {
    await bench.cover();
    const before = await bench.makeClient();
    await clients.regenerate(before.id, always);
    const after = await bench.readClient(before.id);
    const { createdAt = 0 } = after.secretLife;
    expect(Math.abs(createdAt - Date.now())).toBeLessThan(60_000);
    expect(after.secretLife).toEqual({
      createdAt,
      expiresAt: createdAt + HOUR,
      rotated: { expiresAt: createdAt + 600_000 },
    });
    expect([await verdict(after), await verdict(before)]).toEqual(['proved', 'proved']);
  });

  it('leaves the old one valid for as long as the policy says, and it stays there afterwards', async () => {
    await bench.cover(2);
    const before = await bench.makeClient();
    await clients.regenerate(before.id, always);
    await eventually('the old secret is refused', async () => (await verdict(before)) === 'refused', 20_000);
    const after = await bench.readClient(before.id);
    expect(after.secretLife.rotated).toBeDefined();
    expect(await verdict(after)).toBe('proved');
  });

  it('ends the old one of the rotation before', async () => {
    await bench.cover();
    const first = await bench.makeClient();
    await clients.regenerate(first.id, always);
    const second = await bench.readClient(first.id);
    await clients.regenerate(first.id, always);
    expect([await verdict(first), await verdict(second)]).toEqual(['refused', 'proved']);
  });

  it('is not made for a client that is gone', async () => {
    const client = await bench.makeClient();
    await clients.delete(client.id);
    await expect(clients.regenerate(client.id, always)).rejects.toMatchObject({ kind: 'NotFound' });
  });
});

describe('a regeneration', () => {
  it('is not sent where it may not be any more', async () => {
    const client = await bench.makeClient();
    bench.proxy.reset();
    expect(await bench.openRealm().clients.regenerate(client.id, () => false)).toBe(false);
    expect(bench.requests()).toEqual([]);
    expect(await verdict(client)).toBe('proved');
  });

  it('asks whether it may be sent once its turn has come and the token is there', async () => {
    const client = await bench.makeClient();
    const only = bench.openRealm({ inFlight: 1 });
    bench.proxy.reset();
    let seen: readonly string[] = [];
    const first = only.clients.find(client.clientId);
    const regeneration = only.clients.regenerate(client.id, () => {
      seen = bench.proxy.requests.map(({ status }) => String(status));
      return true;
    });
    expect(await regeneration).toBe(true);
    await first;
    expect(seen).toEqual(['200', '200']);
    expect(regenerations()).toBe(1);
  });

  it('asks again before it is sent with another token', async () => {
    const client = await bench.makeClient();
    await bench.proxy.fail({
      kind: 'status',
      status: 401,
      matches: isRegeneration,
    });
    for (const [answers, sent] of [
      [[true, false], 1],
      [[true, true], 2],
    ] as const) {
      const left = [...answers];
      bench.proxy.reset();
      const outcome = clients.regenerate(client.id, () => left.shift() === true);
      if (sent === 1) expect(await outcome).toBe(false);
      else await expect(outcome).rejects.toMatchObject({ kind: 'WrongCredentials' });
      expect([left, regenerations()]).toEqual([[], sent]);
      await clients.find(client.clientId);
    }
    await bench.proxy.heal();
    expect(await verdict(client)).toBe('proved');
  });

  it('gives up after 4 s however long the session would wait, and is sent once', async () => {
    const client = await bench.makeClient();
    const patient = bench.openRealm({ timeoutMs: 60_000 });
    await patient.clients.find(client.clientId);
    await bench.proxy.fail({ kind: 'hang', matches: isRegeneration });
    bench.proxy.reset();
    const begun = performance.now();
    await expect(patient.clients.regenerate(client.id, always)).rejects.toMatchObject({
      kind: 'Timeout',
      message: expect.stringContaining('gave no complete answer within 4 s'),
    });
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(3_900);
    expect(took).toBeLessThan(4_900);
    expect(regenerations()).toBe(1);
  });

  it('is sent once where its answer is lost, although the secret is made', async () => {
    const client = await bench.makeClient();
    await bench.proxy.fail({ kind: 'lose', matches: isRegeneration });
    bench.proxy.reset();
    const error = await failureOf(clients.regenerate(client.id, always));
    expect(error).toMatchObject({ kind: 'Unreachable' });
    expect(regenerations()).toBe(1);
    await bench.proxy.heal();
    expect(await verdict(client)).toBe('refused');
    const now = (await bench.readClient(client.id)).secret?.reveal() ?? '';
    expect(JSON.stringify(error) + String(error)).not.toContain(now);
  });
});

describe('the end of an overlap', () => {
  it('has the old secret refused and the new one stay, and can be asked for again', async () => {
    await bench.cover();
    const before = await bench.makeClient();
    await clients.regenerate(before.id, always);
    await clients.endOverlap(before.id);
    const after = await bench.readClient(before.id);
    expect(after.secretLife.rotated).toBeUndefined();
    expect([await verdict(after), await verdict(before)]).toEqual(['proved', 'refused']);
    await clients.endOverlap(before.id);
    await clients.delete(before.id);
    await clients.endOverlap(before.id);
  });
});

describe('a client that a policy covers', () => {
  it('keeps both secrets when it is changed', async () => {
    await bench.cover();
    const before = await bench.makeClient();
    expect(before.secretLife.expiresAt).toBe((before.secretLife.createdAt ?? 0) + HOUR);
    await clients.regenerate(before.id, always);
    const between = await bench.readClient(before.id);
    await clients.update(before.id, { description: 'changed', attributes: { x: 'y' } });
    await clients.update(before.id, { description: 'changed again' });
    const after = await bench.readClient(before.id);
    expect(after.secretLife).toEqual(between.secretLife);
    expect([await verdict(between), await verdict(before)]).toEqual(['proved', 'proved']);
  });

  // Keycloak 26.7 answers 500 to a representation without attributes where its policy sets some.
  it('can be changed where it has existed longer than the policy', async () => {
    const before = await bench.makeClient();
    await bench.cover();
    await clients.update(before.id, { description: 'changed' });
    const after = await bench.readClient(before.id);
    expect(after).toMatchObject({ description: 'changed', secretLife: { expiresAt: expect.any(Number) } });
    expect(await verdict(before)).toBe('proved');
  });
});

describe('the question whether the issuer answers', () => {
  it('is put to the discovery document each time', async () => {
    const asking = bench.openRealm();
    bench.proxy.reset();
    expect(await asking.issuerAnswers()).toBe(true);
    await bench.proxy.fail({ kind: 'status', status: 503, matches: isDiscovery });
    expect(await asking.issuerAnswers()).toBe(false);
    await bench.proxy.heal();
    expect(await asking.issuerAnswers()).toBe(true);
    expect(bench.proxy.requests.map(({ path }) => path)).toEqual(
      Array(3).fill(`/realms/${bench.realm}/.well-known/openid-configuration`),
    );
  });

  it('is answered with no where nobody listens, and where there is no such realm', async () => {
    const asking = bench.openRealm();
    await bench.proxy.fail({ kind: 'refuse' });
    expect(await asking.issuerAnswers()).toBe(false);
    await bench.proxy.heal();
    const session = bench.open();
    const gone = createRealm({ session, realm: 'no-such-realm', signInRealm: bench.realm, wanted: () => [] });
    expect(await gone.issuerAnswers()).toBe(false);
  });

  it('is answered with no after 5 s of waiting', async () => {
    const patient = bench.openRealm({ timeoutMs: 60_000 });
    await bench.proxy.fail({ kind: 'hang', matches: isDiscovery });
    const begun = performance.now();
    expect(await patient.issuerAnswers()).toBe(false);
    expect(performance.now() - begun).toBeLessThan(5_900);
  });
});
