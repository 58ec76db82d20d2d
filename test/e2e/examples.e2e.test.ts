import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED } from '../../operator/api/names.ts';
import { EXAMPLES, exampleConfig, GROUPS, PEOPLE } from '../env/example.ts';
import { ROTATING_OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import { kubeconfig } from '../env/kubernetes.ts';
import { eventually } from '../env/process.ts';
import { healthOf } from '../gitops/lua.ts';
import { GITOPS, makeRunner, readWorkflow, runJob } from '../gitops/workflow.ts';
import { DEPLOYMENT_PATH, installArgoServer, SETTINGS_PATH } from './rotating-world.ts';
import { letServerWork } from './rotation-looks.ts';
import {
  awaitGone,
  awaitReady,
  corePath,
  createWorld,
  type Got,
  type GotPolicy,
  HOME,
  policyPath,
  TEAM,
  type World,
} from './world.ts';

const CONFIG = join(EXAMPLES, '..', 'config');
const SYSTEM = 'argo-access-system';
const ACCOUNT = 'argo-access-operator';
/** Level of pino. */
const WARNING = 40;

let world: World;

const install = (name: string) => world.kubectl(['apply', '-k', join(CONFIG, name)]);

/** From now on the operator acts as the account that `config/` makes for it. */
async function takeAccount(): Promise<void> {
  const token = (await world.kubectl(['create', 'token', ACCOUNT, '-n', SYSTEM])).trim();
  const text = kubeconfig(world.api.url, world.kubernetes.ca, token, SYSTEM);
  await writeFile(join(world.folder, 'kubeconfig-operator'), text, { mode: 0o600 });
}

beforeAll(async () => {
  world = await createWorld({
    groups: GROUPS,
    users: PEOPLE,
    operatorRoles: ROTATING_OPERATOR_ROLES,
  });
  const { url } = world.keycloak;
  const example = await exampleConfig({
    url,
    realm: world.realm,
    clientSecretFile: join(world.folder, 'keycloak-secret'),
  });
  await world.configure(() => example);
  await installArgoServer(world, { replicas: 0 });
  await letServerWork(world);
});
afterAll(async () => world?.stop());

async function apply(file: string, namespace = HOME): Promise<GotPolicy> {
  await world.kubectl(['apply', '--validate=strict', '-f', join(EXAMPLES, file)]);
  return awaitReady(world, 'workflows', namespace);
}

async function remove(file: string, namespace = HOME): Promise<void> {
  await world.kubectl(['delete', '-f', join(EXAMPLES, file)]);
  await awaitGone(world, 'workflows', namespace);
}

function accountsOf({ status }: GotPolicy): readonly string[] | undefined {
  return status?.roles?.map(({ serviceAccount, precedence }) => `${serviceAccount} ${precedence}`);
}

function readyOf({ status }: GotPolicy): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

async function keysOf(name: string): Promise<readonly string[]> {
  return Object.keys((await world.get(corePath('secrets', name)))?.data ?? {}).toSorted();
}

describe('config/base, then config/default, then config/example', () => {
  it('let the operator wait and say what it misses, until they give it its rights', async () => {
    await install('base');
    await takeAccount();
    const operator = world.launchOperator();
    const says = (text: string) =>
      eventually(text, async () => (await operator.output()).includes(text), 30_000);
    await says('cannot start yet: ');
    await says(
      'the operator may not list argoaccesspolicies.argo-access.io in the whole cluster; apply the output of',
    );
    await says('the operator may not create secrets in namespace team-a; apply the output of');
    await install('default');
    await install('example');
    await says('"msg":"started"');
    expect(await operator.stop()).toBe(0);
  });

  it('give its account all the rights that it needs', async () => {
    await world.startOperator();
    const lines = await world.operator().log();
    expect(lines.filter(({ level }) => level >= WARNING).map(({ msg }) => msg)).toEqual([]);
  });

  it('make a Deployment whose Pod the namespace admits', async () => {
    const [pod] = await eventually('there is a Pod', async () => {
      const pods = await world.list<{ readonly spec: { readonly serviceAccountName: string } }>(
        `/api/v1/namespaces/${SYSTEM}/pods`,
      );
      return pods.length > 0 ? pods : undefined;
    });
    expect(pod?.spec.serviceAccountName).toBe(ACCOUNT);
  });
});

describe('the examples, under the example configuration', () => {
  it('are all tried here', async () => {
    expect((await readdir(EXAMPLES)).toSorted()).toEqual([
      'adopt.yaml',
      'client-roles.yaml',
      'gitops',
      'login.yaml',
      'rotation.yaml',
      'team.yaml',
    ]);
  });

  it('login.yaml gives a client, and an account for each role', async () => {
    const policy = await apply('login.yaml');
    expect(readyOf(policy)).toBe('InSync');
    expect(accountsOf(policy)).toEqual([
      'workflows-admin 1000',
      'workflows-team-a 990',
      'workflows-viewer 980',
    ]);
    expect(policy.status?.client).toMatchObject({ clientId: 'argo-workflows', adopted: false });
    expect(await keysOf('argo-server-sso')).toEqual(['client-id', 'client-secret']);
  });

  it("team.yaml gives a team's namespace accounts that come before those of the login", async () => {
    const policy = await apply('team.yaml', TEAM);
    expect(readyOf(policy)).toBe('InSync');
    expect(accountsOf(policy)).toEqual(['workflows-lead 10000', 'workflows-member 9990']);
    expect(policy.status?.client).toBeUndefined();
    await remove('team.yaml', TEAM);
    await remove('login.yaml');
  });

  it('rotation.yaml lets the secret rotate, and Argo Server read it', async () => {
    const [secretPeriodSeconds, rotatedPeriodSeconds] = [90 * 24 * 3600, 24 * 3600];
    await world.admin.coverByRotationPolicy(world.realm, { secretPeriodSeconds, rotatedPeriodSeconds });
    const policy = await apply('rotation.yaml');
    expect(policy.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`).toSorted()).toEqual([
      'ClientReady InSync',
      'Ready InSync',
      'RolesReady InSync',
      'SecretReady InSync',
      'ServerReady InSync',
    ]);
    // The tick of a Sunday at three in Berlin, and at most ten minutes.
    expect(policy.status?.secret?.nextRotation).toMatch(/T0[12]:0\d:\d\dZ$|T0[12]:10:00Z$/);
    const settings = await world.get(SETTINGS_PATH);
    expect(Object.keys(settings?.data ?? {})).toEqual(['sso']);
    expect(settings?.data?.sso).toContain(policy.status?.issuer);
    const deployment = await world.get<{ readonly spec: { readonly template: Got } }>(DEPLOYMENT_PATH);
    expect(deployment?.spec.template.metadata.annotations?.[ANNOTATION_ROLLED]).toBeDefined();
    await remove('rotation.yaml');
    await world.admin.removeRotationPolicy(world.realm);
  });

  it('gitops: what the job of a pull request plans for production is there after the merge', async () => {
    const repository = join(world.folder, 'repository');
    await cp(GITOPS, repository, { recursive: true });
    const config = join(repository, 'operator', 'production', 'config.yaml');
    const committed = await readFile(config, 'utf8');
    const here = committed
      .replace('https://keycloak.example.com', world.keycloak.url)
      .replace('realm: platform', `realm: ${world.realm}`);
    await writeFile(config, here);
    const planRoles = ['view-clients', 'view-users', 'view-realm'];
    const { secret } = await world.admin.createOperator(world.realm, planRoles, 'argo-access-plan');
    const temp = join(world.folder, 'runner');
    await makeRunner(temp, world.kubernetes.kubectlPath);
    const workflow = await readWorkflow();
    const PLAN_KUBECONFIG = await readFile(world.kubernetes.kubeconfigPath, 'utf8');
    const secrets = { PLAN_KUBECONFIG, PLAN_CLIENT_SECRET: secret };
    const plan = async () => {
      const ends = await runJob(workflow, 'plan', { repository, temp, environment: 'production', secrets });
      expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
      return ends[1]?.text;
    };
    const before = await plan();
    expect(before).toContain('Policy argo/workflows is new');
    expect(before).toContain('Policy team-a/workflows is new');
    expect(await readFile(join(temp, 'summary.md'), 'utf8')).toContain(`\n${before?.trimEnd()}\n`);

    // As Flux applies: by server-side apply, and by force.
    const overlay = join(repository, 'overlays', 'production');
    const merge = () =>
      world.kubectl([
        ...['apply', '--server-side', '--force-conflicts', '--field-manager', 'kustomize-controller'],
        ...['-k', overlay],
      ]);
    await merge();
    const policies = [await awaitReady(world, 'workflows'), await awaitReady(world, 'workflows', TEAM)];
    const script = await readFile(join(GITOPS, 'argocd', 'health.lua'), 'utf8');
    expect(policies.map(policy => healthOf(script, policy).status)).toEqual(['Healthy', 'Healthy']);
    expect(await plan()).toContain('No changes.');

    // What git does not name stays as the command line has set it.
    const patch = ['--type=merge', '-p', '{"spec":{"suspend":true}}', '--field-manager', 'argo-access'];
    await world.kubectl(['patch', 'aap', 'workflows', '-n', TEAM, ...patch]);
    await merge();
    await eventually('the health of a suspended policy is Suspended', async () => {
      const policy = await world.get<GotPolicy>(policyPath('workflows', TEAM));
      return healthOf(script, policy).status === 'Suspended';
    });

    const noRetain = ['--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}'];
    await world.kubectl(['patch', 'aap', 'workflows', '-n', HOME, ...noRetain]);
    await world.kubectl(['delete', '-k', overlay]);
    await awaitGone(world, 'workflows');
    await awaitGone(world, 'workflows', TEAM);
  });

  it('client-roles.yaml puts its roles on the client', async () => {
    const policy = await apply('client-roles.yaml');
    expect(readyOf(policy)).toBe('InSync');
    const { id } = policy.status?.client ?? {};
    const roles = await world.admin.request('GET', `/${world.realm}/clients/${id}/roles`);
    const names = ((await roles.json()) as { name: string }[]).map(({ name }) => name);
    expect(names.toSorted()).toEqual(['argo-admin', 'argo-submitter', 'argo-viewer']);
    await remove('client-roles.yaml');
  });

  it('adopt.yaml takes over the client that is there, and leaves it there when it is deleted', async () => {
    const id = await world.admin.createClient(world.realm, {
      clientId: 'argo-workflows',
      publicClient: false,
      name: 'made by hand',
      redirectUris: ['https://argo.workflows.example.com/oauth2/callback'],
    });
    const before = await world.admin.client(world.realm, 'argo-workflows');
    const policy = await apply('adopt.yaml');
    expect(readyOf(policy)).toBe('InSync');
    expect(policy.status?.client).toMatchObject({ id, adopted: true });
    expect(await keysOf('argo-server-sso')).toEqual(['client_id', 'client_secret']);
    const { secret } = before ?? {};
    const same = { id, secret, name: 'made by hand' };
    expect(await world.admin.client(world.realm, 'argo-workflows')).toMatchObject(same);
    await remove('adopt.yaml');
    expect(await world.admin.client(world.realm, 'argo-workflows')).toMatchObject(same);
    expect(await keysOf('argo-server-sso')).toEqual(['client_id', 'client_secret']);
    expect(await world.get(policyPath('workflows'))).toBeUndefined();
  });
});
