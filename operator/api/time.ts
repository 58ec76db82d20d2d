/** RFC 3339 with its seconds; a fraction is allowed, a date alone or a time without zone is not. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** A time in RFC 3339 as milliseconds since the epoch; undefined where the text is none. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined || !RFC_3339.test(text)) return undefined;
  const time = Date.parse(text);
  // A day that its month does not have is read as one of the next month.
  const day = Number(text.slice(8, 10));
  const exists =
    new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === day && text.slice(11, 13) !== '24';
  return exists && !Number.isNaN(time) ? time : undefined;
}

/** Milliseconds since the epoch in RFC 3339, in UTC; milliseconds only where they are not zero. */
export function formatTime(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
