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
import { isOurs } from './ownership.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';

interface Range {
  readonly low: number;
  readonly high: number;
}

function rangeOf(policy: Policy, neighbours: readonly Policy[]): Range {
  const high = basePrecedence(policy, neighbours);
  return { low: high - (policy.spec.roles.length - 1) * PRECEDENCE_STEP, high };
}

/** Whether the other policy was there first; equal times are told apart by uid. */
export function isOlder(other: Policy, than: Policy): boolean {
  const key = ({ metadata }: Policy) => `${metadata.creationTimestamp ?? ''} ${metadata.uid}`;
  return key(other) < key(than);
}

/** Two policies whose ranges of precedences overlap would put their roles in no order: the younger waits. */
export function precedenceOverlap({ policy, neighbours }: Observation): Violation | undefined {
  const live = neighbours.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const own = rangeOf(policy, neighbours);
  const older = live.find(other => {
    const range = rangeOf(other, [policy, ...neighbours.filter(neighbour => neighbour !== other)]);
    return isOlder(other, policy) && own.low <= range.high && range.low <= own.high;
  });
  if (older === undefined) return undefined;
  const range = rangeOf(older, [policy, ...neighbours.filter(neighbour => neighbour !== older)]);
  return {
    reason: Reason.PrecedenceOverlap,
    message:
      `spec.precedence: this policy's roles take the precedences ${own.low} to ${own.high}, which overlap ` +
      `${range.low} to ${range.high} of the older policy ${older.metadata.name}; set spec.precedence to ` +
      `${range.high + policy.spec.roles.length * PRECEDENCE_STEP} or more to come before it, or to ` +
      `${range.low - PRECEDENCE_STEP} or less to come after it`,
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
    if (marks === undefined || own.has(name) || isOurs(observation, account.metadata)) return [];
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

interface Above {
  readonly who: string;
  readonly role: WantedRole;
}

function rolesAbove(observation: Observation, role: WantedRole): readonly Above[] {
  const { policy, neighbours } = observation;
  const all = [policy, ...neighbours].flatMap(each => {
    const others = [policy, ...neighbours].filter(other => other !== each);
    const where = each === policy ? '' : ` of policy ${each.metadata.name}`;
    return wantedRoles(each, others).map(wanted => ({ who: `${wanted.spec.name}${where}`, role: wanted }));
  });
  return all.filter(above => above.role.precedence > role.precedence);
}

/** The roles above that together match everyone whom this role matches; empty where it can match somebody. */
function shadows(observation: Observation, role: WantedRole): readonly string[] {
  const above = rolesAbove(observation, role);
  const everyone = above.find(other => other.role.spec.everyone);
  if (everyone !== undefined) return [everyone.who];
  const { groups } = role.spec;
  if (groups === undefined) return [];
  const taken = groups.map(group => above.find(other => other.role.spec.groups?.includes(group)));
  return taken.every(other => other !== undefined) ? [...new Set(taken.map(({ who }) => who))] : [];
}

/** A role under one that always matches first is written in vain. */
export function roleNeverMatches(observation: Observation): Violation | undefined {
  const { policy, neighbours } = observation;
  const vain = wantedRoles(policy, neighbours).flatMap(role => {
    const by = shadows(observation, role);
    return by.length === 0
      ? []
      : [`role ${role.spec.name} can never match: ${by.join(' and ')} above it does`];
  });
  if (vain.length === 0) return undefined;
  return {
    reason: Reason.RoleNeverMatches,
    message: `spec.roles: ${vain.join('; ')}. Move it up, or remove it`,
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
    const why = failed?.kind === 'error' ? firstLine(failed.message) : '';
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

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 200) ?? '';
}
