import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { ChangeView } from '../../operator/cli/plan/change-view.ts';
import type { PlanReport } from '../../operator/cli/plan/report.ts';
import { type PlanOptions, plan } from '../../operator/cli/plan/run.ts';
import { argoAccess, type Ended, written } from '../cli/command-line.ts';
import { eventually } from '../env/process.ts';
import { type FaultProxy, isLasting, type Seen } from '../env/proxy.ts';
import { ruleEngineWasm } from '../env/rule-engine.ts';
import { DEPLOYMENT_PATH } from './rotating-world.ts';
import {
  awaitGone,
  awaitReady,
  bindingsPath,
  corePath,
  HOME,
  policyPath,
  type World,
  writesOf,
} from './world.ts';

/** Somebody who plans: with an account, and a way to the API server, of their own. */
export interface Planner {
  readonly world: World;
  readonly api: FaultProxy;
  readonly kubeconfigPath: string;
  readonly configPath: string;
}

/** A policy as it stands in git. */
export interface Written {
  readonly name: string;
  readonly spec: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

function manifest({ name, spec, annotations }: Written): object {
  return {
    apiVersion: 'argo-access.io/v1alpha1',
    kind: 'ArgoAccessPolicy',
    metadata: { name, namespace: HOME, ...(annotations && { annotations }) },
    spec,
  };
}

/** The files as one text. */
function filesOf(policies: readonly Written[]): string {
  return policies.map(policy => `---\n${stringify(manifest(policy))}`).join('');
}

/** Does something, and shows that nothing was written by it, neither to the cluster nor to Keycloak. */
async function withoutWrites<T>({ world, api }: Planner, work: () => Promise<T>): Promise<T> {
  const before = writesOf(world.keycloak).length;
  api.reset();
  const result = await work();
  expect(api.requests.length).toBeGreaterThan(0);
  expect(api.requests.filter(isLasting)).toEqual([]);
  expect(writesOf(world.keycloak).length).toBe(before);
  return result;
}

/** Runs `plan` by its command line. */
export function runPlan(
  planner: Planner,
  policies: readonly Written[],
  ...more: readonly string[]
): Promise<Ended> {
  const { kubeconfigPath, configPath } = planner;
  const args = ['plan', '--kubeconfig', kubeconfigPath, '--config', configPath, '-n', HOME, ...more, '-'];
  return withoutWrites(planner, () => argoAccess(args, filesOf(policies)));
}

/** The plan as data, made with Argo's rule engine. */
export async function planOf(
  planner: Planner,
  policies: readonly Written[],
  more: Partial<PlanOptions> = {},
): Promise<PlanReport> {
  const { kubeconfigPath: kubeconfig, configPath: config } = planner;
  const options: PlanOptions = { kubeconfig, config, namespace: HOME, output: 'json', ...more };
  const wasmPath = await ruleEngineWasm(() => {});
  const { out } = await withoutWrites(planner, () =>
    written(terminal => plan(['-'], options, terminal, wasmPath), filesOf(policies)),
  );
  return JSON.parse(out) as PlanReport;
}

const METHODS = { create: 'POST', update: 'PATCH', delete: 'DELETE' } as const;
const PLURALS: Readonly<Record<string, string>> = { ServiceAccount: 'serviceaccounts', Secret: 'secrets' };

function kubernetesPath({ kind, namespace = HOME, name }: ChangeView): string {
  if (kind === 'RoleBinding') return `${bindingsPath(namespace)}/${encodeURIComponent(name)}`;
  if (kind === 'ConfigMap') return corePath('configmaps', name, namespace);
  if (kind === 'Deployment') return DEPLOYMENT_PATH;
  return corePath(PLURALS[kind] ?? kind, name, namespace);
}

/** The request by which the operator makes a change, without what only Keycloak knows. */
function requestOf(change: ChangeView): string {
  switch (change.change) {
    case 'CreateClient':
      return 'POST clients';
    case 'UpdateClient':
      return 'PUT client';
    case 'DeleteClient':
      return 'DELETE client';
    case 'CreateMapper':
      return 'POST mapper';
    case 'UpdateMapper':
      return 'PUT mapper';
    case 'DeleteMapper':
      return 'DELETE mapper';
    case 'CreateClientRole':
      return 'POST role';
    case 'RegenerateSecret':
      return 'POST client-secret';
    case 'EndOverlap':
      return 'DELETE old secret';
    default: {
      const path = kubernetesPath(change);
      const at = change.action === 'create' ? path.slice(0, path.lastIndexOf('/')) : path;
      return `${METHODS[change.action]} ${at}`;
    }
  }
}

const KEYCLOAK: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\/clients\/?$/, 'clients'],
  [/^\/clients\/[^/]+$/, 'client'],
  [/^\/clients\/[^/]+\/protocol-mappers\/models(\/[^/]+)?$/, 'mapper'],
  [/^\/clients\/[^/]+\/roles$/, 'role'],
  [/^\/clients\/[^/]+\/client-secret$/, 'client-secret'],
  [/^\/clients\/[^/]+\/client-secret\/rotated$/, 'old secret'],
];

function keycloakRequest({ method, path }: Seen): string {
  const below = path.replace(/^\/admin\/realms\/[^/]+/, '');
  const [, name = below] = KEYCLOAK.find(([pattern]) => pattern.test(below)) ?? [];
  return `${method} ${name}`;
}

/** Status, events, the policy itself (its finalizer) and the Lease are no part of a plan. */
function isPlanned({ path }: Seen): boolean {
  return !/\/(?:events|argoaccesspolicies|leases)(?:[/?]|$)/.test(path);
}

function kubernetesRequest({ method, path }: Seen): string {
  return `${method} ${path.split('?')[0]}`;
}

/** What was refused changed nothing. */
function isDone({ status }: Seen): boolean {
  return status !== undefined && status < 300;
}

/** What the operator has written since its requests were last forgotten, and a plan tells of. */
function writtenSince({ api, keycloak }: World): readonly string[] {
  return [
    ...writesOf(keycloak).filter(isDone).map(keycloakRequest),
    ...writesOf(api).filter(isDone).filter(isPlanned).map(kubernetesRequest),
  ];
}

/** Requests by which the roles change: their order is what keeps people from having more than they should. */
function isOfRoles(request: string): boolean {
  return /serviceaccounts|rolebindings/.test(request);
}

/** Applies policies as git tooling does, and deletes others. */
async function merge(world: World, policies: readonly Written[], gone: readonly string[]): Promise<void> {
  for (const policy of policies) {
    const where = `${policyPath(policy.name)}?fieldManager=git&force=true&fieldValidation=Strict`;
    await world.send('PATCH', where, manifest(policy), 'application/apply-patch+yaml');
  }
  await Promise.all(gone.map(name => world.send('DELETE', policyPath(name))));
}

/** What is planned, and then done. */
export interface Step {
  readonly policies: readonly Written[];
  /** Policies that are in no file any more. */
  readonly gone?: readonly string[];
  /** Waits until the operator has done all of it; default: until all policies are ready. */
  readonly settled?: () => Promise<unknown>;
  /** Starts what carries it out, where nothing runs yet. */
  readonly start?: () => Promise<unknown>;
}

/** Whether all of a list comes in this order, with others in between. */
function comesInOrder(list: readonly string[], among: readonly string[]): boolean {
  let at = -1;
  return list.every(each => {
    at = among.indexOf(each, at + 1);
    return at >= 0;
  });
}

/**
 * Plans, merges, and shows that the operator writes exactly what the plan tells, and that nothing is planned after
 * that. Gives the plan.
 */
export async function planAndMerge(planner: Planner, step: Step): Promise<PlanReport> {
  const { world } = planner;
  const { policies, gone = [], settled, start } = step;
  const more = { prune: gone.length > 0 };
  const report = await planOf(planner, policies, more);
  const planned = report.policies.map(({ changes }) => changes.map(requestOf));
  world.api.reset();
  world.keycloak.reset();
  await merge(world, policies, gone);
  await start?.();
  const ready = async () => {
    for (const { name } of policies) await awaitReady(world, name);
    for (const name of gone) await awaitGone(world, name);
  };
  await (settled ?? ready)();
  // Whatever is still to come has come once a plan has nothing more.
  await eventually(
    'nothing is planned any more',
    async () => (await planOf(planner, policies, more)).changes === false,
    30_000,
    200,
  );
  const written = writtenSince(world);
  expect(written.toSorted()).toEqual(planned.flat().toSorted());
  // Policies do not wait for each other.
  for (const each of planned) {
    expect(comesInOrder(each.filter(isOfRoles), written), written.join('\n')).toBe(true);
  }
  return report;
}
