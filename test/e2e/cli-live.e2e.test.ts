import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withKeycloak } from '../../operator/cli/live/keycloak.ts';
import type { Terminal } from '../../operator/cli/terminal.ts';
import { argoAccess, type Ended } from '../cli/command-line.ts';
import { documents } from '../docs-pages.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { eventually } from '../env/process.ts';
import { tokenOf } from './install.ts';
import { secretsOf } from './leaks.ts';
import { edit } from './quiet.ts';
import {
  createRotatingWorld,
  DEPLOYMENT_PATH,
  freeLease,
  installArgoServer,
  rotatingSpec,
} from './rotating-world.ts';
import { annotate, CLIENT, isAccepted, letServerWork, regenerations, sightOf } from './rotation-looks.ts';
import {
  applyPolicy,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  type Got,
  HOME,
  policyPath,
  type World,
} from './world.ts';

const CLI = join(import.meta.dirname, '..', '..', 'operator', 'cli.ts');
const ARGO_SECRET = corePath('secrets', 'sso');
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
const RBAC = 'rbac.authorization.k8s.io/v1';

interface GotDeployment extends Got {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  };
}

interface Managed extends Got {
  readonly metadata: Got['metadata'] & {
    readonly managedFields: readonly { readonly manager: string; readonly fieldsV1: object }[];
  };
}

let world: World;
/** Kubeconfig of somebody who may do what docs/cli.md says that these commands need, and nothing else. */
let onCall: string;
/** Kubeconfig of somebody who may do nothing. */
let guest: string;
/** All that any command has written. */
let said = '';

beforeAll(async () => {
  world = await createRotatingWorld({ groups: ['/platform/admins'] });
  await installArgoServer(world, { replicas: 0 });
  await freeLease(world);
  await world.startOperator();
  onCall = await accountKubeconfig('on-call');
  guest = await accountKubeconfig('guest');
  const role = documents('docs/cli.md').find(({ kind }) => kind === 'Role') as unknown as Got;
  await world.send('POST', bindingsPath(HOME).replace('rolebindings', 'roles'), role);
  await world.send('POST', bindingsPath(HOME), {
    apiVersion: RBAC,
    kind: 'RoleBinding',
    metadata: { name: 'on-call', namespace: HOME },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: 'on-call', namespace: HOME }],
  });
});
afterAll(() => world?.stop());

async function accountKubeconfig(name: string): Promise<string> {
  const { kubernetes, folder, send } = world;
  const metadata = { name, namespace: HOME };
  await send('POST', corePath('serviceaccounts', '').slice(0, -1), { metadata });
  const token = await tokenOf(send, metadata);
  const path = join(folder, `kubeconfig-${name}`);
  await writeFile(path, kubeconfig(kubernetes.url, kubernetes.ca, token, HOME), { mode: 0o600 });
  return path;
}

async function cli(args: readonly string[], terminal: Partial<Terminal> = {}, as = onCall): Promise<Ended> {
  const ended = await argoAccess([...args, '--kubeconfig', as], '', terminal);
  said += ended.out + ended.err;
  return ended;
}

const deployment = () => world.get<GotDeployment>(DEPLOYMENT_PATH);
const restartedAt = async () => (await deployment())?.spec.template.metadata.annotations?.[RESTARTED];

describe('without a policy', () => {
  it('status says that there is none, and is content', async () => {
    expect(await cli(['status'])).toEqual({
      code: 0,
      out: '',
      err: `there is no ArgoAccessPolicy in namespace ${HOME}\n`,
    });
    expect((await cli(['status', '-o', 'json'])).out).toBe('{\n  "policies": []\n}\n');
  });

  it.each([
    ['status', 'none'],
    ['rotate', 'none'],
    ['suspend', 'none'],
    ['lockout', 'none'],
  ])('%s says that there is not that one', async (...args) => {
    const err = `there is no ArgoAccessPolicy none in namespace ${HOME}, nor any other; choose the namespace by --namespace\n`;
    expect(await cli(args)).toEqual({ code: 2, out: '', err });
  });
});

describe('whoever lacks a right', () => {
  it.each([
    [['status'], 'list argoaccesspolicies.argo-access.io', ''],
    [['status', 'workflows'], 'get argoaccesspolicies.argo-access.io', '/workflows'],
  ])('learns which, and how to see it: %j', async (args, right, name) => {
    const { code, err } = await cli(args, {}, guest);
    expect(code).toBe(2);
    expect(err).toContain(
      `you (system:serviceaccount:${HOME}:guest) may not ${right}${name.replace('/', ' ')} in namespace ${HOME}; ` +
        `ask for that right: \`kubectl auth can-i ${right}${name} -n ${HOME} --kubeconfig ${guest}\``,
    );
    const line = /`kubectl (.*) --kubeconfig/.exec(err)?.[1] ?? '';
    const as = ['--as', `system:serviceaccount:${HOME}:guest`];
    const { stdout } = await world.kubernetes.kubectl([...line.split(' '), ...as]);
    expect(stdout).toBe('no\n');
  });
});

describe('status', () => {
  it('shows a policy that is ready on one screen', async () => {
    await letServerWork(world);
    await applyPolicy(world, rotatingSpec());
    await awaitReady(world);
    // The last event comes after the status.
    const { code, out, err } = await eventually('all is told', async () => {
      const answer = await cli(['status', 'workflows'], { columns: 100 });
      return /^(Events| {6}) .* Normal +InSync /m.test(answer.out) ? answer : undefined;
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^argo\/workflows {2}✓ Ready for \d+s\n✓ Client {2}the Keycloak client is as/);
    expect(out).toMatch(
      new RegExp(`\nClient {4}argo-workflows in realm ${world.realm} of connection default\n`),
    );
    expect(out).toMatch(/\nSecret {4}argo-server-sso, revision 1, which Keycloak accepts\n/);
    expect(out).toMatch(/\n {10}viewer {2}workflows-viewer {2}990 {3}everyone\n/);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('is data for programs, alike in JSON and YAML', async () => {
    const json = JSON.parse((await cli(['status', 'workflows', '-o', 'json'])).out);
    expect(json).toMatchObject({ namespace: HOME, name: 'workflows', state: 'Ready', standing: '2/2' });
    expect(json.events.length).toBeGreaterThan(0);
    const { events: _, ...yaml } = parse((await cli(['status', 'workflows', '-o', 'yaml'])).out);
    const { events: __, ...rest } = json;
    expect(yaml).toEqual(rest);
  });

  it('of all names those that are not ready, and ends with 1', async () => {
    await applyPolicy(world, rotatingSpec(), 'second');
    await awaitPolicy(world, 'is stalled', (_, c) => c('Stalled') !== undefined, 'second');
    const { code, out } = await cli(['status']);
    expect(code).toBe(1);
    expect(out).toMatch(/^argo\/second {5}✗ Stalled for .*\n {4}\w+: .* workflows/);
    expect(out).toMatch(/\nargo\/workflows {2}✓ Ready for .*\n2 policies: 1 not ready\n$/s);
    expect((await cli(['status', 'third'])).err).toBe(
      `there is no ArgoAccessPolicy third in namespace ${HOME}; there is second, workflows\n`,
    );
    expect((await cli(['status', '-A'])).err).toContain('in all namespaces; ask for that right');
    await world.send('DELETE', policyPath('second'));
  });
});

describe('rotate', () => {
  it('follows a rotation to its end', async () => {
    const before = await sightOf(world);
    world.keycloak.reset();
    const { code, out, err } = await cli(['rotate', 'workflows', '--wait', '--timeout', '90s']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe(`asked for a new secret of client ${CLIENT} of policy ${HOME}/workflows`);
    expect(lines[1]).toBe('NewSecret          Secret argo-server-sso has the new value, its revision 2');
    expect(lines[2]).toBe("Proved             Keycloak's token endpoint accepts it");
    expect(lines.at(-1)).toMatch(/^Done /);
    expect(new Set(lines).size).toBe(lines.length);
    const after = await sightOf(world);
    expect(after.revision).toBe(before.revision + 1);
    expect(after.keycloak).not.toBe(before.keycloak);
    expect(await isAccepted(world, after.held)).toBe(true);
    expect(after.rolled).toMatch(/^2-/);
    expect(regenerations(world)).toBe(1);
  });

  it('at once after another one is another request', async () => {
    const before = await sightOf(world);
    const asked = await cli(['rotate', 'workflows']);
    expect(asked.code).toBe(0);
    expect(asked.out).toContain(`argo-access status workflows --namespace ${HOME}`);
    await awaitPolicy(world, 'is rotated', ({ status }) => {
      return status?.secret?.revision === before.revision + 1 && status.secret.provedRevision !== undefined;
    });
    const { code } = await cli(['rotate', 'workflows', '--timeout', '90s']);
    expect(code).toBe(0);
    expect((await sightOf(world)).revision).toBe(before.revision + 2);
  });

  it('says what holds it up', async () => {
    await applyPolicy(world, rotatingSpec({ schedule: '@daily', overlap: '1h' }));
    await awaitReady(world);
    const { code, out, err } = await cli(['rotate', 'workflows', '--wait']);
    expect(code).toBe(1);
    expect(out).toContain('\nRotationPostponed  the rotation waits until a client policy of realm ');
    expect(err).toMatch(
      /^it is not done: RotationPostponed: the rotation waits until a client policy of realm /,
    );
    await annotate(world, { 'argo-access.io/rotate-requested-at': null });
    await applyPolicy(world, rotatingSpec());
    await awaitPolicy(world, 'rests', (_, c) => c('SecretReady')?.reason !== 'RotationPostponed');
  });

  it('ends with Ctrl-C while it waits', async () => {
    await edit(world, policyPath('workflows'), { spec: { server: { deployment: 'nowhere' } } });
    await world.configure(config => ({
      ...config,
      namespaces: config.namespaces.map(each => ({ ...each, deployments: ['argo-server', 'nowhere'] })),
    }));
    await awaitPolicy(world, 'has no Deployment', (_, c) => c('ServerReady')?.status === 'False');
    const child = spawn(process.execPath, [CLI, 'rotate', 'workflows', '--wait', '--kubeconfig', onCall]);
    const out = Promise.withResolvers<void>();
    let [text, err] = ['', ''];
    child.stdout.on('data', data => {
      text += data;
      out.resolve();
    });
    child.stderr.on('data', data => {
      err += data;
    });
    await out.promise;
    expect(text).toMatch(/^asked for a new secret/);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect({ code, err }).toEqual({ code: 130, err: 'interrupted\n' });
    await annotate(world, { 'argo-access.io/rotate-requested-at': null });
    await applyPolicy(world, rotatingSpec());
    await awaitReady(world);
  });
});

describe('suspend and resume', () => {
  const fieldsOf = async (manager: string) =>
    (await world.get<Managed>(policyPath('workflows')))?.metadata.managedFields.find(
      each => each.manager === manager,
    )?.fieldsV1;

  it('change one field, which is then all that they hold', async () => {
    await annotate(world, { 'argo-access.io/rotate-requested-at': null });
    const { code, out, err } = await cli(['suspend', 'workflows']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^policy argo\/workflows is suspended: .*\n.*\nthe secret of client argo-workflows is not/,
    );
    await awaitPolicy(world, 'is suspended', (_, c) => c('Ready')?.reason === 'Suspended');
    expect(await fieldsOf('argo-access')).toEqual({ 'f:spec': { 'f:suspend': {} } });
    const shown = await cli(['status', 'workflows']);
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/^argo\/workflows {2}‖ Suspended for /);
    const refused = await cli(['rotate', 'workflows']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('is suspended; let it go on first: argo-access resume workflows');
  });

  it('change nothing where it is so already', async () => {
    const before = await world.get(policyPath('workflows'));
    expect(await cli(['suspend', 'workflows'])).toEqual({
      code: 0,
      out: 'policy argo/workflows is suspended already; nothing is changed\n',
      err: '',
    });
    expect(await world.get(policyPath('workflows'))).toEqual(before);
  });

  it('tell of a tool that would set the field back', async () => {
    const body = {
      apiVersion: 'argo-access.io/v1alpha1',
      kind: 'ArgoAccessPolicy',
      metadata: {
        name: 'workflows',
        namespace: HOME,
        labels: {
          'kustomize.toolkit.fluxcd.io/name': 'policies',
          'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
        },
      },
      spec: rotatingSpec(undefined, { suspend: true }),
    };
    const where = `${policyPath('workflows')}?fieldManager=kustomize-controller&force=true`;
    await world.send('PATCH', where, body, 'application/apply-patch+yaml');
    const { code, out, err } = await cli(['resume', 'workflows']);
    expect(code).toBe(0);
    expect(out).toMatch(/^policy argo\/workflows goes on: /);
    expect(err).toBe(
      'warning: Flux (Kustomization flux-system/policies) applies this policy with spec.suspend, and will set it back; ' +
        'say spec.suspend: false where it takes the policy from\n',
    );
    await awaitReady(world);
  });
});

describe('lockout', () => {
  const KEY = { cookieEncryptionPrivateKey: Buffer.from('a key that is none').toString('base64') };

  beforeAll(async () => {
    const metadata = { name: 'sso', namespace: HOME };
    await world.send('POST', corePath('secrets', '').slice(0, -1), { metadata, data: KEY });
  });

  async function expectNothing(ended: Ended, code: number, why: RegExp): Promise<void> {
    expect(ended.err).toMatch(why);
    expect(ended.code).toBe(code);
    expect((await world.get(ARGO_SECRET))?.data).toEqual(KEY);
    expect(await restartedAt()).toBeUndefined();
  }

  it('does nothing while the issuer does not answer', async () => {
    await world.keycloak.fail({ kind: 'refuse' });
    const ended = await cli(['lockout', '--yes']);
    await world.keycloak.heal();
    await expectNothing(
      ended,
      1,
      /^nothing is done:\n- the issuer does not answer, .* \(ECONNREFUSED\); bring/,
    );
  });

  it('does nothing while Argo Server could not make a key', async () => {
    const role = `${bindingsPath(HOME).replace('rolebindings', 'roles')}/argo-server`;
    const { rules } = (await world.get(role)) as unknown as { readonly rules: readonly object[] };
    await edit(world, role, { rules: rules.filter((_, index) => index !== 1) });
    const refused =
      / may not .*create secrets.* in namespace argo, without which Argo Server does not make its key/;
    const ended = await eventually('the right is gone', async () => {
      const answer = await cli(['lockout']);
      return answer.code === 1 ? answer : undefined;
    });
    await expectNothing(ended, 1, refused);
    await edit(world, role, { rules });
  });

  it('does nothing while the Deployment is paused', async () => {
    await edit(world, DEPLOYMENT_PATH, { spec: { paused: true } });
    await expectNothing(await cli(['lockout', '--yes']), 1, /Deployment argo-server is paused and would not/);
    await edit(world, DEPLOYMENT_PATH, { spec: { paused: null } });
    await awaitReady(world);
  });

  it('says what it would do, and does nothing without an answer', async () => {
    const ended = await eventually('it may be done again', async () => {
      const answer = await cli(['lockout']);
      return answer.code === 2 ? answer : undefined;
    });
    expect(ended.out).toMatch(
      /^This ends every open session of Argo Server, Deployment argo\/argo-server of context x:/,
    );
    await expectNothing(
      ended,
      2,
      /^nothing is done: there is no terminal to ask whether to go on; give --yes/,
    );
    const no = await cli(['lockout'], { ask: async () => 'no' });
    await expectNothing(no, 2, /^nothing is done\n$/);
  });

  it('says which right is missing before any of its two writes', async () => {
    const role = `${bindingsPath(HOME).replace('rolebindings', 'roles')}/argo-access-on-call`;
    const { rules } = (await world.get(role)) as unknown as {
      readonly rules: readonly { readonly resources: readonly string[] }[];
    };
    const without = (resource: string) => rules.filter(({ resources }) => !resources.includes(resource));
    const lacking = rules.map(rule =>
      rule.resources[0] === 'deployments' ? { ...rule, verbs: ['get'] } : rule,
    );
    await edit(world, role, { rules: lacking });
    const ended = await eventually('the right is gone', async () => {
      const answer = await cli(['lockout']);
      return answer.err.includes('may not') ? answer : undefined;
    });
    await expectNothing(
      ended,
      2,
      /may not patch deployments.apps argo-server in namespace argo; ask for that right/,
    );
    await edit(world, role, { rules: without('localsubjectaccessreviews') });
    const unknown = await eventually('the right is gone', async () => {
      const answer = await cli(['lockout']);
      return answer.out.includes('Not checked') ? answer : undefined;
    });
    await expectNothing(unknown, 2, /^nothing is done: there is no terminal/);
    await edit(world, role, { rules });
  });

  it('ends the sessions once somebody has agreed', async () => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return ' Y ';
    };
    const ended = await eventually('it may be done again', async () => {
      const answer = await cli(['lockout', 'workflows'], { ask });
      return answer.code === 0 ? answer : undefined;
    });
    expect(ended.err).toBe('');
    expect(asked.length).toBeGreaterThan(0);
    expect(ended.out).toMatch(
      /\nSecret argo\/sso is deleted\nDeployment argo\/argo-server is being restarted\ndone: .* ended\n$/,
    );
    expect(await world.get(ARGO_SECRET)).toBeUndefined();
    const at = Date.parse((await restartedAt()) ?? '');
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    await awaitReady(world);
  });

  it('restarts Argo Server also where the Secret is gone', async () => {
    const before = await restartedAt();
    const { code, out } = await cli(['lockout', '--yes']);
    expect(code).toBe(0);
    expect(out).toContain('Secret argo/sso is not there; the key is in the pods alone\n');
    expect(await restartedAt()).not.toBe(before);
  });

  it('says so where the restart does not come to its end, and does not begin another', async () => {
    // Nobody runs pods here.
    const ask = async () => {
      await edit(world, DEPLOYMENT_PATH, { spec: { replicas: 1 } });
      return 'y';
    };
    const late = await cli(['lockout', '--timeout', '1s'], { ask });
    expect(late.code).toBe(1);
    expect(late.out).not.toContain('done:');
    expect(late.err).toMatch(
      /^Deployment argo\/argo-server is not restarted yet, and sessions may go on in old pods.*rollout status/,
    );
    const again = await cli(['lockout', '--yes']);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toMatch(/is being rolled out, or not all of it is available/);
    await edit(world, DEPLOYMENT_PATH, { spec: { replicas: 0 } });
    await awaitReady(world);
  });
});

describe("Keycloak by the operator's configuration", () => {
  it('is signed in to as the client that is named there', async () => {
    const issuer = await withKeycloak(world.configPath, async ({ connections }) =>
      connections.realm('default')?.issuer(),
    );
    expect(issuer).toBe(`${world.keycloak.url}/realms/${world.realm}`);
  });

  it('ends a command where it refuses, or the secret cannot be read', async () => {
    const { configPath, folder } = world;
    const text = await readFile(configPath, 'utf8');
    const wrong = join(folder, 'wrong.yaml');
    const ask = () =>
      withKeycloak(wrong, async ({ connections }) => connections.realm('default')?.clients.page(0, 1));
    await writeFile(wrong, text.replace('clientId: argo-access-operator', 'clientId: nobody'));
    await expect(ask()).rejects.toMatchObject({
      name: 'CommandFailure',
      exitCode: 2,
      message: expect.stringMatching(/^Keycloak connection default, .* client nobody is refused/),
    });
    await writeFile(wrong, text.replace(/clientSecretFile: .*/, 'clientSecretFile: /nowhere/secret'));
    await expect(ask()).rejects.toMatchObject({
      name: 'CommandFailure',
      message: expect.stringContaining('file /nowhere/secret with the secret cannot be read (ENOENT)'),
    });
  });
});

it('no secret was ever shown', async () => {
  for (const secret of await secretsOf(world)) expect(said).not.toContain(secret);
});
