import { describe, expect, it } from 'vitest';
import type { Deployment, Policy, Secret } from '../operator/api/objects.ts';
import { KubernetesError } from '../operator/kubernetes/errors.ts';
import type { ServerNames } from '../operator/kubernetes/server-access.ts';
import {
  createAccessReview,
  observeRotation,
  observeServer,
  type ServerSources,
} from '../operator/observe-server.ts';
import type { Sighting } from '../operator/policy/observation.ts';
import { ALLOWANCE, makePolicy } from './policy/fixtures.ts';
import { makeSecret, SPEC } from './policy/objects.ts';
import { makeDeployment } from './policy/server-objects.ts';

const ROLES = { roles: [{ name: 'viewer', everyone: true }] };
const SERVER = { configMap: { name: 'settings' }, deployment: 'argo-server' };
const signal = new AbortController().signal;

interface Known {
  readonly policies?: readonly Policy[];
  readonly secret?: Secret;
  readonly deployment?: Sighting<Deployment>;
  readonly troubles?: () => Promise<readonly string[]>;
}

/** What a policy with an Argo Server rests on, from caches that hold what is given. */
function sources({ policies = [], secret, deployment = { state: 'missing' }, troubles }: Known) {
  const asked: ServerNames[] = [];
  const known = {
    config: { namespaces: ['argo', 'team-a', 'team-b'].map(name => ({ ...ALLOWANCE, name })) },
    cache: {
      policies: { all: () => policies },
      secrets: { get: () => secret },
      unread: () => [],
      configMap: () => ({ state: 'missing' }),
      deployment: () => deployment,
    },
    reader: { podTroubles: troubles ?? (async () => []) },
    groupFilter: async () => ({ invalid: [], dropped: ['/a'] }),
    accessReview: async (_: string, __: string, names: ServerNames) => {
      asked.push(names);
      return ['get secrets'];
    },
    leadership: { standing: () => ({ state: 'Leads' }) },
  } as const satisfies Record<keyof ServerSources, unknown> as unknown as ServerSources;
  return { known, asked };
}

function elsewhere(namespace: string, spec: unknown): Policy {
  return makePolicy(spec, { name: `of-${namespace}`, metadata: { namespace } });
}

describe('what is seen of Argo Server', () => {
  const policy = makePolicy({ ...SPEC, server: { ...SERVER, filterGroupsRegex: ['x'] } });

  it('is nothing where the policy names none', async () => {
    const { known, asked } = sources({});
    expect(await observeServer(known, makePolicy(SPEC), signal)).toMatchObject({
      configMap: undefined,
      deployment: undefined,
      missingAccess: undefined,
      cookieKey: undefined,
    });
    expect(asked).toEqual([]);
  });

  it('asks what its account lacks, by the names that it reads', async () => {
    const { known, asked } = sources({ deployment: { state: 'found', object: makeDeployment() } });
    const seen = await observeServer(known, policy, signal);
    expect(seen.missingAccess).toEqual(['get secrets']);
    expect(seen.groupFilter.dropped).toEqual(['/a']);
    expect(asked).toEqual([
      {
        configMaps: ['settings'],
        secrets: [
          'sso',
          'argo-server-sso',
          'workflows-admin.service-account-token',
          'workflows-viewer.service-account-token',
        ],
      },
    ]);
  });

  it.each([
    [undefined, 'missing'],
    [{ ...makeSecret('sso'), cookieKeyFilled: false }, 'empty'],
    [{ ...makeSecret('sso'), cookieKeyFilled: true }, 'filled'],
  ] as const)('tells of its own Secret: %#', async (secret, state) => {
    const { known } = sources(secret === undefined ? {} : { secret });
    expect((await observeServer(known, policy, signal)).cookieKey).toBe(state);
  });

  it('takes namespaces of roles for its own where there is no other login, and only served ones', async () => {
    const roles = ['team-b', 'team-a', 'elsewhere'].map(namespace => elsewhere(namespace, ROLES));
    const of = async (policies: readonly Policy[]) =>
      (await observeServer(sources({ policies }).known, policy, signal)).delegating;
    expect(await of([policy, ...roles])).toEqual(['team-a', 'team-b']);
    expect(await of([policy, ...roles, elsewhere('team-a', SPEC)])).toEqual([]);
    expect(await of([policy])).toEqual([]);
  });

  it('adds what keeps its pods from being ready, and goes on where that cannot be read', async () => {
    const rolling = { progress: 'rolling', startedAt: 1, completedAt: undefined, why: 'quota' } as const;
    const deployment = { state: 'found', object: { ...makeDeployment(), rollout: rolling } } as const;
    const why = async (troubles: () => Promise<readonly string[]>) => {
      const seen = (await observeServer(sources({ deployment, troubles }).known, policy, signal)).deployment;
      return seen?.state === 'found' ? seen.object.rollout.why : undefined;
    };
    expect(await why(async () => ['no image'])).toBe('quota; no image');
    expect(await why(() => Promise.reject(new KubernetesError('Forbidden', 'no')))).toBe('quota');
    await expect(why(() => Promise.reject(new Error('a fault')))).rejects.toThrow('a fault');
  });
});

describe('the review of an account', () => {
  const names = { configMaps: [], secrets: [] };

  it('asks once in ten minutes where nothing lacks, and each time where something does', async () => {
    let time = 0;
    let missing: readonly string[] = ['get secrets'];
    let asked = 0;
    const review = createAccessReview(
      {
        missingServerAccess: async () => {
          asked += 1;
          return missing;
        },
      },
      () => time,
    );
    const ask = () => review('argo', 'argo-server', names, signal);
    expect(await ask()).toEqual(['get secrets']);
    missing = [];
    expect(await ask()).toEqual([]);
    time += 599_999;
    expect(await ask()).toEqual([]);
    expect(asked).toBe(2);
    time += 1;
    await ask();
    await review('argo', 'other', names, signal);
    expect(asked).toBe(4);
    // Somebody sets the clock back: nobody can tell how old the answer is.
    time -= 3_600_000;
    await ask();
    expect(asked).toBe(5);
  });

  it('is left out where it is refused', async () => {
    const refuse = () => Promise.reject(new KubernetesError('Forbidden', 'no'));
    const review = createAccessReview({ missingServerAccess: refuse }, () => 0);
    expect(await review('argo', 'argo-server', names, signal)).toBeUndefined();
  });
});

describe('what is seen of a rotation', () => {
  const secret = { ...SPEC.client.secret, rotation: { schedule: '@daily' } };
  const rotating = { ...SPEC, client: { ...SPEC.client, secret } };
  const requested = (value: string) =>
    makePolicy(SPEC, { metadata: { annotations: { 'argo-access.io/rotate-requested-at': value } } });

  it('is nothing, and nobody has to lead, where none is asked for', () => {
    const { known } = sources({});
    expect(observeRotation(known, makePolicy(SPEC))).toEqual({
      schedule: undefined,
      request: undefined,
      standing: { state: 'Undecided' },
    });
  });

  it('is the schedule, and who leads', () => {
    const { known } = sources({});
    const seen = observeRotation(known, makePolicy(rotating));
    expect([seen.schedule?.ok, seen.standing.state]).toEqual([true, 'Leads']);
  });

  it('is a request, with its time where it is one', () => {
    const { known } = sources({});
    const at = '2026-01-31T09:30:00Z';
    expect(observeRotation(known, requested(at)).request).toEqual({ value: at, at: Date.parse(at) });
    expect(observeRotation(known, requested('now')).request).toEqual({ value: 'now', at: undefined });
    expect(observeRotation(known, requested(at)).standing.state).toBe('Leads');
  });
});
