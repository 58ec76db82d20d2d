import { z } from 'zod';
import type { KeycloakClient, RotationCoverage } from '../policy/keycloak-types.ts';
import { parseJson } from './json.ts';

/** An executor `secret-rotation` of a profile that an enabled client policy uses. */
export interface RotationRule {
  /** Whether a condition that does not vote counts against the policy, in place of not at all. */
  readonly strict: boolean;
  readonly conditions: readonly Condition[];
  /** How long an old secret stays valid, in milliseconds; 0: not at all. */
  readonly rotatedPeriod: number;
}

type Config = Readonly<Record<string, unknown>>;
type Vote = 'yes' | 'no' | 'abstains';
type Voter = (client: KeycloakClient, config: Config) => Vote;

interface Condition {
  readonly kind: string;
  readonly config: Config;
}

/** What the executor takes where its configuration says nothing (`ClientSecretRotationExecutorFactory.java`). */
const DEFAULT_ROTATED_PERIOD_MS = 2 * 24 * 60 * 60_000;

const configSchema = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform(config => config ?? {});
const conditionSchema = z
  .object({ condition: z.string(), configuration: configSchema })
  .transform(({ condition, configuration }): Condition => ({ kind: condition, config: configuration }));
const policySchema = z.object({
  enabled: z.boolean().nullish(),
  mode: z.string().nullish(),
  conditions: z.array(conditionSchema).nullish(),
  profiles: z.array(z.string()).nullish(),
});
const policiesSchema = z
  .object({ policies: z.array(policySchema), globalPolicies: z.array(policySchema).nullish() })
  .transform(({ policies, globalPolicies }) => [...(globalPolicies ?? []), ...policies]);
const profileSchema = z.object({
  name: z.string(),
  executors: z.array(z.object({ executor: z.string(), configuration: configSchema })).nullish(),
});
const profilesSchema = z
  .object({ profiles: z.array(profileSchema), globalProfiles: z.array(profileSchema).nullish() })
  .transform(({ profiles, globalProfiles }) => [...profiles, ...(globalProfiles ?? [])]);
const pairsSchema = z.array(z.object({ key: z.string(), value: z.string() }));

/** The client policies of a realm, in the order in which Keycloak runs them. */
export type ClientPolicies = z.infer<typeof policiesSchema>;
/** The client profiles of a realm. */
export type ClientProfiles = z.infer<typeof profilesSchema>;

/** Reads a realm's client policies; undefined where the answer is none. */
export function readClientPolicies(answer: unknown): ClientPolicies | undefined {
  return policiesSchema.safeParse(answer).data;
}

/** Reads a realm's client profiles; undefined where the answer is none. */
export function readClientProfiles(answer: unknown): ClientProfiles | undefined {
  return profilesSchema.safeParse(answer).data;
}

/** Seconds as a number, or as text, which is what the administration console writes; in milliseconds. */
function rotatedPeriodOf(config: Config): number {
  const period = config['rotated-expiration-period'];
  const text = typeof period === 'number' ? String(period) : period;
  if (typeof text !== 'string' || !/^-?\d{1,12}$/.test(text)) return DEFAULT_ROTATED_PERIOD_MS;
  return Math.max(0, Number(text) * 1000);
}

/** The rules of a realm for the rotation of secrets, in the order in which Keycloak follows them. */
export function rotationRules(policies: ClientPolicies, profiles: ClientProfiles): readonly RotationRule[] {
  const periodsOf = (name: string): readonly number[] =>
    (profiles.find(profile => profile.name === name)?.executors ?? [])
      .filter(({ executor }) => executor === 'secret-rotation')
      .map(({ configuration }) => rotatedPeriodOf(configuration));
  return policies
    .filter(({ enabled }) => enabled === true)
    .flatMap(({ mode, conditions, profiles: names }) =>
      (names ?? []).flatMap(periodsOf).map(rotatedPeriod => ({
        strict: mode === 'STRICT',
        conditions: conditions ?? [],
        rotatedPeriod,
      })),
    );
}

const yesIf = (holds: boolean): Vote => (holds ? 'yes' : 'no');

function accessTypeOf({ publicClient, bearerOnly }: KeycloakClient): string {
  if (publicClient) return 'public';
  return bearerOnly ? 'bearer-only' : 'confidential';
}

/** Every pair must be there, and no key may be asked for twice; no pair at all is met by everyone. */
function hasAttributes({ attributes }: KeycloakClient, config: unknown): boolean {
  const pairs = pairsSchema.safeParse(typeof config === 'string' ? parseJson(config) : undefined).data;
  if (pairs === undefined || new Set(pairs.map(({ key }) => key)).size < pairs.length) return false;
  return pairs.every(({ key, value }) => attributes[key] === value);
}

const abstains: Voter = () => 'abstains';

/** How conditions vote on an update of a client (keycloak, `services/clientpolicy/condition`, 26.7). */
const VOTES: ReadonlyMap<string, Voter> = new Map<string, Voter>([
  ['any-client', () => 'yes'],
  ['client-attributes', (client, { attributes }) => yesIf(hasAttributes(client, attributes))],
  [
    'client-access-type',
    (client, { type }) => yesIf(Array.isArray(type) && type.includes(accessTypeOf(client))),
  ],
  ['client-type', (client, { protocol }) => yesIf(client.protocol === protocol)],
  ['client-scopes', abstains],
  ['grant-type', abstains],
  ['acr-condition', abstains],
  ['identity-provider-alias', abstains],
]);

function inverted(vote: Vote): Vote {
  if (vote === 'yes') return 'no';
  return vote === 'no' ? 'yes' : vote;
}

/**
 * What a condition says of a client. One that depends on more than the client, such as its roles or who changes it,
 * is taken from what it has led to: Keycloak lets a secret expire exactly where a policy applies.
 */
function voteOf({ kind, config }: Condition, client: KeycloakClient): Vote {
  const vote = VOTES.get(kind)?.(client, config);
  if (vote === undefined) return yesIf(client.secretLife.expiresAt !== undefined);
  return String(config['is-negative-logic']) === 'true' ? inverted(vote) : vote;
}

/** At least one condition must be for it and none against (keycloak, `DefaultClientPolicyManager.java`). */
function applies({ strict, conditions }: RotationRule, client: KeycloakClient): boolean {
  const votes = conditions.map(condition => voteOf(condition, client));
  return votes.includes('yes') && !votes.includes('no') && !(strict && votes.includes('abstains'));
}

/** What the rules make of a client; where several apply, each undoes what the one before has done. */
export function coverageOf(
  rules: readonly RotationRule[],
  client: KeycloakClient,
): RotationCoverage | undefined {
  if (accessTypeOf(client) !== 'confidential') return undefined;
  const rule = rules.findLast(each => applies(each, client));
  return rule && { rotatedPeriod: rule.rotatedPeriod };
}
