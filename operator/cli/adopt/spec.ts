import { ANNOTATION_ADOPT_BY } from '../../api/names.ts';
import { createWhenJudge, orUnjudged } from '../../argo/when.ts';
import { argoRule } from '../../policy/accounts.ts';
import { bearsMark } from '../../policy/ownership.ts';
import { blockOf } from '../../policy/server-read.ts';
import { DEFAULT_CLAIM, type SsoBlock } from '../../policy/server-sso.ts';
import { type CommandFailure, failure } from '../terminal.ts';
import { describeClaim, groupsSpec } from './claim.ts';
import { addressOf, clientSpec, serverSpec } from './client.ts';
import { type FoundClient, findClient, realmOf, scopeRemarks } from './keycloak.ts';
import type { Access, AdoptOptions } from './options.ts';
import type { Installation } from './read.ts';
import { type Remark, remarks } from './remark.ts';
import type { ByHand, DescribedRoles } from './roles.ts';
import { soundRoles } from './sound.ts';

/** Accounts that a policy has already. */
function owned({ accounts }: Installation): ReadonlyMap<string, string> {
  const marked = accounts.filter(({ metadata }) => bearsMark(metadata));
  return new Map(marked.map(({ metadata }) => [metadata.name, 'it belongs to a policy already']));
}

/** What is there as a spec, and what of it is to be known. */
export interface Described {
  /** Claims that nobody lacks who signs in. */
  readonly always: FoundClient['always'];
  readonly spec: Readonly<Record<string, unknown>>;
  readonly roles: DescribedRoles;
  readonly remarks: readonly Remark[];
}

/** `spec.keycloak`, without what is the default. */
function keycloakSpec(found: FoundClient | undefined, block: SsoBlock | undefined, groups: object) {
  const realm = found === undefined ? realmOf(block?.issuer) : found.realm;
  const connection = found?.connection.name ?? 'default';
  const spec = {
    ...(connection !== 'default' && { connection }),
    ...(realm !== undefined && realm !== found?.connection.realm && { realm }),
    ...(Object.keys(groups).length > 0 && { groups }),
  };
  return Object.keys(spec).length === 0 ? {} : { keycloak: spec };
}

function loginSpec(
  { options }: Access,
  installation: Installation,
  block: SsoBlock,
  found: FoundClient | undefined,
) {
  const clientId = options.clientId ?? found?.client.clientId;
  if (clientId === undefined) {
    throw failure(
      "the client's id is in a Secret, which is not read: say --client-id, or give --config, by which Keycloak is asked",
    );
  }
  const address = addressOf(options.url, block, found?.client);
  if (address === undefined) throw failure('the address of Argo Server is not known; say --url');
  const { spec, remarks: told } = clientSpec(clientId, address, block, found?.client);
  const { settings, deployment } = installation.server;
  const server = serverSpec(
    { configMap: settings?.metadata.name, deployment: deployment?.metadata.name },
    block,
  );
  return { spec: { client: spec, ...(server !== undefined && { server }) }, remarks: told };
}

const LOGIN_PRECEDENCE = 1000;
const DELEGATED_PRECEDENCE = 10_000;

function rolesOnly({ server, namespace }: Installation, { deployment }: AdoptOptions): string {
  const where = server.settingsName === undefined ? '' : ` and ConfigMap ${server.settingsName}`;
  return (
    `a client: namespace ${namespace} has no Argo Server with single sign-on, by Deployment ${deployment}${where}, and so the ` +
    'policy is one of roles only. Where there is one under another name, say --deployment'
  );
}

/** Argo's settings where people sign in here; undefined where the policy is to be one of roles only. */
function loginOf({ options, note }: Access, installation: Installation): SsoBlock | undefined {
  const login = blockOf(installation.server.reading) ?? (options.clientId === undefined ? undefined : {});
  if (login === undefined) note(rolesOnly(installation, options));
  return login;
}

async function clientOf({ keycloak, options }: Access, block: SsoBlock, claim: string) {
  return keycloak === undefined ? undefined : findClient(keycloak, options, block, claim);
}

/** Describes an installation; ends the command where there is nothing to describe, or too little is known. */
export async function describe(access: Access, installation: Installation): Promise<Described> {
  const { options } = access;
  const login = loginOf(access, installation);
  const claim = login?.customGroupClaimName || DEFAULT_CLAIM;
  const found = login === undefined ? undefined : await clientOf(access, login, claim);
  const { accounts, bindings, policies } = installation;
  const rules = accounts.flatMap(account => argoRule(account) ?? []);
  const source =
    login === undefined
      ? 'spec.keycloak.groups has to be as in the policy by which people sign in'
      : '--config asks Keycloak';
  const groups = describeClaim(found?.client, found?.writers, claim, rules, source);
  const always = found?.always ?? new Set();
  const hasLogin = login !== undefined || policies.some(({ spec }) => spec.client !== undefined);
  const given: ByHand = {
    policy: options.name,
    accounts,
    bindings,
    naming: groups.naming,
    always,
    usual: hasLogin ? LOGIN_PRECEDENCE : DELEGATED_PRECEDENCE,
  };
  const mine = owned(installation);
  const judge = orUnjudged(createWhenJudge(access.engine, { patient: true }));
  const roles = await soundRoles(given, mine, expressions =>
    judge(access.cluster.namespace, expressions, access.cluster.signal),
  );
  if (roles.roles.length === 0) throw nothingToDescribe(installation, roles, mine);
  const own = login === undefined ? { spec: {}, remarks: [] } : loginSpec(access, installation, login, found);
  const left = roles.leftAlone.filter(({ contender }) => !mine.has(contender.account.metadata.name));
  return {
    always,
    spec: {
      ...keycloakSpec(found, login, groupsSpec(groups.naming, claim)),
      ...own.spec,
      ...(roles.precedence !== undefined && { precedence: roles.precedence }),
      roles: roles.roles.map(({ spec }) => spec),
    },
    roles,
    remarks: [
      ...groups.remarks,
      ...(found === undefined ? [] : scopeRemarks(found)),
      ...own.remarks,
      ...remarks(
        'lost',
        left.map(
          ({ contender, why }) => `ServiceAccount ${contender.account.metadata.name} stays as it is: ${why}`,
        ),
      ),
    ],
  };
}

function noRule({ namespace, server }: Installation): string {
  const managed = server.flags?.managedNamespace ?? namespace;
  return managed === namespace
    ? `no ServiceAccount of namespace ${namespace} has a rule, and there is no policy without a role`
    : `no ServiceAccount of namespace ${namespace} has a rule, for Argo Server looks for them in namespace ${managed}: describe ` +
        `those by --namespace ${managed}; for the client write a policy as docs/install-argo.md has it for managed ` +
        `namespaces, with adopt: true, and annotate its Secret with ${ANNOTATION_ADOPT_BY}=<name of that policy>`;
}

function nothingToDescribe(
  installation: Installation,
  { leftAlone }: DescribedRoles,
  mine: ReadonlyMap<string, string>,
): CommandFailure {
  const { namespace } = installation;
  const others = leftAlone.filter(({ contender }) => !mine.has(contender.account.metadata.name));
  const list = others.map(({ contender, why }) => `${contender.account.metadata.name}: ${why}`);
  return failure(
    others.length > 0
      ? `of no ServiceAccount of namespace ${namespace} a role can be made: ${list.join('; ')}`
      : mine.size > 0
        ? `every ServiceAccount of namespace ${namespace} with a rule belongs to a policy already`
        : noRule(installation),
  );
}
