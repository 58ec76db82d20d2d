/** What stands for a text that only a server can tell, such as a uid. Nothing real begins like this. */
const UNKNOWN = 'known-after-apply';

/**
 * Stands for what a server will tell of something; the same for the same thing, and different for another.
 *
 * @param of names the thing
 */
export function unknownText(...of: readonly string[]): string {
  return [UNKNOWN, ...of].join('/');
}

/** Whether a text stands for what only a server can tell. */
export function isUnknownText(text: string): boolean {
  return text.startsWith(`${UNKNOWN}/`);
}
