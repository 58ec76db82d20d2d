import { SecretValue } from '../../operator/api/secret-value.ts';
import { basicAuthorization } from '../../operator/keycloak/basic.ts';
import { bindingsPath, corePath, type Got, type GotPolicy, policyPath, type World } from './world.ts';

/** The namespace of a policy, the one besides in which it grants roles, and the Keycloak that it knows. */
export interface Place {
  readonly home: string;
  readonly team: string;
  readonly keycloak: { readonly url: string };
}

/** A policy, and the names that are its own. */
export interface Named {
  readonly lane: Place;
  readonly name: string;
  readonly clientId: string;
}

/** Fields that two equal worlds differ in: made by servers, or a time. */
const OWN_TO_EACH = new Set([
  'uid',
  'id',
  'resourceVersion',
  'creationTimestamp',
  'lastTransitionTime',
  'kubernetes.io/service-account.uid',
  'managedFields',
  'client.secret.creation.time',
  'argo-access.io/secret-created-at',
  'argo-access.io/secret-since',
  'lastRotated',
  'data',
]);

function differs(key: string, value: unknown): boolean {
  return OWN_TO_EACH.has(key) || (key === 'secret' && typeof value === 'string');
}

/** Everything in two namespaces that a policy could make or touch, as it is stored. */
export async function laneObjects(world: World, { home, team }: Place): Promise<readonly Got[]> {
  const collections = [
    `/api/v1/namespaces/${home}/serviceaccounts`,
    `/api/v1/namespaces/${home}/secrets`,
    bindingsPath(home),
    `/api/v1/namespaces/${team}/serviceaccounts`,
    `/api/v1/namespaces/${team}/secrets`,
    bindingsPath(team),
  ];
  return (await Promise.all(collections.map(path => world.list(path)))).flat();
}

/**
 * All that a policy has led to, in Kubernetes and in Keycloak, with its status: without what servers make up, and
 * with its names replaced, so that those of two policies can be compared.
 */
export async function snapshot(
  world: World,
  { lane, name, clientId }: Named,
  before: readonly Got[],
): Promise<unknown> {
  const policy = await world.get<GotPolicy>(policyPath(name, lane.home));
  const there = new Set(before.map(({ metadata }) => metadata.uid));
  const made = (await laneObjects(world, lane)).filter(({ metadata }) => !there.has(metadata.uid));
  const client = await world.admin.client(world.realm, clientId);
  const values = {
    status: policy?.status,
    finalizers: policy?.metadata.finalizers,
    made: made.map(withKeys),
    client,
  };
  const plain = JSON.stringify(values, (key, value) => (differs(key, value) ? undefined : value));
  const names = [
    [policy?.metadata.uid ?? '', 'UID'],
    [clientId, 'CLIENT'],
    [name, 'POLICY'],
    [lane.keycloak.url, 'KEYCLOAK'],
    [lane.home, 'HOME'],
    [lane.team, 'TEAM'],
  ];
  return JSON.parse(names.reduce((text, [from = '', to = '']) => text.replaceAll(from, to), plain));
}

/** A Secret with the names of its keys; what they hold is proved elsewhere. */
function withKeys(object: Got): unknown {
  return {
    ...object,
    keys: Object.entries(object.data ?? {}).map(([key, value]) => `${key}: ${value !== ''}`),
  };
}

/** What Keycloak's token endpoint says to a made-up code and the credentials of a Secret. */
export async function proveAtTokenEndpoint(world: World, namespace: string, secret: string): Promise<string> {
  const { data } = (await world.get(corePath('secrets', secret, namespace))) ?? {};
  const value = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  const response = await fetch(`${world.admin.url}/realms/${world.realm}/protocol/openid-connect/token`, {
    method: 'POST',
    headers: {
      authorization: basicAuthorization(value('client-id'), new SecretValue(value('client-secret'))),
    },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: 'made-up' }),
  });
  return `${response.status} ${((await response.json()) as { error: string }).error}`;
}
