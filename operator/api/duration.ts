const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration written as in Go, such as `90s`, `5m` or `1h30m`; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/([0-9.]+)(ms|s|m|h)/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}

const count = (number: number, unit: string) => `${number} ${unit}${number === 1 ? '' : 's'}`;

/** A duration in milliseconds for people, such as `10 minutes` or `3 hours and 1 minute`; long ones in whole minutes. */
export function describeDuration(duration: number): string {
  const minutes = duration / 60_000;
  if (minutes < 120) return count(minutes, 'minute');
  const whole = Math.ceil(minutes);
  const hours = count(Math.floor(whole / 60), 'hour');
  return whole % 60 === 0 ? hours : `${hours} and ${count(whole % 60, 'minute')}`;
}
