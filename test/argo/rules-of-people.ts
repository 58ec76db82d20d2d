import fc from 'fast-check';
import { ruleClaims, type TokenClaims } from '../../operator/argo/claims.ts';
import type { RuleQuestion } from '../../operator/argo/engine.ts';

/** What groups are called, and what is awkward in a name. */
const GROUPS = [
  'admins',
  '/platform/admins',
  '/teams/a',
  '/teams/b',
  'argo:admin',
  "o'neil",
  'say "x"',
  'back\\slash',
  'Büro',
  '管理',
  '🚀',
  'a\u0308',
  'nul\0',
  'line\nbreak',
  'carriage\rreturn',
  '\ud800',
  '`tick`',
  '{{x}}',
  '# in [',
  '',
];
const TEXTS = [
  'jo@example.com',
  'Jo Example',
  'jo',
  'JO@EXAMPLE.COM',
  'kim@other.example',
  '6d1ba0a5-3f0e-4b52-a5ad-6a8c6dd4b3f1',
  '42',
  'null',
  '{"a": [1]}',
  '(',
  '2026-01-01',
  ' ',
  ...GROUPS,
];

const long = fc.constantFrom('x'.repeat(10_000), 'é'.repeat(3_000), `jo@${'sub.'.repeat(2_000)}example.com`);
const text = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  { weight: 1, arbitrary: long },
);
const group = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...GROUPS) }, { weight: 1, arbitrary: text });

/** A text as people put it into a rule: between quotes of either kind, mostly with what has to be escaped escaped. */
function quoted(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const styles: readonly ((value: string) => string)[] = [
    value => JSON.stringify(value),
    value => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
    value => `'${value}'`,
    value => `\`${value}\``,
  ];
  return fc.tuple(texts, fc.constantFrom(...styles)).map(([value, style]) => style(value));
}

const G = quoted(group);
const T = quoted(text);
const N = fc.constantFrom('0', '1', '2', '3', '7', '-1', '0.5', '4102444800', '4e9', '9223372036854775808');
const REGEX = quoted(
  fc.constantFrom(
    '^/teams/',
    '@example[.]com$',
    '(?i)JO',
    '^[a-z]+$',
    '\\d',
    '.*',
    '(',
    '[',
    '(?<a>x)',
    '\\p{Greek}',
  ),
);
const LIST = fc.constantFrom(
  'groups',
  'groups',
  'groups ?? []',
  '$env?.groups ?? []',
  '$env.groups',
  '($env?.groups ?? [])',
);
const FIELD = fc.constantFrom(
  ...[
    'email',
    'email',
    'name',
    'preferred_username',
    'sub',
    'iss',
    '$env?.email',
    '$env.email',
    '$env["email"]',
  ],
  ...[
    '($env?.email ?? "")',
    '($env?.name ?? "")',
    'email?.x',
    'service_account_name',
    'email_verified',
    'get($env, "email")',
  ],
);

/** Fills a pattern: `%g` a group, `%t` a text, `%n` a number, `%r` a regular expression, `%l` the groups, `%f` a field. */
function filled(pattern: string): fc.Arbitrary<string> {
  const kinds: Readonly<Record<string, fc.Arbitrary<string>>> = {
    g: G,
    t: T,
    n: N,
    r: REGEX,
    l: LIST,
    f: FIELD,
  };
  const parts = pattern
    .split(/%([gtnrlf])/)
    .map((part, at) => (at % 2 === 0 ? fc.constant(part) : (kinds[part] ?? G)));
  return fc.tuple(...parts).map(list => list.join(''));
}

function anyOf(...patterns: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(...patterns.map(filled));
}

const ofGroups = anyOf(
  ...[
    '%g in groups',
    '%g in groups',
    '%g in (%l)',
    '%g in ($env?.groups ?? [])',
    'not (%g in groups)',
    '%g not in groups',
  ],
  ...[
    'any(groups, # == %g)',
    'any(%l, # in [%g, %g])',
    'any(%l, {# startsWith %g})',
    'any(%l, # matches %r)',
  ],
  ...[
    'all(%l, # != %g)',
    'none(%l, # == %g)',
    'one(%l, # endsWith %g)',
    'count(%l, # contains %g) > %n',
    'len(%l) > %n',
  ],
  ...[
    'groups[0] == %g',
    '(%l)[%n] == %g',
    'groups[-1] startsWith %g',
    'first(%l) == %g',
    'last(%l) == %g',
    'groups == [%g]',
  ],
  ...['groups != nil', 'groups == nil', '%l == nil or %g in groups', 'len(filter(%l, # matches %r)) == %n'],
  ...[
    '%g in map(%l, lower(#))',
    'join(%l, ",") contains %g',
    'let g = %l; %g in g',
    'sort(%l)[0] == %g',
    'find(%l, # == %g) != nil',
  ],
);
const ofFields = anyOf(
  ...[
    '%f == %t',
    '%f == %t',
    '%f != %t',
    '%f in [%t, %t, %t]',
    '%f not in [%t]',
    '%f matches %r',
    '%f startsWith %t',
  ],
  ...[
    '%f endsWith "@example.com"',
    '%f contains %t',
    'lower(%f) == %t',
    'upper(%f) startsWith %t',
    'trim(%f) == %t',
  ],
  ...[
    'split(%f, "@")[1] == %t',
    'len(%f) > %n',
    '%f != nil',
    '%f == nil',
    'sub == %t',
    'iss == "argo-server"',
    'exp > %n',
  ],
  ...[
    '%f in groups',
    '%f[0:2] == %t',
    '%f > %t',
    '"email" in $env',
    '%t in $env',
    'hasPrefix(%f, %t)',
    'indexOf(%f, "@") > %n',
  ],
  ...[
    'replace(%f, "@", ".") == %t',
    '%f ?? %t == %t',
    'type(%f) == "string"',
    'string(exp) endsWith "0"',
    'toJSON(%l) == %t',
  ],
);
const ofSlips = anyOf(
  ...[
    'groups',
    '%f',
    '%n',
    '%t',
    'nil',
    '%l',
    'groups[0]',
    'len(%l)',
    '{"a": %n}',
    '[%t]',
    '%f + %t',
    '%f ?? %t',
    '#',
    '',
    ' ',
  ],
  ...[
    '%f + 1 == %n',
    'groups == %g',
    '%f > %n',
    'groups and true',
    '!%f',
    '%n in groups',
    '%l startsWith %g',
    '%f == %n',
  ],
  ...[
    'groups[7] == %g',
    '%f[100:200] == %t',
    'int(%f) > %n',
    'fromJSON(%f) != nil',
    '%n % 0 == 1',
    'date(%f) != nil',
  ],
  ...[
    '%g in group',
    '%g IN groups',
    '%g in groups;',
    'groups.contains(%g)',
    'contains(groups, %g)',
    '%f = %t',
    '%f === %t',
  ],
  ...[
    'groups | any(# == %g)',
    '%l | len() > %n',
    'true',
    'false',
    'TRUE',
    'true // all',
    '/* %g */ true',
    'timezone("Europe/Berlin") != nil',
  ],
  ...[
    'all(1..%n, # > 0)',
    'repeat(%t, %n) == %t',
    'duration(%t) != nil',
    'max(%n, %n) == %n',
    'fromBase64(%t) == %t',
    'if %f == %t { true } else { false }',
  ],
);

/** Whole rules: what is said of groups and fields, put together, some of them with a slip. */
const rule: fc.Arbitrary<string> = fc.letrec<{ simple: string; rule: string }>(tie => ({
  simple: fc.oneof(
    { weight: 6, arbitrary: ofGroups },
    { weight: 6, arbitrary: ofFields },
    { weight: 3, arbitrary: ofSlips },
  ),
  rule: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 5, arbitrary: tie('simple') },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          tie('rule'),
          fc.constantFrom(' and ', ' or ', ' && ', ' || ', ' == ', ' ?? ', '\nor\n', '; '),
          tie('rule'),
        )
        .map(([left, operator, right]) => `${left}${operator}${right}`),
    },
    { weight: 1, arbitrary: tie('rule').map(inner => `not (${inner})`) },
    { weight: 1, arbitrary: tie('rule').map(inner => `(${inner})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('rule'), tie('rule'), tie('rule'))
        .map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
    },
  ),
})).rule;

/** A slip of the finger: a character is gone, there twice, or another. */
const damaged = fc
  .tuple(
    rule,
    fc.nat(),
    fc.constantFrom('', '(', ')', '"', "'", ' ', '\\', '#', '.', '\0', '\u00a0', '\u202e', '1'),
  )
  .map(([whole, place, other]) => {
    const at = place % (whole.length + 1);
    return `${whole.slice(0, at)}${other}${whole.slice(at + (place % 2))}`;
  });

function optional<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 9 });
}

const groups = fc.oneof(
  { weight: 8, arbitrary: fc.array(group, { minLength: 1, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.constant(null) },
);

/** What a user's token says, in Argo's form. */
const claims = fc
  .record({
    sub: fc.oneof(
      { weight: 9, arbitrary: fc.constant('6d1ba0a5-3f0e-4b52-a5ad-6a8c6dd4b3f1') },
      { weight: 1, arbitrary: text },
    ),
    groups: optional(groups),
    email: optional(text),
    name: optional(text),
    preferred_username: optional(text),
    service_account_name: fc.option(text, { nil: undefined, freq: 1 }),
  })
  .map(token => ruleClaims(JSON.parse(JSON.stringify(token)) as TokenClaims, 4_102_444_800));

/** A rule as people write it, right or wrong, and a user as Argo sees one. */
export const ruleAndUser: fc.Arbitrary<RuleQuestion> = fc.record({
  rule: fc.oneof({ weight: 9, arbitrary: rule }, { weight: 1, arbitrary: damaged }),
  claims,
});
