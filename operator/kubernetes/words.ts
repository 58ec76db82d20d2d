const LONGEST = 200;

/** A message of others as part of one of our sentences: one line, at most 200 characters, without the full stop. */
export function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim().replace(/\.+$/, '');
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`;
}
