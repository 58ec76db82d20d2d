import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { painter, widthOf } from '../../operator/cli/live/layout.ts';
import { policyList, policyScreen, type Screen } from '../../operator/cli/status/text.ts';
import { viewPolicy } from '../../operator/cli/status/view.ts';
import { read } from '../docs-pages.ts';
import { NOW } from '../policy/fixtures.ts';
import { at, condition, FINE, policyWith, SPEC, statusWith } from './status-fixtures.ts';

const SCREEN: Screen = { paint: painter(false), columns: 100, now: NOW };

const EVENTS = [
  {
    type: 'Normal',
    reason: 'Rotating',
    message:
      'client argo-workflows got a new secret, which Secret argo-server-sso takes over: it was due by the schedule',
    time: at(-300_000),
    count: 1,
  },
  {
    type: 'Warning',
    reason: 'GroupMissing',
    message: 'realm platform has no group /platform/on-call',
    time: at(-45_000),
    count: 3,
  },
];

const FAILED =
  'the rollout of Deployment argo-server does not come to its end: Back-off pulling image "quay.io/argoproj/argocli:v9"; mend it, for there is no new secret before';

/** Argo Server does not come up, a group is missing, and an old secret is still valid. */
const TROUBLED = statusWith(
  [
    condition('Ready', 'False', 'RotationFailed', FAILED),
    condition('Stalled', 'True', 'RotationFailed', FAILED),
    condition('ServerReady', 'False', 'RotationFailed', FAILED),
    condition(
      'RolesReady',
      'True',
      'GroupMissing',
      'role admin: realm platform has no group /platform/on-call; create it there, or correct spec.roles[0].groups | role viewer can never match',
    ),
  ],
  {
    roles: [
      {
        name: 'admin',
        serviceAccount: 'workflows-admin',
        precedence: 1000,
        missingGroups: ['/platform/on-call'],
      },
      { name: 'viewer', serviceAccount: 'workflows-viewer', precedence: 990 },
    ],
    secret: {
      name: 'argo-server-sso',
      revision: 5,
      lastRotated: at(-300_000),
      nextRotation: at(86_400_000),
      overlapUntil: at(5_400_000),
    },
  },
);

describe('the screen of one policy', () => {
  it('shows all of one that is ready', () => {
    expect(policyScreen(viewPolicy(policyWith(), EVENTS.slice(0, 1)), SCREEN)).toBe(
      `argo/workflows  ✓ Ready for 3d
✓ Client  the Keycloak client is as the policy says
✓ Secret  the Secret holds what Keycloak accepts
✓ Server  Argo Server's settings are as the policy says
✓ Roles   accounts, rules, tokens and grants are as the policy says

Client    argo-workflows in realm platform of connection default
          for https://workflows.example.com
          issuer https://sso.example.com/realms/platform
Secret    argo-server-sso, revision 4, which Keycloak accepts
          rotated 2026-02-23T12:00:00Z (6d ago)
          next rotation 2026-03-02T12:00:00Z (in 24h), schedule 0 3 * * 0 (Europe/Berlin)
Server    Deployment argo-server, ConfigMap workflow-controller-configmap
Roles     admin   workflows-admin   1000  /platform/admins, /platform/on-call
          viewer  workflows-viewer  990   everyone

Events    5m ago  Normal  Rotating  client argo-workflows got a new secret, which Secret
                                    argo-server-sso takes over: it was due by the schedule
`,
    );
  });

  it('says of each part what is wrong, once, with each finding on lines of its own', () => {
    expect(policyScreen(viewPolicy(policyWith(TROUBLED), EVENTS), SCREEN)).toBe(
      `argo/workflows  ✗ Stalled for 3d
✓ Client  the Keycloak client is as the policy says
✓ Secret  the Secret holds what Keycloak accepts
✗ Server  RotationFailed: the rollout of Deployment argo-server does not come to its end: Back-off
          pulling image "quay.io/argoproj/argocli:v9"; mend it, for there is no new secret before
! Roles   GroupMissing: role admin: realm platform has no group /platform/on-call; create it there,
          or correct spec.roles[0].groups
          role viewer can never match

Client    argo-workflows in realm platform of connection default
          for https://workflows.example.com
          issuer https://sso.example.com/realms/platform
Secret    argo-server-sso, revision 5, not tried at Keycloak yet
          rotated 2026-03-01T11:55:00Z (5m ago)
          next rotation 2026-03-02T12:00:00Z (in 24h), schedule 0 3 * * 0 (Europe/Berlin)
          the old secret stays valid until 2026-03-01T13:30:00Z (in 90m)
Server    Deployment argo-server, ConfigMap workflow-controller-configmap
Roles     admin   workflows-admin   1000  /platform/admins, /platform/on-call
            ! Keycloak has no group /platform/on-call: nobody gets in by it
          viewer  workflows-viewer  990   everyone

Events    5m ago   Normal   Rotating                client argo-workflows got a new secret, which
                                                    Secret argo-server-sso takes over: it was due by
                                                    the schedule
          45s ago  Warning  GroupMissing (3 times)  realm platform has no group /platform/on-call
`,
    );
  });

  it('says why nothing is done for a policy, which then has no parts', () => {
    const why = "namespace argo is not in the operator's configuration; add it there";
    const status = {
      observedGeneration: 1,
      conditions: [
        condition('Ready', 'False', 'NamespaceNotServed', why),
        condition('Stalled', 'True', 'NamespaceNotServed', why),
      ],
      summary: { roles: '0/2' },
    };
    const view = viewPolicy(policyWith(status, { client: undefined, server: undefined }), []);
    expect(policyScreen(view, SCREEN)).toBe(
      `argo/workflows  ✗ Stalled for 3d
  NamespaceNotServed: ${why}

Roles     admin   workflows-admin   -  /platform/admins, /platform/on-call
          viewer  workflows-viewer  -  everyone

Events    none of late
`,
    );
  });

  it('wraps nothing where it is no terminal, and leaves out events that were not read', () => {
    const text = policyScreen(viewPolicy(policyWith(TROUBLED)), { ...SCREEN, columns: undefined });
    expect(text).toContain(`✗ Server  RotationFailed: ${FAILED}\n`);
    expect(text).not.toContain('Events');
  });

  it('shows a role by an expression, and one whose groups hold what a terminal would obey', () => {
    const roles = [
      { name: 'a', when: 'email endsWith "@example.com"' },
      { name: 'b', groups: ['/\u001b[31mred'] },
    ];
    const text = policyScreen(viewPolicy(policyWith(FINE, { roles: [roles[0]] })), SCREEN);
    expect(text).toContain('a  workflows-a  -  when email endsWith "@example.com"\n');
    const policy = policyWith();
    const forged = { ...policy, spec: { ...policy.spec, roles: [{ ...roles[1], grants: [] }] } } as never;
    expect(policyScreen(viewPolicy(forged), SCREEN)).not.toContain('\u001b');
  });

  it.each([60, 80, 100, 132])('is not wider than %i columns', columns => {
    const text = policyScreen(viewPolicy(policyWith(TROUBLED), EVENTS), {
      ...SCREEN,
      columns,
      paint: painter(true),
    });
    const widths = text.split('\n').map(widthOf);
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns === 60 ? 80 : columns);
  });

  it('says the same in colours', () => {
    const view = viewPolicy(policyWith(TROUBLED), EVENTS);
    const coloured = policyScreen(view, { ...SCREEN, paint: painter(true) });
    expect(coloured).toContain('\u001b[31m✗');
    expect(stripVTControlCharacters(coloured)).toBe(policyScreen(view, SCREEN));
  });
});

it('docs/cli.md shows such a screen as it is', () => {
  const [, shown] =
    /\$ argo-access status workflows --namespace argo\n([\s\S]*?)```/.exec(read('docs/cli.md')) ?? [];
  expect(shown).toBe(policyScreen(viewPolicy(policyWith(TROUBLED), EVENTS), SCREEN));
});

describe('the state of a policy', () => {
  const ready = (status: 'True' | 'False' | 'Unknown', reason: string) =>
    condition('Ready', status, reason, 'a sentence');

  it.each([
    ['Ready', policyWith()],
    ['NotLookedAt', policyWith({})],
    ['NotLookedAt', policyWith(FINE, {}, { metadata: { generation: 2 } })],
    ['Stalled', policyWith(TROUBLED)],
    ['Reconciling', policyWith(statusWith([ready('False', 'Progressing')]))],
    ['Suspended', policyWith(statusWith([ready('Unknown', 'Suspended')]), { suspend: true })],
    [
      'Deleting',
      policyWith(statusWith([ready('False', 'Deleting')]), {}, { metadata: { deletionTimestamp: at(0) } }),
    ],
  ])('is %s', (state, policy) => {
    expect(viewPolicy(policy).state).toBe(state);
  });

  it('is told for programs with everything that the screen shows', () => {
    expect(viewPolicy(policyWith(TROUBLED), EVENTS)).toMatchObject({
      namespace: 'argo',
      name: 'workflows',
      state: 'Stalled',
      reason: 'RotationFailed',
      standing: '2/2',
      parts: [{ part: 'Client', status: 'True' }, { part: 'Secret' }, { part: 'Server' }, { part: 'Roles' }],
      client: { clientId: 'argo-workflows', realm: 'platform', adopted: false },
      secret: { name: 'argo-server-sso', revision: 5, proved: false, overlapUntil: at(5_400_000) },
      server: { deployment: 'argo-server', configMap: 'workflow-controller-configmap' },
      roles: [
        {
          name: 'admin',
          for: '/platform/admins, /platform/on-call',
          missingGroups: ['/platform/on-call'],
        },
        { name: 'viewer', for: 'everyone', missingGroups: [] },
      ],
      events: EVENTS,
    });
  });
});

describe('the list of policies', () => {
  it('has a line for each, with what is wrong below it', () => {
    const ofRoles = {
      observedGeneration: 1,
      conditions: [
        condition('Ready', 'True', 'GroupMissing', 'role a: realm platform has no group /teams/a'),
        condition('RolesReady', 'True', 'GroupMissing', 'role a: realm platform has no group /teams/a'),
      ],
      summary: { roles: '2/2' },
    };
    const views = [
      policyWith(),
      policyWith(TROUBLED, {}, { name: 'second' }),
      policyWith(ofRoles, { ...SPEC, client: undefined, server: undefined }, { name: 'team' }),
      policyWith({}, {}, { name: 'new' }),
    ].map(policy => viewPolicy(policy));
    expect(policyList(views, SCREEN)).toBe(
      `argo/workflows  ✓ Ready for 3d       roles 2/2  argo-workflows  rotated 6d ago, next in 24h
argo/second     ✗ Stalled for 3d     roles 2/2  argo-workflows  rotated 5m ago, next in 24h
    RotationFailed: the rollout of Deployment argo-server does not come to its end: Back-off pulling
    image "quay.io/argoproj/argocli:v9"; mend it, for there is no new secret before
argo/team       ✓ Ready for 3d       roles 2/2  -               -
    GroupMissing: role a: realm platform has no group /teams/a
argo/new        ? not looked at yet  roles 0/2  argo-workflows
    the operator has not looked at it yet; see whether it runs
4 policies: 2 not ready
`,
    );
  });
});
