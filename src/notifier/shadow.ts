/** Pages that follow each other in both address spaces and grant the same. Lengths and addresses are multiples of 4096. */
export interface MappedRun {
  readonly iova: number;
  readonly length: number;
  readonly address: number;
  readonly rights: number;
}

/** What changed between two states of a shadow. */
export interface ShadowChange {
  /** Ranges that are not mapped as they were: gone, moved, or granting something else. */
  readonly unmapped: readonly { iova: number; length: number }[];
  /** Runs that were not there before, or not so. */
  readonly mapped: readonly MappedRun[];
}

const endOf = (run: { iova: number; length: number }) => run.iova + run.length;

/** What has been announced to a notifier: runs in ascending order, neighbours joined. */
export class Shadow {
  #runs: MappedRun[] = [];

  get runs(): readonly MappedRun[] {
    return this.#runs;
  }

  /**
   * Replaces what stands in `[first, end)` and tells the difference: what stays as it was is in neither list.
   *
   * @param fresh - the runs that are to stand there, in ascending order and inside of the range
   */
  replace(first: number, end: number, fresh: readonly MappedRun[]): ShadowChange {
    const from = this.firstEndingAfter(first);
    let to = from;
    while (to < this.#runs.length && (this.#runs[to] as MappedRun).iova < end) to++;
    const old = this.#runs.slice(from, to);
    const inside = old.map((run) => clip(run, first, end));
    const outside = old
      .flatMap((run) => [clip(run, 0, first), clip(run, end, endOf(run))])
      .filter((run) => run.length > 0);
    const before = outside.filter((run) => run.iova < first);
    const after = outside.filter((run) => run.iova >= end);
    const neighbours = [this.#runs[from - 1], ...before, ...fresh, ...after, this.#runs[to]];
    const joined = join(neighbours.filter((run) => run !== undefined));
    const start = Math.max(from - 1, 0);
    splice(this.#runs, start, Math.min(to + 1, this.#runs.length), joined);
    return { unmapped: joinRanges(differing(inside, fresh)), mapped: join(differing(fresh, inside)) };
  }

  /** How many runs, give or take two, are not in `[first, end)`. */
  countOutside(first: number, end: number): number {
    const within = this.firstEndingAfter(end) - this.firstEndingAfter(first);
    return this.#runs.length - within;
  }

  /** Index of the first run that ends after an address. */
  private firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(this.#runs[middle] as MappedRun) <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `array.splice`, also for lists that are too long to be arguments. */
function splice(runs: MappedRun[], from: number, to: number, fresh: readonly MappedRun[]): void {
  if (fresh.length < 10_000) {
    runs.splice(from, to - from, ...fresh);
    return;
  }
  const tail = runs.slice(to);
  runs.length = from;
  for (const run of fresh) runs.push(run);
  for (const run of tail) runs.push(run);
}

function clip(run: MappedRun, first: number, end: number): MappedRun {
  const iova = Math.max(run.iova, first);
  const length = Math.max(Math.min(endOf(run), end) - iova, 0);
  return { iova, length, address: run.address + (iova - run.iova), rights: run.rights };
}

/** The parts of `runs` that `others` does not map in the same way. Both are in ascending order. */
function differing(runs: readonly MappedRun[], others: readonly MappedRun[]): MappedRun[] {
  const parts: MappedRun[] = [];
  let next = 0;
  for (const run of runs) {
    let at = run.iova;
    while (next < others.length && endOf(others[next] as MappedRun) <= at) next++;
    for (let index = next; index < others.length; index++) {
      const other = others[index] as MappedRun;
      if (other.iova >= endOf(run)) break;
      if (other.rights !== run.rights || other.address - other.iova !== run.address - run.iova) continue;
      if (other.iova > at) parts.push(clip(run, at, other.iova));
      at = Math.min(endOf(other), endOf(run));
    }
    if (at < endOf(run)) parts.push(clip(run, at, endOf(run)));
  }
  return parts;
}

function join(runs: readonly MappedRun[]): MappedRun[] {
  const joined: MappedRun[] = [];
  for (const run of runs) {
    const last = joined[joined.length - 1];
    const follows =
      last !== undefined &&
      endOf(last) === run.iova &&
      last.rights === run.rights &&
      last.address + last.length === run.address;
    if (follows) joined[joined.length - 1] = { ...last, length: last.length + run.length };
    else joined.push(run);
  }
  return joined;
}

function joinRanges(runs: readonly MappedRun[]): { iova: number; length: number }[] {
  const joined: { iova: number; length: number }[] = [];
  for (const { iova, length } of runs) {
    const last = joined[joined.length - 1];
    if (last !== undefined && endOf(last) === iova) last.length += length;
    else joined.push({ iova, length });
  }
  return joined;
}
