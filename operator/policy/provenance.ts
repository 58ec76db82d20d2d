import { LABEL_POLICY, LABEL_POLICY_UID } from '../api/names.ts';
import type { Policy, ServiceAccount } from '../api/objects.ts';
import { argoRule } from './accounts.ts';
import { wantedRoles } from './desired.ts';

/** Where an account with a rule comes from. */
export type Provenance =
  | {
      readonly kind: 'role';
      readonly policy: string;
      readonly role: string;
      /** Whether the rule is another than the role's: the operator has not come to it yet, or holds it back. */
      readonly differs: boolean;
    }
  /** A policy made it, and wants it no more, or is not known here. */
  | { readonly kind: 'left'; readonly policy: string }
  | { readonly kind: 'hand' };

/** Finds the role of an account among the policies of its namespace. */
export function provenanceOf(account: ServiceAccount, policies: readonly Policy[]): Provenance {
  const { labels = {}, namespace, name } = account.metadata;
  const uid = labels[LABEL_POLICY_UID];
  if (uid === undefined) return { kind: 'hand' };
  const here = policies.filter(({ metadata }) => metadata.namespace === namespace);
  const policy = here.find(({ metadata }) => metadata.uid === uid);
  if (policy === undefined) return { kind: 'left', policy: labels[LABEL_POLICY] ?? '' };
  const neighbours = here.filter(each => each !== policy);
  const wanted = wantedRoles(policy, neighbours).find(({ serviceAccount }) => serviceAccount === name);
  if (wanted === undefined) return { kind: 'left', policy: policy.metadata.name };
  const differs = wanted.rule !== argoRule(account);
  return { kind: 'role', policy: policy.metadata.name, role: wanted.spec.name, differs };
}

/** Where an account comes from, in words. */
export function provenanceText(provenance: Provenance): string {
  switch (provenance.kind) {
    case 'role':
      return `policy ${provenance.policy}, role ${provenance.role}${provenance.differs ? ', whose rule is another' : ''}`;
    case 'left':
      return `left from policy ${provenance.policy}`;
    case 'hand':
      return 'made by hand';
  }
}
