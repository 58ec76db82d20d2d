import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import { type DoctorOptions, type DoctorReport, doctor } from '../../operator/cli/doctor/run.ts';
import { argoAccess, written } from '../cli/command-line.ts';
import { eventually } from '../env/process.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { FAULTS, type Stand } from './doctor-faults.ts';
import {
  accountKubeconfig,
  CLIENT,
  groupsMapper,
  installByHand,
  letLook,
  lookingConfig,
  removeAccount,
  rollOut,
  writeCredentials,
  writeSettings,
  writeSso,
} from './doctor-world.ts';
import { install } from './install.ts';
import { secretsOf } from './leaks.ts';
import { ARGO_SERVER, createRotatingWorld, freeLease, rotatingSpec, SETTINGS } from './rotating-world.ts';
import { annotate, awaitNextSecond } from './rotation-looks.ts';
import { rolledMark } from './server-looks.ts';
import {
  applyPolicy,
  awaitPolicy,
  awaitReady,
  HOME,
  OPERATOR_NAMESPACE,
  TEAM,
  usualSpec,
  type World,
} from './world.ts';

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/argoaccesspolicies.argo-access.io';

let world: World;
let wasmPath: string;
let configPath: string;
let looker: string;
let guest: string;
let stand: Stand;
/** All that was written. */
let said = '';

beforeAll(async () => {
  wasmPath = await ruleEngineWasm(() => {});
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await world.send('DELETE', CRD);
  configPath = await lookingConfig(world);
  looker = await accountKubeconfig(world, 'doctor');
  guest = await accountKubeconfig(world, 'guest');
  await letLook(world, 'doctor', [HOME, TEAM]);
  stand = { world, id: await installByHand(world) };
});
afterAll(() => world?.stop());

async function run(options: Partial<DoctorOptions> = {}) {
  const full: DoctorOptions = {
    kubeconfig: looker,
    namespace: HOME,
    deployment: ARGO_SERVER,
    config: configPath,
    prove: true,
    output: 'text',
    ...options,
  };
  const ended = await written(terminal => doctor(full, terminal, wasmPath));
  said += ended.out + ended.err;
  return ended;
}

async function report(options: Partial<DoctorOptions> = {}) {
  const { code, out } = await run({ ...options, output: 'json' });
  return { code, report: JSON.parse(out) as DoctorReport };
}

/** A report that tells this; the last one, where none does. */
async function awaitTold(told: readonly string[]) {
  // The API server's authorizer learns of roles a moment after they are stored.
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await report();
    if (isDeepStrictEqual(troubles(found.report), told) || Date.now() > deadline) return found;
  }
}

/** What is not as it should be, as `check: verdict`. */
function troubles({ findings }: DoctorReport): readonly string[] {
  return findings
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ check, verdict }) => `${check}: ${verdict}`);
}

describe('doctor on an installation that was made by hand', () => {
  it('finds nothing wrong with one that works, without policies and without their CRD', async () => {
    const { code, report: found } = await report();
    expect(troubles(found)).toEqual([]);
    expect(found.notJudged).toEqual([]);
    expect(code).toBe(0);
  });

  it('is one screen as a command, with the names that it takes for usual ones', async () => {
    const args = ['doctor', '--namespace', HOME, '--kubeconfig', looker, '--config', configPath, '--prove'];
    const { code, out, err } = await argoAccess(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Argo Server argo\/argo-server\n\n/);
    expect(out).toMatch(/\n✓ nothing is found to be wrong\n$/);
  });

  it('is content with groups that come by a client scope, which the settings ask for', async () => {
    const { admin, realm } = world;
    const scope = {
      name: 'groups',
      protocol: 'openid-connect',
      protocolMappers: [groupsMapper()],
      // The discovery document does not list it.
      attributes: { 'include.in.openid.provider.metadata': 'false' },
    };
    const made = await admin.request('POST', `/${realm}/client-scopes`, scope);
    const scopePath = `client-scopes/${made.headers.get('location')?.split('/').at(-1)}`;
    await admin.request('PUT', `/${realm}/clients/${stand.id}/optional-${scopePath}`, {});
    await admin.updateClient(realm, stand.id, { protocolMappers: [] });
    // Nobody asks for it yet.
    expect(troubles((await report()).report)).toEqual(['groups-claim: fail']);
    await writeSso(world, { scopes: ['groups'] });
    expect(troubles((await report()).report)).toEqual([]);
    expect(troubles((await report({ prove: false })).report)).not.toContain('scopes: fail');
    await admin.request('DELETE', `/${realm}/${scopePath}`);
    await admin.updateClient(realm, stand.id, { protocolMappers: [groupsMapper()] });
    await writeSso(world);
  });

  it('tries the secret once more that was written while it was tried', async () => {
    await world.admin.regenerate(world.realm, CLIENT);
    let refused = false;
    world.keycloak.killAfter({
      count: 1,
      matches: ({ path, status }) => path.endsWith('/openid-connect/token') && status === 401,
      answer: 'held',
      action: async () => {
        refused = true;
        await writeCredentials(world);
      },
    });
    const { report: found } = await report();
    expect(refused).toBe(true);
    expect(troubles(found)).toEqual([]);
  });

  it.each(FAULTS)('finds $what, says how to mend it, and is quiet once that is done', async fault => {
    await fault.plant(stand);
    try {
      const { code, report: found } = await awaitTold(fault.told);
      expect(troubles(found)).toEqual(fault.told);
      const first = found.findings.find(({ verdict }) => verdict === 'fail' || verdict === 'warn');
      expect(first?.remedy).toContain(fault.remedy);
      expect(code).toBe(found.findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0);
    } finally {
      await fault.mend(stand);
    }
    const { code, report: after } = await awaitTold([]);
    expect(troubles(after)).toEqual([]);
    expect(after.notJudged).toEqual([]);
    expect(code).toBe(0);
  });
});

describe('whoever may look at little', () => {
  it('is told what is not known, with the right that is missing', async () => {
    const { code, report: found } = await report({ kubeconfig: guest, prove: false });
    expect(code).toBe(2);
    expect(found.findings.every(({ verdict }) => verdict === 'unknown')).toBe(true);
    const messages = found.findings.map(({ message }) => message).join('\n');
    for (const right of [
      `get deployments.apps/${ARGO_SERVER}`,
      `get configmaps/${SETTINGS}`,
      'list serviceaccounts',
      'get secrets/sso',
    ]) {
      expect(messages).toContain(`kubectl auth can-i ${right} -n ${HOME}`);
    }
  });

  it('without --prove and --config reads no value of a Secret', async () => {
    const { code, report: found } = await report({ config: undefined, prove: false } as never);
    expect(code).toBe(0);
    expect(troubles(found)).toEqual([
      'client-secret-values: unknown',
      'client-secret-accepted: unknown',
      'login-page: unknown',
      'client: unknown',
    ]);
  });

  it('names an option that is not right', async () => {
    await expect(run({ connection: 'other' })).rejects.toThrow('has no connection other; it has default');
    await expect(run({ config: undefined, connection: 'default' } as never)).rejects.toThrow(
      '--connection needs --config',
    );
  });
});

describe('where there are policies', () => {
  const rotation = { schedule: '@yearly', overlap: '1s' };
  const spec = rotatingSpec(rotation, { precedence: 5000 });

  async function expectQuietReport(): Promise<void> {
    const { code, report: found } = await report();
    expect(troubles(found)).toEqual([]);
    expect(code).toBe(0);
  }

  beforeAll(async () => {
    await install(world.send, [], { name: 'argo-access-operator', namespace: OPERATOR_NAMESPACE });
    await writeSettings(world, { links: '[]' });
    await world.admin.coverByRotationPolicy(world.realm, {
      secretPeriodSeconds: 90 * 24 * 3600,
      rotatedPeriodSeconds: 3600,
    });
    await freeLease(world);
    await world.startOperator();
    await applyPolicy(world, spec);
    await eventually('the operator restarts Argo Server', () => rolledMark(world));
    await rollOut(world);
    await awaitReady(world);
    // The policy's role for everyone stands above them.
    for (const name of ['admin', 'viewer']) await removeAccount(world, name);
  });

  it('is quiet about an installation that one of them sees to', expectQuietReport);

  it('is quiet from the beginning of a rotation to its end', async () => {
    const before = await rolledMark(world);
    await awaitNextSecond(world);
    await annotate(world, { [ANNOTATION_ROTATE_REQUESTED]: new Date().toISOString() });
    await eventually('the operator restarts Argo Server', async () => (await rolledMark(world)) !== before);
    await awaitPolicy(world, 'waits for the rollout', (_, c) => c('Ready')?.reason === 'AwaitingRollout');
    await expectQuietReport();
    await rollOut(world);
    const { status } = await awaitReady(world);
    expect(status?.secret).toMatchObject({ revision: 2, provedRevision: 2 });
    await expectQuietReport();
    await awaitPolicy(world, 'has no old secret', (_, c) => c('Ready')?.reason === 'InSync');
    await expectQuietReport();
  });

  it('names one that is not ready', async () => {
    await applyPolicy(
      world,
      {
        ...usualSpec(),
        client: { clientId: 'other', url: 'https://x.example.com', secret: { name: 'x' } },
        precedence: 9000,
      },
      'second',
    );
    const { out } = await run();
    expect(out).toContain('policy argo/second is not ready');
    expect(out).toContain('`argo-access status second --namespace argo`');
  });
});

describe('what is written', () => {
  it('holds no secret', async () => {
    const secrets = await secretsOf(world);
    expect(secrets.size).toBeGreaterThan(3);
    for (const secret of secrets) expect(said).not.toContain(secret);
  });
});
