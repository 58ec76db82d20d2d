import { ruleClaims, type TokenClaims } from './claims.ts';

/** Somebody who does not exist, on whom rules are tried. */
export interface TrialUser {
  /** Who it is, for people: completes "it fails for …". */
  readonly who: string;
  /** As a rule sees them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** In seconds since the epoch, the year 2100: a rule about time gives the same verdict on every day. */
const EXPIRES = 4_102_444_800;

/** Keycloak gives every ID token a subject; all else may be missing. */
const SOMEBODY = {
  sub: '6d1ba0a5-3f0e-4b52-a5ad-6a8c6dd4b3f1',
  email: 'jo@example.com',
  name: 'Jo Example',
  preferred_username: 'jo',
} as const satisfies TokenClaims;

const IN_GROUPS = { ...SOMEBODY, groups: ['/example/developers'] };

/** What rules see of somebody in groups. */
export const WITH_GROUPS = ruleClaims(IN_GROUPS, EXPIRES);
/** What rules see of somebody in no group. */
export const WITHOUT_GROUPS = ruleClaims(SOMEBODY, EXPIRES);

/** With all that Argo could ever hand over: the last two are only there once it has chosen an account. */
const COMPLETE = {
  ...IN_GROUPS,
  groups: ['/example/developers', '/example'],
  service_account_name: 'workflows-viewer',
  service_account_namespace: 'argo',
};

const GROUPS = 'groups';
/** What a user may lack, each part by itself. */
const PARTS: readonly (readonly (keyof TokenClaims)[])[] = [
  [GROUPS],
  ['email'],
  ['name'],
  ['preferred_username'],
  ['service_account_name', 'service_account_namespace'],
];

function subsets<T>(list: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = list;
  if (first === undefined) return [[]];
  return subsets(rest).flatMap(subset => [subset, [first, ...subset]]);
}

function describeLack(lacking: readonly string[]): string {
  if (lacking.length === 0) return 'a user with every claim';
  const claims = lacking.filter(claim => claim !== GROUPS);
  const list = [claims.slice(0, -1).join(', '), ...claims.slice(-1)].filter(part => part !== '');
  const without = claims.length === 0 ? '' : `without ${list.join(' and ')}`;
  if (!lacking.includes(GROUPS)) return `a user ${without}`;
  return without === '' ? 'a user in no group' : `a user in no group, ${without}`;
}

function userWithout(parts: readonly (readonly string[])[]): TrialUser {
  const lacking = parts.flat();
  const kept = Object.fromEntries(Object.entries(COMPLETE).filter(([claim]) => !lacking.includes(claim)));
  return { who: describeLack(lacking), claims: ruleClaims({ ...kept, sub: SOMEBODY.sub }, EXPIRES) };
}

/** What one user lacks is told before what another lacks all of. */
const BY_LACK = subsets(PARTS)
  .toSorted((a, b) => a.length - b.length)
  .map(userWithout);

function userOf(what: string, text: string): TrialUser {
  const claims = { sub: text, email: text, name: text, preferred_username: text, groups: [text, `/${text}`] };
  return { who: `a user whose claims are ${what}`, claims: ruleClaims(claims, EXPIRES) };
}

/** Values at which an expression may fail that looks into them: nothing in common with an address, for one. */
const ODD: readonly TrialUser[] = [
  { who: 'a user whose list of groups is empty', claims: { ...WITHOUT_GROUPS, groups: [] } },
  {
    who: 'a user in very many groups',
    claims: ruleClaims(
      { ...COMPLETE, groups: Array.from({ length: 100 }, (_, index) => `/example/team-${index}`) },
      EXPIRES,
    ),
  },
  userOf('a single letter', 'x'),
  userOf('a number', '0'),
  userOf('a space', ' '),
  userOf('odd characters', `([{*+?\\|"'\`)%s\n\u{1f600}`),
  userOf('very long', 'Jo '.repeat(700)),
];

/** Every kind of user by what they have and lack, and users with odd values. */
export const TRIAL_USERS: readonly TrialUser[] = [...BY_LACK, ...ODD];
