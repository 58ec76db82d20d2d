import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../api/names.ts';
import type { RoleBinding, ServiceAccount } from '../api/objects.ts';
import { argoMarks } from './accounts.ts';
import type { Change, DesiredRoleBinding, ObjectChange } from './change.ts';
import { diffObject, remade, sameRoleRef } from './compare.ts';
import { desiredAccount, TOKEN_TYPE, tokenSecretName, type WantedRole, wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import { isOursToDelete, refOf } from './ownership.ts';
import { accountNamed, inOrder, type Transition } from './role-order.ts';

/**
 * The changes that turn the observed accounts, tokens and grants into the wanted roles, in an order in which
 * at no moment anyone has an account, together with its grants, that neither the old nor the new policy gives:
 *
 * 1. prepare what nobody can see: accounts without a rule, their tokens; wait until the tokens are filled
 * 2. renumber precedences where that changes no order
 * 3. hold what changes: whoever the old or the new rule reaches is denied, and does not fall through; before that,
 *    ask whether the grants will be taken, so that nobody is denied for what cannot be done
 * 4. grants, of accounts that are held or not yet seen
 * 5. switch on what is new, from the highest precedence down; then release what was held; switch off what goes
 * 6. renumber the rest, and remove what nobody can reach any more
 *
 * Where there is only one write that anyone can notice, or only switching on or off, nobody is held.
 */
export function planRoles(observation: Observation): readonly Change[] {
  const { policy, neighbours } = observation;
  const deleting = policy.metadata.deletionTimestamp !== undefined;
  const wanted = deleting ? [] : wantedRoles(policy, neighbours);
  const prepared = prepare(observation, wanted);
  if (prepared.length > 0 || !tokensFilled(observation, wanted)) return prepared;
  const transitions = [...wantedTransitions(observation, wanted), ...goingTransitions(observation, wanted)];
  return [...inOrder(observation, transitions), ...cleanUp(observation, wanted)];
}

function prepare(observation: Observation, wanted: readonly WantedRole[]): readonly Change[] {
  return wanted.flatMap(role => [
    ...prepareAccount(observation, role.serviceAccount),
    ...diffObject(
      observation.secrets.find(({ metadata }) => metadata.name === role.token.metadata.name),
      role.token,
    ),
  ]);
}

/** The account itself with our marks of ownership; what Argo reads of it stays as it is for now. */
function prepareAccount(observation: Observation, name: string): readonly Change[] {
  const { policy } = observation;
  const account = accountNamed(observation, name);
  if (account === undefined) return diffObject(undefined, desiredAccount(policy, name, undefined));
  const bare = desiredAccount(policy, name, undefined);
  const object = { ...bare, metadata: { ...bare.metadata, annotations: copied(account) } };
  const changes = diffObject(account, object).filter(({ kind }) => kind === 'ApplyObject');
  if (account.secrets.length === 0) return changes;
  // First: the API server cannot apply to an account that has an entry without a name in that list.
  return [{ kind: 'PatchObject', ref: refOf(account), removeSecrets: account.secrets }, ...changes];
}

/** Argo's annotations exactly as they are. */
function copied(account: ServiceAccount): Readonly<Record<string, string>> {
  const found = account.metadata.annotations ?? {};
  return Object.fromEntries(
    [ARGO_RULE, ARGO_PRECEDENCE, ARGO_TOKEN_NAME].flatMap(key => {
      const value = found[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function tokensFilled(observation: Observation, wanted: readonly WantedRole[]): boolean {
  return wanted.every(
    ({ token }) =>
      observation.secrets.find(({ metadata }) => metadata.name === token.metadata.name)?.tokenFilled === true,
  );
}

function wantedTransitions(observation: Observation, wanted: readonly WantedRole[]): readonly Transition[] {
  return wanted.map(role => {
    const account = accountNamed(observation, role.serviceAccount);
    return {
      name: role.serviceAccount,
      account,
      now: account === undefined ? undefined : argoMarks(account),
      next: {
        rule: role.rule,
        precedence: role.precedence,
        tokenName: tokenSecretName(role.serviceAccount),
      },
      bindings: grantChanges(observation, role),
    };
  });
}

/** Accounts that are ours, still have a rule, and are wanted no more. */
function goingTransitions(observation: Observation, wanted: readonly WantedRole[]): readonly Transition[] {
  return unwantedAccounts(observation, wanted).flatMap(account => {
    const now = argoMarks(account);
    if (now === undefined) return [];
    return [{ name: account.metadata.name, account, now, next: undefined, bindings: [] }];
  });
}

function unwantedAccounts(
  observation: Observation,
  wanted: readonly WantedRole[],
): readonly ServiceAccount[] {
  const names = new Set(wanted.map(role => role.serviceAccount));
  return observation.accounts.filter(
    ({ metadata }) => !names.has(metadata.name) && isOursToDelete(observation, metadata),
  );
}

/** Changes to what an account may do: removals first, so that it never has more than the old or the new. */
function grantChanges(observation: Observation, role: WantedRole): readonly ObjectChange[] {
  const changes = role.bindings.flatMap(want => diffBinding(observation, want));
  const extra = observation.bindings.filter(
    binding =>
      isOursToDelete(observation, binding.metadata) &&
      binding.subjects.some(({ name }) => name === role.serviceAccount) &&
      !role.bindings.some(want => sameObject(binding, want)),
  );
  const removals = extra.map((binding): ObjectChange => ({ kind: 'DeleteObject', ref: refOf(binding) }));
  return [...removals, ...changes];
}

function sameObject(binding: RoleBinding, want: DesiredRoleBinding): boolean {
  return (
    binding.metadata.namespace === want.metadata.namespace && binding.metadata.name === want.metadata.name
  );
}

function diffBinding(observation: Observation, want: DesiredRoleBinding): readonly ObjectChange[] {
  if (observation.endingNamespaces.has(want.metadata.namespace)) return [];
  const have = observation.bindings.find(binding => sameObject(binding, want));
  if (have === undefined || sameRoleRef(have, want)) return diffObject(have, want);
  return remade(have, want);
}

/** Removes the grants, tokens and accounts of roles that are gone; nobody is mapped to them any more. */
function cleanUp(observation: Observation, wanted: readonly WantedRole[]): readonly Change[] {
  const accounts = unwantedAccounts(observation, wanted);
  const names = new Set(wanted.map(role => role.serviceAccount));
  const tokens = new Set(wanted.map(role => role.token.metadata.name));
  const kept = wanted.flatMap(role => role.bindings);
  const orphans = observation.bindings.filter(
    binding =>
      isOursToDelete(observation, binding.metadata) &&
      !binding.subjects.some(({ name }) => names.has(name)) &&
      !kept.some(want => sameObject(binding, want)),
  );
  const secrets = observation.secrets.filter(
    ({ metadata, type }) =>
      type === TOKEN_TYPE && !tokens.has(metadata.name) && isOursToDelete(observation, metadata),
  );
  return [...orphans, ...secrets, ...accounts].map(object => ({ kind: 'DeleteObject', ref: refOf(object) }));
}
