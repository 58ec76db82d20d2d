import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Policy } from '../../operator/api/objects.ts';
import { policySchema } from '../../operator/api/policy-schema.ts';
import { judge } from '../../operator/cli/validate/judge.ts';
import { offlineObservation } from '../../operator/cli/validate/offline.ts';
import { CLUSTER_CHECKS, KEYCLOAK_CHECKS } from '../../operator/policy/checks.ts';
import { isFault } from '../../operator/policy/conclusions.ts';
import { expressionsOf } from '../../operator/policy/desired.ts';
import { anyPolicy, likelyValid } from '../api/generate-policies.ts';
import type { JsonObject } from '../api/mutate.ts';
import { policies as shown } from '../docs-pages.ts';
import { argoAccess } from './command-line.ts';

const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000_000);
const RUNS = 600;
const ROOT = join(import.meta.dirname, '..', '..');
const EXAMPLES = join(ROOT, 'examples');
const CONFIG = join(ROOT, 'config', 'example', 'config.yaml');

describe('nothing is said', () => {
  const files = readdirSync(EXAMPLES).filter(name => name.endsWith('.yaml'));

  it.each(files)('of examples/%s, with the example of a configuration', async name => {
    const args = ['validate', '--config', CONFIG, join(EXAMPLES, name)];
    expect(await argoAccess(args)).toEqual({ code: 0, out: '1 policy in 1 file: nothing wrong\n', err: '' });
  });

  it('of all examples together, but that they are for one name', async () => {
    const { code, out } = await argoAccess(['validate', '-o', 'json', EXAMPLES]);
    expect(code).toBe(0);
    const rules = (JSON.parse(out).findings as readonly { readonly rule: string }[]).map(({ rule }) => rule);
    expect(new Set(rules)).toEqual(new Set(['PolicyTwice']));
  });

  it.each(shown)('of the policy in $page, number $index', async ({ policy }) => {
    const { findings } = await judge([{ file: 'shown.yaml', text: stringify(policy) }], {});
    expect(findings).toEqual([]);
  });
});

/** A policy as text, in one form or the other. */
function textOf(policy: JsonObject, asJson: boolean): string {
  return asJson ? JSON.stringify(policy, null, 1) : stringify(policy, { version: '1.1' });
}

/** What the schema and the operator's own checks, in a cluster with nothing but these policies, refuse; by name. */
function refused(policies: readonly JsonObject[]): ReadonlySet<number> {
  const parsed = policies.map(policy => policySchema.safeParse(policy));
  const known = parsed.map((each, index): Policy | undefined =>
    each.success
      ? {
          kind: 'ArgoAccessPolicy',
          metadata: {
            name: each.data.metadata.name,
            namespace: 'argo',
            uid: String(index),
            resourceVersion: '',
          },
          spec: each.data.spec,
        }
      : undefined,
  );
  const wrong = known.flatMap((policy, index) => {
    if (policy === undefined) return [index];
    const neighbours = known.filter(other => other !== undefined && other !== policy) as readonly Policy[];
    const groupFilter = { invalid: [], dropped: [] };
    // Without the engine, which is not started here, expressions are not judged.
    const expressions = new Map(expressionsOf(policy).map(each => [each, { kind: 'sound' } as const]));
    const observation = offlineObservation({
      policy,
      neighbours,
      config: undefined,
      groupFilter,
      expressions,
    });
    const checks = [...CLUSTER_CHECKS, ...KEYCLOAK_CHECKS];
    const violations = checks.flatMap(check => check(observation) ?? []);
    return violations.some(isFault) ? [index] : [];
  });
  return new Set(wrong);
}

describe('an error is told', () => {
  // Group filters are the engine's to judge, which is not started here.
  const withoutFilter = (policy: JsonObject): JsonObject =>
    JSON.parse(JSON.stringify(policy), (key, value) => (key === 'filterGroupsRegex' ? undefined : value));
  const one = anyPolicy.map(withoutFilter);

  it(`of a policy if, and only if, the API server or the checks refuse it (seed ${SEED})`, async () => {
    let [right, wrong] = [0, 0];
    await fc.assert(
      fc.asyncProperty(one, fc.boolean(), async (policy, asJson) => {
        const text = textOf(policy, asJson);
        const { findings, policies } = await judge([{ file: 'a.yaml', text }], { namespace: 'argo' });
        const errors = findings.filter(({ severity }) => severity === 'error');
        const isRefused = refused([policy]).size > 0;
        expect(policies).toBe(1);
        expect(errors.length > 0, text).toBe(isRefused);
        const lines = text.split('\n');
        for (const { line, column, message } of findings) {
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
          expect(message).not.toBe('');
        }
        if (isRefused) wrong += 1;
        else right += 1;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(right).toBeGreaterThan(RUNS / 10);
    expect(wrong).toBeGreaterThan(RUNS / 10);
  });

  it(`of each of several policies of a namespace likewise (seed ${SEED})`, async () => {
    const several = fc.uniqueArray(likelyValid.map(withoutFilter), {
      minLength: 2,
      maxLength: 4,
      selector: policy => JSON.stringify(policy.metadata),
    });
    let [right, wrong] = [0, 0];
    await fc.assert(
      fc.asyncProperty(several, async policies => {
        const sources = policies.map((policy, index) => ({
          file: String(index),
          text: textOf(policy, index % 2 === 0),
        }));
        const { findings } = await judge(sources, { namespace: 'argo' });
        // That two want one client, only Keycloak tells the operator.
        const errors = findings.filter(
          ({ severity, rule }) => severity === 'error' && rule !== 'ClientIdTwice',
        );
        const expected = refused(policies);
        expect(new Set(errors.map(({ file }) => Number(file)))).toEqual(expected);
        wrong += expected.size;
        right += policies.length - expected.size;
      }),
      { numRuns: RUNS / 4, seed: SEED },
    );
    expect(right).toBeGreaterThan(RUNS / 10);
    expect(wrong).toBeGreaterThan(RUNS / 10);
  });
});
