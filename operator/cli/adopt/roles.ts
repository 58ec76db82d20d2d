import { accountName, dnsLabel, expression, fitsColumn, humanName } from '../../api/fields.ts';
import type { RoleBinding, ServiceAccount } from '../../api/objects.ts';
import type { RoleSpec } from '../../api/schema.ts';
import { ruleForGroups } from '../../policy/rules.ts';
import { type Contender, contendersOf } from '../../policy/selection.ts';
import { type DescribedGrants, describeGrants } from './grants.ts';
import { placeRoles } from './order.ts';
import { type Claim, guarded, type ReadRule, readRule } from './rule.ts';

/** How Keycloak writes groups into the claim. */
export interface GroupNaming {
  readonly source: 'Groups' | 'ClientRoles';
  readonly fullPath: boolean;
}

/** What roles are made from. */
export interface ByHand {
  /** Name of the policy. */
  readonly policy: string;
  /** The accounts of the namespace that have a rule. */
  readonly accounts: readonly ServiceAccount[];
  readonly bindings: readonly RoleBinding[];
  readonly naming: GroupNaming;
  /** Claims that nobody lacks who signs in. */
  readonly always: ReadonlySet<Claim>;
  /** Precedence of the first role where the policy gives none. */
  readonly usual: number;
}

/** An account that becomes one of a role. */
export interface DescribedRole {
  readonly contender: Contender;
  readonly spec: RoleSpec;
  /** Claims without which a rule above denies people, so that this role must not let them in. */
  readonly guards: ReadonlySet<Claim>;
  readonly grants: DescribedGrants;
}

/** An account that no policy can have, and stays as it is. */
export interface LeftAlone {
  readonly contender: Contender;
  readonly why: string;
}

/** What of the accounts a policy can say. */
export interface DescribedRoles {
  /** From the one that Argo tries first. */
  readonly roles: readonly DescribedRole[];
  /** `spec.precedence`; undefined where the default does. */
  readonly precedence: number | undefined;
  readonly leftAlone: readonly LeftAlone[];
}

/** Most roles of a policy, and most groups of a role. */
const MOST_ROLES = 64;
const MOST_GROUPS = 64;

function isGroupName(group: string, { source, fullPath }: GroupNaming): boolean {
  if (!humanName(512).safeParse(group).success) return false;
  if (source === 'Groups' && fullPath) {
    return group.startsWith('/') && !group.endsWith('/') && !group.includes('//');
  }
  return fitsColumn(group) && (source === 'ClientRoles' || !group.startsWith('/'));
}

/** Who is in a role, in the words of the contract. */
export type Who = Pick<RoleSpec, 'groups' | 'everyone' | 'when'>;

function inGroups(groups: readonly string[], guards: ReadonlySet<Claim>, naming: GroupNaming): Who {
  // Whoever is in a group has the claim.
  const others = new Set([...guards].filter(claim => claim !== 'groups'));
  const named = groups.length <= MOST_GROUPS && groups.every(group => isGroupName(group, naming));
  return named && others.size === 0
    ? { groups: [...groups] }
    : { when: guarded(others, ruleForGroups(groups)) };
}

/**
 * Who is in a role by a rule that was written by hand.
 *
 * @param above claims without which nobody comes as far as this rule
 */
export function whoBy(
  { meaning, needs, isStrict }: ReadRule,
  above: ReadonlySet<Claim>,
  naming: GroupNaming,
): Who {
  switch (meaning.kind) {
    case 'everyone':
      return above.size === 0 ? { everyone: true } : { when: guarded(above, undefined) };
    case 'groups':
      return inGroups(meaning.groups, above, naming);
    case 'expression':
      return { when: guarded(new Set(isStrict ? above : [...above, ...needs]), meaning.text) };
  }
}

function roleName(account: string, policy: string, taken: ReadonlySet<string>): string {
  const own = account.startsWith(`${policy}-`) ? account.slice(policy.length + 1) : account;
  const short = own.replaceAll('.', '-').slice(0, 56).replace(/-+$/, '');
  const base = dnsLabel.safeParse(short).success ? short : 'role';
  const names = [base, ...Array.from({ length: MOST_ROLES }, (_, index) => `${base}-${index + 2}`)];
  return names.find(name => !taken.has(name)) ?? base;
}

function whyNot(name: string, { when }: Who): string | undefined {
  if (!accountName.safeParse(name).success) return 'its name is longer than a policy may give one';
  if (when === undefined) return undefined;
  const [issue] = expression.safeParse(when).error?.issues ?? [];
  return issue === undefined ? undefined : `as an expression its rule ${issue.message}`;
}

function describeAll(
  contenders: readonly Contender[],
  given: ByHand,
  kept: ReadonlyMap<string, string>,
): Pick<DescribedRoles, 'roles' | 'leftAlone'> {
  const roles: DescribedRole[] = [];
  const leftAlone: LeftAlone[] = [];
  const above = new Set<Claim>();
  const names = new Set<string>();
  for (const contender of contenders) {
    const { name } = contender.account.metadata;
    const read = readRule(contender.rule);
    const rule = { ...read, needs: new Set([...read.needs].filter(claim => !given.always.has(claim))) };
    const who = whoBy(rule, above, given.naming);
    const full =
      roles.length === MOST_ROLES ? `a policy has no room for more than ${MOST_ROLES} roles` : undefined;
    const why = kept.get(name) ?? full ?? whyNot(name, who);
    if (why !== undefined) {
      leftAlone.push({ contender, why });
      continue;
    }
    const grants = describeGrants(contender.account, given.bindings);
    const own = roleName(name, given.policy, names);
    names.add(own);
    const serviceAccount = name === `${given.policy}-${own}` ? {} : { serviceAccount: name };
    const spec: RoleSpec = { name: own, ...serviceAccount, ...who, grants: [...grants.grants] };
    roles.push({ contender, spec, guards: new Set(above), grants });
    for (const claim of rule.needs) above.add(claim);
  }
  return { roles, leftAlone };
}

const NO_PLACE =
  'between it and the roles stands an account that stays as it is, and there is no room for both sides of that';

/** The first account that stays although there are roles above it: what is below it may have to stay too. */
function belowFirstFixed(
  contenders: readonly Contender[],
  { roles }: Pick<DescribedRoles, 'roles'>,
): readonly string[] {
  const described = new Set(roles.map(({ contender }) => contender.account.metadata.name));
  const isRole = ({ account }: Contender) => described.has(account.metadata.name);
  const first = contenders.findIndex(
    (each, index) =>
      !isRole(each) && contenders.slice(0, index).some(isRole) && contenders.slice(index).some(isRole),
  );
  const from = first === -1 ? 0 : first;
  return contenders
    .slice(from)
    .filter(isRole)
    .map(({ account }) => account.metadata.name);
}

/** Argo's order; of those of one precedence, which Argo takes in any, one for everybody comes last. */
function inOrder(accounts: readonly ServiceAccount[]): readonly Contender[] {
  const last = ({ rule }: Contender) => Number(readRule(rule).meaning.kind === 'everyone');
  const tiers = Map.groupBy(contendersOf(accounts), ({ precedence }) => precedence);
  return [...tiers.values()].flatMap(tier => tier.toSorted((a, b) => last(a) - last(b)));
}

/**
 * Describes accounts as roles, in Argo's order. What stays as it is keeps its place among them.
 *
 * @param kept accounts that no role is to be made of, and why
 */
export function describeRoles(given: ByHand, kept: ReadonlyMap<string, string> = new Map()): DescribedRoles {
  const contenders = inOrder(given.accounts);
  const found = describeAll(contenders, given, kept);
  const isLeft = new Set(found.leftAlone.map(({ contender }) => contender));
  const slots = contenders.map(contender =>
    isLeft.has(contender)
      ? ({ kind: 'fixed', precedence: Number(contender.precedence) } as const)
      : ({ kind: 'role' } as const),
  );
  const placement = placeRoles(slots, given.usual);
  if (placement.fits) return { ...found, precedence: placement.precedence };
  const below = belowFirstFixed(contenders, found);
  return describeRoles(given, new Map([...kept, ...below.map(name => [name, NO_PLACE] as const)]));
}
