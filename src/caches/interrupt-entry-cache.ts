/** One entry takes eight words of {@link InterruptEntryCache.cells}, of which seven are used. */
export const CELL = {
  /** Index of the entry plus 1; 0 in a free place. */
  TAG: 0,
  /** What a requester's id is compared with, and which of its bits count; see `interrupts/source.ts`. */
  SOURCE: 1,
  SOURCE_MASK: 2,
  /** Flags, and from bit 8 on the condition that a request meets by this entry. 0 in a plain entry with a message. */
  STATE: 3,
  /** Low and high word: of the message's address, or of that of the posted-interrupt descriptor. */
  ADDRESS: 4,
  UPPER_ADDRESS: 5,
  /** Data of the message, or the virtual vector. */
  DATA: 6,
  WORDS: 8,
} as const;

const { TAG, WORDS } = CELL;

/** The interrupt-entry cache (§6.4): entries of the interrupt-remapping table by index. Direct-mapped. */
export class InterruptEntryCache {
  readonly cells: Int32Array;
  /** An entry's place is `index & mask`. */
  readonly mask: number;

  constructor(entries: number) {
    // without places nothing is ever found: one place that is never filled keeps the lookup free of a special case
    const places = Math.max(entries, 1);
    this.mask = places - 1;
    this.cells = new Int32Array(places * WORDS);
  }

  /** Entries in use. */
  get size(): number {
    let used = 0;
    for (let at = 0; at < this.cells.length; at += WORDS) if (this.cells[at | TAG] !== 0) used++;
    return used;
  }

  /** Where in {@link cells} an index has its place, whatever stands there. */
  place(index: number): number {
    return (index & this.mask) * WORDS;
  }

  /** Where in {@link cells} the entry of an index stands; -1 if it is not cached. */
  find(index: number): number {
    const at = this.place(index);
    return this.cells[at | TAG] === index + 1 ? at : -1;
  }

  dropAll(): void {
    this.cells.fill(0);
  }

  /** Drops 2^`mask` entries: the low `mask` bits of `index` count for nothing (§6.5.2.8). */
  dropIndices(index: number, mask: number): void {
    // no table has more entries than an index has values
    const count = mask < 16 ? 1 << mask : 0x1_0000;
    const first = index & -count;
    for (let each = first; each < first + count; each++) {
      const at = this.find(each);
      if (at >= 0) this.cells[at | TAG] = 0;
    }
  }
}
