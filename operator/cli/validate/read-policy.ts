import type { Policy } from '../../api/objects.ts';
import { policySchema } from '../../api/policy-schema.ts';
import type { Candidate } from './candidates.ts';
import { explainIssues } from './explain-issue.ts';
import { type Finding, fieldOf, type Place, pathOf } from './finding.ts';

/** A policy of which the schema approves, and where its fields are. */
export interface ReadPolicy {
  readonly policy: Policy;
  readonly placeOf: (field: string) => Place;
}

/** A policy, or what its schema finds wrong with it. */
export type Reading =
  | { readonly ok: true; readonly read: ReadPolicy }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Where something says what it is called: parts that are there are shown, right or wrong. */
function nameIn(value: unknown): string {
  const metadata = (value as { readonly metadata?: unknown } | null)?.metadata;
  const { namespace, name } = (metadata ?? {}) as { readonly namespace?: unknown; readonly name?: unknown };
  return [namespace, name].filter(part => typeof part === 'string').join('/');
}

/**
 * Judges a candidate by the schema.
 *
 * @param namespace of policies that name none; empty where it is not known
 * @param order its place among all candidates: of two policies, the first counts as the older
 */
export function readPolicy(candidate: Candidate, namespace: string, order: number): Reading {
  const { value, placeOf } = candidate;
  const { data, error } = policySchema.safeParse(value);
  if (error !== undefined) {
    const faults = explainIssues(error.issues, value);
    return {
      ok: false,
      findings: faults.map(({ path, message }) => ({
        ...placeOf(path),
        severity: 'error',
        rule: 'Schema',
        policy: nameIn(value),
        field: fieldOf(path),
        message,
      })),
    };
  }
  const metadata = {
    name: data.metadata.name,
    namespace: data.metadata.namespace ?? namespace,
    uid: String(order).padStart(9, '0'),
    resourceVersion: '',
  };
  const policy: Policy = { kind: 'ArgoAccessPolicy', metadata, spec: data.spec };
  return { ok: true, read: { policy, placeOf: field => placeOf(pathOf(field)) } };
}
