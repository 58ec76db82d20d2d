import { ANNOTATION_ROLLED } from '../../operator/api/names.ts';
import type { Condition } from '../../operator/api/status-schema.ts';
import { argoServerDeployment } from '../env/argo-deployment.ts';
import { eventually } from '../env/process.ts';
import { edit } from './quiet.ts';
import { ARGO_SERVER, DEPLOYMENT_PATH, SETTINGS, SETTINGS_PATH } from './rotating-world.ts';
import {
  awaitPolicy,
  type Got,
  type GotPolicy,
  HOME,
  policyPath,
  reconciles,
  type World,
  writesOf,
} from './world.ts';

let glances = 0;

/** Makes the operator look at the policy; resolves when a look that began afterwards has ended, however it did. */
export async function glance(world: World): Promise<void> {
  // The first that ends may have been under way already.
  for (let time = 0; time < 2; time += 1) {
    const before = await reconciles(world);
    glances += 1;
    await edit(world, policyPath('workflows'), {
      metadata: { annotations: { 'example.com/glances': String(glances) } },
    });
    await eventually('the policy is looked at', async () => (await reconciles(world)) > before, 90_000, 20);
  }
}

/** What a condition is waited to say; the message has to contain the text. */
export interface Said {
  readonly reason: string;
  readonly message?: string;
}

/** Waits until condition ServerReady says something of the policy as it is now; gives the condition. */
export async function awaitServer(world: World, { reason, message = '' }: Said): Promise<Condition> {
  const policy = await awaitPolicy(world, `ServerReady says ${reason}: ${message}`, (_, condition) => {
    const server = condition('ServerReady');
    return server?.reason === reason && server.message.includes(message);
  });
  return conditionOf(policy, 'ServerReady');
}

/** A condition of a policy; fails where it has none of that type. */
export function conditionOf({ status }: GotPolicy, type: string): Condition {
  const found = status?.conditions?.find(each => each.type === type);
  if (found === undefined) throw new Error(`there is no condition ${type}`);
  return found;
}

/** The data of the ConfigMap with Argo's settings. */
export async function settingsData(world: World): Promise<Readonly<Record<string, string>>> {
  return (await world.get(SETTINGS_PATH))?.data ?? {};
}

/** Makes the ConfigMap with Argo's settings, in place of the one that is there. */
export async function replaceSettings(
  world: World,
  data: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  if ((await world.get(SETTINGS_PATH)) !== undefined) await world.send('DELETE', SETTINGS_PATH);
  await world.send('POST', `/api/v1/namespaces/${HOME}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: SETTINGS, namespace: HOME, labels },
    data,
  });
}

/** Sets keys of the ConfigMap as another tool does by server-side apply, which takes them; none gives them back. */
export function applySettingsAs(
  world: World,
  manager: string,
  data: Readonly<Record<string, string>>,
): Promise<unknown> {
  const metadata = { name: SETTINGS, namespace: HOME };
  return world.send(
    'PATCH',
    `${SETTINGS_PATH}?fieldManager=${manager}&force=true`,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...(Object.keys(data).length > 0 && { data }) },
    'application/apply-patch+yaml',
  );
}

/** Sets the mark on the pod template as another tool does by server-side apply; without one gives it back. */
export function applyMarkAs(world: World, manager: string, mark: string | undefined): Promise<unknown> {
  const metadata = { name: ARGO_SERVER, namespace: HOME };
  const template = { metadata: { annotations: { [ANNOTATION_ROLLED]: mark } } };
  return world.send(
    'PATCH',
    `${DEPLOYMENT_PATH}?fieldManager=${manager}`,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      ...(mark !== undefined && { spec: { template } }),
    },
    'application/apply-patch+yaml',
  );
}

/** Argo Server's Deployment, as far as tests look at it. */
export interface GotDeployment extends Got {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  };
}

/** The mark on the pod template of Argo Server. */
export async function rolledMark(world: World): Promise<string | undefined> {
  const deployment = await world.get<GotDeployment>(DEPLOYMENT_PATH);
  return deployment?.spec.template.metadata.annotations?.[ANNOTATION_ROLLED];
}

/** Changes Argo Server's Deployment as its owner does, by a merge patch. */
export function editDeployment(world: World, spec: object): Promise<unknown> {
  return edit(world, DEPLOYMENT_PATH, { spec });
}

/** Makes Argo Server's Deployment. */
export async function createDeployment(
  world: World,
  overrides: Partial<Parameters<typeof argoServerDeployment>[0]> = {},
): Promise<void> {
  const deployment = argoServerDeployment({ name: ARGO_SERVER, namespace: HOME, ...overrides });
  await world.send('POST', `/apis/apps/v1/namespaces/${HOME}/deployments`, deployment);
}

/** Writes of the operator to the ConfigMap, and to the Deployment, since its requests were last forgotten. */
export function sharedWrites(world: World): { readonly settings: number; readonly rollouts: number } {
  const paths = writesOf(world.api).map(({ path }) => path.split('?')[0]);
  return {
    settings: paths.filter(path => path === SETTINGS_PATH).length,
    rollouts: paths.filter(path => path === DEPLOYMENT_PATH).length,
  };
}
