import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { HOME, type World } from './world.ts';

interface Item {
  readonly metadata: { readonly namespace?: string; readonly name: string };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Shorter texts are found in anything. */
const SHORTEST = 10;

const TOKEN = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/;

function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

async function keycloakSecrets({ admin, realm }: World): Promise<readonly string[]> {
  const clients = await admin.clients(realm);
  return clients.flatMap(client => {
    const { secret, attributes } = client as {
      secret?: string;
      attributes?: Readonly<Record<string, string>>;
    };
    return [secret, attributes?.['client.secret.rotated']].filter(value => value !== undefined);
  });
}

async function kubernetesSecrets(world: World): Promise<readonly string[]> {
  const secrets = await world.list<Item>('/api/v1/secrets');
  return secrets.flatMap(({ type, data }) =>
    type === 'kubernetes.io/service-account-token'
      ? [decode(data?.token)]
      : [decode(data?.['client-secret'])],
  );
}

async function operatorSecrets({ folder }: World): Promise<readonly string[]> {
  const [kubeconfig, secret] = await Promise.all(
    ['kubeconfig-operator', 'keycloak-secret'].map(name => readFile(join(folder, name), 'utf8')),
  );
  return [/token: *"?([^\s"]+)/.exec(kubeconfig ?? '')?.[1] ?? '', (secret ?? '').trim()];
}

/** All that must never be shown: secrets of the realm's clients, tokens of accounts, the operator's credentials. */
export async function secretsOf(world: World): Promise<ReadonlySet<string>> {
  const all = await Promise.all([keycloakSecrets(world), kubernetesSecrets(world), operatorSecrets(world)]);
  return new Set(all.flat().filter(secret => secret.length >= SHORTEST));
}

/** A secret as it could stand in a text: plain, in base64 at each of its three offsets, in a URL. */
function formsOf(secret: string): readonly string[] {
  const shifted = ['', 'x', 'xx'].map(before => {
    const text = Buffer.from(`${before}${secret}`, 'utf8').toString('base64');
    // The first and the last letters also carry bits of what stands beside the secret.
    return text.slice(before === '' ? 0 : 4, -4);
  });
  return [secret, encodeURIComponent(secret), ...shifted].filter(form => form.length >= SHORTEST - 2);
}

/** Everything that the operator has said, where people and other programs can read it. */
async function saidBy(world: World): Promise<Readonly<Record<string, readonly string[]>>> {
  const [output, events, policies] = await Promise.all([
    world.output(),
    world.list('/api/v1/events'),
    world.list('/apis/argo-access.io/v1alpha1/argoaccesspolicies'),
  ]);
  return {
    log: output.split('\n').filter(line => line !== ''),
    events: events.map(event => JSON.stringify(event)),
    policies: [...world.seen, ...policies.map(policy => JSON.stringify(policy))],
  };
}

/**
 * Fails where log, events or policies hold a secret that this world has, or one of those given because they were
 * replaced meanwhile. Fails as well where there was nothing to look at, or nothing to look for.
 */
export async function assertNoLeak(world: World, former: Iterable<string> = []): Promise<void> {
  const secrets = new Set([...(await secretsOf(world)), ...former]);
  const said = await saidBy(world);
  expect(secrets.size).toBeGreaterThan(2);
  expect(said.log?.length).toBeGreaterThan(2);
  expect(said.policies?.length).toBeGreaterThan(0);
  expect(said.log?.some(line => line.includes(`"${HOME}/`))).toBe(true);
  const forms = [...secrets].flatMap(formsOf);
  for (const [where, texts] of Object.entries(said)) {
    const leaks = texts.filter(text => TOKEN.test(text) || forms.some(form => text.includes(form)));
    expect(leaks, `secrets in ${where}`).toEqual([]);
  }
}
