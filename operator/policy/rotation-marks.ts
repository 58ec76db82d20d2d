import { parseTime } from '../api/time.ts';
import type { RotationMarks, RotationView } from './rotation-view.ts';

/** How far apart the clocks of operator, Keycloak and whoever asks may be, in milliseconds. */
export const CLOCK_SKEW = 5 * 60_000;

const NO_MARKS: RotationMarks = { created: undefined, since: undefined, handled: undefined };

/** A time that lies further ahead than clocks differ was told by a clock that was wrong. */
export function isBelievable({ now }: RotationView, time: number | undefined): time is number {
  return time !== undefined && time <= now + CLOCK_SKEW;
}

/** When the last request that was met asked for it; undefined where none was, or the mark is damaged. */
function handledAt({ secret }: RotationView): number | undefined {
  return parseTime(secret?.marks.handled);
}

/** Whether the request asks for an earlier time than the last one that was met: it may be that very one, or older. */
export function isOutdated(view: RotationView): boolean {
  const at = view.request?.at;
  const last = handledAt(view);
  return at !== undefined && last !== undefined && at < last;
}

/** The request that is still to be met. Each acts once: what is not later than the last one met has had its turn. */
export function pendingRequest(view: RotationView) {
  const { request, secret } = view;
  if (request === undefined || request.value === secret?.marks.handled) return undefined;
  return request.at !== undefined && request.at <= (handledAt(view) ?? Number.NEGATIVE_INFINITY)
    ? undefined
    : request;
}

/** Whether Keycloak has made another secret than the one that the Secret took over last. */
function isRegenerated({ keycloak, secret }: RotationView): boolean {
  const created = secret?.marks.created;
  return created !== undefined && created !== keycloak.createdAt;
}

/** Whether somebody else has written the value that the Secret holds. */
function isTouched({ secret }: RotationView): boolean {
  return secret?.isUntouched === false;
}

/**
 * Whether the Secret must take over what Keycloak has. Also where it holds that value already by somebody's hand:
 * the value is another one all the same, also where Keycloak does not date it, and Argo Server has not read it.
 */
export function differs(view: RotationView): boolean {
  return view.secret === undefined || !view.secret.holdsValue || isTouched(view) || isRegenerated(view);
}

/**
 * Whether the new secret that the Secret takes over is what was asked for. Where the Secret cannot tell, a secret
 * that Keycloak made since then is: one rotation too few can be asked for again, one too many cannot be undone.
 */
function meetsRequest(view: RotationView): boolean {
  const at = pendingRequest(view)?.at;
  if (!isBelievable(view, at)) return false;
  if (view.secret?.marks.created !== undefined) return isRegenerated(view);
  const { createdAt } = view.keycloak;
  return createdAt !== undefined && createdAt >= at - 2 * CLOCK_SKEW;
}

/** Whether a value that Keycloak dates follows on one of which nobody knows when it was made: it is a new one, too. */
function isFirstDated({ keycloak, secret }: RotationView): boolean {
  if (secret === undefined || secret.holdsValue) return false;
  const { created, since: known } = secret.marks;
  return created === undefined && known !== undefined && keycloak.createdAt !== undefined;
}

/** Whether somebody has set another value in Keycloak, which does not date it. */
function isSetByHand({ secret }: RotationView): boolean {
  return secret !== undefined && !secret.holdsValue && secret.isUntouched === true;
}

/**
 * When the value came. A new one comes now, whatever Keycloak's clock says: were that clock far behind, each new
 * secret would be taken for one that is overdue.
 */
function since(view: RotationView): number {
  if (isRegenerated(view) || isFirstDated(view) || isSetByHand(view)) return view.now;
  const known = view.secret?.marks.since;
  if (isBelievable(view, known)) return known;
  const { createdAt } = view.keycloak;
  return isBelievable(view, createdAt) ? createdAt : view.now;
}

/** The marks that the Secret should bear, written together with the value that they tell of. */
export function wantedMarks(view: RotationView): RotationMarks {
  const { handled } = view.secret?.marks ?? NO_MARKS;
  return {
    created: view.keycloak.createdAt,
    since: since(view),
    handled: meetsRequest(view) ? view.request?.value : handled,
  };
}

/** Whether two sets of marks say the same. */
export function sameMarks(a: RotationMarks, b: RotationMarks): boolean {
  return a.created === b.created && a.since === b.since && a.handled === b.handled;
}

/** The time up to which ticks of the schedule are served: when the present secret came, by whichever clock is later. */
export function rotatedAt(view: RotationView): number | undefined {
  const times = [view.keycloak.createdAt, view.secret?.marks.since].filter(time => isBelievable(view, time));
  return times.length === 0 ? undefined : Math.max(...times);
}
