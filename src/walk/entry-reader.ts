import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import type { WalkObserver } from './observer.js';

/** Reads entries of one format from their tables, and checks their reserved bits. */
export class EntryReader {
  readonly #memory: GuestMemory;
  readonly #format: EntryFormat;
  readonly #reserved: Int32Array;

  constructor(memory: GuestMemory, capabilities: Capabilities, format: EntryFormat) {
    this.#memory = memory;
    this.#format = format;
    this.#reserved = reservedMask(format, capabilities);
  }

  /**
   * The 32-bit words of an entry, lowest first; `undefined` if any of it cannot be read.
   *
   * @param table - page number of the table, which may take several pages
   */
  read(table: number, index: number, observer: WalkObserver | null): readonly number[] | undefined {
    const { words: size } = this.#format;
    const words: number[] = [];
    for (let word = index * size; word < (index + 1) * size; word++) {
      if (!this.#memory.loadEntry(table + (word >> 9), word & 511)) break;
      words.push(this.#memory.lo, this.#memory.hi);
    }
    const readable = words.length === 2 * size;
    observer?.entry({
      format: this.#format,
      level: 0,
      frame: table,
      index,
      words: readable ? words : [],
      forTable: false,
    });
    return readable ? words : undefined;
  }

  /** Whether a reserved bit is set. */
  violates(words: readonly number[]): boolean {
    return words.some((word, at) => (word & (this.#reserved[at] as number)) !== 0);
  }
}
