/** How many characters must be changed, added or left out to make one text of another. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [at, character] of [...a].entries()) {
    const next = [at + 1];
    for (const [index, other] of [...b].entries()) {
      const changed = (row[index] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The word that somebody may have meant by another; undefined where none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const plain = word.toLowerCase().slice(0, 64);
  const near = words
    .map(each => ({ each, far: distance(plain, each.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far)[0];
  return near !== undefined && near.far <= Math.max(1, Math.floor(near.each.length / 3))
    ? near.each
    : undefined;
}
