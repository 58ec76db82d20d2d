/** A text of others in one line, without what a terminal could take for a command, cut to so many characters. */
export function cutShort(text: string, max: number): string {
  const characters = [...text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')];
  return characters.length <= max ? characters.join('') : `${characters.slice(0, max - 1).join('')}…`;
}

/** How much of an error is told, in characters. */
const MAX_ERROR = 200;

/** What the rule engine says of a rule, without the picture of it that follows. */
export function engineError(message: string): string {
  return cutShort(message.split('\n', 1)[0] ?? '', MAX_ERROR);
}
