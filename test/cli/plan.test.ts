import { describe, expect, it } from 'vitest';
import type { Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { type FilePolicy, readFiles } from '../../operator/cli/plan/files.ts';
import { mergePolicies, refusedUpdates } from '../../operator/cli/plan/policies.ts';
import { type PlanReport, reportGroups, reportPolicy } from '../../operator/cli/plan/report.ts';
import { secretOf, supposeHeld, supposeThere } from '../../operator/cli/plan/secrets.ts';
import { type Holders, holdersOf, planAround, sharedKey } from '../../operator/cli/plan/taken.ts';
import { asText } from '../../operator/cli/plan/text.ts';
import { NO_SERVER } from '../../operator/policy/nothing-seen.ts';
import type { Observation, ServerObservation } from '../../operator/policy/observation.ts';
import { type Prospect, planUntilQuiet } from '../../operator/policy/prospect.ts';
import { Reason } from '../../operator/policy/reasons.ts';
import { blocks } from '../docs-pages.ts';
import { makeFolder } from '../kubernetes/kubeconfigs.ts';
import { ALLOWANCE, makeClient, makePolicy, observe } from '../policy/fixtures.ts';
import { keycloakWith, makeAccount, SPEC, settledPolicy } from '../policy/objects.ts';
import { makeConfigMap, makeDeployment, SPEC as SERVER_SPEC } from '../policy/server-objects.ts';
import { argoAccess } from './command-line.ts';

const PLAIN = { colours: false };
const CLIENT_SECRET = 'correct-horse-battery';

function prospectOf(observation: Observation): Prospect {
  const [prospect] = planUntilQuiet([observation]);
  if (prospect === undefined) throw new Error('no prospect');
  return prospect;
}

/** What is observed once a policy is in sync. */
function settled(policy: Policy = makePolicy(SPEC)): Observation {
  return prospectOf(observe(policy, { keycloak: keycloakWith(undefined) })).end;
}

type Merge = Parameters<typeof reportPolicy>[0]['merge'];

function reportOf(observation: Observation, merge: Merge = 'update'): PlanReport {
  const prospect = prospectOf(observation);
  const policy = reportPolicy({ policy: observation.policy, before: undefined, merge }, prospect);
  return {
    policies: [policy],
    people: reportGroups([prospect]),
    changes: policy.changes.length > 0,
    plannedAt: '2026-03-01T12:00:00Z',
    notes: [],
  };
}

/** A policy that is in sync, with another spec. */
function changed(spec: unknown, end = settled()): Observation {
  return { ...end, policy: { ...end.policy, spec: makePolicy(spec).spec } };
}

const [ADMIN, VIEWER] = SPEC.roles;

describe('a plan for people', () => {
  it('is what the documentation shows', () => {
    const end = settled(
      makePolicy({ roles: [{ ...VIEWER, grants: [{ clusterRole: 'argo-access-viewer' }] }] }),
    );
    const text = asText(reportOf(changed({ roles: [VIEWER] }, end)), PLAIN);
    const [shown = ''] = blocks('docs/cli.md', 'console').filter(block =>
      block.includes('$ argo-access plan'),
    );
    expect(shown.split('\n').slice(1).join('\n').trim()).toBe(text.trim());
  });

  it('shows no secret, and says what is not known yet', () => {
    const report = reportOf(observe(makePolicy(SPEC), { keycloak: keycloakWith(undefined) }), 'create');
    const all = JSON.stringify(report) + asText(report, PLAIN);
    expect(all).not.toMatch(/known-after-apply/);
    const fields = report.policies.flatMap(({ changes }) => changes.flatMap(each => each.fields));
    const newValue = (name: string) => fields.find(({ field }) => field === name)?.after;
    expect(newValue('secret')).toBe('(secret)');
    expect(newValue('data[client-secret]')).toBe('(secret)');
    expect(newValue('metadata.annotations[argo-access.io/revision]')).toBe('1');
    expect(newValue('metadata.annotations[argo-access.io/secret-since]')).toBe('(known after apply)');
  });

  it('shows no secret that it knows', () => {
    const end = settled();
    const secret = new SecretValue(CLIENT_SECRET);
    const client = {
      ...makeClient(),
      ...(end.keycloak.state === 'Observed' ? end.keycloak.client : {}),
      secret,
    };
    const keycloak = keycloakWith(client);
    const report = reportOf({
      ...changed({ ...SPEC, client: { ...SPEC.client, url: 'https://b.example.com' } }, end),
      keycloak,
    });
    expect(report.changes).toBe(true);
    expect(JSON.stringify(report)).not.toContain(CLIENT_SECRET);
    expect(JSON.stringify(report.policies[0]?.changes)).toContain(
      '{"field":"data[client-secret]","before":"(secret)","after":"(secret)"}',
    );
  });

  it('says what stands in the way, and that the policy will not be ready', () => {
    const report = reportOf(observe(makePolicy(SPEC), { allowance: undefined }), 'create');
    expect(asText(report, PLAIN)).toMatch(
      / {2}! NamespaceNotServed: namespace argo is not served.*\n {2}nothing is written/,
    );
    expect(asText(report, PLAIN)).toContain('No changes. 1 policy will not be ready.');
  });

  it('says whom a change denies for a while', () => {
    const report = reportOf(changed({ ...SPEC, roles: [VIEWER, ADMIN] }));
    const notes = report.policies.flatMap(({ changes }) => changes.map(({ note }) => note));
    expect(notes).toContain('whoever its rule matches is denied until the rest is done');
  });

  it('holds nothing against a policy that is gone then, such as a name that another has taken up', () => {
    const { policy, ...rest } = settled();
    const metadata = { ...policy.metadata, deletionTimestamp: '2026-03-01T12:00:00Z' };
    const going = { ...policy, metadata };
    const prospect = prospectOf({ ...rest, policy: going });
    const taken = {
      part: 'secret',
      reason: Reason.NameTaken,
      message: 'is taken',
      blocks: ['secret'],
    } as const;
    const report = (end: Observation) =>
      reportPolicy(
        { policy: going, before: policy, merge: 'delete' },
        { ...prospect, end, violations: [taken] },
      );
    expect(report(prospect.end).problems).toEqual([]);
    expect(report(prospect.start).problems).toEqual([{ reason: 'NameTaken', message: 'is taken' }]);
  });

  it('leaves out policies of no file that nothing becomes of', () => {
    const report = reportOf(settled(), 'none');
    expect(asText(report, PLAIN)).toBe('No changes.\n');
  });

  it('wraps what is long for a terminal, below its own beginning', () => {
    const text = asText(reportOf(observe(makePolicy(SPEC), { allowance: undefined })), {
      ...PLAIN,
      columns: 60,
    });
    expect(text.split('\n').every(line => line.length <= 60)).toBe(true);
    expect(text).toMatch(/\n {4}\S/);
  });
});

function fileOf(policy: Policy, more: Partial<FilePolicy> = {}): FilePolicy {
  const place = { file: 'a.yaml', line: 3, column: 5 };
  return { policy, placeOf: () => place, labels: {}, annotations: {}, ...more };
}

describe('with --exit-code', () => {
  it.each([
    ['a wrong configuration', 'instanceId: ""\n'],
    ['none', undefined],
  ])('%s is no change, and ends with 2', async (_, text) => {
    const folder = await makeFolder();
    const cluster = { name: 'a', cluster: { server: 'https://a.example.com' } };
    const contexts = [{ name: 'a', context: { cluster: 'a', user: 'a' } }];
    const users = [{ name: 'a', user: {} }];
    const kubeconfig = JSON.stringify({ clusters: [cluster], contexts, users, 'current-context': 'a' });
    const access = ['--kubeconfig', await folder.write('kubeconfig', kubeconfig)];
    const path = text === undefined ? folder.path('config.yaml') : await folder.write('config.yaml', text);
    const { code, out, err } = await argoAccess(['plan', ...access, '--config', path, '--exit-code', '-']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(path);
    await folder.remove();
  });
});

describe('files', () => {
  const read = (text: string) => readFiles([{ file: 'a.yaml', text }], { namespace: 'argo', wrong: 1 });
  const POLICY = [
    'apiVersion: argo-access.io/v1alpha1',
    'kind: ArgoAccessPolicy',
    'metadata: { name: a, labels: { x: gold }, annotations: { z: "1" } }',
    'spec: { roles: [{ name: all, everyone: true }] }',
  ].join('\n');

  it('give policies with their labels and annotations, in the namespace at hand', () => {
    const [file, ...rest] = read(`kind: Other\n---\n${POLICY}`);
    expect(rest).toEqual([]);
    expect(file).toMatchObject({
      policy: { metadata: { name: 'a', namespace: 'argo' } },
      labels: { x: 'gold' },
      annotations: { z: '1' },
    });
  });

  it.each([
    ['is no YAML', `${POLICY}\n  - [`, /a\.yaml:\d+:\d+: error: is not right as YAML/],
    [
      'does not fit the contract',
      POLICY.replace('everyone: true', 'everyone: maybe'),
      /spec\.roles\[0\]\.everyone/,
    ],
    [
      'is there twice',
      `${POLICY}\n---\n${POLICY}`,
      /a\.yaml:8:\d+: error: metadata\.name: policy argo\/a is there already/,
    ],
  ])('end the command with all that %s', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow('nothing is planned until that is mended');
  });
});

/** What the API server notes of who manages the settings. */
function settingsHeldBy(...managers: readonly string[]) {
  const managedFields = managers.map(manager => ({ manager, fieldsV1: { 'f:data': { 'f:sso': {} } } }));
  return { metadata: { managedFields } };
}

describe('a field of others', () => {
  it('is held by all managers of it but the operator', () => {
    expect(holdersOf('ConfigMap', settingsHeldBy('helm', 'argo-access-operator', 'helm'))).toEqual(['helm']);
    expect(holdersOf('Deployment', settingsHeldBy('helm'))).toEqual([]);
    expect(holdersOf('ConfigMap', {})).toEqual([]);
  });

  it('stays as it is, with what rests on it, and whoever holds it is named', () => {
    const policy = makePolicy(SERVER_SPEC);
    const settings = 'workflow-controller-configmap';
    const allowance = { ...ALLOWANCE, configMaps: [settings], deployments: ['argo-server'] };
    const server: ServerObservation = {
      ...NO_SERVER,
      configMap: { state: 'found', object: makeConfigMap({}) },
      deployment: { state: 'found', object: makeDeployment() },
    };
    const observation = observe(policy, { allowance, server, keycloak: keycloakWith(undefined) });
    const kinds = (holders: Holders) =>
      planAround([observation], holders)[0]?.changes.map(({ change }) => change.kind) ?? [];
    expect(kinds(new Map())).toContain('ApplySettings');
    expect(kinds(new Map())).toContain('RollDeployment');
    const holders = new Map([[sharedKey('ConfigMap', { namespace: 'argo', name: settings }), ['helm']]]);
    expect(kinds(holders)).not.toContain('ApplySettings');
    expect(kinds(holders)).not.toContain('RollDeployment');
    const [prospect] = planAround([observation], holders);
    expect(prospect?.violations[0]).toMatchObject({ reason: 'FieldTaken', blocks: ['server'] });
    expect(prospect?.violations[0]?.message).toContain('key sso is managed by "helm" too');
  });
});

describe('policies of files', () => {
  const now = Date.parse('2026-03-01T12:00:00.5Z');
  const merge = (files: readonly FilePolicy[], present: readonly Policy[], pruned: readonly string[] = []) =>
    mergePolicies({ files, present, pruned: new Set(pruned), now });

  it('keep what the cluster knows of those that are there, and get their spec from the file', () => {
    const present = settledPolicy({ metadata: { annotations: { kept: 'yes' }, generation: 4 } });
    const spec = { ...SPEC, roles: [VIEWER] };
    const [merged] = merge([fileOf(makePolicy(spec), { annotations: { 'a.b/c': 'd' } })], [present]);
    expect(merged).toMatchObject({
      merge: 'update',
      before: present,
      policy: {
        metadata: { uid: present.metadata.uid, generation: 5, annotations: { kept: 'yes', 'a.b/c': 'd' } },
      },
    });
    expect(merged?.policy.spec.roles).toHaveLength(1);
  });

  it('are the same where only the order of files tells them apart', () => {
    const present = settledPolicy();
    expect(merge([fileOf(makePolicy(SPEC))], [present])).toMatchObject([
      { merge: 'same', policy: { metadata: { generation: 1 } } },
    ]);
  });

  it('are the youngest where they are new', () => {
    const [merged] = merge([fileOf(makePolicy(SPEC))], []);
    expect(merged).toMatchObject({
      merge: 'create',
      before: undefined,
      policy: { metadata: { creationTimestamp: '2026-03-01T12:00:00Z' } },
    });
  });

  it('are joined by those of no file, which stay, or go where they are pruned', () => {
    const present = settledPolicy();
    const bare = makePolicy(SPEC, { name: 'bare' });
    expect(merge([], [present])).toMatchObject([{ merge: 'none', policy: present }]);
    expect(merge([], [present], ['other'])).toMatchObject([{ merge: 'none' }]);
    expect(merge([], [present, bare], ['argo'])).toMatchObject([
      { merge: 'delete', policy: { metadata: { deletionTimestamp: '2026-03-01T12:00:00Z' } } },
    ]);
  });

  it('may not change what cannot change', () => {
    const moved = makePolicy({ ...SPEC, client: { ...SPEC.client, clientId: 'argo-other' } });
    expect(refusedUpdates([fileOf(moved)], [settledPolicy()])).toMatchObject([
      { file: 'a.yaml', line: 3, rule: 'Immutable', field: 'spec.client.clientId' },
    ]);
    expect(refusedUpdates([fileOf(makePolicy(SPEC))], [settledPolicy()])).toEqual([]);
    expect(refusedUpdates([fileOf(moved)], [])).toEqual([]);
  });
});

describe('a Secret that is not looked into', () => {
  const MANAGER = {
    manager: 'argo-access-operator',
    operation: 'Apply',
    fieldsV1: { 'f:data': { 'f:client-id': {}, 'f:client-secret': {} } },
  };
  const meta = (name: string, annotations = {}) => ({
    metadata: {
      name,
      namespace: 'argo',
      uid: 'u',
      resourceVersion: '1',
      annotations,
      managedFields: [MANAGER],
    },
  });

  it('has the keys that our field manager owns, and values that are those of nobody', () => {
    const secret = secretOf(meta('argo-server-sso'));
    expect(secret).toMatchObject({ type: 'Opaque', tokenFilled: false });
    expect(Object.keys(secret.data)).toEqual(['client-id', 'client-secret']);
  });

  it('is a token by its annotations, and filled once Kubernetes has said whose', () => {
    const of = { 'kubernetes.io/service-account.name': 'x' };
    expect(secretOf(meta('x', of))).toMatchObject({
      type: 'kubernetes.io/service-account-token',
      tokenFilled: false,
      data: {},
    });
    expect(secretOf(meta('x', { ...of, 'kubernetes.io/service-account.uid': 'y' }))).toMatchObject({
      tokenFilled: true,
    });
  });

  it('is taken to hold what Keycloak has, by the keys of the policy in force', () => {
    const secret = new SecretValue(CLIENT_SECRET);
    const policy = settledPolicy();
    const keycloak = keycloakWith(makeClient({ secret }));
    const renamed = {
      ...SPEC,
      client: { ...SPEC.client, secret: { name: 'argo-server-sso', clientSecretKey: 'password' } },
    };
    const after = { ...policy, spec: makePolicy(renamed).spec };
    const observation = observe(after, { keycloak, secrets: [secretOf(meta('argo-server-sso'))] });
    const [held] = supposeHeld(observation, policy).secrets;
    expect(held?.data['client-secret']?.equals(secret)).toBe(true);
    expect(held?.data['client-id']?.equals(new SecretValue('argo-workflows'))).toBe(true);
  });

  it('is taken to hold it under the keys of the file too, for the policy in force may never have been carried out', () => {
    const secret = new SecretValue(CLIENT_SECRET);
    const keycloak = keycloakWith(makeClient({ secret }));
    const named = { name: 'argo-server-sso', clientSecretKey: 'password' };
    const before = makePolicy({ ...SPEC, suspend: true, client: { ...SPEC.client, secret: named } });
    const secrets = [secretOf(meta('argo-server-sso'))];
    const [held] = supposeHeld(observe(settledPolicy(), { keycloak, secrets }), before).secrets;
    expect(held?.data['client-secret']?.equals(secret)).toBe(true);
  });

  it('is taken to be there, where it may not be listed, as the policy in force wants it', () => {
    const end = settled();
    const before = {
      ...end.policy,
      status: {
        secret: {
          name: 'argo-server-sso',
          revision: 1,
          provedRevision: 1,
          lastRotated: '2026-03-01T12:00:00Z',
        },
        inventory: [{ kind: 'Secret', namespace: 'argo', name: 'argo-server-sso', uid: 'known' }],
      },
    };
    const blind = { ...end, policy: before, secrets: [], proof: undefined };
    const supposed = supposeHeld(supposeThere(blind, before), before);
    expect(supposed.secrets.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'argo-server-sso',
      'workflows-admin.service-account-token',
      'workflows-viewer.service-account-token',
    ]);
    expect(supposed.secrets.find(({ type }) => type === 'Opaque')?.metadata.uid).toBe('known');
    expect(prospectOf(supposed).changes).toEqual([]);
    expect(supposeThere({ ...blind, accounts: [makeAccount('stranger')] }, undefined).secrets).toEqual([]);
  });
});
