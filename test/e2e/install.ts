import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { RightsObject, RightsRole } from '../../operator/rbac.ts';
import { eventually } from '../env/process.ts';

/** Sends a request as the cluster's administrator. */
export type Send = (
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
  contentType?: string,
) => Promise<unknown>;

/** What is applied as it stands. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const ROOT = join(import.meta.dirname, '../..');
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/argoaccesspolicies.argo-access.io';

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: Manifest): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${group}${within}/${kind.toLowerCase()}s/${name}`;
}

/** Applies objects as kubectl does, without a program that takes a tenth of a second to begin. */
async function apply(send: Send, objects: readonly Manifest[]): Promise<void> {
  for (const object of objects) {
    const path = `${pathOf(object)}?fieldManager=installer&force=true&fieldValidation=Strict`;
    await send('PATCH', path, object, 'application/apply-patch+yaml');
  }
}

async function manifestsOf(...path: readonly string[]): Promise<readonly Manifest[]> {
  const text = await readFile(join(ROOT, ...path), 'utf8');
  return parseAllDocuments(text).map(document => document.toJS() as Manifest);
}

async function clusterRoles(): Promise<readonly Manifest[]> {
  const folder = ['config', 'clusterroles'];
  const text = await readFile(join(ROOT, ...folder, 'kustomization.yaml'), 'utf8');
  const { resources } = parse(text) as { readonly resources: readonly string[] };
  return (await Promise.all(resources.map(name => manifestsOf(...folder, name)))).flat();
}

async function isEstablished(send: Send): Promise<boolean> {
  const { status } = (await send('GET', CRD)) as {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  };
  return status?.conditions?.some(each => each.type === 'Established' && each.status === 'True') ?? false;
}

/** Makes namespaces and an account, and installs the CRD and the ready ClusterRoles. */
export async function install(
  send: Send,
  namespaces: readonly string[],
  account: { readonly name: string; readonly namespace: string },
): Promise<void> {
  await apply(send, [
    ...namespaces.map(name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    ...(await manifestsOf('crds', 'argoaccesspolicies.yaml')),
    ...(await clusterRoles()),
  ]);
  await eventually('the CRD is established', () => isEstablished(send), 30_000, 20);
}

/** Whether the API server, which learns of roles and bindings a moment after they are stored, allows what a role does. */
async function isAllowed(send: Send, user: string, { metadata, rules }: RightsRole): Promise<boolean> {
  const [rule] = rules;
  const [resource, subresource] = rule?.resources[0]?.split('/') ?? [];
  const resourceAttributes = {
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    verb: rule?.verbs[0],
    group: rule?.apiGroups[0],
    resource,
    subresource,
    name: rule?.resourceNames?.[0],
  };
  const review = { spec: { user, resourceAttributes } };
  const answer = await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
  return (answer as { readonly status: { readonly allowed: boolean } }).status.allowed;
}

/** Applies the operator's rights; resolves once they hold. */
export async function applyRights(
  send: Send,
  rights: readonly RightsObject[],
  account: { readonly name: string; readonly namespace: string },
): Promise<void> {
  await apply(send, rights);
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  const last = rights.findLast(object => 'rules' in object);
  if (last !== undefined) await eventually('the rights hold', () => isAllowed(send, user, last), 10_000, 10);
}

/** A token of a ServiceAccount. */
export async function tokenOf(
  send: Send,
  account: { readonly name: string; readonly namespace: string },
): Promise<string> {
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  const answer = (await send('POST', path, { spec: {} })) as { readonly status: { readonly token: string } };
  return answer.status.token;
}
