const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its two greatest units, as kubectl shows ages: `45s`, `12m`, `5h30m`, `3d4h`, `40d`. */
export function span(ms: number): string {
  const rest = Math.max(0, Math.floor(ms / SECOND) * SECOND);
  if (rest < 2 * MINUTE) return `${rest / SECOND}s`;
  if (rest < 2 * HOUR) return `${Math.floor(rest / MINUTE)}m`;
  if (rest < 2 * DAY) return twoUnits(rest, HOUR, 'h', MINUTE, 'm');
  return rest < 10 * DAY ? twoUnits(rest, DAY, 'd', HOUR, 'h') : `${Math.floor(rest / DAY)}d`;
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** How far a time is from now: `3d ago`, `in 2h`, `now`. */
export function distance(at: number, now: number): string {
  if (Math.abs(at - now) < SECOND) return 'now';
  return at < now ? `${span(now - at)} ago` : `in ${span(at - now)}`;
}
