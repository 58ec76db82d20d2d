import { FIELD_MANAGER } from '../../operator/api/names.ts';
import { bindingsPath, HOME, TEAM, type World } from './world.ts';

interface Raw {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
    readonly managedFields?: readonly { readonly manager?: string }[];
  };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly secrets?: readonly object[];
  readonly roleRef?: object;
  readonly subjects?: readonly object[];
}

/** What a client's representation holds, as far as pictures of it need to know. */
export type Representation = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly protocolMappers?: readonly Mapper[];
};

/** A protocol mapper as Keycloak gives it. */
export interface Mapper {
  readonly id: string;
  readonly name: string;
  readonly protocolMapper: string;
  readonly config: Readonly<Record<string, string>>;
}

const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const UID_OF_ACCOUNT = 'kubernetes.io/service-account.uid';

/** Tokens and uids come anew with a new object; that the token is there, and whose it is, must not change. */
function secretContent({ type, data = {} }: Raw) {
  if (type !== TOKEN_TYPE) return { type, data };
  return { type, filled: (data.token ?? '') !== '' };
}

function annotationsOf({ metadata: { annotations = {} } }: Raw) {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== UID_OF_ACCOUNT));
}

function describe(raw: Raw): object {
  const { name, namespace, labels, ownerReferences, managedFields } = raw.metadata;
  return {
    object: `${namespace}/${name}`,
    labels: labels ?? {},
    annotations: annotationsOf(raw),
    owners: ownerReferences ?? [],
    managed: managedFields?.some(({ manager }) => manager === FIELD_MANAGER) === true,
    ...(raw.roleRef === undefined
      ? { ...secretContent(raw), secrets: raw.secrets ?? [] }
      : { roleRef: raw.roleRef, subjects: raw.subjects ?? [] }),
  };
}

/**
 * All accounts, Secrets and bindings of the namespaces in everything that is theirs but uids and versions, so that
 * two pictures are equal where nothing has changed, or all of it has been undone.
 */
export async function pictureOf(world: World, namespaces = [HOME, TEAM]): Promise<readonly object[]> {
  const lists = await Promise.all(
    namespaces.flatMap(namespace => [
      world.list<Raw>(`/api/v1/namespaces/${namespace}/serviceaccounts`),
      world.list<Raw>(`/api/v1/namespaces/${namespace}/secrets`),
      world.list<Raw>(bindingsPath(namespace)),
    ]),
  );
  return lists.flat().map(describe);
}

/** Grants by attribute, where `false` says no more than that there is none. */
const GRANTS = [
  'oauth2.device.authorization.grant.enabled',
  'oidc.ciba.grant.enabled',
  'standard.token.exchange.enabled',
];

/** A client in everything that it has, its secret included, but its mappers' own ids, and the order of lists. */
export function pictureOfClient({ protocolMappers = [], attributes, ...rest }: Representation): object {
  const fields = Object.entries(rest).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.toSorted() : value,
  ]);
  const kept = Object.entries(attributes).filter(
    ([key, value]) => !(GRANTS.includes(key) && value === 'false'),
  );
  const mappers = protocolMappers.map(({ id: _, ...mapper }) => mapper);
  return {
    ...Object.fromEntries(fields),
    attributes: Object.fromEntries(kept),
    protocolMappers: mappers.toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}
