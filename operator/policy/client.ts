import { ATTRIBUTE_ADOPTED, ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../api/names.ts';
import type { Policy } from '../api/objects.ts';
import type { ClientSpec } from '../api/schema.ts';
import type { Change, ClientFields, DesiredMapper } from './change.ts';
import { covers } from './compare.ts';
import type { KeycloakClient, KeycloakMapper } from './keycloak-types.ts';
import type { Observation, OperatorIdentity } from './observation.ts';

/** Path of Argo's OIDC callback below its base href (argo-workflows, server/auth/sso). */
const CALLBACK_PATH = '/oauth2/callback';

const MAPPER_NAMES = { Groups: 'argo-access-groups', ClientRoles: 'argo-access-client-roles' } as const;

/** Who the client belongs to, as far as its attributes say. */
export type ClientOwner = 'ours' | 'nobody' | 'another';

/** Value of the owner attribute: `<instanceId>/<namespace>/<name>`. */
export function ownerMark(operator: OperatorIdentity, policy: Policy): string {
  return `${operator.instanceId}/${policy.metadata.namespace}/${policy.metadata.name}`;
}

/** Tells by its attributes whether a client is the policy's. */
export function clientOwner({ operator, policy }: Observation, client: KeycloakClient): ClientOwner {
  const owner = client.attributes[ATTRIBUTE_OWNER] ?? '';
  const cluster = client.attributes[ATTRIBUTE_CLUSTER] ?? '';
  const known = cluster === operator.clusterUid || operator.formerClusters.includes(cluster);
  if (owner === '' && (cluster === '' || known)) return 'nobody';
  return known && owner === ownerMark(operator, policy) ? 'ours' : 'another';
}

/** Redirect URI that Argo Server uses when it is reached at a URL. */
export function redirectUri(url: string): string {
  return `${url.replace(/\/+$/, '')}${CALLBACK_PATH}`;
}

function redirectUris(spec: ClientSpec): readonly string[] {
  return [...new Set([spec.url, ...spec.additionalUrls].map(redirectUri))];
}

/** The client as it should be: confidential, authorization-code flow only, no access to other clients' roles. */
function desiredFields(observation: Observation, spec: ClientSpec): ClientFields {
  const { operator, policy } = observation;
  const { namespace, name } = policy.metadata;
  return {
    clientId: spec.clientId,
    description: `Managed by ArgoAccessPolicy ${namespace}/${name}; changes made here are undone`,
    protocol: 'openid-connect',
    publicClient: false,
    bearerOnly: false,
    standardFlowEnabled: true,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    serviceAccountsEnabled: false,
    fullScopeAllowed: false,
    clientAuthenticatorType: 'client-secret',
    baseUrl: spec.url,
    redirectUris: redirectUris(spec),
    attributes: { [ATTRIBUTE_OWNER]: ownerMark(operator, policy), [ATTRIBUTE_CLUSTER]: operator.clusterUid },
  };
}

/** Grants that are switched off by attributes, where an absent attribute means off. */
const FLOW_ATTRIBUTES = [
  'oauth2.device.authorization.grant.enabled',
  'oauth2.jwt.authorization.grant.enabled',
  'oidc.ciba.grant.enabled',
  'standard.token.exchange.enabled',
];

/** Kinds of mappers (keycloak, `GroupMembershipMapper.java`, `UserClientRoleMappingMapper.java`). */
export const GROUPS_MAPPER = 'oidc-group-membership-mapper';
export const CLIENT_ROLES_MAPPER = 'oidc-usermodel-client-role-mapper';

/** Whether a mapper of groups writes whole paths, as in `/a/b`; one that says nothing writes names (Keycloak 26.7). */
export function writesPaths({ config }: Pick<KeycloakMapper, 'config'>): boolean {
  return config['full.path'] === 'true';
}

/** Whether Keycloak sends people back to an address: to the letter, or up to a `*` at the end (keycloak, `RedirectUtils.java`). */
export function allowsRedirect({ redirectUris }: Pick<KeycloakClient, 'redirectUris'>, uri: string): boolean {
  return redirectUris.some(pattern => {
    if (!pattern.endsWith('*')) return pattern === uri;
    const start = pattern.slice(0, -1);
    return uri.startsWith(start) || `${uri}/` === start;
  });
}

/** The mapper that fills the groups claim in the ID token and at the userinfo endpoint. */
export function desiredMapper({ spec }: Policy, clientId: string): DesiredMapper {
  const { source, claim, fullPath } = spec.keycloak.groups;
  const claims = {
    'claim.name': claim,
    'id.token.claim': 'true',
    'access.token.claim': 'false',
    'userinfo.token.claim': 'true',
  };
  if (source === 'Groups') {
    return {
      name: MAPPER_NAMES.Groups,
      protocolMapper: GROUPS_MAPPER,
      config: { ...claims, 'full.path': String(fullPath) },
    };
  }
  return {
    name: MAPPER_NAMES.ClientRoles,
    protocolMapper: CLIENT_ROLES_MAPPER,
    config: {
      ...claims,
      multivalued: 'true',
      'jsonType.label': 'String',
      'usermodel.clientRoleMapping.clientId': clientId,
    },
  };
}

/** The client's mapper that plays the part of ours: by name, else one of the same kind for the same claim. */
export function ourMapper(client: KeycloakClient, want: DesiredMapper): KeycloakMapper | undefined {
  return (
    client.mappers.find(({ name }) => name === want.name) ??
    client.mappers.find(
      mapper =>
        mapper.protocolMapper === want.protocolMapper &&
        mapper.config['claim.name'] === want.config['claim.name'] &&
        !isMapperName(mapper.name),
    )
  );
}

function isMapperName(name: string): boolean {
  return name === MAPPER_NAMES.Groups || name === MAPPER_NAMES.ClientRoles;
}

/** Mappers of the client, not ours, that write the claim too. */
export function rivalMappers(client: KeycloakClient, want: DesiredMapper): readonly KeycloakMapper[] {
  const ours = ourMapper(client, want);
  return client.mappers.filter(
    mapper =>
      mapper.id !== ours?.id &&
      mapper.config['claim.name'] === want.config['claim.name'] &&
      !isMapperName(mapper.name),
  );
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());
  }
  return a === b;
}

function changedFields(client: KeycloakClient, want: ClientFields): Partial<ClientFields> {
  const { attributes: wantedAttributes, ...plain } = want;
  const have: Readonly<Record<string, unknown>> = { ...client };
  const fields = Object.entries(plain).filter(([key, value]) => !same(have[key], value));
  const attributes = Object.fromEntries([
    ...Object.entries(wantedAttributes).filter(([key, value]) => client.attributes[key] !== value),
    ...FLOW_ATTRIBUTES.filter(key => client.attributes[key] === 'true').map(key => [key, 'false'] as const),
  ]);
  const changed = Object.fromEntries(fields);
  return Object.keys(attributes).length === 0 ? changed : { ...changed, attributes };
}

function mapperChanges(client: KeycloakClient, want: DesiredMapper): readonly Change[] {
  const ours = ourMapper(client, want);
  const stale = client.mappers.filter(mapper => isMapperName(mapper.name) && mapper.id !== ours?.id);
  const removals = stale.map(
    ({ id, name }): Change => ({ kind: 'DeleteMapper', id: client.id, mapperId: id, name }),
  );
  if (ours === undefined) return [...removals, { kind: 'CreateMapper', id: client.id, mapper: want }];
  if (ours.protocolMapper !== want.protocolMapper) {
    return [
      ...removals,
      { kind: 'DeleteMapper', id: client.id, mapperId: ours.id, name: ours.name },
      { kind: 'CreateMapper', id: client.id, mapper: want },
    ];
  }
  if (covers(ours.config, want.config)) return removals;
  const mapper = { ...want, name: ours.name, config: { ...ours.config, ...want.config } };
  return [...removals, { kind: 'UpdateMapper', id: client.id, mapperId: ours.id, mapper }];
}

function missingClientRoles({ policy, keycloak }: Observation): readonly string[] {
  if (policy.spec.keycloak.groups.source !== 'ClientRoles' || keycloak.state !== 'Observed') return [];
  const wanted = policy.spec.roles.flatMap(role => role.groups ?? []);
  return [...new Set(wanted)].filter(role => !keycloak.clientRoles.includes(role));
}

/**
 * The writes that bring the Keycloak client to what the policy asks, field by field. A new client takes one
 * write, and with `ClientRoles` one more for each role once the client is there.
 */
export function planClient(observation: Observation): readonly Change[] {
  const { policy, keycloak } = observation;
  const spec = policy.spec.client;
  if (spec === undefined || keycloak.state !== 'Observed') return [];
  const want = desiredFields(observation, spec);
  const mapper = desiredMapper(policy, spec.clientId);
  const { client } = keycloak;
  if (client === undefined) return [{ kind: 'CreateClient', fields: want, mappers: [mapper] }];
  const adopted = clientOwner(observation, client) === 'nobody' ? { [ATTRIBUTE_ADOPTED]: 'true' } : {};
  const fields = changedFields(client, { ...want, attributes: { ...want.attributes, ...adopted } });
  const update: readonly Change[] =
    Object.keys(fields).length === 0 ? [] : [{ kind: 'UpdateClient', id: client.id, fields }];
  const roles = missingClientRoles(observation).map(
    (role): Change => ({ kind: 'CreateClientRole', id: client.id, role }),
  );
  return [...update, ...mapperChanges(client, mapper), ...roles];
}

/** Whether the client existed before the policy and was taken over. */
export function isAdopted(client: KeycloakClient): boolean {
  return client.attributes[ATTRIBUTE_ADOPTED] === 'true';
}

/** Takes our marks off a client that stays when its policy goes. */
export function releaseClient(client: KeycloakClient): Change {
  return {
    kind: 'UpdateClient',
    id: client.id,
    fields: {
      description: '',
      attributes: { [ATTRIBUTE_OWNER]: '', [ATTRIBUTE_CLUSTER]: '', [ATTRIBUTE_ADOPTED]: '' },
    },
  };
}
