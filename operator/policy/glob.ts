/**
 * Whether a text matches a glob as a whole. `*` stands for any characters but those in `barriers`; every other
 * character stands for itself. Takes time in proportion to both lengths multiplied, whatever the pattern.
 */
export function matchesGlob(glob: string, text: string, barriers: string): boolean {
  const pattern = glob.replace(/\*+/g, '*');
  let reachable = new Set([0]);
  for (const character of pattern) {
    reachable = character === '*' ? spread(reachable, text, barriers) : step(reachable, text, character);
    if (reachable.size === 0) return false;
  }
  return reachable.has(text.length);
}

function spread(from: ReadonlySet<number>, text: string, barriers: string): Set<number> {
  const result = new Set(from);
  for (let at = 0; at < text.length; at += 1) {
    if (result.has(at) && !barriers.includes(text.charAt(at))) result.add(at + 1);
  }
  return result;
}

function step(from: ReadonlySet<number>, text: string, character: string): Set<number> {
  const result = new Set<number>();
  for (const at of from) if (text.startsWith(character, at)) result.add(at + character.length);
  return result;
}
