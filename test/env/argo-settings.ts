import { parse } from 'yaml';
import type { KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { LoginClient } from './login.ts';

const DEADLINE_MS = 10_000;

interface Key {
  readonly name: string;
  readonly key: string;
}

/** The part of Argo Server's `sso` block that a login needs. */
export interface SsoBlock {
  readonly issuer: string;
  readonly redirectUrl: string;
  readonly clientId: Key;
  readonly clientSecret: Key;
  readonly scopes?: readonly string[];
}

interface Valued {
  readonly data?: Readonly<Record<string, string>>;
}

async function read(client: KubernetesClient, path: string): Promise<NonNullable<Valued['data']>> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  return ((await client.request({ method: 'GET', path, signal })) as Valued).data ?? {};
}

function secretValue(data: Readonly<Record<string, string>>, { name, key }: Key): string {
  const encoded = data[key];
  if (encoded === undefined) throw new Error(`key ${key} missing in secret ${name}`);
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** What Argo Server makes of an `sso` block: the values of the Secret's keys as they are now. */
export async function settingsOfBlock(
  client: KubernetesClient,
  namespace: string,
  { issuer, redirectUrl, clientId, clientSecret, scopes = [] }: SsoBlock,
): Promise<LoginClient> {
  const path = (name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const secret = await read(client, path(clientSecret.name));
  const other = clientId.name === clientSecret.name ? secret : await read(client, path(clientId.name));
  return {
    issuer,
    redirectUri: redirectUrl,
    clientId: secretValue(other, clientId),
    clientSecret: secretValue(secret, clientSecret),
    scope: [...scopes, 'openid'].join(' '),
  };
}

/** What Argo Server reads at its start: key `sso` of its ConfigMap, and the values of the Secret that it names. */
export async function settingsOfConfigMap(
  client: KubernetesClient,
  namespace: string,
  name = 'workflow-controller-configmap',
): Promise<LoginClient> {
  const { sso } = await read(client, `/api/v1/namespaces/${namespace}/configmaps/${name}`);
  if (sso === undefined) throw new Error(`key sso missing in configmap ${name}`);
  return settingsOfBlock(client, namespace, parse(sso) as SsoBlock);
}
