import { stringify } from 'yaml';
import type { LiveFormat } from '../options.ts';

/** Data for programs. */
export function asData(format: Exclude<LiveFormat, 'text'>, data: unknown): string {
  return format === 'json'
    ? `${JSON.stringify(data, null, 2)}\n`
    : stringify(data, { lineWidth: 0, aliasDuplicateObjects: false });
}
