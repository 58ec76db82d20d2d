import { z } from 'zod';
import { SecretValue } from '../api/secret-value.ts';
import type { KeycloakClient, KeycloakMapper, SecretLife } from '../policy/keycloak-types.ts';

const flag = z
  .boolean()
  .nullish()
  .transform(value => value ?? false);
const text = z
  .string()
  .nullish()
  .transform(value => value ?? '');
const texts = z
  .array(z.string())
  .nullish()
  .transform(value => value ?? []);
const record = z
  .record(z.string(), z.string().nullable())
  .nullish()
  .transform(value => value ?? {});

const mapperSchema = z.object({
  id: z.string(),
  name: z.string(),
  protocolMapper: z.string(),
  config: record,
});

/** What is read of a client's representation (keycloak, `ClientRepresentation.java`); absent means off or empty. */
const clientSchema = z.object({
  id: z.string().min(1),
  clientId: z.string().min(1),
  description: text,
  enabled: flag,
  protocol: text,
  publicClient: flag,
  bearerOnly: flag,
  standardFlowEnabled: flag,
  implicitFlowEnabled: flag,
  directAccessGrantsEnabled: flag,
  serviceAccountsEnabled: flag,
  fullScopeAllowed: flag,
  clientAuthenticatorType: text,
  baseUrl: text,
  redirectUris: texts,
  attributes: record,
  secret: z.string().nullish(),
  protocolMappers: z.array(mapperSchema).nullish(),
});

/** Times such as `client.secret.creation.time` are the only attributes about secrets that are not secret. */
const SECRET_TIME = /^client\.secret\..*\.time$/;
const SECRET_NAME = /secret|password|private/i;

function isSecretAttribute(name: string): boolean {
  return SECRET_NAME.test(name) && !SECRET_TIME.test(name);
}

function withoutNulls(values: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** Epoch seconds as text, in milliseconds; undefined where it is none. Keycloak takes 0 for "none", too. */
function readSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,11}$/.test(text)) return undefined;
  return Number(text) * 1000;
}

/** What attributes tell of the secret (keycloak, `ClientSecretConstants.java`); the old one's value stays here. */
function readSecretLife(attributes: Readonly<Record<string, string>>): SecretLife {
  const rotated = attributes['client.secret.rotated'] ?? '';
  return {
    createdAt: readSeconds(attributes['client.secret.creation.time']),
    expiresAt: readSeconds(attributes['client.secret.expiration.time']),
    rotated:
      rotated === ''
        ? undefined
        : { expiresAt: readSeconds(attributes['client.secret.rotated.expiration.time']) },
  };
}

function toClient({
  secret,
  protocolMappers,
  attributes,
  ...plain
}: z.infer<typeof clientSchema>): KeycloakClient {
  const all = withoutNulls(attributes);
  const kept = Object.entries(all).filter(([name]) => !isSecretAttribute(name));
  return {
    ...plain,
    attributes: Object.fromEntries(kept),
    secret: secret === null || secret === undefined || secret === '' ? undefined : new SecretValue(secret),
    secretLife: readSecretLife(all),
    mappers: toMappers(protocolMappers ?? []),
  };
}

function toMappers(mappers: readonly z.infer<typeof mapperSchema>[]): readonly KeycloakMapper[] {
  return mappers.map(mapper => ({ ...mapper, config: withoutNulls(mapper.config) }));
}

/** A client scope of a realm, with the mappers that clients get by it. */
export interface ClientScope {
  readonly name: string;
  readonly mappers: readonly KeycloakMapper[];
}

const scopesSchema = z.array(
  z.object({ name: z.string(), protocolMappers: z.array(mapperSchema).nullish() }),
);

/** Reads a list of client scopes from what Keycloak answered (keycloak, `ClientScopeRepresentation.java`). */
export function readScopeRepresentations(answer: unknown): readonly ClientScope[] | undefined {
  return scopesSchema
    .safeParse(answer)
    .data?.map(({ name, protocolMappers }) => ({ name, mappers: toMappers(protocolMappers ?? []) }));
}

/** Reads a client from what Keycloak answered; undefined where it is not a client at all. */
export function readClientRepresentation(answer: unknown): KeycloakClient | undefined {
  const parsed = clientSchema.safeParse(answer);
  return parsed.success ? toClient(parsed.data) : undefined;
}

/** Reads a list of clients from what Keycloak answered; undefined where it is not one. */
export function readClientRepresentations(answer: unknown): readonly KeycloakClient[] | undefined {
  const parsed = z.array(clientSchema).safeParse(answer);
  return parsed.success ? parsed.data.map(toClient) : undefined;
}
