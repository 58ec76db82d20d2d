import type { Policy } from '../api/objects.ts';
import type { RoleSpec } from '../api/schema.ts';
import { argoRule } from './accounts.ts';
import { serviceAccountName } from './desired.ts';
import type { Observation, WhenVerdict } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { engineError } from './short.ts';

/** A role whose expression cannot be written as it stands. */
export interface BadExpression {
  /** Path of its field. */
  readonly field: string;
  readonly reason: typeof Reason.WhenFails | typeof Reason.WhenUnjudged;
  /** What is wrong, with the name of the role. */
  readonly why: string;
  readonly remedy: string;
}

const ANYHOW =
  "Write a condition in the language of Argo's rules (expr) that can name sub, groups, email, name and preferred_username, " +
  'such as "/platform/admins" in ($env?.groups ?? []); in YAML put it in quotes or a block';

const WITH_DEFAULTS =
  'Give what a user may lack a default, as in ($env?.email ?? "") endsWith "@example.com" and ' +
  'any($env?.groups ?? [], {# startsWith "/teams/"})';

const TRIED_AGAIN = 'No role is changed before that; it is tried again';

const NEVER_TRIED: WhenVerdict = { kind: 'unjudged', message: 'it was not tried yet' };

/** Whether expressions of a policy may come to be written: not while it is suspended, or goes. */
export function needsVerdicts({ metadata, spec }: Policy): boolean {
  return !spec.suspend && metadata.deletionTimestamp === undefined;
}

/** Whether an expression is the rule of its role already: so it was tried before, perhaps by an operator before us. */
function stands({ policy, accounts }: Observation, role: RoleSpec): boolean {
  const account = accounts.find(({ metadata }) => metadata.name === serviceAccountName(policy, role));
  return account !== undefined && argoRule(account) === role.when;
}

/** The roles of a policy whose expression is not known to be true or false for every user. */
export function badExpressions(observation: Observation): readonly BadExpression[] {
  const { policy, expressions } = observation;
  if (!needsVerdicts(policy)) return [];
  return policy.spec.roles.flatMap((role, index) => {
    const { name, when } = role;
    if (when === undefined) return [];
    const verdict = expressions.get(when) ?? NEVER_TRIED;
    const fault =
      verdict.kind === 'unjudged' && stands(observation, role) ? undefined : faultOf(name, verdict);
    return fault === undefined ? [] : [{ field: `spec.roles[${index}].when`, ...fault }];
  });
}

function faultOf(role: string, verdict: WhenVerdict): Omit<BadExpression, 'field'> | undefined {
  const who = `the expression of role ${role}`;
  switch (verdict.kind) {
    case 'sound':
      return undefined;
    case 'fails': {
      const why = `${who} is neither true nor false for ${verdict.user} (${engineError(verdict.message)})`;
      return { reason: Reason.WhenFails, why, remedy: verdict.always ? ANYHOW : WITH_DEFAULTS };
    }
    case 'unjudged': {
      const why = `${who} could not be tried: ${engineError(verdict.message)}`;
      return { reason: Reason.WhenUnjudged, why, remedy: TRIED_AGAIN };
    }
  }
}

/** What comes of a rule that fails. */
export const WHEN_DENIES = 'Argo would deny everybody whom it fails for';

function violation(
  observation: Observation,
  reason: BadExpression['reason'],
  consequence: string,
): Violation | undefined {
  const bad = badExpressions(observation).filter(each => each.reason === reason);
  const [first] = bad;
  if (first === undefined) return undefined;
  const field = bad.length === 1 ? first.field : 'spec.roles';
  const remedies = [...new Set(bad.map(({ remedy }) => remedy))];
  return {
    reason,
    message: `${field}: ${bad.map(({ why }) => why).join('; ')}. ${consequence}${remedies.join('. ')}`,
    part: 'roles',
    blocks: ['roles'],
  };
}

/** An expression that fails would lock out whoever comes to it: all roles wait, for their order is security. */
export function whenFails(observation: Observation): Violation | undefined {
  return violation(
    observation,
    Reason.WhenFails,
    `${WHEN_DENIES}, so no role is changed until it is mended. `,
  );
}

/** An expression that nobody has tried is not written. */
export function whenUnjudged(observation: Observation): Violation | undefined {
  return violation(observation, Reason.WhenUnjudged, '');
}
