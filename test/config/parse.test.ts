import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../operator/config.ts';

const WHOLE = `
instanceId: production
formerClusters: [3f0f2c1e-8f5b-4a53-9a0e-6f1c7f0f2b11]
connections:
  - name: default
    url: https://keycloak.example.com/auth/
    realm: platform
    signInRealm: master
    clientId: argo-access-operator
    clientSecretFile: keycloak/client-secret
    caFile: /etc/ssl/keycloak.pem
    resyncPeriod: 1m30s
namespaces:
  - name: argo
    connections: [{ name: default, realms: [platform, staff] }]
    clientIds: [argo-*]
    urls: ['https://*.example.com/argo']
    groups: [/platform/*]
    clusterRoles: [{ name: 'argo:admin', namespaces: [argo, team-a] }]
    roles: [{ name: approver, namespaces: [argo] }]
    configMaps: [workflow-controller-configmap]
    deployments: [argo-server]
    adopt: true
    everyone: true
    when: true
    shortGroupNames: true
`;

const CONNECTION = `
  - name: default
    url: https://keycloak.example.com
    realm: platform
    clientId: operator
    clientSecretEnv: KEYCLOAK_SECRET
`;

function messageOf(text: string): string {
  try {
    parseConfig(text, 'config.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('a configuration', () => {
  it('is read with every field, and paths in it start from its own folder', () => {
    expect(parseConfig(WHOLE, '/etc/argo-access/config.yaml')).toEqual({
      instanceId: 'production',
      formerClusters: ['3f0f2c1e-8f5b-4a53-9a0e-6f1c7f0f2b11'],
      connections: [
        {
          name: 'default',
          url: 'https://keycloak.example.com/auth',
          realm: 'platform',
          signInRealm: 'master',
          clientId: 'argo-access-operator',
          clientSecret: { kind: 'file', path: '/etc/argo-access/keycloak/client-secret' },
          caFile: '/etc/ssl/keycloak.pem',
          resyncPeriodMs: 90_000,
        },
      ],
      namespaces: [
        {
          name: 'argo',
          connections: [{ name: 'default', realms: ['platform', 'staff'] }],
          clientIds: ['argo-*'],
          urls: ['https://*.example.com/argo'],
          groups: ['/platform/*'],
          clusterRoles: [{ name: 'argo:admin', namespaces: ['argo', 'team-a'] }],
          roles: [{ name: 'approver', namespaces: ['argo'] }],
          configMaps: ['workflow-controller-configmap'],
          deployments: ['argo-server'],
          adopt: true,
          everyone: true,
          when: true,
          shortGroupNames: true,
        },
      ],
    });
  });

  it('allows nothing that it does not name', () => {
    const { formerClusters, connections, namespaces } = parseConfig(
      'instanceId: a\nnamespaces: [{ name: argo }]',
      'config.yaml',
    );
    expect({ formerClusters, connections }).toEqual({ formerClusters: [], connections: [] });
    expect(namespaces).toEqual([
      {
        name: 'argo',
        connections: [],
        clientIds: [],
        urls: [],
        groups: [],
        clusterRoles: [],
        roles: [],
        configMaps: [],
        deployments: [],
        adopt: false,
        everyone: false,
        when: false,
        shortGroupNames: false,
      },
    ]);
  });

  it("takes the connection's realm for signing in and for namespaces that name none, and compares each 5 minutes", () => {
    const { connections, namespaces } = parseConfig(
      `instanceId: a\nconnections: ${CONNECTION}namespaces: [{ name: argo, connections: [{ name: default }] }]`,
      'config.yaml',
    );
    expect(connections).toEqual([
      {
        name: 'default',
        url: 'https://keycloak.example.com',
        realm: 'platform',
        signInRealm: 'platform',
        clientId: 'operator',
        clientSecret: { kind: 'env', variable: 'KEYCLOAK_SECRET' },
        resyncPeriodMs: 300_000,
      },
    ]);
    expect(namespaces[0]?.connections).toEqual([{ name: 'default', realms: ['platform'] }]);
  });

  it.each([
    ['1s', 1_000],
    ['1.5h', 5_400_000],
    ['1h30m10s500ms', 5_410_500],
    ['24h', 86_400_000],
  ])('takes the duration %s as Go would', (written, milliseconds) => {
    const text = `instanceId: a\nconnections: ${CONNECTION}    resyncPeriod: ${written}`;
    expect(parseConfig(text, 'config.yaml').connections[0]?.resyncPeriodMs).toBe(milliseconds);
  });

  it('that cannot be read says so', async () => {
    await expect(loadConfig('/nowhere/config.yaml')).rejects.toThrow(
      'file /nowhere/config.yaml with the configuration cannot be read (ENOENT); write it, or correct the path',
    );
  });
});

describe('what is wrong with a configuration is said with its place and the remedy:', () => {
  const connection = (field: string, without?: string) =>
    `instanceId: a\nconnections: ${CONNECTION.split('\n')
      .filter(line => without === undefined || !line.includes(without))
      .join('\n')}    ${field}`;
  const namespace = (field: string) =>
    `instanceId: a\nconnections: ${CONNECTION}namespaces:\n  - name: argo\n    ${field}`;

  it.each([
    ['nothing in it', '# only a comment', 'config.yaml: is empty; it needs at least instanceId'],
    [
      'a list instead of fields',
      '- a',
      'config.yaml:1:1: must have fields of its own, such as { instanceId: production }',
    ],
    [
      'no instanceId',
      'namespaces: []',
      'config.yaml:1:1: instanceId: is missing; it is a name of this operator that no other operator at the same Keycloak has',
    ],
    [
      'an instanceId that is no label',
      'instanceId: Prod_1',
      'config.yaml:1:1: instanceId: must be lower-case letters, digits and dashes, with a letter or digit at both ends',
    ],
    [
      'an instanceId that YAML takes for a number',
      'instanceId: 7',
      'config.yaml:1:1: instanceId: must be text, a name of this operator that no other operator at the same Keycloak has; put a number in quotes',
    ],
    [
      'a field that does not exist',
      'instanceId: a\nnamespace: []',
      'config.yaml:2:1: namespace: unknown field; the fields here are instanceId, formerClusters, connections, namespaces',
    ],
    [
      'a field with nothing in it',
      'instanceId: a\nnamespaces:',
      'config.yaml:2:1: namespaces: must be a list: one entry a line, each after a dash, or [] for none',
    ],
    [
      "a cluster's name instead of its uid",
      'instanceId: a\nformerClusters: [old-cluster]',
      "config.yaml:2:18: formerClusters[0]: is not a cluster's uid; that is the uid of its namespace kube-system: kubectl get namespace kube-system -o jsonpath={.metadata.uid}",
    ],
    [
      'the issuer instead of the base address',
      connection('url: https://keycloak.example.com/realms/platform', 'url'),
      "config.yaml:7:5: connections[default].url: must be Keycloak's base address: leave out /realms/… or /admin/…, and give the realm as realm",
    ],
    [
      'a base address without scheme',
      connection('url: keycloak.example.com', 'url'),
      "config.yaml:7:5: connections[default].url: must be Keycloak's base address, such as https://keycloak.example.com",
    ],
    [
      'a base address with a password',
      connection('url: https://admin:hunter2@keycloak.example.com', 'url'),
      'config.yaml:7:5: connections[default].url: must not contain a user or password; the operator signs in with clientId and its secret',
    ],
    [
      'a base address with a query',
      connection('url: https://keycloak.example.com/?a=b', 'url'),
      'config.yaml:7:5: connections[default].url: must have no query and no fragment',
    ],
    [
      'a realm with a pattern',
      connection("realm: 'plat*'", 'realm'),
      'config.yaml:7:5: connections[default].realm: must be the realm of policies that name none, written out: no address, and no pattern',
    ],
    [
      'the secret itself',
      connection('clientSecret: hunter2'),
      'config.yaml:8:5: connections[default].clientSecret: a secret never stands here; name its file by clientSecretFile, or its variable by clientSecretEnv',
    ],
    [
      'two secrets',
      connection('clientSecretFile: secret'),
      'config.yaml:3:5: connections[default]: has two secrets for clientId; give either clientSecretFile or clientSecretEnv',
    ],
    [
      'no secret',
      connection('', 'clientSecretEnv'),
      'config.yaml:3:5: connections[default]: has no secret for clientId; give either clientSecretFile or clientSecretEnv',
    ],
    [
      'the value of a variable instead of its name',
      connection('clientSecretEnv: $hunter2', 'clientSecretEnv'),
      'config.yaml:7:5: connections[default].clientSecretEnv: must be the name of an environment variable; neither its value nor a $ before it',
    ],
    [
      'a duration without unit',
      connection('resyncPeriod: "300"'),
      'config.yaml:8:5: connections[default].resyncPeriod: must be a duration from 1s to 24h, such as 90s, 5m or 1h30m',
    ],
    [
      'a period that would never rest',
      connection('resyncPeriod: 999ms'),
      'config.yaml:8:5: connections[default].resyncPeriod: must be a duration from 1s to 24h, such as 90s, 5m or 1h30m',
    ],
    [
      'a connection of the same name',
      `instanceId: a\nconnections: ${CONNECTION}${CONNECTION.slice(1)}`,
      'config.yaml:8:5: connections[default].name: is there twice; make one entry of the two',
    ],
    [
      'a namespace that is served twice',
      'instanceId: a\nnamespaces: [{ name: argo }, { name: argo }]',
      'config.yaml:2:32: namespaces[argo].name: is there twice; make one entry of the two',
    ],
    [
      'a pattern for namespaces',
      "instanceId: a\nnamespaces: [{ name: 'team-*' }]",
      'config.yaml:2:16: namespaces[team-*].name: is not the name of a namespace; each namespace is written out, there are no patterns here',
    ],
    [
      'a namespace without fields',
      'instanceId: a\nnamespaces: [argo]',
      'config.yaml:2:14: namespaces[0]: must have fields of its own, such as { name: argo, connections: [{ name: default }], … }',
    ],
    [
      'a connection that does not exist',
      namespace('connections: [{ name: defualt }]'),
      'config.yaml:10:21: namespaces[argo].connections[defualt].name: is none of the connections above; there are default',
    ],
    [
      'a connection where there is none',
      'instanceId: a\nnamespaces: [{ name: argo, connections: [{ name: default }] }]',
      'config.yaml:2:44: namespaces[argo].connections[default].name: is none of the connections above; there are none',
    ],
    [
      'no realm at all',
      namespace('connections: [{ name: default, realms: [] }]'),
      "config.yaml:10:36: namespaces[argo].connections[default].realms: is empty; name the realms, or leave it out for the connection's own realm",
    ],
    [
      'a pattern for realms',
      namespace("connections: [{ name: default, realms: ['*'] }]"),
      'config.yaml:10:45: namespaces[argo].connections[default].realms[0]: must be the name of a realm, written out: no address, and no pattern',
    ],
    [
      'a pattern across slashes',
      namespace("groups: ['/teams/**']"),
      'config.yaml:10:14: namespaces[argo].groups[0]: has ** in it; one * stands for all but a slash, so write an entry for each depth, such as /a/* and /a/*/*',
    ],
    [
      'one text for a list',
      namespace('groups: /teams/*'),
      'config.yaml:10:5: namespaces[argo].groups: must be a list: one entry a line, each after a dash, or [] for none',
    ],
    [
      'a host for a URL',
      namespace("urls: ['*.example.com']"),
      'config.yaml:10:12: namespaces[argo].urls[0]: is not a URL like https://*.example.com/argo: scheme http or https, host, port and path; no pattern for the scheme or the port, no user, query or fragment',
    ],
    [
      'a pattern for ClusterRoles',
      namespace("clusterRoles: [{ name: 'argo-*', namespaces: [argo] }]"),
      'config.yaml:10:22: namespaces[argo].clusterRoles[argo-*].name: must be the name of a ClusterRole, written out; there are no patterns here, and no / or %',
    ],
    [
      'a ClusterRole that may be granted nowhere',
      namespace('clusterRoles: [{ name: view }]'),
      'config.yaml:10:20: namespaces[argo].clusterRoles[view].namespaces: must be the list of namespaces in which the ClusterRole may be granted',
    ],
    [
      'a ClusterRole with no namespaces',
      namespace('clusterRoles: [{ name: view, namespaces: [] }]'),
      'config.yaml:10:34: namespaces[argo].clusterRoles[view].namespaces: is empty; name the namespaces in which the ClusterRole may be granted',
    ],
    [
      'a Role in every namespace',
      namespace("roles: [{ name: view, namespaces: ['*'] }]"),
      'config.yaml:10:40: namespaces[argo].roles[view].namespaces[0]: is not the name of a namespace; each namespace is written out, there are no patterns here',
    ],
    [
      'a ClusterRole that is named twice',
      namespace('clusterRoles: [{ name: view, namespaces: [a] }, { name: view, namespaces: [b] }]'),
      'config.yaml:10:55: namespaces[argo].clusterRoles[view].name: is there twice; make one entry of the two',
    ],
    [
      'a pattern for ConfigMaps',
      namespace("configMaps: ['argo-*']"),
      "config.yaml:10:18: namespaces[argo].configMaps[0]: must be the name of a ConfigMap with Argo's settings, written out; there are no patterns here, and no / or %",
    ],
    [
      'a Deployment of another namespace',
      namespace('deployments: [kube-system/argo-server]'),
      "config.yaml:10:19: namespaces[argo].deployments[0]: must be the name of an Argo Server's Deployment, written out; there are no patterns here, and no / or %",
    ],
    [
      'yes instead of true',
      namespace('everyone: yes'),
      'config.yaml:10:5: namespaces[argo].everyone: must be true or false, without quotes',
    ],
    [
      "the policy's name of a setting",
      namespace('fullPath: false'),
      'config.yaml:10:5: namespaces[argo].fullPath: unknown field; shortGroupNames: true lets policies of this namespace write fullPath: false',
    ],
    [
      'a key that is there twice',
      'instanceId: a\ninstanceId: b',
      'config.yaml:2:1: is not right as YAML: Map keys must be unique',
    ],
    [
      'two documents',
      'instanceId: a\n---\ninstanceId: b',
      'config.yaml:2:1: is not right as YAML: it has several documents; make them one',
    ],
  ])('%s', (_, text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  it('all that is wrong, in the order of the file', () => {
    expect(messageOf('namespaces: 1\nconnections: 2\nadopt: true').split('\n')).toEqual([
      'config.yaml:1:1: instanceId: is missing; it is a name of this operator that no other operator at the same Keycloak has',
      'config.yaml:1:1: namespaces: must be a list: one entry a line, each after a dash, or [] for none',
      'config.yaml:2:1: connections: must be a list: one entry a line, each after a dash, or [] for none',
      'config.yaml:3:1: adopt: unknown field; the fields here are instanceId, formerClusters, connections, namespaces',
    ]);
  });

  it.each([
    'instanceId: a\nclientSecret: "hunter2',
    'instanceId: a\nclientSecret: hunter2: x',
    'instanceId: a\n@hunter2',
    'instanceId: a\nclientSecret: "x" hunter2',
    'instanceId: a\nconnections: [{ clientSecret: hunter2, url: "https://a:hunter2@b" }]',
  ])('never with the value of a secret that was written there by mistake (%#)', text => {
    expect(messageOf(text)).toMatch(/^config\.yaml:/);
    expect(messageOf(text)).not.toContain('hunter2');
  });
});
