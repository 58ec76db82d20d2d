type Json = Record<string, unknown>;

/** A realm's secret-rotation policy; needs Keycloak's feature `client-secret-rotation`. */
export interface RotationPolicy {
  /** How long a secret stays valid. */
  readonly secretPeriodSeconds: number;
  /** How long the old secret stays valid; 0: not at all. */
  readonly rotatedPeriodSeconds: number;
  /** Matters to dynamic registration alone. */
  readonly remainingSeconds?: number;
  /** Attributes that a client must have, each with exactly this value; default: every client. */
  readonly match?: Readonly<Record<string, string>>;
}

/** What Keycloak holds of a client's secrets; times in milliseconds since the epoch. */
export interface ClientSecretState {
  readonly current: string;
  readonly createdAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** The old secret. */
  readonly rotated: string | undefined;
  readonly rotatedExpiresAt: number | undefined;
}

const NAME = 'argo-access-rotation';

/** The attributes are JSON within JSON. */
function conditionOf(match: RotationPolicy['match']): Json {
  if (match === undefined) return { condition: 'any-client', configuration: {} };
  const attributes = Object.entries(match).map(([key, value]) => ({ key, value }));
  return { condition: 'client-attributes', configuration: { attributes: JSON.stringify(attributes) } };
}

/** The client profile that a realm's administrator would write. */
export function rotationProfile(policy: RotationPolicy): Json {
  const configuration = {
    'expiration-period': policy.secretPeriodSeconds,
    'rotated-expiration-period': policy.rotatedPeriodSeconds,
    'remaining-rotation-period': policy.remainingSeconds ?? 0,
  };
  return { name: NAME, executors: [{ executor: 'secret-rotation', configuration }] };
}

/** The client policy that a realm's administrator would write, which uses {@link rotationProfile}. */
export function rotationClientPolicy({ match }: RotationPolicy): Json {
  return { name: NAME, enabled: true, conditions: [conditionOf(match)], profiles: [NAME] };
}

/** What a client's representation tells of its secrets. */
export function secretStateOf(representation: Json | undefined): ClientSecretState {
  const attributes = (representation?.attributes ?? {}) as Record<string, string | undefined>;
  const time = (name: string) =>
    attributes[name] === undefined ? undefined : Number(attributes[name]) * 1000;
  return {
    current: String(representation?.secret),
    createdAt: time('client.secret.creation.time'),
    expiresAt: time('client.secret.expiration.time'),
    rotated: attributes['client.secret.rotated'],
    rotatedExpiresAt: time('client.secret.rotated.expiration.time'),
  };
}
