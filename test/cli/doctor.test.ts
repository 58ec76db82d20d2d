import { describe, expect, it } from 'vitest';
import { CHECKS, diagnose } from '../../operator/cli/doctor/checks.ts';
import type { Verdict } from '../../operator/cli/doctor/finding.ts';
import { tableRows } from '../docs-pages.ts';
import { makePolicy } from '../policy/fixtures.ts';
import { accounts, CASES, DELEGATING, server } from './doctor-cases.ts';
import { accountOf, SSO, STARTED, settingsOf, snapshotOf, troubles } from './doctor-fixtures.ts';
import { SPEC } from './status-fixtures.ts';

describe('a diagnosis', () => {
  it('of a working installation is that nothing is wrong, and everything was judged', () => {
    const { findings, notJudged } = diagnose(snapshotOf());
    expect(findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(notJudged).toEqual([]);
    expect(new Set(findings.map(({ check }) => check)).size).toBe(CHECKS.length - 1);
  });

  it.each(CASES.map(([sentence, ...rest]) => ({ sentence, rest })))('tells that $sentence', ({ rest }) => {
    const [check, parts, verdict, message, remedy] = rest;
    const found = troubles(snapshotOf(parts)).filter(each => each.check === check);
    expect(found.map(each => each.verdict)).toEqual([verdict]);
    expect(found[0]?.message).toContain(message);
    if (remedy !== undefined) expect(found[0]?.remedy).toContain(remedy);
    // What is wrong has a remedy, and what is not known needs none.
    expect(found[0]?.remedy === undefined).toBe(verdict === 'unknown');
  });

  it('has a case for each check, and for each that may not look that it says so', () => {
    const told = (wanted: readonly Verdict[]) =>
      new Set(CASES.filter(([, , , verdict]) => wanted.includes(verdict)).map(([, check]) => check));
    expect(CHECKS.map(({ id }) => id).filter(id => !told(['fail', 'warn']).has(id))).toEqual([]);
  });

  it('calls what rests on something else not judged, and nothing that cannot be known', () => {
    const { findings, notJudged } = diagnose(snapshotOf({ settings: { known: undefined } }));
    expect(findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check)).toEqual([
      'config-map',
    ]);
    expect(notJudged).toEqual(expect.arrayContaining(['readable', 'rbac', 'redirect-url', 'issuer']));
  });

  it.each([
    ['no base href by itself', {}, '/oauth2/callback'],
    ['one by its variable', { env: { BASE_HREF: '/argo/' } }, '/argo/oauth2/callback'],
    [
      'one without slashes',
      { args: ['server', '--auth-mode=sso', '--base-href=argo'] },
      '/argo/oauth2/callback',
    ],
  ])('counts on %s', (_, options, path) => {
    const text = SSO.replace('/oauth2/callback', path);
    const parts = { ...server(options), settings: { known: settingsOf({ sso: text }) } };
    expect(troubles(snapshotOf(parts))).toEqual([]);
  });

  it('leaves the restart to a policy that sees to it', () => {
    const policy = makePolicy(SPEC);
    const spec = { ...policy.spec, server: { deployment: 'argo-server', filterGroupsRegex: [] } };
    const late = { settings: { known: settingsOf({ sso: SSO }, STARTED + 1000) } };
    const snapshot = snapshotOf({ ...late, rest: { policies: { known: [{ ...policy, spec }] } } });
    expect(troubles(snapshot).map(({ check }) => check)).toEqual(['policies']);
  });

  it('takes accounts with a rollout that was complete after the last change for started anew', () => {
    const rollout = {
      progress: 'complete',
      startedAt: undefined,
      completedAt: STARTED,
      why: undefined,
    } as const;
    expect(troubles(snapshotOf(server({}, { startedAt: undefined, rollout })))).toEqual([]);
  });

  it('with delegation asks no rights on workflows of the account of the login', () => {
    const parts = { ...server(DELEGATING), ...accounts(accountOf('a', 'true', '1', { grants: [] })) };
    expect(troubles(snapshotOf(parts))).toEqual([]);
  });
});

describe('docs/cli.md', () => {
  it('names every check in a table, and no other', () => {
    const told = tableRows('docs/cli.md').flatMap(row => /^\| \*\*([a-z-]+)\*\* \|/.exec(row)?.[1] ?? []);
    expect(told.toSorted()).toEqual(CHECKS.map(({ id }) => id).toSorted());
  });
});
