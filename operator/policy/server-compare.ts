import { parseDuration } from '../api/duration.ts';
import {
  DEFAULT_CLAIM,
  type KeyReference,
  SSO_FIELDS,
  type SsoBlock,
  type SsoSettings,
} from './server-sso.ts';

/** A setting that is not as it should be; texts for people, undefined where it is not there. */
export interface SettingDifference {
  readonly field: keyof SsoBlock;
  readonly want: string | undefined;
  readonly have: string | undefined;
}

type Field = keyof SsoBlock;

/** With another value of these, people still sign in with this client and end at the accounts of their roles. */
const MINOR: ReadonlySet<Field> = new Set(['scopes', 'sessionExpiry', 'filterGroupsRegex']);

/** Whether a restart that reads the setting as it is could lock people out, or let them in as somebody else. */
export function isVital({ field }: SettingDifference): boolean {
  return !MINOR.has(field);
}

/** What a policy always has a say in: what it does not want is not to be there. `rootCA` counts where it wants one. */
const MANAGED: readonly Field[] = [
  'issuer',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'rbac',
  'scopes',
  'sessionExpiry',
  'customGroupClaimName',
  'filterGroupsRegex',
];

/** Argo's own, where `sessionExpiry` says nothing, in milliseconds (argo-workflows, config/sso.go). */
export const DEFAULT_EXPIRY = 10 * 3_600_000;

function textOfReference({ name = '', key = '' }: KeyReference): string {
  return name === '' && key === '' ? '' : `${name}, key ${key}`;
}

/** How long a session lasts with a `sessionExpiry`, in milliseconds; undefined for what is no duration. */
export function expiryMs(text: string | undefined): number | undefined {
  // Argo takes its own default for nothing, and for less.
  if (text === undefined || text.startsWith('-')) return DEFAULT_EXPIRY;
  const expiry = parseDuration(text.replace(/^\+/, ''));
  return expiry === 0 ? DEFAULT_EXPIRY : expiry;
}

function expiryOf(text: string): string {
  const expiry = expiryMs(text);
  if (expiry === undefined) return text;
  return expiry === DEFAULT_EXPIRY ? '' : String(expiry);
}

/** What Argo makes of each setting, as text; empty where that is the same as nothing. */
const MEANING: { readonly [F in Field]: (value: NonNullable<SsoBlock[F]>) => string } = {
  issuer: text => text,
  issuerAlias: text => text,
  clientId: textOfReference,
  clientSecret: textOfReference,
  redirectUrl: text => text,
  rbac: ({ enabled }) => (enabled === true ? 'enabled' : ''),
  scopes: list => JSON.stringify(list.toSorted()),
  sessionExpiry: expiryOf,
  customGroupClaimName: claim => (claim === DEFAULT_CLAIM ? '' : claim),
  userInfoPath: text => text,
  insecureSkipVerify: flag => (flag ? 'true' : ''),
  // Any of them lets a group through, whatever their order.
  filterGroupsRegex: list => JSON.stringify(list.toSorted()),
  rootCA: pem => pem.replace(/\r\n?/g, '\n').trim(),
};

function meaningOf<F extends Field>(block: SsoBlock, field: F): string {
  const value = block[field];
  if (value === undefined) return '';
  const meaning = MEANING[field](value as NonNullable<SsoBlock[F]>);
  return meaning === '[]' ? '' : meaning;
}

/** A setting for people. */
const SHOWN: Partial<{ readonly [F in Field]: (value: NonNullable<SsoBlock[F]>) => string }> = {
  clientId: textOfReference,
  clientSecret: textOfReference,
  rbac: ({ enabled }) => `enabled: ${enabled === true}`,
  scopes: list => JSON.stringify(list),
  filterGroupsRegex: list => JSON.stringify(list),
  rootCA: pem => `certificates of ${pem.length} characters`,
};

function shown<F extends Field>(block: SsoBlock, field: F): string | undefined {
  const value = block[field];
  if (value === undefined || meaningOf(block, field) === '') return undefined;
  return SHOWN[field]?.(value as NonNullable<SsoBlock[F]>) ?? String(value);
}

/** What in a block is not as the policy wants it, by meaning; what policies have no say in does not count. */
export function settingDifferences(want: SsoSettings, have: SsoBlock): readonly SettingDifference[] {
  const fields = want.rootCA === undefined ? MANAGED : [...MANAGED, 'rootCA' as const];
  return fields
    .filter(field => meaningOf(want, field) !== meaningOf(have, field))
    .map(field => ({ field, want: shown(want, field), have: shown(have, field) }));
}

/** Whether a block needs no writing: it is as wanted, and nothing stands there that {@link mergedSso} leaves out. */
export function needsNoWriting(want: SsoSettings, have: SsoBlock, unknown: readonly string[]): boolean {
  const isOpen = have.insecureSkipVerify === true;
  return unknown.length === 0 && !isOpen && settingDifferences(want, have).length === 0;
}

/**
 * The block to write: as the policy wants it, with what stands there and policies have no say in. Keys that Argo does
 * not know are not among that, nor is `insecureSkipVerify`: it opens every login to whoever is in the way.
 */
export function mergedSso(have: SsoBlock, want: SsoSettings): SsoBlock {
  const { issuerAlias, userInfoPath, rootCA } = have;
  return {
    ...(issuerAlias !== undefined && { issuerAlias }),
    ...(userInfoPath !== undefined && { userInfoPath }),
    ...(rootCA !== undefined && { rootCA }),
    ...want,
  };
}

/** What Argo reads at its start, as text: the same for blocks that mean the same. */
export function canonicalSso(have: SsoBlock): string {
  const meanings = SSO_FIELDS.map(field => [field, meaningOf(have, field)] as const);
  return JSON.stringify(Object.fromEntries(meanings.filter(([, meaning]) => meaning !== '')));
}
