import { z } from 'zod';
import { dnsLabel, dnsSubdomain } from './fields.ts';
import { object, repeatedAt, withRules } from './rules.ts';
import { GROUP, KIND, specSchema, VERSION } from './schema.ts';

/** Longest name of a policy: the name is the value of a label on everything that the policy makes. */
export const MAX_POLICY_NAME = 63;

const plainPolicy = object({
  apiVersion: z.literal(`${GROUP}/${VERSION}`),
  kind: z.literal(KIND),
  // All else in metadata is not ours to judge.
  metadata: z.looseObject({ name: dnsSubdomain(MAX_POLICY_NAME), namespace: dnsLabel.optional() }),
  spec: specSchema,
  status: z.unknown().optional(),
});

function accountNames({ metadata, spec }: z.output<typeof plainPolicy>): readonly string[] {
  return spec.roles.map(role => role.serviceAccount ?? `${metadata.name}-${role.name}`);
}

const accountCel = (role: string) =>
  `(has(${role}.serviceAccount) ? ${role}.serviceAccount : self.metadata.name + '-' + ${role}.name)`;

/** A whole ArgoAccessPolicy as it stands in git: what this refuses, the API server refuses, and the other way round. */
export const policySchema = withRules(plainPolicy, {
  holds: policy => new Set(accountNames(policy)).size === policy.spec.roles.length,
  cel: `self.spec.roles.all(a, self.spec.roles.exists_one(b, ${accountCel('a')} == ${accountCel('b')}))`,
  message:
    'must have different ServiceAccounts (serviceAccount, by default <policy>-<role>); rename one of those that share one',
  at: '.spec.roles',
  reason: 'FieldValueForbidden',
  culprit: policy => [repeatedAt(accountNames(policy))],
});
