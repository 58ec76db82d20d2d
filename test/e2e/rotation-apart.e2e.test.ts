import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import { formatTime } from '../../operator/api/time.ts';
import { eventually } from '../env/process.ts';
import { createTestClock } from './clock.ts';
import { edit } from './quiet.ts';
import {
  ARGO_SERVER,
  createRotatingWorld,
  freeLease,
  installArgoServer,
  rotatingSpec,
  SETTINGS,
  SETTINGS_PATH,
} from './rotating-world.ts';
import {
  annotate,
  awaitNextSecond,
  CLIENT,
  letServerWork,
  MINUTE,
  regenerations,
  SECOND,
  SECRET_PATH,
  type Sight,
  sightOf,
} from './rotation-looks.ts';
import { applySettingsAs, awaitServer, conditionOf, glance, settingsData } from './server-looks.ts';
import {
  applyPolicy,
  awaitPolicy,
  awaitReady,
  corePath,
  type GotPolicy,
  HOME,
  policyPath,
  type World,
} from './world.ts';

const SPEC = rotatingSpec({ schedule: '@yearly' });
const SERVER = SPEC.server as object;
const MY_CLIENT = SPEC.client as { readonly secret: object };

const clock = createTestClock();
let world: World;
let before: Sight;

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await freeLease(world);
  await world.startOperatorHere(clock);
  await applyPolicy(world, SPEC);
  await awaitReady(world);
});
afterAll(() => world?.stop());

beforeEach(async () => {
  await awaitNextSecond(world);
  clock.advance(6 * MINUTE + 3 * SECOND);
  world.api.reset();
  world.keycloak.reset();
  before = await sightOf(world);
});

function request(): Promise<unknown> {
  return annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: formatTime(clock.now()) });
}

/** Waits until the Secret has the client's present secret, which is another one than before. */
async function awaitFollowed(): Promise<Sight> {
  await eventually('the Secret follows Keycloak', async () => {
    if ((await world.get(SECRET_PATH)) === undefined) return false;
    const { held, keycloak } = await sightOf(world);
    return held === keycloak && held !== before.held;
  });
  return sightOf(world);
}

async function awaitRolled(revision: number): Promise<void> {
  await eventually('Argo Server is given the revision', async () => {
    return (await sightOf(world)).rolled?.startsWith(`${revision}-`) === true;
  });
}

async function heal(spec: object): Promise<void> {
  await world.keycloak.heal();
  await applyPolicy(world, spec);
  await glance(world);
  await awaitReady(world);
}

it('Argo Server gets a new secret although another manager holds a setting that it can do without', async () => {
  await applySettingsAs(world, 'other', { sso: (await settingsData(world)).sso ?? '' });
  await applyPolicy(world, { ...SPEC, server: { ...SERVER, sessionExpiry: '8h' } });
  await awaitServer(world, { reason: 'FieldTaken', message: '"other"' });
  await request();
  await awaitRolled(before.revision + 1);
  const said = await awaitServer(world, { reason: 'FieldTaken', message: '"other"' });
  expect(said.status).toBe('False');
  expect(regenerations(world)).toBe(1);
  await applySettingsAs(world, 'other', {});
  await heal(SPEC);
});

it('an immutable ConfigMap is told of with what helps, and holds up no restart', async () => {
  await edit(world, SETTINGS_PATH, { immutable: true });
  await applyPolicy(world, { ...SPEC, server: { ...SERVER, sessionExpiry: '7h' } });
  const said = await awaitServer(world, { reason: 'KubernetesRejected', message: 'immutable' });
  expect(said.message).toContain('delete it and make it anew without immutable');
  await request();
  await awaitRolled(before.revision + 1);
  await world.send('DELETE', SETTINGS_PATH);
  await installSettings();
  await heal(SPEC);
});

async function installSettings(): Promise<void> {
  const name = SETTINGS_PATH.split('/').at(-1) ?? '';
  await world.send('POST', `/api/v1/namespaces/${HOME}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: HOME },
    data: {},
  });
}

it('the Secret follows Keycloak, and Argo Server the Secret, although the realm refuses a change of the client', async () => {
  const executor = { executor: 'consent-required', configuration: { 'auto-configure': false } };
  const any = { condition: 'any-client', configuration: {} };
  await world.admin.setClientPolicies(
    world.realm,
    [{ name: 'strict', executors: [executor] }] as never,
    [{ name: 'strict', enabled: true, conditions: [any], profiles: ['strict'] }] as never,
  );
  await applyPolicy(world, {
    ...SPEC,
    client: { ...MY_CLIENT, additionalUrls: ['https://two.example.com'] },
  });
  await awaitPolicy(world, 'says that the change is refused', (_, c) => {
    return c('ClientReady')?.reason === 'KeycloakRejected';
  });
  await world.admin.regenerate(world.realm, CLIENT);
  clock.advance(6 * MINUTE);
  await glance(world);
  const { revision } = await awaitFollowed();
  await awaitRolled(revision);
  await world.send('DELETE', SECRET_PATH);
  await awaitFollowed();
  world.keycloak.reset();
  await request();
  const waits = await awaitPolicy(world, 'puts the rotation off', (_, c) => {
    return c('SecretReady')?.reason === 'RotationPostponed';
  });
  expect(conditionOf(waits, 'SecretReady').message).toContain('condition ClientReady says what is wrong');
  expect(conditionOf(waits, 'ClientReady').reason).toBe('KeycloakRejected');
  expect(regenerations(world)).toBe(0);
  await world.admin.setClientPolicies(world.realm, [], []);
  await heal(SPEC);
});

it.each([
  ['client-policies', 500, 'SecretReady', 'RotationUnknown'],
  ['group', 403, 'RolesReady', 'KeycloakForbidden'],
  ['group', 500, 'RolesReady', 'KeycloakUnavailable'],
])(
  'the Secret follows Keycloak although /%s alone answers %i, which is told',
  async (part, status, type, reason) => {
    await world.keycloak.fail({ kind: 'status', status, matches: ({ path }) => path.includes(part) });
    clock.advance(10 * MINUTE);
    await world.admin.regenerate(world.realm, CLIENT);
    await edit(world, SECRET_PATH, { data: { 'client-secret': Buffer.from('wrong').toString('base64') } });
    await awaitFollowed();
    await glance(world);
    await awaitPolicy(world, 'tells what cannot be asked', (_, c) => c(type)?.reason === reason);
    await heal(SPEC);
  },
);

it('a former Secret stays until Argo Server no longer needs it', async () => {
  await applySettingsAs(world, 'other', { sso: (await settingsData(world)).sso ?? '' });
  const secret = { ...MY_CLIENT.secret, name: 'other-name' };
  await applyPolicy(world, { ...SPEC, client: { ...MY_CLIENT, secret } });
  await awaitServer(world, { reason: 'RolloutPostponed', message: 'is managed by "other"' });
  const seen = await awaitPolicy(world, 'says that it stays', (_, c) => {
    return c('SecretReady')?.reason === 'FormerSecretKept';
  });
  expect(conditionOf(seen, 'SecretReady').message).toContain('is known to name it no longer');
  expect(await world.get(SECRET_PATH)).toBeDefined();
  await applySettingsAs(world, 'other', {});
  await glance(world);
  await awaitReady(world);
  await eventually('it is removed', async () => (await world.get(SECRET_PATH)) === undefined);
  await heal(SPEC);
  const policy = await world.get<GotPolicy>(policyPath('workflows'));
  expect(policy && conditionOf(policy, 'SecretReady').reason).not.toBe('FormerSecretKept');
});

/** What a Secret of the policy's namespace holds, as text; undefined where there is none. */
async function heldIn(name: string): Promise<Readonly<Record<string, string>> | undefined> {
  const data = (await world.get(corePath('secrets', name)))?.data;
  return (
    data &&
    Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
    )
  );
}

const named = (secret: object, server?: object) => ({
  ...SPEC,
  client: { ...MY_CLIENT, secret: { ...MY_CLIENT.secret, ...secret } },
  ...(server && { server }),
});

/** Has the operator write the settings again, of which somebody holds the key. */
async function unpaste(): Promise<void> {
  await edit(world, SETTINGS_PATH, { data: { sso: null } });
  await heal(SPEC);
}

/** The block that ServerReady shows, as somebody pastes it. */
async function paste(): Promise<void> {
  const { message } = await awaitServer(world, { reason: 'RolloutPostponed', message: 'Write under data:' });
  await edit(world, SETTINGS_PATH, { data: parse(message.split('Write under data:\n')[1] ?? '') });
}

it('a former key stays beside the new one, with the present value, until settings that others write name it no longer', async () => {
  const others = { ...SERVER, configMap: { name: SETTINGS, manage: false } };
  await applyPolicy(world, named({ clientSecretKey: 'value' }, others));
  await awaitServer(world, {
    reason: 'RolloutPostponed',
    message: 'and should be argo-server-sso, key value',
  });
  const value = before.keycloak;
  expect(await heldIn('argo-server-sso')).toEqual({ 'client-id': CLIENT, 'client-secret': value, value });
  const made = await world.admin.regenerate(world.realm, CLIENT);
  clock.advance(6 * MINUTE);
  await glance(world);
  await eventually('both follow Keycloak', async () => {
    const held = await heldIn('argo-server-sso');
    return held?.value === made && held['client-secret'] === made;
  });
  await paste();
  await awaitReady(world);
  expect(await heldIn('argo-server-sso')).toEqual({ 'client-id': CLIENT, value: made });
  await unpaste();
  expect(await heldIn('argo-server-sso')).toEqual({ 'client-id': CLIENT, 'client-secret': made });
});

it('a former Secret stays until settings that others write name the new one, and is told of', async () => {
  const others = { ...SERVER, configMap: { name: SETTINGS, manage: false } };
  await applyPolicy(world, named({ name: 'pasted-name' }, others));
  const seen = await awaitPolicy(world, 'says that it stays', (_, c) => {
    return c('SecretReady')?.reason === 'FormerSecretKept';
  });
  expect(conditionOf(seen, 'SecretReady').message).toContain('it no longer follows Keycloak');
  await request();
  await glance(world);
  expect(regenerations(world)).toBe(0);
  expect(await heldIn('argo-server-sso')).toEqual(await heldIn('pasted-name'));
  await paste();
  await glance(world);
  await awaitReady(world);
  await eventually('it is removed', async () => (await heldIn('argo-server-sso')) === undefined);
  await unpaste();
  await eventually('the other is removed', async () => (await heldIn('pasted-name')) === undefined);
});

it.each([
  ['nothing of Argo Server', undefined],
  ['its Deployment alone', { deployment: ARGO_SERVER }],
])('a former Secret goes where the policy names %s, as nobody can tell what is read', async (_, server) => {
  const { server: __, ...bare } = named({ name: 'bare-name' });
  await applyPolicy(world, { ...bare, ...(server && { server }) });
  await awaitReady(world);
  await eventually('it is removed', async () => (await heldIn('argo-server-sso')) === undefined);
  expect(await heldIn('bare-name')).toBeDefined();
  await heal(SPEC);
});
