import { ANNOTATION_REVISION, ANNOTATION_ROTATE_REQUESTED } from '../../api/names.ts';
import type { ObjectMeta, Policy, Secret } from '../../api/objects.ts';
import { SecretValue } from '../../api/secret-value.ts';
import { parseTime } from '../../api/time.ts';
import { decodeMeta, type RawObject } from '../../kubernetes/decode.ts';
import { collectionPath, RESOURCES } from '../../kubernetes/paths.ts';
import type { DesiredSecret } from '../../policy/change.ts';
import { ANNOTATION_TOKEN_OF, desiredClientSecret, TOKEN_TYPE, wantedRoles } from '../../policy/desired.ts';
import type { Observation } from '../../policy/observation.ts';
import { annotationsOf } from '../../policy/rotation-observed.ts';
import { unknownText } from '../../policy/simulate-unknown.ts';
import type { Cluster } from '../live/cluster.ts';
import { explainFailure, isKind } from '../live/failure.ts';

/** The API server leaves out all but the metadata: no value of a Secret reaches this machine. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const PAGE = '500';

/** Annotation that Kubernetes puts on a token Secret together with the token. */
const ANNOTATION_UID_OF_ACCOUNT = 'kubernetes.io/service-account.uid';

/** Argo Server's own Secret. */
const ARGO_SECRET = 'sso';

interface Page {
  /** Null where there is none: of metadata alone, the API server makes no empty list. */
  readonly items: readonly RawObject[] | null;
  readonly metadata?: { readonly continue?: string };
}

/** Stands for a value that is not looked at. */
function unseenValue({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>, key: string): SecretValue {
  return new SecretValue(unknownText('value', namespace, name, key));
}

/** A Secret by its metadata: its type follows from its annotations, and its keys from what our field manager owns. */
export function secretOf(raw: RawObject): Secret {
  const metadata = decodeMeta(raw);
  const { annotations = {}, managed } = metadata;
  const isToken = Object.hasOwn(annotations, ANNOTATION_TOKEN_OF);
  const keys = isToken ? [] : (managed?.data ?? []);
  return {
    kind: 'Secret',
    metadata,
    type: isToken ? TOKEN_TYPE : 'Opaque',
    data: Object.fromEntries(keys.map(key => [key, unseenValue(metadata, key)])),
    tokenFilled: isToken && Object.hasOwn(annotations, ANNOTATION_UID_OF_ACCOUNT),
    ...(metadata.name === ARGO_SECRET && { cookieKeyFilled: true }),
  };
}

/** The Secrets of a namespace without their values; undefined where the user may not list them. */
export async function readSecrets(
  cluster: Cluster,
  namespace: string,
): Promise<readonly Secret[] | undefined> {
  const { client, place, signal } = cluster;
  const path = collectionPath(RESOURCES.Secret, namespace);
  const items: RawObject[] = [];
  let next = '';
  try {
    do {
      const query = { limit: PAGE, ...(next !== '' && { continue: next }) };
      const page = (await client.request({
        method: 'GET',
        path,
        query,
        accept: METADATA_ONLY,
        signal,
      })) as Page;
      items.push(...(page.items ?? []));
      next = page.metadata?.continue ?? '';
    } while (next !== '');
  } catch (error) {
    if (isKind(error, 'Forbidden')) return undefined;
    throw explainFailure(place, { verb: 'list', resource: RESOURCES.Secret, namespace }, error);
  }
  return items.map(secretOf);
}

function uidOf({ status, metadata: { namespace } }: Policy, name: string): string {
  const entry = status?.inventory?.find(each => each.kind === 'Secret' && each.name === name);
  return entry?.uid ?? unknownText('Secret', namespace, name);
}

/** The object that a policy would make, as if it had done so. */
function made(policy: Policy, { metadata, type, data }: DesiredSecret): Secret {
  const { owner, ...rest } = metadata;
  return {
    kind: 'Secret',
    metadata: {
      ...rest,
      uid: uidOf(policy, metadata.name),
      resourceVersion: '1',
      ...(owner !== undefined && { ownerReferences: [owner] }),
      managed: {
        labels: Object.keys(metadata.labels),
        annotations: Object.keys(metadata.annotations),
        data: Object.keys(data),
      },
    },
    type,
    data,
    tokenFilled: type === TOKEN_TYPE,
  };
}

/** What the status remembers of the client's Secret, as the annotations that tell of its value. */
function rememberedMarks(policy: Policy, createdAt: number | undefined): Readonly<Record<string, string>> {
  const { revision = 1, lastRotated } = policy.status?.secret ?? {};
  const marks = {
    created: createdAt,
    since: parseTime(lastRotated) ?? createdAt,
    // What was asked for before the merge has been met.
    handled: policy.metadata.annotations?.[ANNOTATION_ROTATE_REQUESTED],
  };
  return { [ANNOTATION_REVISION]: String(revision), ...annotationsOf(marks) };
}

function supposedClientSecret(policy: Policy, createdAt: number | undefined): readonly Secret[] {
  const { spec, status, metadata } = policy;
  const name = status?.secret?.name;
  if (spec.client === undefined || name === undefined) return [];
  const { clientId, secret } = spec.client;
  const credentials = {
    clientId: new SecretValue(clientId),
    secret: unseenValue({ ...metadata, name }, secret.clientSecretKey),
  };
  const marks = rememberedMarks(policy, createdAt);
  return [made(policy, desiredClientSecret(policy, { ...secret, name }, credentials, marks))];
}

/**
 * Where Secrets cannot be looked at, those that the policy in force wants are taken to be there and as it says: the
 * tokens of accounts that are there, and the client's by what the status remembers.
 */
export function supposeThere(observation: Observation, before: Policy | undefined): Observation {
  const { keycloak, accounts, neighbours } = observation;
  if (before === undefined) return observation;
  const there = new Set(accounts.map(({ metadata }) => metadata.name));
  const tokens = wantedRoles(before, neighbours)
    .filter(({ serviceAccount }) => there.has(serviceAccount))
    .map(({ token }) => made(before, token));
  const createdAt = keycloak.state === 'Observed' ? keycloak.client?.secretLife.createdAt : undefined;
  return { ...observation, secrets: [...tokens, ...supposedClientSecret(before, createdAt)] };
}

/** What the keys hold that a policy names. */
function heldBy(
  { spec: { client } }: Policy,
  secret: SecretValue,
): readonly (readonly [string, SecretValue])[] {
  if (client === undefined) return [];
  const { clientIdKey, clientSecretKey } = client.secret;
  return [
    [clientIdKey, new SecretValue(client.clientId)],
    [clientSecretKey, secret],
  ];
}

/**
 * Takes the Secret to hold what Keycloak has: its value is not looked at. Its keys are those of the policy in force,
 * or, where that was never carried out, those of another before it. A key that our field manager does not own any more
 * was changed by somebody, and is no part of what is known.
 *
 * @param before the policy that is in force
 */
export function supposeHeld(observation: Observation, before: Policy | undefined): Observation {
  const { keycloak, policy } = observation;
  const name = (before ?? policy).spec.client?.secret.name;
  const secret = keycloak.state === 'Observed' ? keycloak.client?.secret : undefined;
  if (secret === undefined) return observation;
  const held = new Map([...heldBy(policy, secret), ...(before === undefined ? [] : heldBy(before, secret))]);
  const fill = (each: Secret): Secret => {
    if (each.metadata.name !== name && each.metadata.name !== policy.spec.client?.secret.name) return each;
    const data = Object.entries(each.data).map(([key, value]) => [key, held.get(key) ?? value] as const);
    return { ...each, data: Object.fromEntries(data) };
  };
  return { ...observation, secrets: observation.secrets.map(fill) };
}
