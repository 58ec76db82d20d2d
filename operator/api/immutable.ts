import type { Rule } from './rules.ts';

/** The fields of a spec that cannot change. */
interface Fixed {
  readonly keycloak: { readonly connection: string; readonly realm?: string | undefined };
  readonly client?: { readonly clientId: string } | undefined;
}

interface Transition extends Omit<Rule<never>, 'holds'> {
  readonly allows: (before: Fixed, after: Fixed) => boolean;
  readonly message: string;
  readonly at: string;
}

/** What a new version of a policy may not do. */
export interface UpdateProblem {
  /** Path of the field, from the object's root. */
  readonly field: string;
  readonly message: string;
}

const remedy = 'delete the policy and create it anew';

/** What stays as it was when the policy was made: another client or realm is another policy. */
export const immutable: readonly Transition[] = [
  {
    allows: (before, after) => before.keycloak.connection === after.keycloak.connection,
    cel: 'self.keycloak.connection == oldSelf.keycloak.connection',
    message: `cannot be changed once set; ${remedy}`,
    at: '.keycloak.connection',
    reason: 'FieldValueForbidden',
  },
  {
    allows: (before, after) => before.keycloak.realm === after.keycloak.realm,
    cel:
      'has(self.keycloak.realm) == has(oldSelf.keycloak.realm) && ' +
      '(!has(self.keycloak.realm) || self.keycloak.realm == oldSelf.keycloak.realm)',
    message: `cannot be added, changed or removed once the policy exists; ${remedy}`,
    at: '.keycloak.realm',
    reason: 'FieldValueForbidden',
  },
  {
    allows: (before, after) => (before.client === undefined) === (after.client === undefined),
    cel: 'has(self.client) == has(oldSelf.client)',
    message: `cannot be added or removed once the policy exists; ${remedy}`,
    at: '.client',
    reason: 'FieldValueForbidden',
  },
  {
    allows: ({ client: before }, { client: after }) =>
      before === undefined || after === undefined || before.clientId === after.clientId,
    cel: '!has(self.client) || !has(oldSelf.client) || self.client.clientId == oldSelf.client.clientId',
    message: `cannot be changed once set; ${remedy}`,
    at: '.client.clientId',
    reason: 'FieldValueForbidden',
  },
];

/** What the API server would refuse in an update of a valid spec to another valid one; empty where it takes it. */
export function validateUpdate(before: Fixed, after: Fixed): readonly UpdateProblem[] {
  return immutable
    .filter(({ allows }) => !allows(before, after))
    .map(({ at, message }) => ({ field: `spec${at}`, message }));
}
