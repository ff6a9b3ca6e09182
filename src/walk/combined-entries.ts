/** Entries of {@link CombinedEntries}: each covers 2 MiB of input addresses. */
const PLACES = 64;

/** Told apart by it: what was cached before the last invalidation, and after it. One for all requesters of a unit. */
export interface Epoch {
  value: number;
}

/**
 * The cached last-level tables of a nested translation (§6.2.5, the combined PDE-cache): where the table that translates
 * 2 MiB of input addresses stands, as a host address, and the rights that are left there. A hit saves four walks of the
 * second stage. Any invalidation that could concern one of them ends them all.
 */
export class CombinedEntries {
  /** Of the entry that was found: the table's page number, its rights, and whether it may be written. */
  frame = 0;
  rights = 0;
  writable = 0;

  private readonly epoch: Epoch;
  private readonly frames = new Float64Array(PLACES);
  /** Four words an entry: the address bits 52:21 and 63:53, the rights and whether it is writable, the epoch. */
  private readonly words = new Int32Array(PLACES * 4);

  constructor(epoch: Epoch) {
    this.epoch = epoch;
  }

  /** Whether the table for an address is known. */
  find(hi: number, lo: number): boolean {
    const { words } = this;
    const low = (lo >>> 21) | (hi << 11);
    const place = low & (PLACES - 1);
    const at = place << 2;
    if (words[at] !== low || words[at | 1] !== hi >> 21 || words[at | 3] !== this.epoch.value) return false;
    const rights = words[at | 2] as number;
    this.frame = this.frames[place] as number;
    this.rights = rights & 7;
    this.writable = rights >> 3;
    return true;
  }

  insert(hi: number, lo: number, frame: number, rights: number, writable: number): void {
    const { words } = this;
    const low = (lo >>> 21) | (hi << 11);
    const place = low & (PLACES - 1);
    const at = place << 2;
    this.frames[place] = frame;
    words[at] = low;
    words[at | 1] = hi >> 21;
    words[at | 2] = rights | (writable << 3);
    words[at | 3] = this.epoch.value;
  }
}
