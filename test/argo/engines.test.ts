import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuleEngine, type RuleEngine, type RuleQuestion } from '../../operator/argo/engine.ts';
import { TRIAL_USERS } from '../../operator/argo/trial-users.ts';
import { ruleForGroups } from '../../operator/policy/rules.ts';
import { startNativeEngine } from '../env/native-engine.ts';
import { ENGINE_VERSIONS, nativeEngines, ruleEngineWasm } from '../env/rule-engine.ts';

const NAMES = 10_000;
/** Cases that the engines are asked at a time: fewer, longer exchanges with each are much faster. */
const TOGETHER = 100;
const LONGEST = 255;

/** What has a meaning in rules, in JSON, or in how either is escaped; and what text can contain at all. */
const AWKWARD = [
  '"',
  "'",
  '`',
  '\\',
  '\\\\',
  '\\"',
  '\\n',
  '\\u0041',
  '\\u{41}',
  '\\x41',
  '\\101',
  '\\?',
  '\n',
  '\r',
  '\r\n',
  '\t',
  '\0',
  '\u0007',
  '\u001b',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\u2029',
  '\u200d',
  '\u202e',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '\ud800',
  '\udbff',
  '\udfff',
  '\ude00\ud83d',
  '😀',
  '👩‍👩‍👧',
  '\u{10ffff}',
  'ä',
  'a\u0308',
  'ß',
  'İ',
  'Σς',
  '中',
  '#',
  '#.x',
  '{',
  '}',
  '${',
  '{{',
  '(',
  ')',
  '[',
  ']',
  '])',
  ']) or true',
  '", "',
  '"]) || any([1], # in [1',
  '/',
  '//',
  '/*',
  '*/',
  '|',
  '??',
  '?.',
  ';',
  ':',
  ',',
  '%s',
  '$env',
  'groups',
  'true',
  'nil',
  'b"',
  ' ',
  '',
];

const piece = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.string({ maxLength: 8 }),
  fc.integer({ min: 0xd7f0, max: 0xe010 }).map(code => String.fromCharCode(code)),
);
const name = fc
  .oneof(
    { weight: 12, arbitrary: fc.array(piece, { minLength: 1, maxLength: 6 }) },
    { weight: 1, arbitrary: fc.array(piece, { minLength: 120, maxLength: 200 }) },
    { weight: 1, arbitrary: piece.map(text => Array<string>(LONGEST).fill(text || 'x')) },
  )
  .map(pieces => pieces.join('').slice(0, LONGEST) || '/');

/** Names that a wrong way to write or to compare would take for the given one. */
const NEAR: readonly ((name: string) => string)[] = [
  text => JSON.stringify(text).slice(1, -1),
  text => JSON.stringify(text),
  text => text.replaceAll('\\', ''),
  text => text.replaceAll('\r', '\n'),
  text => text.normalize('NFKD'),
  text => text.toUpperCase(),
  text => text.trim(),
  text => `${text} `,
  text => `/${text}`,
  text => text.slice(0, -1),
  text => text.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd'),
  () => '',
];

interface Case {
  readonly groups: readonly string[];
  /** As the claim comes; undefined where there is none. */
  readonly users: readonly (readonly string[] | null | undefined)[];
}

const cases: fc.Arbitrary<Case> = fc
  .oneof(
    { weight: 60, arbitrary: fc.array(name, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(name, { minLength: 30, maxLength: 64 }) },
  )
  .chain(groups => {
    const member = fc.constantFrom(...groups);
    const near = fc.tuple(member, fc.constantFrom(...NEAR)).map(([text, change]) => change(text));
    const someone = fc.array(fc.oneof(member, near, name), { minLength: 1, maxLength: 4 });
    const stranger = fc.array(fc.oneof(near, name), { minLength: 1, maxLength: 4 });
    const nobody = fc.constantFrom(undefined, null, []);
    return fc.record({ groups: fc.constant(groups), users: fc.tuple(someone, fc.oneof(stranger, nobody)) });
  });

/** Go reads half of a pair of surrogates as U+FFFD, from a token and from a rule alike. */
function isMember(groups: readonly string[], user: readonly string[] | null | undefined): boolean {
  const known = new Set(groups.map(group => group.toWellFormed()));
  return (user ?? []).some(group => known.has(group.toWellFormed()));
}

function questionsOf({ groups, users }: Case): readonly RuleQuestion[] {
  const rule = ruleForGroups(groups);
  return users.map(user => ({
    rule,
    claims: { iss: 'argo-server', ...(user !== undefined && { groups: user }) },
  }));
}

describe('a rule for groups', () => {
  const engines = new Map<string, RuleEngine>();
  beforeAll(async () => {
    engines.set(
      'the operator’s own',
      createRuleEngine({ wasmPath: await ruleEngineWasm(console.log), deadlineMs: 30_000 }),
    );
    const folder = await nativeEngines(console.log);
    for (const { version, since } of ENGINE_VERSIONS) {
      engines.set(`${version} (Argo ${since})`, startNativeEngine(join(folder, version)));
    }
  }, 600_000);
  afterAll(async () => {
    await Promise.all([...engines.values()].map(engine => engine.close()));
  });

  it.each([
    '"/example" in ($env?.groups ?? [])',
    '"name" in ($env?.groups ?? [])',
    'any($env?.groups ?? [], # startsWith "/example/")',
    '($env?.email ?? "") endsWith "@example.com"',
  ])(
    'in the form that messages advise is the same in each of them for every kind of user: %s',
    async rule => {
      const questions = TRIAL_USERS.map(({ claims }) => ({ rule, claims }));
      const [own, ...others] = await Promise.all(
        [...engines.values()].map(engine => engine.judge(questions)),
      );
      const kinds = own?.map(({ kind }) => kind) ?? [];
      expect(kinds).toHaveLength(TRIAL_USERS.length);
      expect(kinds).not.toContain('error');
      for (const other of others) expect(other.map(({ kind }) => kind)).toEqual(kinds);
    },
  );

  async function check(given: readonly Case[]): Promise<void> {
    const questions = given.flatMap(questionsOf);
    const expected = given.flatMap(({ groups, users }) => users.map(user => String(isMember(groups, user))));
    await Promise.all(
      [...engines].map(async ([title, engine]) => {
        const verdicts = await engine.judge(questions);
        const wrong = verdicts.findIndex(({ kind }, index) => kind !== expected[index]);
        if (wrong === -1 && verdicts.length === questions.length) return;
        throw new Error(
          `${title} says ${JSON.stringify(verdicts[wrong])} of ${JSON.stringify(questions[wrong])}`,
        );
      }),
    );
  }

  it(`is plain membership in every engine that Argo 3.5 to 4.1 is built with: ${NAMES} generated cases`, async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
    console.log(`rules: seed ${seed}`);
    // Nothing to shrink: the error names the one question that it is about.
    await fc.assert(fc.asyncProperty(fc.array(cases, { minLength: TOGETHER, maxLength: TOGETHER }), check), {
      numRuns: NAMES / TOGETHER,
      seed,
      endOnFailure: true,
    });
  }, 240_000);

  it('is so for each awkward piece as a name of its own, and for the longest names', async () => {
    const names = [
      ...AWKWARD.filter(text => text !== ''),
      ...AWKWARD.map(text => (text || 'x').repeat(LONGEST).slice(0, LONGEST)),
    ];
    const users = (text: string) => [
      [text],
      ['x', text],
      NEAR.map(change => change(text)),
      [],
      null,
      undefined,
    ];
    await check(names.map(text => ({ groups: [text], users: users(text) })));
  });

  it('is so for as many groups as all roles of a policy can have', async () => {
    const groups = Array.from({ length: 64 * 64 }, (_, index) => `/team-${index}`);
    await check([{ groups, users: [['/team-4095'], ['/team-4096'], groups, [], undefined] }]);
  });
});
