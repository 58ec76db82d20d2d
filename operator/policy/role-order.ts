import { ARGO_PRECEDENCE, ARGO_RULE, ARGO_TOKEN_NAME } from '../api/names.ts';
import type { ServiceAccount } from '../api/objects.ts';
import { argoMarks, HELD_TOKEN_NAME, isHeld } from './accounts.ts';
import type { Change, ObjectChange } from './change.ts';
import { bindsTheSame, diffObject } from './compare.ts';
import { type ArgoMarks, desiredAccount } from './desired.ts';
import type { Observation } from './observation.ts';
import { refOf } from './ownership.ts';
import { unionRule } from './rules.ts';
import { type Shift, shiftsAfter, shiftsBefore } from './shifts.ts';

/** One account on its way from what it is to what it should be. */
export interface Transition {
  readonly name: string;
  readonly account: ServiceAccount | undefined;
  /** As Argo sees it now; undefined where it does not. */
  readonly now: ArgoMarks | undefined;
  /** As Argo should see it; undefined for an account that goes. */
  readonly next: ArgoMarks | undefined;
  readonly bindings: readonly ObjectChange[];
}

/** The observed account of a name. */
export function accountNamed(observation: Observation, name: string): ServiceAccount | undefined {
  return observation.accounts.find(account => account.metadata.name === name);
}

/** Whether a change to a binding changes what anyone may do. */
function grantsDiffer(observation: Observation, change: ObjectChange): boolean {
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

/**
 * Grants, rules and precedences on their way, in the order that planRoles describes: steps 2 to 5, and the
 * renumbering of step 6.
 */
export function inOrder(observation: Observation, transitions: readonly Transition[]): readonly Change[] {
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
  const switchOn = (some: readonly Transition[]) =>
    byPrecedence(some).flatMap(transition => release(observation, transition, held.includes(transition)));
  return [
    ...(held.length === 0 ? [] : transitions.flatMap(({ bindings }) => rehearsals(bindings))),
    ...held.flatMap(transition => hold(observation, transition)),
    ...transitions.flatMap(({ bindings }) => bindings),
    ...switchOn(transitions.filter(({ now }) => now === undefined)),
    ...switchOn(transitions.filter(({ now, next }) => now !== undefined && next !== undefined)),
    ...byPrecedence(transitions.filter(({ next }) => next === undefined))
      .toReversed()
      .flatMap(({ account }) => (account === undefined ? [] : [switchOff(account)])),
  ];
}

/** Whoever is denied stays so until all is done: what the API server will refuse is found out before. */
function rehearsals(bindings: readonly ObjectChange[]): readonly Change[] {
  const place = ({ namespace, name }: { readonly namespace: string; readonly name: string }) =>
    `${namespace}/${name}`;
  const going = new Set(
    bindings.flatMap(change => (change.kind === 'DeleteObject' ? [place(change.ref)] : [])),
  );
  // What makes room for another of its name is still there.
  return bindings
    .filter(change => change.kind !== 'CreateObject' || !going.has(place(change.object.metadata)))
    .map(change => ({ kind: 'Rehearse', change }));
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

function release(
  observation: Observation,
  { name, now, next, account }: Transition,
  wasHeld: boolean,
): readonly Change[] {
  if (next === undefined || account === undefined) return [];
  if (wasHeld || marksDiffer(now, next)) return [applyMarks(observation, account, next)];
  return diffObject(account, desiredAccount(observation.policy, name, next));
}

function switchOff(account: ServiceAccount): Change {
  const removeAnnotations = [ARGO_RULE, ARGO_PRECEDENCE, ARGO_TOKEN_NAME];
  return { kind: 'PatchObject', ref: refOf(account), removeAnnotations };
}
