import { CLIENT_ROLES_MAPPER, GROUPS_MAPPER, writesPaths } from '../../policy/client.ts';
import type { KeycloakClient, KeycloakMapper } from '../../policy/keycloak-types.ts';
import { DEFAULT_CLAIM } from '../../policy/server-sso.ts';
import { type Remark, remarks } from './remark.ts';
import type { GroupNaming } from './roles.ts';
import { readRule } from './rule.ts';

/** A mapper that fills a claim of the client's tokens. */
export interface ClaimWriter {
  readonly mapper: KeycloakMapper;
  /** The client scope that it is of; undefined where it is the client's own. */
  readonly scope: string | undefined;
}

/** How groups get into the claim. */
export interface DescribedClaim {
  readonly naming: GroupNaming;
  readonly remarks: readonly Remark[];
}

/** What the groups that rules name look like, where Keycloak is not asked. */
function guessed(rules: readonly string[]): GroupNaming {
  const groups = rules.flatMap(rule => {
    const { meaning } = readRule(rule);
    return meaning.kind === 'groups' ? meaning.groups : [];
  });
  return { source: 'Groups', fullPath: groups.length === 0 || groups.some(group => group.startsWith('/')) };
}

function namingOf(mapper: KeycloakMapper, clientId: string): GroupNaming | undefined {
  const { protocolMapper, config } = mapper;
  if (protocolMapper === GROUPS_MAPPER) return { source: 'Groups', fullPath: writesPaths(mapper) };
  const whose = config['usermodel.clientRoleMapping.clientId'];
  const prefix = config['usermodel.clientRoleMapping.rolePrefix'] ?? '';
  const own = protocolMapper === CLIENT_ROLES_MAPPER && whose === clientId && prefix === '';
  return own ? { source: 'ClientRoles', fullPath: true } : undefined;
}

function called({ mapper, scope }: ClaimWriter): string {
  return `mapper "${mapper.name}" (${mapper.protocolMapper})${scope === undefined ? '' : ` of client scope ${scope}`}`;
}

function ofScope(writer: ClaimWriter): readonly Remark[] {
  if (writer.scope === undefined) return [];
  return remarks('rewritten', [
    `the client gets a mapper of its own for the groups, beside ${called(writer)}, which stays`,
  ]);
}

/**
 * Describes how groups get into the claim that Argo reads.
 *
 * @param writers the mappers that fill the claim; undefined where Keycloak was not asked
 * @param rules hand-made, for what is not known otherwise
 * @param source where it would be known from, a sentence
 */
export function describeClaim(
  client: Pick<KeycloakClient, 'clientId'> | undefined,
  writers: readonly ClaimWriter[] | undefined,
  claim: string,
  rules: readonly string[],
  source: string,
): DescribedClaim {
  if (client === undefined || writers === undefined) {
    const naming = guessed(rules);
    const form = naming.fullPath ? 'by full path' : 'by plain name (fullPath: false)';
    const text = `how groups are written: by those that rules name, ${form}. ${source}`;
    return { naming, remarks: rules.length === 0 ? [] : remarks('unknown', [text]) };
  }
  const known = writers.flatMap(writer => {
    const naming = namingOf(writer.mapper, client.clientId);
    return naming === undefined ? [] : [{ writer, naming }];
  });
  const [first, ...more] = known;
  const strange = writers.filter(each => !known.some(({ writer }) => writer === each));
  const unlike = more.filter(({ naming }) => JSON.stringify(naming) !== JSON.stringify(first?.naming));
  const lost = [...strange, ...unlike.map(({ writer }) => writer)].map(
    writer => `${called(writer)} fills the claim ${claim} in a way that a policy does not know`,
  );
  if (first === undefined) {
    const begins =
      strange.length === 0
        ? `no mapper puts groups into the claim ${claim} of the ID token today, and with the policy one does: rules by groups begin to match`
        : `with the policy groups come into the claim ${claim} too: whoever is in one by a name that a rule has gets what that gives`;
    return { naming: guessed(rules), remarks: [...remarks('lost', lost), ...remarks('change', [begins])] };
  }
  return { naming: first.naming, remarks: [...remarks('lost', lost), ...ofScope(first.writer)] };
}

/** `spec.keycloak.groups`, without what is the default. */
export function groupsSpec(
  { source, fullPath }: GroupNaming,
  claim: string,
): Readonly<Record<string, unknown>> {
  return {
    ...(source !== 'Groups' && { source }),
    ...(claim !== DEFAULT_CLAIM && { claim }),
    ...(!fullPath && { fullPath }),
  };
}
