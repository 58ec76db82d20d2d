import { Pool } from 'undici';
import { stringify } from 'yaml';
import { crdManifest } from '../../operator/api/crd.ts';
import { GROUP, KIND, PLURAL, VERSION } from '../../operator/api/schema.ts';
import { sharedEnvironment, uniqueName } from '../env/shared.ts';

/** What the API server said to a write. */
export interface Answer {
  readonly status: number;
  /** Of an error, what kubectl would show. */
  readonly message: string;
  /** Fields that it refuses. */
  readonly fields: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

/** A namespace of the API server with the contract installed. */
export interface ApiServer {
  readonly namespace: string;
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** Creates a policy, or only tries to. A text is sent as it is. */
  readonly create: (policy: unknown, dryRun?: boolean) => Promise<Answer>;
  /** Tries to replace a policy. */
  readonly update: (name: string, policy: unknown) => Promise<Answer>;
  readonly send: (method: 'POST' | 'PUT', path: string, body: unknown) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/** A policy as a user writes it. */
export function policyObject(name: string, spec: unknown, metadata: object = {}): Record<string, unknown> {
  return { apiVersion: `${GROUP}/${VERSION}`, kind: KIND, metadata: { name, ...metadata }, spec };
}

interface StatusBody {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string }[] };
}

/** Installs the contract, makes a namespace, and keeps a few connections. */
export async function connectApiServer(): Promise<ApiServer> {
  const { kubernetes } = await sharedEnvironment();
  const kubectl = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await kubernetes.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], stringify(crdManifest()));
  await kubectl(['wait', '--for=condition=Established', `crd/${PLURAL}.${GROUP}`]);
  const namespace = uniqueName('contract');
  await kubectl(['create', 'namespace', namespace]);
  const pool = new Pool(kubernetes.url, { connections: 8, connect: { ca: kubernetes.ca } });

  const send = async (method: 'POST' | 'PUT', path: string, body: unknown): Promise<Answer> => {
    const answer = await pool.request({
      method,
      path,
      headers: { authorization: `Bearer ${kubernetes.adminToken}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const parsed = (await answer.body.json()) as StatusBody & Record<string, unknown>;
    const causes = parsed.details?.causes ?? [];
    return {
      status: answer.statusCode,
      message: parsed.message ?? '',
      fields: causes.flatMap(({ field }) => (field === undefined ? [] : [field])),
      body: parsed,
    };
  };
  const collection = `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${PLURAL}`;
  const query = (dryRun: boolean) => `?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
  return {
    namespace,
    kubectl,
    send,
    create: (policy, dryRun = true) => send('POST', `${collection}${query(dryRun)}`, policy),
    update: (name, policy) => send('PUT', `${collection}/${name}${query(true)}`, policy),
    close: async () => {
      await kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await pool.close();
    },
  };
}
