import { describe, expect, it } from 'vitest';
import type { Container, Progress } from '../../operator/api/objects.ts';
import * as server from '../../operator/policy/checks-server.ts';
import * as settings from '../../operator/policy/checks-settings.ts';
import type { Observation, ServerObservation } from '../../operator/policy/observation.ts';
import { pasteBlock } from '../../operator/policy/server-paste.ts';
import { renderSso } from '../../operator/policy/server-sso.ts';
import { wantedSso } from '../../operator/policy/server-view.ts';
import { makePolicy, observe } from './fixtures.ts';
import { keycloakDown } from './objects.ts';
import { makeDeployment, observeContainer, observeServer, observeSettings, SPEC } from './server-objects.ts';

const UNMANAGED = { configMap: { name: 'workflow-controller-configmap', manage: false } };
const HELM = { 'helm.sh/chart': 'argo-workflows-1.0.18' };
const NAME = 'ConfigMap argo/workflow-controller-configmap';
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function rightText(): string {
  const want = wantedSso(observeSettings({}));
  if (want === undefined) throw new Error('the policy wants no settings');
  return renderSso(want);
}

const RIGHT = rightText();
const CONFIG = `parallelism: 10\nsso:\n${RIGHT.replace(/^/gm, '  ')}`;

/** Reasons of all checks together. */
function reasons(observation: Observation): readonly string[] {
  return server.SERVER_CHECKS.flatMap(check => check(observation)?.reason ?? []);
}

describe('an Argo Server that is as it should be', () => {
  it.each([
    ['with settings that the operator writes', observeSettings({ sso: RIGHT })],
    ['with settings that the operator is about to write', observeSettings({})],
    [
      'with wrong settings that the operator is about to write',
      observeSettings({ sso: 'issuer: a\npkce: true\n' }),
    ],
    ['with settings that others write', observeSettings({ sso: RIGHT }, UNMANAGED)],
    ['with settings of argo-helm', observeSettings({ config: CONFIG }, {}, HELM)],
    ['that the policy leaves alone', observe(makePolicy({ ...SPEC, server: undefined }))],
    ['of which only the Deployment is named', observeSettings({ sso: '[' }, { configMap: undefined })],
  ])('is told nothing of, %s', (_, observation) => {
    expect(reasons(observation)).toEqual([]);
  });
});

describe('a ConfigMap that is not seen', () => {
  it.each([
    ['missing', { state: 'missing' }, 'SettingsMissing', `spec.server.configMap: ${NAME} does not exist`],
    [
      'forbidden',
      { state: 'unread', forbidden: true, message: 'no' },
      'KubernetesForbidden',
      `the operator may not read ${NAME}; apply the rights`,
    ],
    [
      'not read yet',
      { state: 'unread', forbidden: false, message: 'timeout' },
      'KubernetesUnavailable',
      `${NAME} has not been read yet: timeout`,
    ],
  ] as const)('is told of where it is %s', (_, configMap, reason, message) => {
    const observation = observeServer({ configMap });
    expect(settings.configMapUnseen(observation)).toEqual({
      reason,
      message: expect.stringContaining(message),
      part: 'server',
      blocks: ['server'],
    });
    expect(reasons(observation)).toEqual([reason]);
  });
});

describe('settings that Argo cannot read', () => {
  it.each([
    ['no YAML', { sso: 'issuer: [' }, 'key sso: '],
    ['of the wrong kind', { sso: 'scopes: groups\n' }, 'sso.scopes: '],
    ['broken in another section', { sso: RIGHT, links: '[' }, 'key links: '],
    ['a list', { sso: '- a\n- b\n' }, 'sso is not a block'],
  ])('are left alone and told of: %s', (_, data, message) => {
    const violation = settings.settingsBroken(observeSettings(data));
    expect(violation).toMatchObject({ reason: 'SettingsBroken', part: 'server', blocks: ['server'] });
    expect(violation?.message).toContain(`${NAME} cannot be read (${message}`);
    expect(violation?.message).toContain(`Write under data:\nsso: |\n  issuer: https://sso.example.com`);
  });

  it('are told of with config beside other keys', () => {
    const violation = settings.settingsBroken(observeSettings({ config: CONFIG, sso: RIGHT, links: '' }));
    expect(violation?.message).toContain(
      `${NAME} has the key config beside sso, links, and Argo does not start`,
    );
  });

  it('are told of with keys that this Argo does not know, where the operator does not write them', () => {
    const data = { sso: `${RIGHT}pkce: true\nrootCA: x\n` };
    const message = (image: string) => {
      const seen = observeContainer({ image }, UNMANAGED);
      const { configMap } = observeSettings(data).server;
      return settings.settingsBroken({ ...seen, server: { ...seen.server, configMap } })?.message;
    };
    expect(message('argocli:v3.7.0')).toContain('has in the key sso what Argo does not know: pkce, rootCA');
    expect(message('argocli:v4.1.2')).toContain('has in the key sso what Argo does not know: pkce');
    expect(message('argocli:v4.1.2')).not.toContain('pkce, rootCA');
    expect(settings.settingsBroken(observeSettings(data))).toBeUndefined();
  });

  it('are told of without a block where Keycloak has never told the issuer', () => {
    const seen = { ...observeSettings({ sso: '[' }), keycloak: keycloakDown(0) };
    expect(settings.settingsBroken(seen)?.message).toMatch(/writes nothing$/);
  });
});

describe('settings that differ and that the operator does not write', () => {
  const WRONG = RIGHT.replace('issuer: https://sso', 'issuer: https://old').replace(
    'scopes: []',
    'scopes: [groups]',
  );

  it('are told of with the block to paste, with manage: false', () => {
    const observation = observeSettings({ sso: `${WRONG}issuerAlias: https://alias\n` }, UNMANAGED);
    const want = wantedSso(observation);
    expect(settings.settingsDiffer(observation)).toEqual({
      reason: 'SettingsDiffer',
      message:
        `${NAME}: sso.issuer is https://old.example.com/realms/platform and should be https://sso.example.com/realms/platform; ` +
        'sso.scopes is ["groups"] and should not be set. With spec.server.configMap.manage: false the operator does not write it. ' +
        `Write under data:\n${pasteBlock({ ...want, issuerAlias: 'https://alias' })}`,
      part: 'server',
      blocks: ['server'],
    });
    expect(settings.settingsNotWritable(observation)).toBeUndefined();
  });

  it('are told of where there are none, with manage: false', () => {
    expect(settings.settingsDiffer(observeSettings({}, UNMANAGED))?.message).toContain(
      'sso.issuer is not set and should be https://sso.example.com/realms/platform',
    );
    expect(reasons(observeSettings({}, UNMANAGED))).toEqual(['SettingsDiffer']);
  });

  it('are told of with the values of the chart, where argo-helm made them', () => {
    const violation = settings.settingsNotWritable(
      observeSettings({ config: 'parallelism: 10\n' }, {}, HELM),
    );
    expect(violation?.reason).toBe('SettingsNotWritable');
    expect(violation?.message).toContain(`Set these values of the chart argo-workflows:
server:
  sso:
    enabled: true
    issuer: https://sso.example.com/realms/platform
    clientId:
      name: argo-server-sso
      key: client-id
    clientSecret:
      name: argo-server-sso
      key: client-secret
    redirectUrl: https://workflows.example.com/oauth2/callback
    rbac:
      enabled: true
    scopes: []
`);
  });

  it('are told of with what the chart cannot set', () => {
    const observation = observeSettings({ config: '' }, { rootCA: PEM }, HELM);
    expect(settings.settingsNotWritable(observation)?.message).toContain(
      '# The chart has no value for rootCA',
    );
  });

  it('are told of with the block for config, where a hand made that', () => {
    expect(settings.settingsNotWritable(observeSettings({ config: '' }))?.message).toContain(
      'Write into the text of the key config:\nsso:\n  issuer: https://sso.example.com/realms/platform\n',
    );
  });

  it('are told of by the policy’s own word, where argo-helm made them and manage is false', () => {
    expect(reasons(observeSettings({ config: '' }, UNMANAGED, HELM))).toEqual(['SettingsDiffer']);
  });
});

describe('what is dangerous in settings that the operator does not write', () => {
  it('is told of where roles do not count', () => {
    const sso = RIGHT.replace('enabled: true', 'enabled: false');
    expect(settings.rbacDisabled(observeSettings({ sso }, UNMANAGED))).toMatchObject({
      reason: 'RbacDisabled',
      message: expect.stringContaining('acts with the rights of Argo Server itself'),
      part: 'server',
    });
    expect(settings.rbacDisabled(observeSettings({ sso: 'issuer: a\n' }, UNMANAGED))).toBeDefined();
    expect(settings.rbacDisabled(observeSettings({ sso }))).toBeUndefined();
    expect(settings.rbacDisabled(observeSettings({}, UNMANAGED))).toBeUndefined();
  });

  it('is told of where Keycloak sends nobody back', () => {
    const sso = RIGHT.replace('workflows.example.com', 'old.example.com');
    expect(settings.redirectMismatch(observeSettings({ sso }, UNMANAGED))?.message).toBe(
      `${NAME}: sso.redirectUrl is https://old.example.com/oauth2/callback, which Keycloak refuses for client argo-workflows; ` +
        'set it to https://workflows.example.com/oauth2/callback, or correct spec.client.url',
    );
    const client = { ...SPEC.client, additionalUrls: ['https://old.example.com/'] };
    const policy = makePolicy({ ...SPEC, client, server: UNMANAGED });
    expect(settings.redirectMismatch({ ...observeSettings({ sso }), policy })).toBeUndefined();
    expect(settings.redirectMismatch(observeSettings({ sso }))).toBeUndefined();
    expect(settings.redirectMismatch(observeSettings({ sso: 'issuer: a\n' }, UNMANAGED))).toBeUndefined();
  });

  it('is told of where Keycloak’s certificate is not verified', () => {
    const sso = `${RIGHT}insecureSkipVerify: true\n`;
    expect(reasons(observeSettings({ sso }, UNMANAGED))).toEqual(['TlsNotVerified']);
    expect(reasons(observeSettings({ sso }))).toEqual([]);
  });
});

describe('certificates for Argo Server', () => {
  it.each([
    ['argocli:v4.0.1', undefined],
    ['argocli:v3.7.2', 'Argo Server 3.7 does not start with it; update Argo to 4.0'],
    ['argocli:latest', "Argo Server's version is not known"],
  ])('are told of where %s may not know them: %s', (image, message) => {
    const violation = settings.rootCAUnsupported(observeContainer({ image }, { rootCA: PEM }));
    if (message === undefined) expect(violation).toBeUndefined();
    else expect(violation?.message).toContain(message);
    expect(settings.rootCAUnsupported(observeContainer({ image }))).toBeUndefined();
  });
});

describe('Argo Server’s Deployment', () => {
  it.each([
    ['missing', { state: 'missing' }, 'DeploymentMissing', 'Deployment argo/argo-server does not exist'],
    [
      'forbidden',
      { state: 'unread', forbidden: true, message: '' },
      'KubernetesForbidden',
      'the operator may not read Deployment argo/argo-server',
    ],
    [
      'not read yet',
      { state: 'unread', forbidden: false, message: '' },
      'KubernetesUnavailable',
      'Deployment argo/argo-server has not been read yet',
    ],
  ] as const)('is told of where it is %s', (_, deployment, reason, message) => {
    const observation = observeServer({ deployment });
    const blocks = deployment.state === 'missing' ? [] : ['server'];
    expect(server.deploymentUnseen(observation)).toMatchObject({ reason, blocks });
    expect(server.deploymentUnseen(observation)?.message).toContain(message);
    expect(reasons(observation)).toEqual([reason]);
  });

  it('is told of where it reads other settings', () => {
    const words = ['server', '--auth-mode=sso', '--configmap=other'];
    expect(server.settingsElsewhere(observeContainer({ words }))?.message).toBe(
      'Deployment argo/argo-server reads ConfigMap other (--configmap), and not workflow-controller-configmap; name that one in ' +
        'spec.server.configMap.name, or give Argo Server --configmap=workflow-controller-configmap',
    );
    expect(reasons(observeContainer({ words }, { configMap: { name: 'other' } }))).toEqual([]);
    expect(reasons(observeContainer({ words }, { configMap: undefined }))).toEqual([]);
  });

  it('is told of where it is started without single sign-on', () => {
    const words = ['server', '--auth-mode=client', '--auth-mode', 'server'];
    expect(server.ssoModeMissing(observeContainer({ words }))?.message).toBe(
      'Deployment argo/argo-server starts Argo Server with --auth-mode client, server, so that nobody can sign in through Keycloak; ' +
        'add --auth-mode=sso to its args (with argo-helm: server.authModes)',
    );
    expect(reasons(observeContainer({ words: ['server'] }))).toEqual(['SsoModeMissing']);
    expect(reasons(observeContainer({ words: ['server'], env: { ARGO_AUTH_MODE: 'sso' } }))).toEqual([]);
    expect(reasons(observeContainer({ words: ['server', '--auth-mode=$(MODE)'] }))).toEqual([]);
  });

  it('of which no pod is ready is told with what its pods lack, after what may be the cause of it', () => {
    const seeing = (progress: Progress, seen: Partial<ServerObservation> = {}) => {
      const rollout = {
        progress,
        startedAt: undefined,
        completedAt: undefined,
        why: 'no node takes the pod',
      };
      return observeServer({
        deployment: { state: 'found', object: { ...makeDeployment(), rollout } },
        ...seen,
      });
    };
    expect(server.serverUnavailable(seeing('down'))?.message).toBe(
      'no pod of Deployment argo/argo-server is ready, so that nobody can reach Argo: no node takes the pod; ' +
        'see to its pods, or wait until they have started',
    );
    for (const progress of ['complete', 'degraded', 'rolling', 'failed'] as const) {
      expect(server.serverUnavailable(seeing(progress))).toBeUndefined();
    }
    const told = reasons(seeing('down', { missingAccess: ['get secrets'], cookieKey: 'empty' }));
    expect(told.slice(-3)).toEqual(['ServerAccessMissing', 'ArgoSecretEmpty', 'ServerUnavailable']);
  });

  it('is told of where its account lacks rights', () => {
    const missingAccess = ['get secrets', 'list serviceaccounts'];
    expect(server.serverAccessMissing(observeServer({ missingAccess }))?.message).toContain(
      'ServiceAccount argo/argo-server of Argo Server may not get secrets, list serviceaccounts in its namespace',
    );
    expect(server.serverAccessMissing(observeServer({ missingAccess: undefined }))).toBeUndefined();
  });

  it('is told of where it looks for accounts in another namespace', () => {
    const words = (namespace: string) => [
      'server',
      '--auth-mode=sso',
      '--namespaced',
      '--managed-namespace',
      namespace,
    ];
    expect(server.managedElsewhere(observeContainer({ words: words('runs') }))?.message).toContain(
      'move the roles into a policy without client in namespace runs',
    );
    expect(reasons(observeContainer({ words: words('argo') }))).toEqual([]);
  });

  it('is told of where others rest on delegation', () => {
    const env = { SSO_DELEGATE_RBAC_TO_NAMESPACE: 'true' };
    const words = ['server', '--namespaced'];
    const off = (container: Partial<Container>, delegating: readonly string[]) => {
      const seen = observeContainer(container);
      return server.delegationOff({ ...seen, server: { ...seen.server, delegating } });
    };
    expect(off({}, ['team-a', 'team-b'])?.message).toContain(
      'the policies in team-a, team-b give nobody anything; set SSO_DELEGATE_RBAC_TO_NAMESPACE=true',
    );
    expect(off({ words, env }, ['team-a'])?.message).toContain('start Argo Server without --namespaced');
    expect(off({ env }, ['team-a'])).toBeUndefined();
    expect(off({}, [])).toBeUndefined();
    // Where it looks for accounts in the first place.
    const managed = { words: [...words, '--managed-namespace', 'team-a'] };
    expect(off(managed, ['team-a'])).toBeUndefined();
    expect(off(managed, ['team-a', 'team-b'])?.message).toContain('the policies in team-b give nobody');
  });
});

describe('Argo’s own Secret', () => {
  it('is told of where it is there without its key', () => {
    const told = (cookieKey: ServerObservation['cookieKey']) =>
      server.argoSecretEmpty(observeServer({ cookieKey }));
    expect(told('empty')?.message).toContain('Secret argo/sso is there without the key');
    for (const state of ['missing', 'filled', undefined] as const) expect(told(state)).toBeUndefined();
  });
});

describe('the filter of groups', () => {
  it('is told of where Argo would not start with it', () => {
    const groupFilter = { invalid: [{ regex: '(', message: 'missing closing )' }], dropped: [] };
    expect(server.groupFilterInvalid(observeServer({ groupFilter }))).toEqual({
      reason: 'GroupFilterInvalid',
      message:
        'spec.server.filterGroupsRegex: Argo Server does not start with "(" (missing closing )); correct it (RE2, as in Go)',
      part: 'server',
      blocks: ['server'],
    });
  });

  it('is told of where it drops groups that roles name', () => {
    const groupFilter = { invalid: [], dropped: ['/platform/admins'] };
    expect(server.groupsFiltered(observeServer({ groupFilter }))).toMatchObject({
      reason: 'GroupsFiltered',
      message: expect.stringContaining(
        'drops /platform/admins (role admin), so that nobody gets the role by it',
      ),
      blocks: [],
    });
  });
});
