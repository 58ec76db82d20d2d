import { describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED, ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import type { Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import { check } from '../../operator/policy/checks.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { parseSchedule } from '../../operator/schedule.ts';
import { ALLOWANCE, makeClient, NOW, observe } from './fixtures.ts';
import { convergedCluster, keycloakWith, settledPolicy } from './objects.ts';
import { makeConfigMap, makeDeployment } from './server-objects.ts';
import { objectsOf } from './simulate.ts';

const DAY = 24 * 3_600_000;
const SERVER = { configMap: { name: 'workflow-controller-configmap' }, deployment: 'argo-server' };

/** A policy with names of its own, and an Argo Server. */
function policyWith(name: string, seconds: string, server: object = SERVER): Policy {
  const [clientId, secret] = [`argo-${name}`, { name: `${name}-sso`, rotation: { schedule: '@daily' } }];
  const spec = {
    client: { clientId, url: `https://${name}.example.com`, secret },
    server,
    precedence: name === 'older' ? 1000 : 500,
    roles: [{ name: 'admin', groups: [`/${name}`] }],
  };
  return settledPolicy({ name, metadata: { creationTimestamp: `2026-01-01T00:00:${seconds}Z` } }, spec);
}

const older = policyWith('older', '00');
const younger = policyWith('younger', '01');

/** The client as the policy wants it, a day old. */
function wantedClient(policy: Policy): KeycloakClient {
  const { name } = policy.metadata;
  const attributes = { [ATTRIBUTE_OWNER]: `test/argo/${name}`, [ATTRIBUTE_CLUSTER]: 'cluster-1' };
  const secretLife = { createdAt: NOW - DAY, expiresAt: undefined, rotated: undefined };
  let client = makeClient({ attributes, secret: new SecretValue(`s3cret-${name}`), secretLife });
  for (const change of plan(observe(policy, { keycloak: keycloakWith(client) }), []).client) {
    if (change.kind === 'UpdateClient') client = { ...client, ...change.fields, attributes };
    if (change.kind === 'CreateMapper') client = { ...client, mappers: [{ ...change.mapper, id: 'm' }] };
  }
  return client;
}

/** A policy whose client, Secret and roles are as it wants them. */
function settled(policy: Policy, neighbours: readonly Policy[], now = NOW - DAY): Observation {
  const known = {
    allowance: { ...ALLOWANCE, configMaps: [SERVER.configMap.name], deployments: [SERVER.deployment] },
    keycloak: keycloakWith(wantedClient(policy), { coverage: { rotatedPeriod: DAY / 2 } }),
    rotation: { schedule: parseSchedule('@daily', 'UTC'), request: undefined, standing: { state: 'Leads' } },
    livePolicyUids: new Set([policy, ...neighbours].map(({ metadata }) => metadata.uid)),
    neighbours,
    proof: { revision: 1, result: 'proved', message: '' },
  } as const;
  const cluster = convergedCluster(policy, { ...known, now: NOW - DAY });
  return observe(policy, { ...known, ...objectsOf(cluster), now });
}

/** What is to be seen of the one Argo Server: the key `sso`, and the mark on the pod template. */
interface Shared {
  readonly sso?: string;
  readonly mark?: string;
}

function withServer(seen: Observation, { sso, mark }: Shared): Observation {
  const { configMap, deployment } = seen.policy.spec.server ?? {};
  const templateAnnotations: Record<string, string> = mark === undefined ? {} : { [ANNOTATION_ROLLED]: mark };
  const server: Observation['server'] = {
    ...seen.server,
    configMap: configMap && { state: 'found', object: makeConfigMap(sso === undefined ? {} : { sso }) },
    deployment: deployment
      ? { state: 'found', object: { ...makeDeployment(), templateAnnotations } }
      : undefined,
  };
  return { ...seen, server };
}

function applied(shared: Shared, change: Change): Shared {
  if (change.kind === 'ApplySettings') return { ...shared, sso: change.sso };
  return change.kind === 'RollDeployment' ? { ...shared, mark: change.mark } : shared;
}

/** Who writes what of the one Argo Server, when each policy is looked at ten times in turn. */
function inTurn(policies: readonly Observation[], start: Shared = {}) {
  let shared = start;
  const writes: string[] = [];
  for (let look = 0; look < 10 * policies.length; look += 1) {
    const seen = policies[look % policies.length];
    if (seen === undefined) break;
    const observation = withServer(seen, shared);
    const [change] = plan(observation, check(observation)).server;
    if (change === undefined) continue;
    shared = applied(shared, change);
    writes.push(`${seen.policy.metadata.name} ${change.kind}`);
  }
  return { shared, writes };
}

const reasonsOf = (seen: Observation, shared: Shared = {}) =>
  check(withServer(seen, shared)).map(({ reason }) => reason);

describe('two policies that name one Argo Server', () => {
  it.each([
    ['ConfigMap and Deployment', SERVER, ['older ApplySettings', 'older RollDeployment']],
    ['the ConfigMap', { configMap: SERVER.configMap }, ['older ApplySettings']],
    ['the Deployment', { deployment: SERVER.deployment }, ['older RollDeployment']],
  ])('do not fight over it: %s', (_, server, writes) => {
    const [first, second] = [policyWith('older', '00', server), policyWith('younger', '01', server)];
    const both = [settled(second, [first]), settled(first, [second])];
    expect(inTurn(both).writes).toEqual(writes);
  });

  it('leave it to the younger as soon as the older is gone', () => {
    const { shared } = inTurn([settled(older, [younger])]);
    expect(inTurn([settled(younger, [])], shared).writes).toEqual([
      'younger ApplySettings',
      'younger RollDeployment',
    ]);
  });
});

describe('the younger of two policies that name one Argo Server', () => {
  const waiting = settled(younger, [older]);

  it('has client, Secret and roles all the same', () => {
    const fresh = observe(younger, { ...waiting, accounts: [], secrets: [], bindings: [] });
    const observation = withServer({ ...fresh, keycloak: keycloakWith(undefined) }, {});
    const { client, server, roles } = plan(observation, check(observation));
    expect(client.map(({ kind }) => kind)).toEqual(['CreateClient']);
    expect(roles).not.toEqual([]);
    expect(server).toEqual([]);
  });

  it('is told that, and nothing of an Argo Server that is as the older wants it, or broken', () => {
    const { shared } = inTurn([settled(older, [younger])]);
    expect(reasonsOf(waiting, shared)).toEqual(['ServerTakenByPolicy']);
    expect(reasonsOf(waiting, { sso: 'issuer: [' })).toEqual(['ServerTakenByPolicy']);
    const unmanaged = { ...SERVER, configMap: { ...SERVER.configMap, manage: false } };
    expect(reasonsOf(settled(policyWith('younger', '01', unmanaged), [older]), shared)).toEqual([
      'ServerTakenByPolicy',
    ]);
  });

  it('gets a new secret when that is due, although no Argo Server is to be restarted for it', () => {
    const due = settled(younger, [older], NOW + DAY);
    const observation = withServer(due, { mark: 'of the older' });
    const { secret, server } = plan(observation, check(observation));
    expect(secret.at(-1)?.kind).toBe('RegenerateSecret');
    expect(JSON.stringify([secret, server])).not.toContain('RollDeployment');
    expect(reasonsOf(due)).toEqual(['ServerTakenByPolicy']);
  });
});
