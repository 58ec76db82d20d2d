import { SecretValue } from '../../operator/api/secret-value.ts';
import { basicAuthorization } from '../../operator/keycloak/basic.ts';
import { eventually } from '../env/process.ts';
import type { TestClock } from './clock.ts';
import { DEPLOYMENT_PATH } from './rotating-world.ts';
import { awaitPolicy, corePath, type Got, type GotPolicy, HOME, policyPath, type World } from './world.ts';

/** Where the client's Secret is. */
export const SECRET_PATH = corePath('secrets', 'argo-server-sso');
/** Client of the policy. */
export const CLIENT = 'argo-workflows';
/** In milliseconds. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock of whole seconds that stands still until it is moved. It begins with the machine's. */
export function createStillClock(): TestClock {
  const whole = (ms: number) => Math.floor(ms / SECOND) * SECOND;
  let time = whole(Date.now());
  return {
    now: () => time,
    advance: ms => {
      time += ms;
    },
    set: to => {
      time = whole(to);
    },
  };
}

/** Gives the account of Argo Server's pods the rights that Argo's own manifests give it. */
export async function letServerWork(world: World): Promise<void> {
  const metadata = { name: 'argo-server', namespace: HOME };
  const base = `/apis/rbac.authorization.k8s.io/v1/namespaces/${HOME}`;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await world.send('POST', `${base}/roles`, {
    apiVersion,
    kind: 'Role',
    metadata,
    rules: [
      { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'watch', 'list'] },
    ],
  });
  await world.send('POST', `${base}/rolebindings`, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'argo-server' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: HOME }],
  });
}

/** Sets annotations of the policy as its user does; null removes. */
export function annotate(
  world: World,
  annotations: Readonly<Record<string, string | null>>,
): Promise<unknown> {
  const type = 'application/merge-patch+json';
  return world.send(
    'PATCH',
    `${policyPath('workflows')}?fieldManager=user`,
    { metadata: { annotations } },
    type,
  );
}

let looks = 0;

/** How often a look has come to its end, its status written and nothing left to do soon. */
async function ends(world: World): Promise<number> {
  const lines = await world.operator().log();
  return lines.filter(({ msg, policy, result }) => {
    return msg === 'reconciled' && policy === `${HOME}/workflows` && result === 'ok';
  }).length;
}

/** Makes the operator look at the policy. */
export async function prod(world: World): Promise<void> {
  looks += 1;
  await annotate(world, { 'example.com/looks': String(looks) });
}

/** Makes the operator look at the policy; resolves when a look that began afterwards has come to its end. */
export async function look(world: World): Promise<void> {
  // The first that ends may have been under way already.
  for (let time = 0; time < 2; time += 1) {
    const before = await ends(world);
    await prod(world);
    await eventually('the policy is looked at', async () => (await ends(world)) > before, 90_000, 20);
  }
}

/** Waits until a revision of the Secret is proved, and everything is as the policy says. */
export function awaitRevision(world: World, revision: number): Promise<GotPolicy> {
  return awaitPolicy(
    world,
    `has come to rest with revision ${revision}`,
    ({ status }, condition) =>
      status?.secret?.revision === revision &&
      status.secret.provedRevision === revision &&
      condition('Ready')?.status === 'True' &&
      condition('Reconciling') === undefined,
  );
}

/** Waits until Keycloak would date a new secret differently than the present one: it counts whole seconds. */
export async function awaitNextSecond(world: World, clientId = CLIENT): Promise<void> {
  const { createdAt = 0 } = await world.admin.clientSecretState(world.realm, clientId);
  await eventually('a second has passed', async () => Date.now() >= createdAt + SECOND, 5_000, 20);
}

/** How often Keycloak was asked for a new secret since the requests were last forgotten. */
export function regenerations(world: World): number {
  return world.keycloak.requests.filter(
    ({ method, path }) => method === 'POST' && path.endsWith('/client-secret'),
  ).length;
}

/** How often Keycloak was told to end an old secret since the requests were last forgotten. */
export function endings(world: World): number {
  return world.keycloak.requests.filter(
    ({ method, path }) => method === 'DELETE' && path.endsWith('/client-secret/rotated'),
  ).length;
}

/** What is to be seen of a secret from all sides. */
export interface Sight {
  /** What Keycloak holds. */
  readonly keycloak: string;
  /** What the Secret holds. */
  readonly held: string;
  /** How many values the Secret has held. */
  readonly revision: number;
  /** Mark on the pod template of Argo Server. */
  readonly rolled: string;
  readonly policy: GotPolicy;
}

interface GotDeployment {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  };
}

/** Looks from all sides. */
export async function sightOf(world: World): Promise<Sight> {
  const [state, secret, deployment, policy] = await Promise.all([
    world.admin.clientSecretState(world.realm, CLIENT),
    world.get(SECRET_PATH),
    world.get<GotDeployment>(DEPLOYMENT_PATH),
    world.get<GotPolicy>(policyPath('workflows')),
  ]);
  if (policy === undefined) throw new Error('there is no policy');
  return {
    keycloak: state.current,
    held: secretIn(secret),
    revision: Number(secret?.metadata.annotations?.['argo-access.io/revision']),
    rolled: deployment?.spec.template.metadata.annotations?.['argo-access.io/sso-revision'] ?? '',
    policy,
  };
}

/** The client's secret in a Secret. */
export function secretIn(secret: Got | undefined): string {
  return Buffer.from(secret?.data?.['client-secret'] ?? '', 'base64').toString('utf8');
}

/** Whether Keycloak accepts a secret of the client just now. */
export async function isAccepted(world: World, secret: string): Promise<boolean> {
  const response = await fetch(`${world.admin.url}/realms/${world.realm}/protocol/openid-connect/token`, {
    method: 'POST',
    headers: { authorization: basicAuthorization(CLIENT, new SecretValue(secret)) },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: 'made-up' }),
  });
  const { error } = (await response.json()) as { error: string };
  return error === 'invalid_grant';
}

interface GotEvent extends Got {
  readonly reason: string;
  readonly message: string;
  readonly type: string;
}

/** Events of the policy in the order in which they came. */
export async function eventsOf(world: World): Promise<readonly GotEvent[]> {
  const events = await world.list<GotEvent>(`/api/v1/namespaces/${HOME}/events`);
  return events.toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
}

/** Reasons of the events that have come since there were so many. */
export async function reasonsSince(world: World, count: number): Promise<readonly string[]> {
  return (await eventsOf(world)).slice(count).map(({ reason }) => reason);
}
