import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateUpdate } from '../../operator/api/immutable.ts';
import { policySchema } from '../../operator/api/policy-schema.ts';
import { type Answer, type ApiServer, connectApiServer, policyObject } from './api-server.ts';
import { anyPolicy, anyUpdate, likelyValid } from './generate-policies.ts';
import { atEveryEdge, type JsonObject } from './mutate.ts';

const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
const CREATES = 1500;
const STORED = 40;
const UPDATES_EACH = 25;
const IN_FLIGHT = 8;

/** Every field of a spec that has values at its limits, all of them far from there. */
const SPEC: JsonObject = {
  keycloak: { realm: 'platform', groups: { claim: 'groups' } },
  client: {
    clientId: 'argo-workflows',
    url: 'https://workflows.example.com',
    secret: {
      name: 'argo-server-sso',
      clientIdKey: 'id',
      labels: { team: 'platform' },
      annotations: { note: '' },
      rotation: { schedule: '0 3 * * 0', timeZone: 'Europe/Berlin', overlap: '1h' },
    },
  },
  server: {
    configMap: { name: 'workflow-controller-configmap' },
    deployment: 'argo-server',
    sessionExpiry: '8h',
    filterGroupsRegex: ['^/platform/'],
    rootCA: '-----BEGIN CERTIFICATE-----',
    argoVersion: '4.1',
  },
  precedence: 1000,
  roles: [
    { name: 'admin', serviceAccount: 'admin', groups: ['/platform/admins'], grants: [{ clusterRole: 'a' }] },
    { name: 'viewer', groups: ['/teams'], grants: [{ role: 'a' }] },
    { name: 'staff', when: 'sub == "1"' },
  ],
};

let server: ApiServer;
beforeAll(async () => {
  server = await connectApiServer();
  console.log(`verdicts: seed ${SEED}`);
});
afterAll(() => server.close());

interface Judged {
  readonly policy: JsonObject;
  /** The spec with its defaults, or why zod refuses it. */
  readonly verdict: { readonly spec: unknown } | { readonly refused: string };
  readonly answer: Answer;
}

/** Runs a function over a list, a few at a time. */
async function each<T, R>(list: readonly T[], run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = [...list.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[0]] = await run(next[1]);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return results;
}

function zodVerdict(policy: JsonObject): Judged['verdict'] {
  const parsed = policySchema.safeParse(policy);
  if (parsed.success) return { spec: parsed.data.spec };
  return {
    refused: parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  };
}

/** Disagreements, in a form that can be read; none where both judge alike. */
function disagreements(all: readonly Judged[]): readonly string[] {
  return all.flatMap(({ policy, verdict, answer }) => {
    const taken = answer.status < 300;
    if (!taken && answer.status !== 400 && answer.status !== 422)
      return [`${answer.status} ${answer.message}`];
    const zod = 'spec' in verdict;
    if (taken === zod) return [];
    const said = zod
      ? `zod takes it, the server says: ${answer.message}`
      : `the server takes it, zod says: ${verdict.refused}`;
    return [`${said}\n${JSON.stringify(policy)}`];
  });
}

function shareOfValid(all: readonly Judged[]): number {
  return all.filter(({ answer }) => answer.status < 300).length / all.length;
}

async function judge(policy: JsonObject): Promise<Judged> {
  return { policy, verdict: zodVerdict(policy), answer: await server.create(policy) };
}

describe('zod and the API server', () => {
  it('give the same verdict on every value at, and just beyond, the limits of a field', async () => {
    const policies = [SPEC, ...atEveryEdge(SPEC)].map(spec => policyObject('p', spec) as JsonObject);
    const judged = await each(policies, judge);
    expect(judged[0]?.answer.message).toBe('');
    expect(disagreements(judged).map(text => text.slice(0, 2000))).toEqual([]);
    expect(judged.length).toBeGreaterThan(150);
    expect(shareOfValid(judged)).toBeGreaterThan(0.2);
    expect(shareOfValid(judged)).toBeLessThan(0.8);
  });

  it('give the same verdict on 1,500 new policies, valid and broken, and the same defaults', async () => {
    const policies = fc.sample(anyPolicy, { numRuns: CREATES, seed: SEED });
    const judged = await each(policies, judge);
    expect(disagreements(judged).slice(0, 5)).toEqual([]);
    for (const { verdict, answer } of judged) {
      if ('spec' in verdict) expect(answer.body.spec).toEqual(verdict.spec);
    }
    expect(shareOfValid(judged)).toBeGreaterThan(0.2);
    expect(shareOfValid(judged)).toBeLessThan(0.8);
  });

  it('give the same verdict on 1,000 new versions of stored policies', async () => {
    const valid = fc
      .sample(likelyValid, { numRuns: STORED * 3, seed: SEED })
      .filter(policy => policySchema.safeParse(policy).success)
      .slice(0, STORED)
      .map((policy, index) => ({ ...policy, metadata: { name: `stored-${index}` } }))
      .filter(policy => policySchema.safeParse(policy).success);
    const stored = await each(valid, async policy => {
      const { status, message, body } = await server.create(policy, false);
      expect(message).toBe('');
      expect(status).toBe(201);
      return body as JsonObject;
    });
    const updates = stored.flatMap((policy, index) =>
      fc
        .sample(anyUpdate(policy), { numRuns: UPDATES_EACH, seed: SEED + index })
        .map(next => ({ policy, next })),
    );
    const judged = await each(updates, async ({ policy, next }) => ({
      policy: next,
      verdict: updateVerdict(policy, next),
      answer: await server.update(String((policy.metadata as JsonObject).name), next),
    }));
    expect(judged.length).toBeGreaterThan(900);
    expect(disagreements(judged).slice(0, 5)).toEqual([]);
    expect(shareOfValid(judged)).toBeGreaterThan(0.2);
    expect(shareOfValid(judged)).toBeLessThan(0.8);
  });
});

function updateVerdict(before: JsonObject, after: JsonObject): Judged['verdict'] {
  const parsed = policySchema.safeParse(after);
  if (!parsed.success) return zodVerdict(after);
  const problems = validateUpdate(policySchema.parse(before).spec, parsed.data.spec);
  if (problems.length === 0) return { spec: parsed.data.spec };
  return { refused: problems.map(({ field, message }) => `${field} ${message}`).join('; ') };
}
