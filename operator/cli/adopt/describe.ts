import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../../api/names.ts';
import type { Policy, RoleBinding, ServiceAccount } from '../../api/objects.ts';
import { argoTokenName } from '../../policy/accounts.ts';
import { tokenSecretName, wantedRoles } from '../../policy/desired.ts';
import { clean } from '../live/layout.ts';
import type { Installation } from './read.ts';
import { type Remark, remarks } from './remark.ts';
import type { DescribedRole, DescribedRoles } from './roles.ts';
import { readRule } from './rule.ts';

/** The accounts of the namespace once the policy is in effect; those that it does not want stay as they are. */
export function accountsAfter(
  policy: Policy,
  { accounts, policies }: Installation,
): readonly ServiceAccount[] {
  const wanted = new Map(wantedRoles(policy, policies).map(role => [role.serviceAccount, role]));
  return accounts.map(account => {
    const role = wanted.get(account.metadata.name);
    if (role === undefined) return account;
    const annotations = {
      [ARGO_RULE]: role.rule,
      [ARGO_PRECEDENCE]: String(role.precedence),
      [ARGO_TOKEN_NAME]: role.token.metadata.name,
    };
    return { ...account, metadata: { ...account.metadata, annotations } };
  });
}

function markChanges(before: ServiceAccount, after: ServiceAccount): readonly string[] {
  const [was, is] = [before.metadata.annotations ?? {}, after.metadata.annotations ?? {}];
  return [
    ...(was[ARGO_PRECEDENCE] === is[ARGO_PRECEDENCE]
      ? []
      : [`precedence ${was[ARGO_PRECEDENCE] ?? '(none)'} → ${is[ARGO_PRECEDENCE]}`]),
    ...(was[ARGO_RULE] === is[ARGO_RULE] ? [] : [`rule ${clean(was[ARGO_RULE] ?? '')} → ${is[ARGO_RULE]}`]),
  ];
}

/** Rules, precedences and tokens that are written anew. */
export function accountRemarks(
  { roles }: DescribedRoles,
  after: readonly ServiceAccount[],
  { secrets }: Installation,
): readonly Remark[] {
  return roles.flatMap(({ contender: { account } }): readonly Remark[] => {
    const { name } = account.metadata;
    const then = after.find(({ metadata }) => metadata.name === name) ?? account;
    const now = argoTokenName(account);
    const next = tokenSecretName(name);
    const token = now === next ? [] : [`its token comes from Secret ${next}, no longer from ${now}`];
    const list =
      account.secrets.length === 0
        ? []
        : [`its list secrets (${account.secrets.join(', ')}) goes, in which Argo looks first`];
    const changes = [...markChanges(account, then), ...token, ...list];
    const filled = secrets?.some(({ metadata, tokenFilled }) => metadata.name === now && tokenFilled);
    const denied =
      filled === false
        ? [
            `ServiceAccount ${name} has no token, so whoever it is for is denied today; the operator makes one, and they get in`,
          ]
        : [];
    return [
      ...remarks('rewritten', changes.length === 0 ? [] : [`ServiceAccount ${name}: ${changes.join('; ')}`]),
      ...remarks('change', denied),
    ];
  });
}

/** What stays denied although nobody may have meant it. */
export function guardRemarks({ roles }: DescribedRoles): readonly Remark[] {
  const names = roles.filter(isGuarded).map(({ spec }) => spec.name);
  return remarks(
    'warning',
    names.length === 0
      ? []
      : [
          `some people are denied today because a rule fails for them, and stay so: see role ${names.join(', ')} below`,
        ],
  );
}

/** Whether a role says more than the rule of its account does. */
export function isGuarded({ guards, spec, contender }: DescribedRole): boolean {
  if (spec.when === undefined || guards.size === 0) return false;
  return [...guards].some(claim => claim !== 'groups') || readRule(contender.rule).meaning.kind !== 'groups';
}

/** Why a role says more than the rule of its account does. */
export function guardText({ guards, spec, contender }: DescribedRole): string {
  const lacking = [...guards]
    .map(claim => (claim === 'groups' ? 'in no group' : `without ${claim}`))
    .join(' or ');
  const rule = contender.rule.trim() === 'true' ? 'everyone: true' : 'the rule without that condition';
  return (
    `role ${spec.name} leaves out people ${lacking}, as it is today: a rule above it fails for them, and Argo denies them. ` +
    `To let them in, write ${rule}`
  );
}

function bindingName({ metadata: { namespace, name } }: RoleBinding): string {
  return `RoleBinding ${namespace}/${name}`;
}

/** What a line of a shell cannot show. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Bindings that have become needless, and may be deleted by a command that people can read. */
export function needlessBindings({ roles }: Pick<DescribedRoles, 'roles'>): readonly RoleBinding[] {
  const all = roles.flatMap(({ grants }) => grants.doubled);
  return [...new Set(all)].filter(
    binding =>
      all.filter(each => each === binding).length === binding.subjects.length &&
      !UNPRINTABLE.test(binding.metadata.name),
  );
}

function keptBy(roles: DescribedRoles['roles']): readonly string[] {
  const all = roles.flatMap(({ grants, contender }) =>
    grants.others.map(text => ({ text, name: contender.account.metadata.name })),
  );
  return [...Map.groupBy(all, ({ text }) => text)].map(
    ([text, list]) => `ServiceAccount ${list.map(({ name }) => name).join(', ')} keeps ${text}`,
  );
}

/** What gives accounts their rights, and stays. */
export function bindingRemarks({ roles }: Pick<DescribedRoles, 'roles'>): readonly Remark[] {
  const needless = new Set(needlessBindings({ roles }));
  const shared = [...new Set(roles.flatMap(({ grants }) => grants.doubled))].filter(
    each => !needless.has(each),
  );
  return remarks('stays', [
    ...shared.map(
      each =>
        `${bindingName(each)}: ${UNPRINTABLE.test(each.metadata.name) ? 'its name cannot be shown on a line' : 'it binds others too'}, and what it gives roles the policy gives them as well`,
    ),
    ...keptBy(roles),
  ]);
}
