import { argoRule } from '../../policy/accounts.ts';
import { GROUPS_MAPPER, writesPaths } from '../../policy/client.ts';
import type { KeycloakMapper } from '../../policy/keycloak-types.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown, warn } from './finding.ts';
import { groupsNamedIn } from './groups.ts';
import { claimOf, mappersInEffect, writersOf } from './groups-mapper.ts';
import {
  type AccountSight,
  type ClientSight,
  type DoctorSnapshot,
  everyAccount,
  orUndefined,
  seenClient,
} from './snapshot.ts';

/** The mappers in effect; undefined where that is not known. */
function effective({ block }: DoctorSnapshot, { client: seen, scopes }: ClientSight) {
  const assigned = orUndefined(scopes);
  return assigned && mappersInEffect(seen.mappers, assigned, block?.scopes ?? []);
}

/** The tokens that a mapper can write, by the words of its setting. */
const TOKENS = {
  'id.token.claim': 'ID token',
  'userinfo.token.claim': 'user info',
} as const;

function tokenOf({ block }: DoctorSnapshot): keyof typeof TOKENS {
  return (block?.userInfoPath ?? '') === '' ? 'id.token.claim' : 'userinfo.token.claim';
}

/** A plain text where a list is needed: Argo Server refuses the login (argo-workflows, server/auth/types/claims.go). */
function isPlain({ protocolMapper, config }: KeycloakMapper): boolean {
  const isList = config.multivalued === 'true' || config['jsonType.label'] === 'JSON';
  return protocolMapper !== GROUPS_MAPPER && !isList;
}

/** Groups reach Argo Server in a claim that some mapper writes. */
function groupsClaim(snapshot: DoctorSnapshot): readonly Outcome[] {
  const found = seenClient(snapshot);
  if (found === undefined || snapshot.block === undefined) return [];
  const { object, sight } = found;
  const mappers = effective(snapshot, sight);
  if (mappers === undefined) return [];
  const claim = claimOf(snapshot.block);
  const token = tokenOf(snapshot);
  const writers = writersOf(mappers, claim);
  const [first] = writers;
  if (first === undefined) {
    return [
      fail(
        object,
        `no mapper of ${object} writes the claim ${claim}, so that everybody is in no group to Argo`,
        `add a mapper of type Group Membership to the client, with token claim name ${claim}, added to the ID token`,
      ),
    ];
  }
  const named = writers.map(({ name }) => `"${name}"`).join(', ');
  if (!writers.some(({ config }) => config[token] === 'true')) {
    return [
      fail(
        object,
        `mapper ${named} of ${object} does not write the claim ${claim} into the ${TOKENS[token]}, where Argo Server reads it`,
        `switch "Add to ${TOKENS[token]}" on in the mapper`,
      ),
    ];
  }
  const plain = writers.find(isPlain);
  if (plain !== undefined) {
    return [
      fail(
        object,
        `mapper "${plain.name}" of ${object} writes the claim ${claim} as a plain text, and Argo Server refuses logins with that`,
        'switch Multivalued on in the mapper',
      ),
    ];
  }
  if (writers.length === 1) return [pass(object, `mapper ${named} writes the claim ${claim}`)];
  return [
    warn(
      object,
      `several mappers of ${object} write the claim ${claim}: ${named}; what arrives in it need not be groups`,
      'keep one of them',
    ),
  ];
}

/** The first thing that is not right with the groups of one rule. */
function ofRule(
  { account }: AccountSight,
  mapper: KeycloakMapper,
  lookups: ClientSight['groups'],
): Outcome | undefined {
  const who = `ServiceAccount ${account.metadata.namespace}/${account.metadata.name}`;
  const groups = groupsNamedIn(argoRule(account) ?? '');
  const paths = writesPaths(mapper);
  const odd = groups.filter(group => group.startsWith('/') !== paths);
  // Where others are right, the rule may have been written for both ways.
  if (odd.length > 0 && odd.length === groups.length) {
    const better = odd.map(group => (paths ? `/${group}` : (group.split('/').at(-1) ?? ''))).join(', ');
    return fail(
      who,
      `the rule of ${who} is for ${odd.join(', ')}, which no token has: mapper "${mapper.name}" writes ` +
        `${paths ? 'whole paths, with a / before them' : 'names alone, without a /'}`,
      `write ${better} in the rule, if that is the group, or switch "Full group path" ${paths ? 'off' : 'on'} in the mapper`,
    );
  }
  if ('unknown' in lookups) return groups.length === 0 ? undefined : unknown(who, lookups.unknown);
  const missing = groups.filter(group => lookups.known.get(group)?.kind === 'missing');
  if (missing.length === 0) return undefined;
  return warn(
    who,
    `the rule of ${who} is for ${missing.join(', ')}, and the realm has no such group: nobody gets in by it`,
    'make the group in Keycloak, or correct the rule; upper and lower case matter',
  );
}

/** Groups are written in one way in rules, and in another in tokens: the most frequent reason for "no rule matches". */
function groupNames(snapshot: DoctorSnapshot): readonly Outcome[] {
  const found = seenClient(snapshot);
  if (found === undefined || 'unknown' in snapshot.accounts || snapshot.block === undefined) return [];
  const { object, sight } = found;
  const writers = writersOf(effective(snapshot, sight) ?? [], claimOf(snapshot.block));
  const [mapper, ...others] = writers;
  if (mapper === undefined) return [];
  if ([mapper, ...others].some(({ protocolMapper }) => protocolMapper !== GROUPS_MAPPER)) {
    // Roles, say: what rules name need be no groups of the realm.
    return [pass(object, 'writes something else than groups into the claim')];
  }
  const outcomes = everyAccount(snapshot).flatMap(each => ofRule(each, mapper, sight.groups) ?? []);
  return orPass(outcomes, object, 'the realm has the groups that rules name, as these write them');
}

/** How groups come into tokens, and what rules make of them. */
export const GROUP_CHECKS: readonly Check[] = [
  { id: 'groups-claim', subject: 'client', judge: groupsClaim },
  { id: 'group-names', subject: 'client', judge: groupNames },
];
