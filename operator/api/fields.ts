import type { z } from 'zod';
import { parseDuration } from './duration.ts';
import { celPattern, matching, text, texts, without, withRules } from './rules.ts';

const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const SUBDOMAIN = String.raw`[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*`;
const NAME = '[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?';

/** A name in the form of a DNS label (RFC 1123), as namespaces have it. */
export const dnsLabel = withRules(
  text(1, 63),
  matching(
    new RegExp(`^${LABEL}$`, 'u'),
    'must be lower-case letters, digits and dashes, with a letter or digit at both ends, such as team-a',
  ),
);

/** A name in the form of a DNS subdomain (RFC 1123), as most objects have it. */
export function dnsSubdomain(max: number) {
  return withRules(
    text(1, max),
    matching(
      new RegExp(`^${SUBDOMAIN}$`, 'u'),
      'must be lower-case letters, digits, dashes and dots, with a letter or digit at both ends of each part, such as argo-viewer',
    ),
  );
}

// Accounts are made to deny by pointing at it.
const RESERVED_SECRET = 'argo-access-held';
const TOKEN_SUFFIX = '.service-account-token';

/** Name of a Secret that the operator may fill. */
export const secretName = withRules(dnsSubdomain(253), {
  holds: name => name !== 'sso' && name !== RESERVED_SECRET && !name.endsWith(TOKEN_SUFFIX),
  cel: `self != 'sso' && self != '${RESERVED_SECRET}' && !self.endsWith('${TOKEN_SUFFIX}')`,
  message:
    `is taken: sso is Argo's own, ${RESERVED_SECRET} must never exist, and names that end with ${TOKEN_SUFFIX} are ` +
    'for tokens; choose another, such as argo-server-sso',
});

/** Name of a ServiceAccount whose token Secret can have the name that Argo looks for. */
export const accountName = dnsSubdomain(253 - TOKEN_SUFFIX.length);

/** Name of a Role or ClusterRole: one segment of a path (apimachinery, pkg/api/validation/path). */
export const rbacName = withRules(
  text(1, 253),
  matching(
    /^(?:[^/%.]|\.[^/%.]|\.\.[^/%])[^/%]*$/u,
    'must not contain / or %, nor be . or ..; give the name as kubectl shows it, such as argo-access-viewer',
  ),
);

/** Key in the data of a Secret (apimachinery, pkg/util/validation, IsConfigMapKey). */
export const secretKey = withRules(
  text(1, 253),
  matching(
    /^\.?[-_A-Za-z0-9][-._A-Za-z0-9]*$/u,
    'must be letters, digits, dashes, underscores and dots, not beginning with two dots, such as client-id',
  ),
);

/**
 * A name as people write it in Keycloak, which takes nearly every character. White space at an end and control
 * characters (also those of a YAML block, which ends with a line break) are never meant.
 */
export function humanName(max: number) {
  return withRules(
    text(1, max),
    without(
      /^\p{Z}|\p{Z}$|[\p{Cc}\p{Zl}\p{Zp}]/u,
      'must not begin or end with white space, nor contain line breaks or other control characters; write it on one line, in quotes',
    ),
  );
}

/**
 * An expression in the language of Argo's rules. What nobody sees who reviews it is refused: within its texts the
 * language has escapes for such characters.
 */
export const expression = withRules(
  text(1, 2048),
  without(
    /[^\P{Cc}\n\t]|\p{Cf}/u,
    'must not contain control characters other than line breaks and tabs, nor invisible ones; in a text write an ' +
      'escape, such as "\\u200d"',
  ),
);

/** Columns of Keycloak's database hold this many UTF-16 units. */
const COLUMN = 255;

/** Whether a name fits into a column of Keycloak's database. */
export function fitsColumn(name: string): boolean {
  return name.length <= COLUMN;
}

/** The same in CEL, where a size counts code points: those beyond U+FFFF take two units. */
export function fitsColumnCel(name: string): string {
  return String.raw`${name}.size() + ${name}.findAll(r'[\x{10000}-\x{10FFFF}]').size() <= ${COLUMN}`;
}

/** A clientId of Keycloak. */
export const clientId = withRules(humanName(COLUMN), {
  holds: fitsColumn,
  cel: fitsColumnCel('self'),
  message: `must fit into ${COLUMN} characters, where emoji and others beyond U+FFFF count twice; shorten it`,
});

/** A realm of Keycloak (keycloak, services, ReservedCharValidator; `/realms/<name>/account/` must fit into 255). */
export const realmName = withRules(
  humanName(237),
  matching(
    /^(?:[^:/?#[\]@!$&()*+,;=\\.]|\.+[^:/?#[\]@!$&()*+,;=\\.])[^:/?#[\]@!$&()*+,;=\\]*$/u,
    'must be the name of a realm as in its addresses (…/realms/<name>): none of :/?#[]@!$&()*+,;=\\ and not only dots',
  ),
);

/** Claims that Argo or Keycloak gives another meaning; a list in their place breaks the login. */
const TAKEN_CLAIMS = [
  'acr,aud,auth_time,azp,email,email_verified,exp,family_name,given_name,iat,iss,jti,name,nbf,nonce',
  'preferred_username,scope,sid,sub,typ',
  // Argo's own (argo-workflows, server/auth/types/claims.go).
  'service_account_name,service_account_namespace',
]
  .join()
  .split(',');

/** A claim at the top of the ID token. Keycloak takes a dot for a claim inside another, which Argo does not read. */
export const claimName = withRules(
  text(1, 128),
  matching(
    /^[A-Za-z0-9_:/-]+$/u,
    'must be letters, digits and any of _ - : / (a dot would put the claim inside another, where Argo does not look), such as groups',
  ),
  {
    holds: claim => !TAKEN_CLAIMS.includes(claim),
    cel: `!(self in [${TAKEN_CLAIMS.map(claim => `'${claim}'`).join(', ')}])`,
    message: 'has a meaning of its own in a token; choose another claim, such as groups',
  },
);

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
// The last part begins with a letter: a host that ends in a number is read as an IPv4 address (WHATWG URL).
const HOST = String.raw`(?:(?:${LABEL}\.)*[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?|(?:${OCTET}\.){3}${OCTET})`;
const PORT = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
const SEGMENT = '[-_~A-Za-z0-9][-._~A-Za-z0-9]*';

/** An address of Argo Server. The redirect URI made of it must fit into a column of Keycloak's database. */
export const serverUrl = withRules(
  text(1, COLUMN - '/oauth2/callback'.length),
  matching(
    new RegExp(`^https?://${HOST}(?::${PORT})?(?:/${SEGMENT})*/?$`, 'u'),
    'must be the address at which people open Argo: http or https, a host name in lower case or an IPv4 address, ' +
      'a port from 1 to 65535 and a path where needed; no user, query, fragment, wildcard or %; ' +
      'such as https://workflows.example.com/argo',
  ),
);

const DURATION = /^(?:[0-9]{1,5}h)?(?:[0-9]{1,5}m)?(?:[0-9]{1,5}s)?$/u;

/** A duration as in Go, in hours, minutes and seconds, between two such durations. */
export function duration({ min = '0s', max }: { readonly min?: string; readonly max: string }) {
  const milliseconds = (value: string) => parseDuration(value) ?? Number.NaN;
  return withRules(
    text(1, 18),
    matching(
      DURATION,
      'must be a duration in hours, minutes and seconds, in this order, such as 8h, 90s or 1h30m',
    ),
    {
      // What is no duration breaks the rule before.
      holds: value =>
        !DURATION.test(value) ||
        (milliseconds(value) >= milliseconds(min) && milliseconds(value) <= milliseconds(max)),
      cel:
        `!self.matches(${celPattern(DURATION)}) || ` +
        `duration(self) >= duration('${min}') && duration(self) <= duration('${max}')`,
      message: `must be from ${min} to ${max}`,
    },
  );
}

const MAX_ENTRIES = 32;
const OURS = 'argo-access.io/';
const MANAGED_BY = 'app.kubernetes.io/managed-by';
const KEY = new RegExp(`^(?:${SUBDOMAIN}/)?${NAME}$`, 'u');

const isKey = (key: string) => KEY.test(key) && key.indexOf('/') <= 253;
const isFree = (key: string) => !key.startsWith(OURS) && key !== MANAGED_BY;

/** The first key that is not as it should be. */
function wrongKey(fits: (key: string) => boolean) {
  return (map: Readonly<Record<string, string>>) =>
    Object.keys(map)
      .filter(key => !fits(key))
      .slice(0, 1);
}

function marks(value: z.ZodType<string>) {
  return withRules(
    texts(value, MAX_ENTRIES),
    {
      holds: map => Object.keys(map).every(isKey),
      culprit: wrongKey(isKey),
      cel: `self.all(k, k.matches(${celPattern(KEY)}) && k.indexOf('/') <= 253)`,
      message:
        'must have keys of up to 63 letters, digits, dashes, underscores and dots, if need be after a domain and a ' +
        'slash, such as example.com/team',
      reason: 'FieldValueForbidden',
    },
    {
      holds: map => Object.keys(map).every(isFree),
      culprit: wrongKey(isFree),
      cel: `self.all(k, !k.startsWith('${OURS}') && k != '${MANAGED_BY}')`,
      message: `must not have the keys ${OURS}… and ${MANAGED_BY}, which the operator sets itself; choose others`,
      reason: 'FieldValueForbidden',
    },
  );
}

/** Labels for an object that the operator makes. */
export const labels = marks(
  withRules(
    text(0, 63),
    matching(
      new RegExp(`^(?:${NAME})?$`, 'u'),
      'must be letters, digits, dashes, underscores and dots, with a letter or digit at both ends, such as platform',
    ),
  ),
);

/** Annotations for an object that the operator makes; all together stay far below what Kubernetes takes (256 KiB). */
export const annotations = marks(text(0, 1024));
