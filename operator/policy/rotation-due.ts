import { CLOCK_SKEW, pendingRequest, rotatedAt } from './rotation-marks.ts';
import type { RotationView } from './rotation-view.ts';

/** A secret is replaced at the latest this long before Keycloak ends it, in milliseconds. */
const MAX_EXPIRY_MARGIN = 24 * 60 * 60_000;
/** The same as a part of the secret's whole life, for short ones. */
const EXPIRY_MARGIN_PART = 1 / 4;

/** Keycloak dates secrets by the second: two of the same second could not be told apart. In milliseconds. */
const LEAST_AGE = 2000;

/** Why a new secret is due. */
export type DueCause = 'Schedule' | 'Expiry' | 'Request';

/** The next time at which a new secret is due. */
export interface Due {
  readonly cause: DueCause;
  /** The time to show. */
  readonly at: number;
  /** The time from which to act. */
  readonly from: number;
}

/** By the schedule: the first tick that the present secret does not serve. */
export function scheduledAt(view: RotationView): number | undefined {
  const last = rotatedAt(view);
  if (view.rules === undefined || last === undefined) return undefined;
  const tick = view.rules.tickAfter(last + CLOCK_SKEW);
  return tick === undefined ? undefined : tick + view.rules.jitter;
}

/** How long the present secret lives, and how long before its end it is replaced. */
function lifeOf({ keycloak: { createdAt, expiresAt } }: RotationView) {
  if (expiresAt === undefined) return undefined;
  const life = Math.max(0, expiresAt - (createdAt ?? Number.NEGATIVE_INFINITY));
  return { expiresAt, life, margin: Math.min(MAX_EXPIRY_MARGIN, life * EXPIRY_MARGIN_PART) };
}

/** How long a secret serves until the next is due because Keycloak would end it; undefined where it ends none. */
export function servesFor(view: RotationView): number | undefined {
  const lived = lifeOf(view);
  return lived && lived.life - lived.margin;
}

/**
 * Early enough before Keycloak's own end of the secret for what may have to be waited for. Keycloak's clock may be wrong
 * by more than the secret's life: where it is ahead, the life counts from when the value came; where it is behind, a
 * secret that has just come is left for a while all the same, or each would be followed by the next at once.
 */
function beforeExpiry(view: RotationView): number | undefined {
  const lived = lifeOf(view);
  if (lived === undefined) return undefined;
  const { expiresAt, life, margin } = lived;
  const since = view.secret?.marks.since;
  if (since === undefined || isExpired(view)) return expiresAt - margin;
  const left = expiresAt - since;
  const atLeast = left > 0 ? Math.min(margin, left / 2) : margin;
  return Math.max(Math.min(expiresAt, since + life) - margin, since + atLeast);
}

/** In this part of the time in which it should be replaced, a secret that still waits for it is told to be ending. */
const NEAR_PART = 1 / 4;

/** Keycloak's end of the secret, where it is near and a new one was to come before; undefined where it is not. */
export function endsSoon(view: RotationView): number | undefined {
  const lived = lifeOf(view);
  const awaited = view.rules !== undefined || pendingRequest(view) !== undefined;
  if (lived === undefined || !awaited) return undefined;
  const { expiresAt, margin } = lived;
  return view.now >= expiresAt - margin * NEAR_PART ? expiresAt : undefined;
}

/** By Keycloak's own end of the secret. */
export function expiryDueAt(view: RotationView): number | undefined {
  return view.rules === undefined ? undefined : beforeExpiry(view);
}

/** When and why a new secret is due next; undefined where nothing asks for one. */
export function nextDue(view: RotationView): Due | undefined {
  const requested = pendingRequest(view)?.at;
  const candidates: readonly (readonly [DueCause, number | undefined, number])[] = [
    ['Request', requested, CLOCK_SKEW],
    ['Expiry', expiryDueAt(view), 0],
    ['Schedule', scheduledAt(view), 0],
  ];
  const settled = (view.secret?.marks.since ?? 0) + LEAST_AGE;
  const known = candidates.flatMap(([cause, at, early]) =>
    at === undefined ? [] : [{ cause, at, from: Math.max(at - early, settled) }],
  );
  return known.toSorted((a, b) => a.from - b.from)[0];
}

/**
 * Whether the secret's own life is over. Keycloak then refuses every secret of the client, the old one too (keycloak,
 * ClientIdAndSecretAuthenticator), so that there is nothing left to roll out or to wait for. Clocks alone do not tell:
 * the token endpoint has refused what Keycloak holds. Nor does that alone: long before its end a secret is refused for
 * another reason, which a new one would not mend.
 */
export function isExpired({ now, secret, keycloak: { expiresAt } }: RotationView): boolean {
  return secret?.proof === 'refused' && expiresAt !== undefined && expiresAt <= now + CLOCK_SKEW;
}

/** How long the old secret is left: `shown` in the status, and `over` once it surely is. */
export interface Overlap {
  readonly shown: number;
  readonly over: number;
  /** Whether the operator ends it, or Keycloak by itself. */
  readonly byUs: boolean;
}

/** The end of the last rollout, or the latest that it can have where nobody tells. */
function rolloutEnd(view: RotationView): number {
  const last = rotatedAt(view) ?? view.now;
  const { deployment, rolloutDeadline } = view;
  const told = deployment?.state === 'found' ? deployment.completedAt : undefined;
  return told === undefined ? last + rolloutDeadline : Math.max(last, told);
}

/** When the old secret must make room, as the new one is to be replaced before it ends; undefined where none is due. */
function roomNeededAt(view: RotationView): number | undefined {
  const end = beforeExpiry(view);
  if (end === undefined || view.rules !== undefined) return end;
  const asked = pendingRequest(view)?.at;
  return asked !== undefined && asked <= end ? end : undefined;
}

/**
 * The old secret's remaining time: what the policy wants, or what is left of the realm's period if that is shorter. Never
 * so long that the new one would end before there is room for the next.
 */
export function overlapOf(view: RotationView): Overlap | undefined {
  const { rotated } = view.keycloak;
  if (rotated === undefined || isExpired(view)) return undefined;
  const ends = rotated.expiresAt ?? Number.POSITIVE_INFINITY;
  if (ends + CLOCK_SKEW <= view.now) return undefined;
  // One that would never end by itself is ended as soon as nobody needs it.
  const atLeast = rotated.expiresAt === undefined ? 0 : Number.POSITIVE_INFINITY;
  const needed = roomNeededAt(view) ?? Number.POSITIVE_INFINITY;
  const wished = Math.min(rolloutEnd(view) + (view.overlap ?? atLeast), needed);
  const over = Math.min(wished, ends + CLOCK_SKEW);
  return { shown: Math.min(wished, ends), over, byUs: wished === over };
}
