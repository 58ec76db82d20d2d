import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../api/names.ts';
import type { RoleBinding, ServiceAccount } from '../api/objects.ts';
import { argoMarks, HELD_TOKEN_NAME, isHeld } from './accounts.ts';
import type { Change, DesiredRoleBinding } from './change.ts';
import { bindsTheSame, diffObject, sameRoleRef } from './compare.ts';
import { type ArgoMarks, desiredAccount, tokenSecretName, type WantedRole, wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import { isOurs, isOursToDelete, refOf } from './ownership.ts';
import { unionRule } from './rules.ts';
import { type Shift, shiftsAfter, shiftsBefore } from './shifts.ts';

/** One account on its way from what it is to what it should be. */
interface Transition {
  readonly name: string;
  readonly account: ServiceAccount | undefined;
  /** As Argo sees it now; undefined where it does not. */
  readonly now: ArgoMarks | undefined;
  /** As Argo should see it; undefined for an account that goes. */
  readonly next: ArgoMarks | undefined;
  readonly bindings: readonly Change[];
}

/**
 * The changes that turn the observed accounts, tokens and grants into the wanted roles, in an order in which
 * at no moment anyone has an account, together with its grants, that neither the old nor the new policy gives:
 *
 * 1. prepare what nobody can see: accounts without a rule, their tokens; wait until the tokens are filled
 * 2. renumber precedences where that changes no order
 * 3. hold what changes: whoever the old or the new rule reaches is denied, and does not fall through
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
  return [...visible(observation, transitions), ...cleanUp(observation, wanted)];
}

function accountNamed(observation: Observation, name: string): ServiceAccount | undefined {
  return observation.accounts.find(account => account.metadata.name === name);
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
  return [...changes, { kind: 'PatchObject', ref: refOf(account), removeSecrets: account.secrets }];
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
function grantChanges(observation: Observation, role: WantedRole): readonly Change[] {
  const changes = role.bindings.flatMap(want => diffBinding(observation, want));
  const extra = observation.bindings.filter(
    binding =>
      isOursToDelete(observation, binding.metadata) &&
      binding.subjects.some(({ name }) => name === role.serviceAccount) &&
      !role.bindings.some(want => sameObject(binding, want)),
  );
  const removals = extra.map((binding): Change => ({ kind: 'DeleteObject', ref: refOf(binding) }));
  return [...removals, ...changes];
}

function sameObject(binding: RoleBinding, want: DesiredRoleBinding): boolean {
  return (
    binding.metadata.namespace === want.metadata.namespace && binding.metadata.name === want.metadata.name
  );
}

function diffBinding(observation: Observation, want: DesiredRoleBinding): readonly Change[] {
  if (observation.endingNamespaces.has(want.metadata.namespace)) return [];
  const have = observation.bindings.find(binding => sameObject(binding, want));
  if (have === undefined || sameRoleRef(have, want)) return diffObject(have, want);
  if (!isOurs(observation, have.metadata)) return [];
  return [
    { kind: 'DeleteObject', ref: refOf(have) },
    { kind: 'CreateObject', object: want },
  ];
}

/** Whether a change to a binding changes what anyone may do. */
function grantsDiffer(observation: Observation, change: Change): boolean {
  if (change.kind !== 'ApplyObject' || change.object.kind !== 'RoleBinding')
    return change.kind !== 'PatchObject';
  const { object, uid } = change;
  const have = observation.bindings.find(binding => binding.metadata.uid === uid);
  return have === undefined || !bindsTheSame(have, object);
}

function marksDiffer(now: ArgoMarks | undefined, next: ArgoMarks | undefined): boolean {
  return (
    now?.rule !== next?.rule || now?.precedence !== next?.precedence || now?.tokenName !== next?.tokenName
  );
}

/** How many writes anyone could notice. */
function noticeable(observation: Observation, transition: Transition): number {
  const { now, next, bindings } = transition;
  const marks = marksDiffer(now, next) ? 1 : 0;
  if (now === undefined || isHeld(now)) return marks;
  return marks + bindings.filter(change => grantsDiffer(observation, change)).length;
}

function visible(observation: Observation, transitions: readonly Transition[]): readonly Change[] {
  const before = shiftsBefore(
    shiftCandidates(observation, transitions),
    otherMarks(observation, transitions),
  );
  const moved = transitions.map(transition => moveNow(transition, before));
  const after = shiftsAfter(shiftCandidates(observation, moved), nextMarks(observation, moved));
  const main = moved.map(transition => keepNext(transition, after));
  return [
    ...before.map(shift => applyShift(observation, shift)),
    ...steps(observation, main),
    ...after.map(shift => applyShift(observation, shift)),
  ];
}

/** Accounts of which only the precedence changes. */
function shiftCandidates(observation: Observation, transitions: readonly Transition[]): readonly Shift[] {
  return transitions.flatMap(({ name, now, next, bindings }) => {
    if (now === undefined || next === undefined || now.precedence === next.precedence) return [];
    if (now.rule !== next.rule || now.tokenName !== next.tokenName) return [];
    if (bindings.some(change => grantsDiffer(observation, change))) return [];
    return [{ name, from: now.precedence, to: next.precedence }];
  });
}

function foreignMarks(observation: Observation, transitions: readonly Transition[]) {
  const names = new Set(transitions.map(transition => transition.name));
  return observation.accounts.flatMap(account => {
    const marks = argoMarks(account);
    return marks === undefined || names.has(account.metadata.name)
      ? []
      : [{ name: account.metadata.name, precedence: marks.precedence }];
  });
}

function otherMarks(observation: Observation, transitions: readonly Transition[]) {
  const own = transitions.flatMap(({ name, now }) =>
    now === undefined ? [] : [{ name, precedence: now.precedence }],
  );
  return [...own, ...foreignMarks(observation, transitions)];
}

function nextMarks(observation: Observation, transitions: readonly Transition[]) {
  const own = transitions.flatMap(({ name, next }) =>
    next === undefined ? [] : [{ name, precedence: next.precedence }],
  );
  return [...own, ...foreignMarks(observation, transitions)];
}

function moveNow(transition: Transition, shifts: readonly Shift[]): Transition {
  const shift = shifts.find(({ name }) => name === transition.name);
  if (shift === undefined || transition.now === undefined) return transition;
  const { account, now } = transition;
  return { ...transition, now: { ...now, precedence: shift.to }, account: renumbered(account, shift.to) };
}

function renumbered(account: ServiceAccount | undefined, precedence: number): ServiceAccount | undefined {
  if (account === undefined) return undefined;
  const annotations = { ...account.metadata.annotations, [ARGO_PRECEDENCE]: String(precedence) };
  return { ...account, metadata: { ...account.metadata, annotations } };
}

function keepNext(transition: Transition, shifts: readonly Shift[]): Transition {
  const shift = shifts.find(({ name }) => name === transition.name);
  if (shift === undefined || transition.next === undefined) return transition;
  return { ...transition, next: { ...transition.next, precedence: shift.from } };
}

function applyShift(observation: Observation, { name, to }: Shift): Change {
  const account = accountNamed(observation, name);
  const marks = account === undefined ? undefined : argoMarks(account);
  if (account === undefined || marks === undefined) throw new Error(`no account ${name} to renumber`);
  return applyMarks(observation, account, { ...marks, precedence: to });
}

function applyMarks({ policy }: Observation, account: ServiceAccount, marks: ArgoMarks): Change {
  const object = desiredAccount(policy, account.metadata.name, marks);
  return { kind: 'ApplyObject', object, uid: account.metadata.uid };
}

function steps(observation: Observation, transitions: readonly Transition[]): readonly Change[] {
  const changing = transitions.filter(transition => noticeable(observation, transition) > 0);
  const total = changing.reduce((sum, transition) => sum + noticeable(observation, transition), 0);
  const onlyNew = changing.every(({ now }) => now === undefined);
  const onlyGoing = changing.every(({ next }) => next === undefined);
  const free = total <= 1 || onlyNew || onlyGoing;
  const held = free ? [] : changing.filter(({ now }) => now !== undefined);
  return [
    ...held.flatMap(transition => hold(observation, transition)),
    ...transitions.flatMap(({ bindings }) => bindings),
    ...byPrecedence(transitions.filter(({ now }) => now === undefined)).flatMap(transition =>
      release(observation, transition),
    ),
    ...byPrecedence(transitions.filter(({ now, next }) => now !== undefined && next !== undefined)).flatMap(
      transition => release(observation, transition),
    ),
    ...byPrecedence(transitions.filter(({ next }) => next === undefined))
      .toReversed()
      .flatMap(({ account }) => (account === undefined ? [] : [switchOff(account)])),
  ];
}

function byPrecedence(transitions: readonly Transition[]): readonly Transition[] {
  const rank = ({ now, next }: Transition) => (next ?? now)?.precedence ?? 0;
  return transitions.toSorted((a, b) => rank(b) - rank(a));
}

/** Denies everybody whom the account's old or new rule reaches, at the higher of both precedences. */
function hold(observation: Observation, { account, now, next }: Transition): readonly Change[] {
  if (account === undefined || now === undefined) return [];
  const marks = {
    rule: next === undefined ? now.rule : unionRule(now.rule, next.rule),
    precedence: Math.max(now.precedence, next?.precedence ?? now.precedence),
    tokenName: HELD_TOKEN_NAME,
  };
  return marksDiffer(now, marks) ? [applyMarks(observation, account, marks)] : [];
}

function release(observation: Observation, { name, now, next, account }: Transition): readonly Change[] {
  if (next === undefined || account === undefined) return [];
  if (marksDiffer(now, next)) return [applyMarks(observation, account, next)];
  return diffObject(account, desiredAccount(observation.policy, name, next));
}

function switchOff(account: ServiceAccount): Change {
  const removeAnnotations = [ARGO_RULE, ARGO_PRECEDENCE, ARGO_TOKEN_NAME];
  return { kind: 'PatchObject', ref: refOf(account), removeAnnotations };
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
      type === 'kubernetes.io/service-account-token' &&
      !tokens.has(metadata.name) &&
      isOursToDelete(observation, metadata),
  );
  return [...orphans, ...secrets, ...accounts].map(object => ({ kind: 'DeleteObject', ref: refOf(object) }));
}
