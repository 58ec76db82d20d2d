import type { RuleEngine } from '../../argo/engine.ts';
import { createGroupFilter } from '../../argo/group-filter.ts';
import { type AccessFrom, missingServerAccess, type ServerNames } from '../../kubernetes/server-access.ts';
import { argoRule } from '../../policy/accounts.ts';
import { NOTHING_FILTERED } from '../../policy/nothing-seen.ts';
import type { GroupFilterVerdict } from '../../policy/observation.ts';
import type { KeyReference, SsoBlock } from '../../policy/server-sso.ts';
import { ask, type Known } from '../access/ask.ts';
import type { Cluster } from '../live/cluster.ts';
import { explainFailure } from '../live/failure.ts';
import { askIssuer, type IssuerAnswer } from '../lockout/issuer.ts';
import { ARGO_SECRET, COOKIE_KEY } from './checks-secrets.ts';
import { type AccountFacts, readAccounts } from './gather-accounts.ts';
import { readKeycloak, type Trial, tryCredentials } from './gather-keycloak.ts';
import { readSecret, type SecretRead } from './gather-secrets.ts';
import { type Installation, readInstallation } from './gather-server.ts';
import { groupsNamedIn } from './groups.ts';
import { orWhy } from './or-why.ts';
import {
  type AccessGap,
  type DoctorSnapshot,
  everyAccount,
  orUndefined,
  type SecretSight,
} from './snapshot.ts';

/** What is looked at, and how far. */
export interface DoctorQuestion {
  readonly deployment: string;
  /** Default: the one that Argo Server reads. */
  readonly configMap?: string;
  readonly config?: string;
  readonly connection?: string;
  /** Whether the client's credentials are tried. */
  readonly prove?: boolean;
}

/** Says nothing: another check tells of what this one rests on. */
const RESTS = { unknown: '' } as const;

function keysWanted({ clientId, clientSecret }: SsoBlock): ReadonlyMap<string, readonly string[]> {
  const references = [clientId, clientSecret].flatMap(({ name = '', key = '' }: KeyReference = {}) =>
    name === '' || key === '' ? [] : [{ name, key }],
  );
  const groups = Map.groupBy(references, ({ name }) => name);
  return new Map([...groups].map(([name, list]) => [name, list.map(({ key }) => key)]));
}

type Secrets = ReadonlyMap<string, Known<SecretRead | undefined>>;

async function readSecrets(
  cluster: Cluster,
  { block = {} }: Installation,
  withValues: boolean,
): Promise<Secrets> {
  const wanted = keysWanted(block);
  const reading = [...new Set([...wanted.keys(), ARGO_SECRET])].map(async name => {
    const keys = wanted.get(name) ?? [COOKIE_KEY];
    const read = await ask(readSecret(cluster, name, keys, withValues && wanted.has(name)));
    return [name, read] as const;
  });
  return new Map(await Promise.all(reading));
}

function sightOf(read: Known<SecretRead | undefined>): Known<SecretSight | undefined> {
  return 'unknown' in read ? read : { known: read.known?.sight };
}

function valueIn(secrets: Secrets, { name = '', key = '' }: KeyReference = {}) {
  const value = orUndefined(secrets.get(name) ?? RESTS)?.values.get(key);
  return value?.isEmpty === false ? value : undefined;
}

async function issuerOf({ issuer, issuerAlias, rootCA }: SsoBlock): Promise<Known<IssuerAnswer>> {
  if (issuer === undefined || issuer === '') return RESTS;
  if (!URL.canParse(issuer)) return { known: { problem: `${issuer} is no address` } };
  const alias = issuerAlias === '' ? undefined : issuerAlias;
  return { known: await askIssuer(issuer, { ca: rootCA, caField: 'sso.rootCA', alias }) };
}

function groupsOf(facts: AccountFacts): readonly string[] {
  const rules = everyAccount(facts).map(({ account }) => argoRule(account) ?? '');
  return [...new Set(rules.flatMap(groupsNamedIn))];
}

async function groupFilterOf(
  { block }: Installation,
  groups: readonly string[],
  engine: RuleEngine,
  signal: AbortSignal,
): Promise<Known<GroupFilterVerdict>> {
  const regexes = block?.filterGroupsRegex ?? [];
  if (regexes.length === 0) return { known: NOTHING_FILTERED };
  const asked = await orWhy(createGroupFilter(engine)(regexes, groups, signal), signal);
  return 'unknown' in asked ? { unknown: `sso.filterGroupsRegex was not tried: ${asked.unknown}` } : asked;
}

type Needed = AccessFrom['needed'];

/** Where Argo Server's account needs what. */
function placesOf(
  namespace: string,
  { accountNamespace }: Installation,
  { delegated }: AccountFacts,
): readonly { readonly where: string; readonly needed: Needed }[] {
  const home: readonly { where: string; needed: Needed }[] =
    accountNamespace === namespace
      ? [{ where: namespace, needed: 'all' }]
      : [
          { where: namespace, needed: 'settings' },
          { where: accountNamespace, needed: 'accounts' },
        ];
  const others = (orUndefined(delegated) ?? []).map(({ account }) => account.metadata.namespace);
  return [...home, ...[...new Set(others)].map(where => ({ where, needed: 'accounts' as const }))];
}

/** What Argo Server reads by name in a namespace, for an account that may not read everything. */
function namesRead(
  where: string,
  needed: Needed,
  { configMapName, block = {} }: Installation,
  facts: AccountFacts,
): ServerNames {
  const tokens = everyAccount(facts)
    .filter(({ account }) => account.metadata.namespace === where)
    .map(({ token }) => token.secret);
  const settings = needed === 'accounts' ? [] : [ARGO_SECRET, ...keysWanted(block).keys()];
  return { configMaps: needed === 'accounts' ? [] : [configMapName], secrets: [...settings, ...tokens] };
}

async function gapsOf(
  cluster: Cluster,
  account: string,
  installation: Installation,
  facts: AccountFacts,
): Promise<readonly AccessGap[]> {
  const { client, namespace, place, signal } = cluster;
  const asking = placesOf(namespace, installation, facts).map(async ({ where, needed }) => {
    const names = namesRead(where, needed, installation, facts);
    const from = { home: namespace, needed };
    try {
      const missing = await missingServerAccess(client, where, account, signal, names, from);
      return { namespace: where, missing };
    } catch (error) {
      const resource = { group: 'authorization.k8s.io', plural: 'localsubjectaccessreviews' };
      throw explainFailure(place, { verb: 'create', resource, namespace: where }, error);
    }
  });
  return Promise.all(asking);
}

/** The clientId by a policy that has a say in the Secret of the settings. */
function clientIdByPolicy({ block }: Installation, { policies }: AccountFacts): string | undefined {
  const found = orUndefined(policies)?.find(({ spec }) => spec.client?.secret.name === block?.clientId?.name);
  return found?.spec.client?.clientId;
}

/** Why the client was not looked at where there is no configuration. */
export const NO_CONFIG =
  "the client was not looked at in Keycloak: --config names the operator's configuration, with a connection to it";
const NOT_PROVED = "the client's id and secret were not tried; --prove does, without any user";
const NOT_ASKED = "Keycloak's login page was not asked for; --prove does";

interface Gathered {
  readonly installation: Installation;
  readonly issuer: Known<IssuerAnswer>;
  readonly secrets: Secrets;
  readonly facts: AccountFacts;
}

async function keycloakOf(question: DoctorQuestion, { installation, issuer, secrets, facts }: Gathered) {
  const { config, connection } = question;
  const { block } = installation;
  if (config === undefined) return { unknown: NO_CONFIG };
  const named = orUndefined(issuer)?.named ?? block?.issuer;
  if (block === undefined || named === undefined) return RESTS;
  const clientId = clientIdByPolicy(installation, facts) ?? valueIn(secrets, block.clientId)?.reveal().trim();
  if (clientId === undefined) return RESTS;
  const groups = groupsOf(facts);
  return readKeycloak({ configFile: config, connection, block, issuer: named, clientId, groups });
}

async function trialOf(
  { prove }: DoctorQuestion,
  { installation, issuer, secrets }: Gathered,
): Promise<Trial> {
  const { block } = installation;
  if (prove !== true) return { proof: { unknown: NOT_PROVED }, loginPage: { unknown: NOT_ASKED } };
  const named = orUndefined(issuer)?.named;
  if (block === undefined || named === undefined) return { proof: RESTS, loginPage: RESTS };
  const id = valueIn(secrets, block.clientId);
  const secret = valueIn(secrets, block.clientSecret);
  if (id === undefined || secret === undefined) return { proof: RESTS, loginPage: RESTS };
  // As Argo Server sends it: nothing is cut off.
  return tryCredentials(named, block, { clientId: id.reveal(), secret });
}

/** What is refused may have been replaced while it was tried, as in a rotation. */
async function settledTrial(
  question: DoctorQuestion,
  gathered: Gathered,
  readAgain: () => Promise<Secrets>,
): Promise<Trial> {
  const trial = await trialOf(question, gathered);
  if (orUndefined(trial.proof)?.result !== 'refused') return trial;
  const { clientSecret } = gathered.installation.block ?? {};
  const secrets = await readAgain();
  const now = valueIn(secrets, clientSecret);
  const isSame = now === undefined || now.equals(valueIn(gathered.secrets, clientSecret));
  return isSame ? trial : trialOf(question, { ...gathered, secrets });
}

/**
 * Reads all that a diagnosis rests on, once, but for a secret that is refused. What may not be read is not known; all
 * else that fails ends the command.
 */
export async function gather(
  cluster: Cluster,
  engine: RuleEngine,
  question: DoctorQuestion,
): Promise<DoctorSnapshot> {
  const { namespace, place, signal } = cluster;
  const installation = await readInstallation(cluster, question.deployment, question.configMap);
  const { block = {} } = installation;
  const [facts, issuer] = await Promise.all([readAccounts(cluster, engine, installation), issuerOf(block)]);
  const byPolicy = clientIdByPolicy(installation, facts) !== undefined;
  const withValues = question.prove === true || (question.config !== undefined && !byPolicy);
  const readNow = () => readSecrets(cluster, installation, withValues);
  const secrets = await readNow();
  const server = orUndefined(installation.deployment);
  const gathered = { installation, issuer, secrets, facts };
  const [access, groupFilter, keycloak, trial] = await Promise.all([
    server === undefined ? RESTS : ask(gapsOf(cluster, server.serviceAccountName, installation, facts)),
    groupFilterOf(installation, groupsOf(facts), engine, signal),
    keycloakOf(question, gathered),
    settledTrial(question, gathered, readNow),
  ]);
  return {
    namespace,
    kubectlFlags: place.kubectlFlags,
    ...installation,
    secrets: new Map([...secrets].map(([name, read]) => [name, sightOf(read)])),
    issuer,
    groupFilter,
    ...facts,
    access,
    keycloak,
    ...trial,
  };
}
