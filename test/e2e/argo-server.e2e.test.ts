import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ARGO_RELEASES, argoConfigPrograms, startArgoConfig } from '../env/argo-config.ts';
import { eventually } from '../env/process.ts';
import { createTestClock } from './clock.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { edit, expectQuiet } from './quiet.ts';
import {
  ARGO_SERVER,
  createRotatingWorld,
  installArgoServer,
  SETTINGS,
  SETTINGS_PATH,
} from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import {
  applySettingsAs,
  awaitServer,
  conditionOf,
  glance,
  replaceSettings,
  rolledMark,
  settingsData,
  sharedWrites,
} from './server-looks.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  corePath,
  type Got,
  policyPath,
  removePolicies,
  usualSpec,
  type World,
  writesOf,
} from './world.ts';

/** Other settings of an installation, with what a reader of YAML would write otherwise. */
const OTHERS = {
  links: '- name:  "Logs"   # of pods\n  scope: pod\n  url: https://logs.example.com\n',
  artifactRepository: 'archiveLogs:   true\n',
};
const HELM = { 'helm.sh/chart': 'argo-workflows-0.45.0', 'app.kubernetes.io/managed-by': 'Helm' };
const KEYS = { clientIdKey: 'client-id', clientSecretKey: 'client-secret' };

const clock = createTestClock();
let world: World;
let issuer: string;
/** Secrets of a policy that is gone by the end. */
const former = new Set<string>();
/** What the operator has written in turn. */
const written: Readonly<Record<string, string>>[] = [];

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  issuer = `${world.keycloak.url}/realms/${world.realm}`;
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
  await replaceSettings(world, OTHERS);
  await world.startOperatorHere(clock);
});
afterAll(() => world?.stop());
beforeEach(() => {
  world.api.reset();
  // Whatever was changed in earlier tests is not counted as somebody's fight.
  clock.advance(61 * 60_000);
});

interface Parts {
  readonly server?: Readonly<Record<string, unknown>>;
  readonly secret?: Readonly<Record<string, unknown>>;
  readonly client?: Readonly<Record<string, unknown>>;
  readonly keycloak?: Readonly<Record<string, unknown>>;
}

/** The spec of a policy that has a say in Argo's settings, and no Deployment. */
function specWith({ server = {}, secret = {}, client = {}, keycloak }: Parts = {}) {
  const usual = usualSpec();
  return {
    ...usual,
    ...(keycloak && { keycloak }),
    client: {
      ...(usual.client as object),
      secret: { name: 'argo-server-sso', ...secret },
      ...client,
    },
    server: { configMap: { name: SETTINGS }, ...server },
  };
}

/** The block that a policy wants when it says no more than it must. */
function plainBlock(): Readonly<Record<string, unknown>> {
  return {
    issuer,
    clientId: { name: 'argo-server-sso', key: 'client-id' },
    clientSecret: { name: 'argo-server-sso', key: 'client-secret' },
    redirectUrl: 'https://workflows.example.com/oauth2/callback',
    rbac: { enabled: true },
    scopes: [],
  };
}

async function block(): Promise<unknown> {
  return parse((await settingsData(world)).sso ?? '');
}

/** Removes all policies, whose secrets must not have been shown either. */
async function forgetPolicies(): Promise<void> {
  for (const secret of await secretsOf(world)) former.add(secret);
  await removePolicies(world);
}

/** Argo's own programs are built once, which takes minutes. */
const BUILD = { timeout: 1_200_000 };

describe('Argo’s settings', () => {
  it('get the key sso, and all their other keys stay as they were', async () => {
    await applyPolicy(world, specWith());
    const { status } = await awaitReady(world);
    expect(status?.issuer).toBe(issuer);
    const { sso, ...others } = await settingsData(world);
    expect(parse(sso ?? '')).toEqual(plainBlock());
    expect(others).toEqual(OTHERS);
    expect(sharedWrites(world)).toEqual({ settings: 1, rollouts: 0 });
    await glance(world);
    expect(sharedWrites(world).settings).toBe(1);
  });

  it.each([
    ['sessionExpiry', { server: { sessionExpiry: '8h' } }, { sessionExpiry: '8h' }],
    [
      'filterGroupsRegex',
      { server: { filterGroupsRegex: ['^/platform/'] } },
      { filterGroupsRegex: ['^/platform/'] },
    ],
    [
      'the claim',
      { keycloak: { groups: { claim: 'argo_groups' } } },
      { customGroupClaimName: 'argo_groups' },
    ],
    [
      'the URL',
      { client: { url: 'https://other.example.com' } },
      { redirectUrl: 'https://other.example.com/oauth2/callback' },
    ],
    [
      'the keys of the Secret',
      { secret: { clientIdKey: 'id', clientSecretKey: 'value' } },
      {
        clientId: { name: 'argo-server-sso', key: 'id' },
        clientSecret: { name: 'argo-server-sso', key: 'value' },
      },
    ],
    [
      'the Secret’s name',
      { secret: { name: 'other-sso', ...KEYS } },
      {
        clientId: { name: 'other-sso', key: 'client-id' },
        clientSecret: { name: 'other-sso', key: 'client-secret' },
      },
    ],
    ['nothing more', {}, {}],
  ] satisfies readonly [string, Parts, object][])('follow a change of %s', async (_, parts, change) => {
    await applyPolicy(world, specWith(parts));
    await awaitReady(world);
    const want = { ...plainBlock(), ...change };
    written.push(await settingsData(world));
    expect(await block()).toEqual(want);
    // What they point at is there before they do.
    const { clientSecret } = want as unknown as { clientSecret: { name: string; key: string } };
    expect((await world.get(corePath('secrets', clientSecret.name)))?.data).toHaveProperty(clientSecret.key);
    expect(sharedWrites(world).settings).toBe(1);
  });

  it.each(ARGO_RELEASES)('are read by Argo $as itself as they are meant', BUILD, async ({ module }) => {
    const argo = startArgoConfig(join(await argoConfigPrograms(() => {}), module));
    try {
      const readings = await argo.read(written);
      expect(readings).toHaveLength(7);
      for (const reading of readings) {
        expect(reading).toMatchObject({ sso: { issuer, rbac: { enabled: true } } });
      }
    } finally {
      await argo.close();
    }
  });

  it('get the key back when somebody takes it out', async () => {
    await edit(world, SETTINGS_PATH, { data: { sso: null } });
    await glance(world);
    await awaitReady(world);
    expect(await block()).toEqual(plainBlock());
  });

  it('keep what policies have no say in, where the key is the operator’s', async () => {
    const own = 'issuerAlias: https://alias.example.com\nuserInfoPath: /me\ninsecureSkipVerify: true\n';
    await applySettingsAs(world, 'argo-access-operator', { sso: own });
    await glance(world);
    await awaitReady(world);
    expect(await block()).toEqual({
      issuerAlias: 'https://alias.example.com',
      userInfoPath: '/me',
      ...plainBlock(),
    });
  });
});

describe('a key sso that another manager has taken', () => {
  it('is not fought over: who has it is said, and it is written once it is given back', async () => {
    await applySettingsAs(world, 'other', { sso: 'issuer: https://elsewhere.example.com\n' });
    const taken = await awaitServer(world, { reason: 'FieldTaken', message: '"other"' });
    expect(taken).toMatchObject({ status: 'False' });
    await glance(world);
    expect(await block()).toEqual({ issuer: 'https://elsewhere.example.com' });
    await applySettingsAs(world, 'other', {});
    await awaitReady(world);
    expect(await block()).toEqual(plainBlock());
  });

  it('is fine where it means the same', async () => {
    const same = { ...plainBlock(), sessionExpiry: '600m', filterGroupsRegex: [] };
    await applySettingsAs(world, 'other', { sso: JSON.stringify(same) });
    await glance(world);
    await awaitServer(world, { reason: 'InSync' });
    expect((await settingsData(world)).sso).toBe(JSON.stringify(same));
    await applySettingsAs(world, 'other', {});
    await awaitReady(world);
  });
});

describe('settings that the operator does not write', () => {
  it.each([
    ['of argo-helm', HELM, 'Set these values of the chart argo-workflows:\n'],
    ['with the key config', {}, 'Write into the text of the key config:\n'],
  ])('%s stay byte for byte, and what to paste is shown', async (_, labels, remedy) => {
    const config =
      'nodeEvents:   {enabled: true}   # kept\nsso:\n    issuer: https://elsewhere.example.com\n    rbac: {enabled: true}\n';
    await replaceSettings(world, { config }, labels);
    const { resourceVersion } = (await world.get<Got>(SETTINGS_PATH))?.metadata ?? {};
    const said = await awaitServer(world, { reason: 'SettingsNotWritable', message: remedy });
    expect(said.status).toBe('False');
    expect(said.message).toContain(`sso.issuer is https://elsewhere.example.com and should be ${issuer}`);
    const { sso, server } = parse(said.message.split(remedy)[1] ?? '') as {
      sso?: object;
      server?: { sso: object };
    };
    expect(sso ?? server?.sso).toEqual({ ...plainBlock(), ...(server && { enabled: true }) });
    await glance(world);
    expect((await world.get<Got>(SETTINGS_PATH))?.metadata.resourceVersion).toBe(resourceVersion);
    expect((await settingsData(world)).config).toBe(config);
  });

  it('are in sync where all of it means the same', async () => {
    const sso = { ...plainBlock(), scopes: [], sessionExpiry: '10h' };
    await replaceSettings(world, { config: JSON.stringify({ sso }) }, HELM);
    await awaitReady(world);
    await awaitServer(world, { reason: 'InSync' });
  });

  it.each([
    ['that are no YAML', { sso: 'issuer: [\n' }, 'cannot be read (key sso: '],
    ['with what Argo does not know', { sso: 'issuer: x\nfoo: 1\n' }, 'FieldTaken'],
    ['with another key beside config', { config: 'a: 1\n', links: '[]' }, 'has the key config beside links'],
    ['whose other key is no YAML', { links: '- {' }, 'cannot be read (key links: '],
  ])('%s stay, and what is wrong is said', async (_, data, message) => {
    await replaceSettings(world, data);
    const said = await awaitServer(
      world,
      message === 'FieldTaken' ? { reason: message } : { reason: 'SettingsBroken', message },
    );
    expect(said.status).toBe('False');
    expect(await settingsData(world)).toEqual(data);
  });

  it('are seen to once they are mended', async () => {
    await replaceSettings(world, OTHERS);
    await awaitReady(world);
    expect(await block()).toEqual(plainBlock());
  });

  it('are waited for where there are none, and seen to once they come', async () => {
    await world.send('DELETE', SETTINGS_PATH);
    const said = await awaitServer(world, { reason: 'SettingsMissing' });
    expect(said.message).toBe(
      `spec.server.configMap: ConfigMap argo/${SETTINGS} does not exist, and is never made here; ` +
        'install Argo Workflows with it, or correct the name',
    );
    await glance(world);
    expect(await world.get(SETTINGS_PATH)).toBeUndefined();
    await replaceSettings(world, OTHERS);
    await awaitReady(world);
    expect(await block()).toEqual(plainBlock());
  });
});

describe('settings that others see to, by the policy’s word', () => {
  const unmanaged = () => specWith({ server: { configMap: { name: SETTINGS, manage: false } } });
  /** What others write in the end, as the policy wants it. */
  let pasted = '';

  it('are compared, and the block to paste is shown', async () => {
    const sso = 'issuer: https://elsewhere.example.com\nsessionExpiry: 1h\n';
    await replaceSettings(world, { ...OTHERS, sso });
    await awaitServer(world, { reason: 'FieldTaken' });
    await applyPolicy(world, unmanaged());
    const { status, message } = await awaitServer(world, { reason: 'RbacDisabled' });
    expect(status).toBe('False');
    expect(message).toContain('sso.sessionExpiry is 1h and should not be set');
    pasted = message.split('Write under data:\n')[1] ?? '';
    expect((await settingsData(world)).sso).toBe(sso);
  });

  it('are fine once that is pasted', async () => {
    const data = parse(pasted) as { sso: string };
    await replaceSettings(world, { ...OTHERS, ...data });
    await awaitReady(world);
    await awaitServer(world, { reason: 'InSync' });
    expect(parse(data.sso)).toEqual(plainBlock());
  });

  it('are fine where they only mean the same', async () => {
    const sso = JSON.stringify({ ...plainBlock(), sessionExpiry: '36000s', customGroupClaimName: 'groups' });
    await replaceSettings(world, { sso });
    await glance(world);
    await awaitServer(world, { reason: 'InSync' });
    expect(await settingsData(world)).toEqual({ sso });
    expect(sharedWrites(world).settings).toBe(0);
  });
});

describe('an Argo Server that two policies name', () => {
  const server = { deployment: ARGO_SERVER };
  const credentials = {
    clientId: { name: 'younger-sso', key: 'client-id' },
    clientSecret: { name: 'younger-sso', key: 'client-secret' },
  };
  let mark: string | undefined;

  it('is the older one’s: the younger has all but that, says so, and neither writes it again', async () => {
    await forgetPolicies();
    await replaceSettings(world, OTHERS);
    const { metadata } = await applyPolicy(world, specWith({ server }), 'older');
    await awaitReady(world, 'older');
    mark = await rolledMark(world);
    expect(mark).toMatch(/^1-/);
    // Policies that were made within one second have no age between them.
    const nextSecond = Date.parse(metadata.creationTimestamp ?? '') + 1000;
    await eventually('a second has passed', async () => Date.now() >= nextSecond, 5_000, 20);
    world.api.reset();
    const client = { clientId: 'argo-younger' };
    const spec = specWith({ server, client, secret: { name: 'younger-sso' } });
    await applyPolicy(world, { ...spec, precedence: 500 }, 'younger');
    const younger = await awaitPolicy(
      world,
      'may not have it',
      (_, condition) =>
        condition('ServerReady')?.reason === 'ServerTakenByPolicy' &&
        ['ClientReady', 'SecretReady', 'RolesReady'].every(type => condition(type)?.status === 'True'),
      'younger',
    );
    expect(conditionOf(younger, 'ServerReady').message).toBe(
      `spec.server.configMap.name: ConfigMap argo/${SETTINGS} is used by the older policy older of this namespace; ` +
        `spec.server.deployment: Deployment argo/${ARGO_SERVER} is used by the older policy older of this namespace. ` +
        "An Argo Server has one client: name another Argo Server's, or have a policy of roles only, without client, " +
        'in place of this one',
    );
    expect(conditionOf(younger, 'Ready')).toMatchObject({ status: 'False', reason: 'ServerTakenByPolicy' });
    expect(conditionOf(younger, 'Stalled').status).toBe('True');
    expect(younger.status?.secret?.provedRevision).toBe(1);
    expect(sharedWrites(world)).toEqual({ settings: 0, rollouts: 0 });
    await expectQuiet(world, 'older');
    expect(await rolledMark(world)).toBe(mark);
    expect(await block()).toEqual(plainBlock());
  });

  it('is the younger one’s as soon as the older is gone', async () => {
    for (const secret of await secretsOf(world)) former.add(secret);
    await world.send('DELETE', policyPath('older'));
    await awaitGone(world, 'older');
    await awaitReady(world, 'younger');
    expect(sharedWrites(world)).toEqual({ settings: 1, rollouts: 1 });
    expect(await block()).toEqual({ ...plainBlock(), ...credentials });
    expect(await rolledMark(world)).not.toBe(mark);
    await expectQuiet(world, 'younger');
  });
});

describe('a ConfigMap and a Deployment that the operator’s configuration does not name', () => {
  it('are refused before anything is asked or done', async () => {
    await forgetPolicies();
    for (const proxy of [world.api, world.keycloak]) proxy.reset();
    const server = { configMap: { name: 'another' }, deployment: 'another-server' };
    await applyPolicy(world, specWith({ server }));
    const policy = await awaitPolicy(world, 'is refused', (_, c) => c('Ready')?.reason === 'NotAllowed');
    expect(conditionOf(policy, 'Ready').message).toContain(
      'spec.server.configMap.name "another" (namespaces[argo].configMaps), ' +
        'spec.server.deployment "another-server" (namespaces[argo].deployments)',
    );
    expect(conditionOf(policy, 'Stalled').status).toBe('True');
    expect(world.keycloak.requests).toEqual([]);
    expect(
      writesOf(world.api).every(({ path }) => path.includes('/status') || path.includes('/events')),
    ).toBe(true);
  });
});

it('nothing secret was ever shown', () => assertNoLeak(world, former));
