import { FINALIZER } from '../api/names.ts';
import type { Policy } from '../api/objects.ts';
import { argoMarks } from './accounts.ts';
import {
  basePrecedence,
  PRECEDENCE_STEP,
  serviceAccountName,
  type WantedRole,
  wantedRoles,
} from './desired.ts';
import type { Observation } from './observation.ts';
import { isOursToDelete } from './ownership.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { parseRule } from './rules.ts';
import { engineError } from './short.ts';

interface Range {
  readonly low: number;
  readonly high: number;
}

/** @param all the policies of the namespace */
function rangeOf(policy: Policy, all: readonly Policy[]): Range {
  const high = basePrecedence(policy, all);
  return { low: high - (policy.spec.roles.length - 1) * PRECEDENCE_STEP, high };
}

/**
 * Whether the other policy was there first. Times are to the second: of two with the same, the one that has begun
 * to make things is the older, then the one with the lower uid, so that not both wait for each other.
 */
export function isOlder(other: Policy, than: Policy): boolean {
  const key = ({ metadata: { creationTimestamp = '', finalizers, uid } }: Policy) =>
    `${creationTimestamp} ${finalizers?.includes(FINALIZER) ? 0 : 1} ${uid}`;
  return key(other) < key(than);
}

/** Two policies whose ranges of precedences overlap would put their roles in no order: the younger waits. */
export function precedenceOverlap({ policy, neighbours }: Observation): Violation | undefined {
  const live = neighbours.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const all = [policy, ...neighbours];
  const own = rangeOf(policy, all);
  const older = live.find(other => {
    const range = rangeOf(other, all);
    return isOlder(other, policy) && own.low <= range.high && range.low <= own.high;
  });
  if (older === undefined) return undefined;
  const range = rangeOf(older, all);
  const room = policy.spec.roles.length * PRECEDENCE_STEP;
  const below = range.low - PRECEDENCE_STEP;
  return {
    reason: Reason.PrecedenceOverlap,
    message:
      `spec.precedence: this policy's roles take the precedences ${own.low} to ${own.high}, which overlap ` +
      `${range.low} to ${range.high} of the older policy ${older.metadata.name}; set spec.precedence to ` +
      `${range.high + room} or more to come before it` +
      // The schema wants room for all roles above 0.
      (below < room ? '' : `, or to ${below} or less to come after it`),
    part: 'policy',
    blocks: ['client', 'secret', 'roles'],
  };
}

/** Argo tries accounts of the same precedence in no certain order. */
export function precedenceTied(observation: Observation): Violation | undefined {
  const { policy, neighbours } = observation;
  const roles = wantedRoles(policy, neighbours);
  const own = new Set(roles.map(role => role.serviceAccount));
  const tied = observation.accounts.flatMap(account => {
    const marks = argoMarks(account);
    const { name } = account.metadata;
    if (marks === undefined || own.has(name) || isOursToDelete(observation, account.metadata)) return [];
    return roles
      .filter(role => role.precedence === marks.precedence)
      .map(
        role => `ServiceAccount ${name} has precedence ${marks.precedence}, as role ${role.spec.name} has`,
      );
  });
  if (tied.length === 0) return undefined;
  return {
    reason: Reason.PrecedenceTied,
    message:
      `${tied.join('; ')}: a user whom both match gets either of them. Change the annotation ` +
      `workflows.argoproj.io/rbac-rule-precedence there, or spec.precedence here`,
    part: 'roles',
    blocks: [],
  };
}

/** An account that Argo may choose, in its place. */
interface Placed {
  readonly who: string;
  readonly everyone: boolean;
  readonly groups: readonly string[];
  readonly precedence: number;
}

/** The roles of all policies of the namespace. */
function placedRoles({ policy, neighbours }: Observation): readonly Placed[] {
  const all = [policy, ...neighbours];
  return all.flatMap(each => {
    const base = basePrecedence(each, all);
    const where = each === policy ? '' : ` of policy ${each.metadata.name}`;
    return each.spec.roles.map(({ name, everyone, groups, when }, index) => {
      // Of an expression only what this project would write itself is understood.
      const rule = when === undefined ? undefined : parseRule(when);
      return {
        who: `${name}${where}`,
        everyone: everyone === true || rule?.kind === 'everyone',
        groups: rule?.kind === 'groups' ? rule.groups : (groups ?? []),
        precedence: base - index * PRECEDENCE_STEP,
      };
    });
  });
}

/** Whether a rule that others wrote was true for every kind of user that the engine was asked about. */
function isAlwaysTrue({ verdicts }: Observation, name: string): boolean {
  const found = verdicts.get(name);
  return (
    found !== undefined &&
    [found.withGroups, found.emptyGroups, found.noGroups].every(({ kind }) => kind === 'true')
  );
}

/** Accounts that no policy of the namespace asks for, as far as their rules can be understood. */
function placedByHand(observation: Observation): readonly Placed[] {
  const { policy, neighbours, accounts } = observation;
  if (accounts.length === 0) return [];
  const asked = new Set(
    [policy, ...neighbours].flatMap(each => each.spec.roles.map(role => serviceAccountName(each, role))),
  );
  return accounts.flatMap(account => {
    const { name } = account.metadata;
    const marks = argoMarks(account);
    if (marks === undefined || asked.has(name)) return [];
    const rule = parseRule(marks.rule);
    return [
      {
        who: `ServiceAccount ${name}`,
        everyone: rule?.kind === 'everyone' || isAlwaysTrue(observation, name),
        groups: rule?.kind === 'groups' ? rule.groups : [],
        precedence: marks.precedence,
      },
    ];
  });
}

/** Those above that together match everyone whom this role matches; empty where it can match somebody. */
function shadows(all: readonly Placed[], role: WantedRole): readonly string[] {
  const above = all.filter(({ precedence }) => precedence > role.precedence);
  const always = above.find(({ everyone }) => everyone);
  if (always !== undefined) return [always.who];
  const { groups } = role.spec;
  if (groups === undefined) return [];
  const taken = groups.map(group => above.find(other => other.groups.includes(group)));
  return taken.every(other => other !== undefined) ? [...new Set(taken.map(({ who }) => who))] : [];
}

/** A role that can never match, for others above it match whomever it does. */
export interface VainRole {
  /** Its place in `spec.roles`. */
  readonly index: number;
  /** What is wrong, with the names of both. */
  readonly why: string;
}

/** The roles of a policy that can never match. */
export function vainRoles(observation: Observation): readonly VainRole[] {
  const { policy, neighbours } = observation;
  const all = [...placedRoles(observation), ...placedByHand(observation)].toSorted(
    (a, b) => b.precedence - a.precedence,
  );
  return wantedRoles(policy, neighbours).flatMap((role, index) => {
    const by = shadows(all, role);
    return by.length === 0
      ? []
      : [{ index, why: `role ${role.spec.name} can never match: ${by.join(' and ')} above it does` }];
  });
}

/** What helps where a role can never match. */
export const VAIN_REMEDY = 'Move it up, by its order or by spec.precedence, or remove it';

/** A role under one that always matches first is written in vain. */
export function roleNeverMatches(observation: Observation): Violation | undefined {
  const vain = vainRoles(observation);
  if (vain.length === 0) return undefined;
  return {
    reason: Reason.RoleNeverMatches,
    message: `spec.roles: ${vain.map(({ why }) => why).join('; ')}. ${VAIN_REMEDY}`,
    part: 'roles',
    blocks: [],
  };
}

/** Argo denies everybody who reaches a rule that fails to evaluate, even where a lower one would match. */
export function foreignRuleBreaksLogin(observation: Observation): Violation | undefined {
  const own = new Set(
    observation.policy.spec.roles.map(role => serviceAccountName(observation.policy, role)),
  );
  const broken = [...observation.verdicts].flatMap(([name, verdicts]) => {
    const kinds = [
      verdicts.withGroups.kind === 'error' ? 'in groups' : undefined,
      verdicts.emptyGroups.kind === 'error' || verdicts.noGroups.kind === 'error' ? 'in no group' : undefined,
    ].filter(kind => kind !== undefined);
    if (kinds.length === 0 || own.has(name)) return [];
    const failed = [verdicts.withGroups, verdicts.emptyGroups, verdicts.noGroups].find(
      verdict => verdict.kind === 'error',
    );
    const why = failed?.kind === 'error' ? engineError(failed.message) : '';
    return [`the rule of ServiceAccount ${name} fails for users ${kinds.join(' and ')} (${why})`];
  });
  if (broken.length === 0) return undefined;
  return {
    reason: Reason.ForeignRuleBreaksLogin,
    message:
      `${broken.join('; ')}: Argo denies them, whatever stands below. Write group tests as ` +
      `"name" in ($env?.groups ?? [])`,
    part: 'roles',
    blocks: [],
  };
}
