import type { Resource } from './paths.ts';

/** Leases (kubernetes, `api/coordination/v1`). */
export const LEASES: Resource = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  group: 'coordination.k8s.io',
  plural: 'leases',
};

/** What a Lease says about its holder; any of it may be missing in one that was made or edited by hand. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** A Lease as the API server has it; what else it holds goes back as it came. */
export interface Lease {
  readonly metadata: { readonly uid?: string };
  readonly spec?: LeaseSpec;
}

/** Who holds a Lease. The time tells one term from another, also where two processes go by one identity. */
export interface Holder {
  readonly identity: string;
  /** When the term began, by the holder's clock, as it stands in the Lease. */
  readonly acquireTime: string;
}

/** Seconds in a Lease that has been let go; one that is only without a holder may have lost it by hand. */
const RELEASED_SECONDS = 1;

/** A time as `MicroTime` is written (kubernetes, `apimachinery/pkg/apis/meta/v1/micro_time.go`). */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** Who the Lease says holds it; undefined for nobody. */
export function holderOf({ spec }: Lease): string | undefined {
  return spec?.holderIdentity === '' ? undefined : spec?.holderIdentity;
}

/** Whether the Lease says that this very term goes on. */
export function isHeldBy({ spec }: Lease, { identity, acquireTime }: Holder): boolean {
  return spec?.holderIdentity === identity && spec.acquireTime === acquireTime;
}

/** Whether the last holder has let the Lease go, so that nobody leads. */
export function isReleased(lease: Lease): boolean {
  return holderOf(lease) === undefined && lease.spec?.leaseDurationSeconds === RELEASED_SECONDS;
}

/** Tells states of the Lease from one another: a renewal and a Lease made anew differ, a label does not. */
export function stateOf({ metadata, spec }: Lease): string {
  return JSON.stringify([metadata.uid, spec]);
}

/** The spec by which a term begins or goes on. */
export function heldSpec(
  before: Lease | undefined,
  holder: Holder,
  renewTime: string,
  durationMs: number,
): LeaseSpec {
  const transitions = before?.spec?.leaseTransitions ?? 0;
  const goesOn = before !== undefined && isHeldBy(before, holder);
  return {
    ...before?.spec,
    holderIdentity: holder.identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: holder.acquireTime,
    renewTime,
    leaseTransitions: goesOn ? transitions : transitions + 1,
  };
}

/** The spec by which a holder lets go, as client-go's does (`tools/leaderelection`, `ReleaseOnCancel`). */
export function releasedSpec(before: Lease, renewTime: string): LeaseSpec {
  return { ...before.spec, holderIdentity: '', leaseDurationSeconds: RELEASED_SECONDS, renewTime };
}
