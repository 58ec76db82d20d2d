import { fitsColumn, fitsColumnCel } from './fields.ts';
import type { Rule } from './rules.ts';

/** What of a spec decides how groups are written. */
interface Naming {
  readonly keycloak: {
    readonly groups: { readonly source: 'Groups' | 'ClientRoles'; readonly fullPath: boolean };
  };
  readonly roles: readonly { readonly groups?: readonly string[] | undefined }[];
}

/** A condition in both of its forms. */
interface Condition<T> {
  readonly holds: (value: T) => boolean;
  readonly cel: string;
}

const fullPaths: Condition<Naming> = {
  holds: ({ keycloak: { groups } }) => groups.source === 'Groups' && groups.fullPath,
  cel: "self.keycloak.groups.source == 'Groups' && self.keycloak.groups.fullPath",
};

const plainNames: Condition<Naming> = {
  holds: ({ keycloak: { groups } }) => groups.source === 'Groups' && !groups.fullPath,
  cel: "self.keycloak.groups.source == 'Groups' && !self.keycloak.groups.fullPath",
};

const singleNames: Condition<Naming> = {
  holds: ({ keycloak: { groups } }) => groups.source === 'ClientRoles' || !groups.fullPath,
  cel: "self.keycloak.groups.source == 'ClientRoles' || !self.keycloak.groups.fullPath",
};

/** A rule for every group of every role. */
function everyGroup(when: Condition<Naming>, fits: Condition<string>, must: string): Rule<Naming> {
  return {
    holds: spec =>
      !when.holds(spec) || spec.roles.every(({ groups }) => groups === undefined || groups.every(fits.holds)),
    cel: `!(${when.cel}) || self.roles.all(r, !has(r.groups) || r.groups.all(g, ${fits.cel}))`,
    message: must,
    at: '.roles',
    reason: 'FieldValueForbidden',
    culprit: ({ roles }) => {
      const role = roles.findIndex(({ groups }) => groups?.some(group => !fits.holds(group)));
      return [role, 'groups', roles[role]?.groups?.findIndex(group => !fits.holds(group)) ?? 0];
    },
  };
}

/** How groups are written follows from what the claim carries. */
export const groupNameRules: readonly Rule<Naming>[] = [
  everyGroup(
    fullPaths,
    {
      holds: group => group.startsWith('/') && !group.endsWith('/') && !group.includes('//'),
      cel: "g.startsWith('/') && !g.endsWith('/') && !g.contains('//')",
    },
    'must name groups by a full path, such as /platform/admins: a slash before each name and none at the end. For plain names ' +
      'set keycloak.groups.fullPath to false',
  ),
  everyGroup(
    plainNames,
    { holds: group => !group.startsWith('/'), cel: "!g.startsWith('/')" },
    'must name groups by a plain name, such as admins, without a slash before it, for keycloak.groups.fullPath is ' +
      'false. For paths set it to true',
  ),
  everyGroup(
    singleNames,
    { holds: fitsColumn, cel: fitsColumnCel('g') },
    'must name groups of at most 255 characters, where emoji and others beyond U+FFFF count twice: Keycloak has no longer names',
  ),
];
