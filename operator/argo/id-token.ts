import { ruleClaims } from './claims.ts';

/** Claims of an ID token, as they came. */
export type IdToken = Readonly<Record<string, unknown>>;

/** What Argo Server makes of an ID token. */
export type Login =
  | {
      readonly kind: 'session';
      /** The names that rules can use. */
      readonly claims: Readonly<Record<string, unknown>>;
      readonly groups: readonly string[];
      /** What goes otherwise than whoever set it up may think. */
      readonly notes: readonly string[];
    }
  /** The login fails. */
  | { readonly kind: 'refused'; readonly message: string };

/** How Argo Server reads tokens. */
export interface LoginTerms {
  /** Claim with the groups; Argo's setting `customGroupClaimName`, `groups` where there is none. */
  readonly groupsClaim: string;
  /** When the session ends, in seconds since the epoch. */
  readonly exp: number;
}

const GROUPS = 'groups';
const TEXTS = [
  'sub',
  'email',
  'name',
  'preferred_username',
  'service_account_name',
  'service_account_namespace',
] as const;

function textsOf(token: IdToken): Partial<Record<(typeof TEXTS)[number], string>> {
  const given = TEXTS.map(claim => [claim, token[claim]] as const);
  return Object.fromEntries(given.filter(([, value]) => typeof value === 'string'));
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string');
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}

/** The claim by which Argo cannot read the token at all (argo-workflows, server/auth/types/claims.go). */
function unreadable(token: IdToken): string | undefined {
  if (!isMissing(token[GROUPS]) && !isTexts(token[GROUPS])) {
    return `claim ${GROUPS} is no list of texts, and Argo Server refuses the login; see that its mapper is multivalued`;
  }
  const claim = TEXTS.find(each => !isMissing(token[each]) && typeof token[each] !== 'string');
  return claim === undefined ? undefined : `claim ${claim} is no text, and Argo Server refuses the login`;
}

/** A claim of another name that Argo cannot use counts as none (argo-workflows, server/auth/sso/sso.go). */
function groupsOf(token: IdToken, claim: string): { groups: readonly string[]; notes: readonly string[] } {
  const value = token[claim];
  if (isTexts(value)) return { groups: value, notes: [] };
  const notes = isMissing(value)
    ? []
    : [`claim ${claim} is no list of texts: to Argo it is as if it were missing`];
  return { groups: [], notes };
}

/** What Argo Server makes of an ID token. */
export function loginOf(token: IdToken, { groupsClaim, exp }: LoginTerms): Login {
  const message = unreadable(token);
  if (message !== undefined) return { kind: 'refused', message };
  const { groups, notes } = groupsOf(token, groupsClaim);
  const { sub = '', ...texts } = textsOf(token);
  return { kind: 'session', claims: ruleClaims({ sub, ...texts, groups }, exp), groups, notes };
}
