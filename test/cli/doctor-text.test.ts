import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { diagnose } from '../../operator/cli/doctor/checks.ts';
import { NO_CONFIG } from '../../operator/cli/doctor/gather.ts';
import { groupsNamedIn } from '../../operator/cli/doctor/groups.ts';
import type { DoctorSnapshot } from '../../operator/cli/doctor/snapshot.ts';
import { asText } from '../../operator/cli/doctor/text.ts';
import { parseConfig } from '../../operator/config.ts';
import { documents, read } from '../docs-pages.ts';
import { accountOf, SSO, settingsOf, snapshotOf } from './doctor-fixtures.ts';

function textOf(snapshot: DoctorSnapshot, columns?: number): string {
  const { namespace, deploymentName } = snapshot;
  const report = { namespace, deployment: deploymentName, ...diagnose(snapshot) };
  return asText(report, { colours: false, columns });
}

const FAILS = { kind: 'error', message: 'unknown name groups (1:23)\n | picture' } as const;
const FALSE = { kind: 'false' } as const;

/** An installation as it is found at night, looked at with --prove and without --config. */
const TROUBLED = snapshotOf({
  settings: { known: settingsOf({ sso: `${SSO}scopes: [groups]\n` }) },
  rest: {
    accounts: {
      known: [
        accountOf('admin', "'/platform/admins' in groups", '100', {
          verdicts: { known: { withGroups: FALSE, emptyGroups: FAILS, noGroups: FAILS } },
        }),
        accountOf('viewer', 'true', '10', {
          token: { secret: 'viewer.service-account-token', state: 'missing' },
        }),
      ],
    },
    keycloak: { unknown: NO_CONFIG },
    loginPage: {
      known: { kind: 'refused', error: 'invalid_scope', description: 'Invalid scopes: groups openid' },
    },
  },
});

describe('a diagnosis for people', () => {
  it('is what docs/cli.md shows', () => {
    expect(read('docs/cli.md')).toContain(
      `argo-access doctor --namespace argo --prove\n${textOf(TROUBLED, 110)}`,
    );
  });

  it('is a line for each subject where nothing is wrong', () => {
    const text = textOf(snapshotOf());
    expect(text).not.toMatch(/[✗!?→]/);
    expect(text).toMatch(
      /^Argo Server argo\/argo-server\n\nArgo Server's start\n {2}✓ deployment, auth-mode, pods, restarted\n/,
    );
    expect(text).toMatch(/\n✓ nothing is found to be wrong\n$/);
    expect(text).not.toContain('Policies');
  });

  it('keeps to the width of the terminal, and lets no control characters through', () => {
    const account = accountOf('a', 'true', '\u001b[31mhigh');
    for (const line of textOf(TROUBLED, 80).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(textOf(snapshotOf({ rest: { accounts: { known: [account] } } }))).not.toContain('\u001b');
  });

  it('says so where nothing could be looked at', () => {
    const hidden = { unknown: 'you may not look' };
    const text = textOf(
      snapshotOf({
        server: hidden,
        settings: hidden,
        rest: {
          secrets: new Map([['sso', hidden]]),
          accounts: hidden,
          keycloak: hidden,
          proof: { unknown: '' },
          loginPage: { unknown: '' },
          policies: hidden,
        },
      }),
    );
    expect(text).toMatch(/\n\? nothing could be looked at\n$/);
  });
});

describe('docs/cli.md', () => {
  it('has a configuration that is enough', () => {
    const file = documents('docs/cli.md').find(({ instanceId }) => instanceId === 'doctor');
    expect(parseConfig(stringify(file), 'config.yaml').connections).toHaveLength(1);
  });
});

describe('groups that a rule is for', () => {
  it.each([
    ['any($env?.groups ?? [], # in ["/a", "/b"])', ['/a', '/b']],
    ["'/a' in groups", ['/a']],
    ['"/a" in groups or `/b` in groups && email == "x"', ['/a', '/b']],
    ['"/a" in ($env?.groups ?? [])', ['/a']],
    ["any(groups, # in ['/a', '/b'])", ['/a', '/b']],
    ['"it\'s" in groups', ["it's"]],
    ['"a\\"b" in groups', []],
    ['true', []],
    ['email == "x"', []],
    ['any(groups, # startsWith "/teams/")', []],
  ])('%s', (rule, groups) => {
    expect(groupsNamedIn(rule)).toEqual(groups);
  });
});
