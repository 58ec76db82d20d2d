import { describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED } from '../../operator/api/names.ts';
import type { ConfigMap } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { CHAINS, type Chain, hasOpenChanges, openChanges } from '../../operator/policy/chains.ts';
import type { Change } from '../../operator/policy/change.ts';
import { check } from '../../operator/policy/checks.ts';
import { conclude, type Failure } from '../../operator/policy/conclude.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import type { Observation } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { planUntilQuiet } from '../../operator/policy/prospect.ts';
import { applyInMemory } from '../../operator/policy/simulate.ts';
import { ALLOWANCE, makePolicy, NOW, observe } from './fixtures.ts';
import { keycloakWith, SPEC as PLAIN } from './objects.ts';
import { makeConfigMap, makeDeployment, SPEC } from './server-objects.ts';

const HOUR = 3_600_000;
const CONFIG_MAP = 'workflow-controller-configmap';

/** A policy with an Argo Server, all of it in sync. */
function settled(spec: object = SPEC): Observation {
  const policy = makePolicy(spec);
  const { server } = policy.spec;
  const allowance = { ...ALLOWANCE, configMaps: [CONFIG_MAP], deployments: ['argo-server'] };
  const start = observe(policy, { allowance, keycloak: keycloakWith(undefined) });
  const [prospect] = planUntilQuiet([
    {
      ...start,
      server: {
        ...start.server,
        configMap: server?.configMap && { state: 'found', object: makeConfigMap({}) },
        deployment:
          server?.deployment === undefined ? undefined : { state: 'found', object: makeDeployment() },
        missingAccess: [],
      },
    },
  ]);
  if (prospect === undefined || !prospect.quiet) throw new Error('the policy does not come to rest');
  return prospect.end;
}

function withSpec(seen: Observation, spec: object): Observation {
  return { ...seen, policy: { ...seen.policy, spec: makePolicy(spec).spec } };
}

function clientOf({ keycloak }: Observation): KeycloakClient {
  if (keycloak.state !== 'Observed' || keycloak.client === undefined) throw new Error('there is no client');
  return keycloak.client;
}

/** Somebody has made a new secret in Keycloak's console. */
function regeneratedByHand(seen: Observation): Observation {
  const client = clientOf(seen);
  const secretLife = { ...client.secretLife, createdAt: NOW + HOUR };
  const now = NOW + 2 * HOUR;
  const keycloak = keycloakWith({ ...client, secret: new SecretValue('by hand'), secretLife });
  return { ...seen, now, proof: undefined, keycloak };
}

function requested(seen: Observation): Observation {
  const now = NOW + 2 * HOUR;
  const request = { value: new Date(now).toISOString(), at: now };
  return { ...seen, now, rotation: { ...seen.rotation, request } };
}

/** What one reconcile does and tells where some writes are refused. */
function reconciled(start: Observation, refuses: (change: Change) => boolean) {
  let seen = start;
  const failed = new Map<Chain, Failure>();
  const made: Change['kind'][] = [];
  const tried: Change['kind'][] = [];
  const planned = () => plan(seen, check(seen));
  for (let pass = 0; pass < 8 && hasOpenChanges(planned(), failed); pass += 1) {
    const now = planned();
    for (const chain of CHAINS) {
      for (const change of openChanges(now, chain, failed)) {
        tried.push(change.kind);
        if (refuses(change)) {
          failed.set(chain, { change, reason: 'FieldTaken', message: 'held by "helm"', transient: false });
          break;
        }
        made.push(change.kind);
        seen = applyInMemory(seen, change);
      }
    }
  }
  const ending = { left: planned(), failures: [...failed.values()], changed: [], regenerated: undefined };
  const { status } = conclude(seen, check(seen), ending, '2026-03-01T14:00:00Z');
  const conditionOf = (type: string) => {
    const { status: is, reason, message } = (status.conditions ?? []).find(each => each.type === type) ?? {};
    return `${is} ${reason}: ${message}`;
  };
  return { made, tried, seen, conditionOf };
}

const refusesClient = ({ kind }: Change) => kind === 'UpdateClient';
const refusesSettings = ({ kind }: Change) => kind === 'ApplySettings';

function heldSecret({ secrets }: Observation): SecretValue | undefined {
  return secrets.find(({ metadata }) => metadata.name === 'argo-server-sso')?.data['client-secret'];
}

function isRestarted({ server, secrets }: Observation): boolean {
  const mark = server.deployment?.state === 'found' && server.deployment.object.templateAnnotations;
  const revision = secrets.find(({ metadata }) => metadata.name === 'argo-server-sso')?.metadata.annotations;
  return mark && mark[ANNOTATION_ROLLED]?.split('-')[0] === revision?.['argo-access.io/revision'];
}

describe('a change to the client that Keycloak refuses', () => {
  const other = { ...SPEC, client: { ...SPEC.client, additionalUrls: ['https://two.example.com'] } };
  const pending = withSpec(settled(), other);

  it('keeps neither the Secret nor Argo Server from following Keycloak', () => {
    const { made, seen, conditionOf } = reconciled(regeneratedByHand(pending), refusesClient);
    expect(made).toEqual(['ApplyObject', 'ProveSecret', 'RollDeployment']);
    expect(heldSecret(seen)?.equals(new SecretValue('by hand'))).toBe(true);
    expect(conditionOf('ClientReady')).toBe('False FieldTaken: held by "helm"');
    expect(conditionOf('SecretReady')).toMatch(/^True InSync/);
    expect(conditionOf('ServerReady')).toMatch(/^True InSync/);
  });

  it('keeps a Secret that is gone from nothing', () => {
    const { made } = reconciled({ ...pending, secrets: [] }, refusesClient);
    expect(made).toContain('CreateObject');
  });

  it('keeps a new secret waiting, which says for what', () => {
    const { tried, conditionOf } = reconciled(requested(pending), refusesClient);
    expect(tried).toEqual(['UpdateClient']);
    expect(conditionOf('SecretReady')).toBe(
      'True RotationPostponed: the rotation waits until client argo-workflows can be changed, which comes first; ' +
        'condition ClientReady says what is wrong',
    );
  });

  it('comes first where it is made, and the restart after all of it', () => {
    const { made } = reconciled(regeneratedByHand(pending), () => false);
    expect(made).toEqual(['UpdateClient', 'ApplyObject', 'ProveSecret', 'RollDeployment']);
  });

  it('leaves a client alone that is not ours, and all that would rest on it', () => {
    const start = regeneratedByHand(pending);
    const client = { ...clientOf(start), attributes: {} };
    const adopted = withSpec(start, { ...other, client: { ...other.client, adopt: true } });
    const { tried } = reconciled({ ...adopted, keycloak: keycloakWith(client) }, refusesClient);
    expect(tried).toEqual(['UpdateClient']);
  });
});

describe('settings of Argo that cannot be written', () => {
  const minor = { ...SPEC, server: { ...SPEC.server, sessionExpiry: '8h' } };
  const vital = { ...SPEC, client: { ...SPEC.client, url: 'https://new.example.com' } };

  it('and that a login can do without stop neither a rotation nor the restart that follows', () => {
    const { made, seen, conditionOf } = reconciled(requested(withSpec(settled(), minor)), refusesSettings);
    expect(made).toEqual([
      'Rehearse',
      'Rehearse',
      'RegenerateSecret',
      'ApplyObject',
      'ProveSecret',
      'RollDeployment',
    ]);
    expect(isRestarted(seen)).toBe(true);
    expect(conditionOf('ServerReady')).toBe('False FieldTaken: held by "helm"');
  });

  it('are not tried over and over in one reconcile', () => {
    const { tried } = reconciled(requested(withSpec(settled(), minor)), refusesSettings);
    expect(tried.filter(kind => kind === 'ApplySettings')).toHaveLength(1);
  });

  it('and differ in what the other one has written do not keep the restart that they ask for', () => {
    const seen = withSpec(settled(), minor);
    const found = seen.server.configMap;
    if (found?.state !== 'found') throw new Error('there are settings');
    const sso = `${found.object.data.sso}sessionExpiry: 5h\n`;
    const configMap: ConfigMap = { ...found.object, data: { sso } };
    const theirs = { ...seen, server: { ...seen.server, configMap: { state: 'found', object: configMap } } };
    const { made } = reconciled(requested(theirs as Observation), refusesSettings);
    expect(made.slice(0, 4)).toEqual(['RollDeployment', 'Rehearse', 'Rehearse', 'RegenerateSecret']);
  });

  it('because something changes them back each time do not keep the restart that the Secret asks for', () => {
    const start = regeneratedByHand(withSpec(settled(), minor));
    const contested = [{ part: 'server', kind: 'ConfigMap', what: `ConfigMap ${CONFIG_MAP}` }] as const;
    const { made, conditionOf } = reconciled({ ...start, contested }, () => false);
    expect(made).toEqual(['ApplyObject', 'ProveSecret', 'RollDeployment']);
    expect(conditionOf('ServerReady')).toMatch(/^False FieldNotHeld/);
  });

  it('because the namespace may not have them written keep Argo Server from being touched', () => {
    const start = regeneratedByHand(withSpec(settled(), minor));
    const { made } = reconciled({ ...start, allowance: { ...ALLOWANCE, deployments: [] } }, () => false);
    expect(made).not.toContain('RollDeployment');
  });

  it('where they can, come before the restart, so that there is one', () => {
    const { made } = reconciled(regeneratedByHand(withSpec(settled(), minor)), () => false);
    expect(made).toEqual(['ApplyObject', 'ProveSecret', 'ApplySettings', 'RollDeployment']);
  });

  it('and without which nobody gets in keep a rotation waiting, and it says so', () => {
    const { made, conditionOf } = reconciled(requested(withSpec(settled(), vital)), refusesSettings);
    expect(made).toEqual(['UpdateClient']);
    expect(conditionOf('SecretReady')).toMatch(
      /^True RotationPostponed: the rotation waits until the settings/,
    );
  });

  it('and without which nobody gets in are asked for beforehand where no Deployment is named', () => {
    const bare = { ...SPEC, server: { configMap: SPEC.server.configMap } };
    const start = withSpec(settled(bare), { ...vital, server: bare.server });
    const refuses = (change: Change) => refusesSettings(change.kind === 'Rehearse' ? change.change : change);
    const { made, conditionOf } = reconciled(requested(start), refuses);
    expect(made).not.toContain('RegenerateSecret');
    expect(conditionOf('ServerReady')).toBe('False FieldTaken: held by "helm"');
    expect(conditionOf('SecretReady')).toContain(
      'True RotationPostponed: the rotation waits until Argo Server could follow',
    );
  });

  it('say so where Argo Server runs with an earlier secret because of them', () => {
    const start = regeneratedByHand(withSpec(settled(), vital));
    const { made, conditionOf } = reconciled(start, refusesSettings);
    expect(made).not.toContain('RollDeployment');
    expect(conditionOf('ServerReady')).toBe(
      'False RolloutPostponed: the restart of Argo Server, which runs with an earlier secret, waits for this: held by "helm"',
    );
  });

  it('say so too where somebody else is to write them', () => {
    const theirs = { ...vital, server: { ...SPEC.server, configMap: { name: CONFIG_MAP, manage: false } } };
    const { conditionOf } = reconciled(regeneratedByHand(withSpec(settled(), theirs)), () => false);
    expect(conditionOf('ServerReady')).toMatch(
      /^False RolloutPostponed: the restart of Argo Server, .*: ConfigMap argo\/workflow-controller-configmap: sso.redirectUrl is /,
    );
  });
});

it('a policy without an Argo Server has nothing to restart', () => {
  const { made } = reconciled(regeneratedByHand(settled(PLAIN)), () => false);
  expect(made).toEqual(['ApplyObject', 'ProveSecret']);
});
