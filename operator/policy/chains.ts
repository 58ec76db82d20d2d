import type { Change } from './change.ts';
import type { Plan } from './plan.ts';

/** The changes of a plan that are made one after the other, each only if the one before it could be made. */
export type Chain = keyof Plan;

/** All of them, in the order in which they are begun. */
export const CHAINS: readonly Chain[] = ['first', 'client', 'secret', 'server', 'restart', 'roles'];

const STEPS: ReadonlySet<Change['kind']> = new Set(['RegenerateSecret', 'EndOverlap']);

/** Whether the Secret does not follow Keycloak with these changes, but Keycloak is to make or end a secret. */
export function isStep(secret: readonly Change[]): boolean {
  return secret.some(({ kind }) => STEPS.has(kind));
}

/**
 * What of a chain there is to make, where others, or it, have failed in this reconcile. The Secret follows a client that
 * is ours, and Argo Server the Secret, whatever else of the client or of the settings cannot be changed; only a new
 * secret, and the end of an old one, wait for the client.
 */
export function openChanges(plan: Plan, chain: Chain, failed: Pick<ReadonlyMap<Chain, unknown>, 'has'>) {
  if (failed.has('first') || failed.has(chain)) return [];
  switch (chain) {
    case 'secret':
      return failed.has('client') && isStep(plan.secret) ? [] : plan.secret;
    case 'server':
      return failed.has('client') ? [] : plan.server;
    case 'restart':
      return failed.has('client') || failed.has('server') ? plan.restart : [];
    default:
      return plan[chain];
  }
}

/** Whether anything of a plan can be made yet. */
export function hasOpenChanges(plan: Plan, failed: Pick<ReadonlyMap<Chain, unknown>, 'has'>): boolean {
  return CHAINS.some(chain => openChanges(plan, chain, failed).length > 0);
}
