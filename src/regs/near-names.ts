/** Edits (insert, delete, replace) that turn one word into another. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}

/** The up to five names most like a misspelt one, best first; a register prefix such as `CAP.` may be missing or wrong. */
export function nearNames(name: string, names: Iterable<string>): string[] {
  const bare = (full: string) => full.toUpperCase().slice(full.lastIndexOf('.') + 1);
  return [...names]
    .map((candidate) => ({
      candidate,
      edits: Math.min(
        distance(name.toUpperCase(), candidate.toUpperCase()),
        distance(bare(name), bare(candidate)) + 0.5,
      ),
    }))
    .sort((a, b) => a.edits - b.edits)
    .filter(({ edits }) => edits < 3)
    .slice(0, 5)
    .map(({ candidate }) => candidate);
}
